"""Every error is of a kind that stands in one table, has a page, and is in the documentation."""

import ast
import re
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse

from api import errors
from lib.problems import KINDS, PREFIX
from tests import factories

ROOT = Path(__file__).parents[2]


def raised():
    """The kinds that the code names: first arguments of Problem, TokenRefusedError and the like."""
    for path in [*(ROOT / "api").glob("*.py"), ROOT / "accounts" / "tokens.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Problem", "TokenRefusedError"}:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    status = next((one.value for one in node.keywords if one.arg == "status"), None)
                    yield path.name, first.value, getattr(status, "value", None)


def test_every_kind_that_is_raised_stands_in_the_table_with_its_status():
    found = list(raised())
    assert len(found) > 15
    for file, kind, status in found:
        assert kind in KINDS, f"{file} raises {kind}, which lib/problems.py does not know"
        if file != "tokens.py":
            assert KINDS[kind].status == (status or 400), (file, kind)


def test_the_documentation_has_a_paragraph_for_each():
    page = (ROOT / "docs" / "api.md").read_text()
    for kind, about in KINDS.items():
        assert f"| `{kind}` | {about.status} | {about.title} |" in page


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_leads_to_a_page_that_explains_it(client, kind):
    page = client.get(errors.body(kind, KINDS[kind].status, "")["type"])
    assert page.status_code == 200
    assert KINDS[kind].title.replace("'", "&#x27;") in page.content.decode()
    assert "no-store" not in page["Cache-Control"]


def test_all_kinds_have_a_page_together_and_others_have_none(client):
    page = client.get(PREFIX).content.decode()
    assert all(reverse("website:problem", args=[kind]) in page for kind in KINDS)
    assert client.get(f"{PREFIX}nonsense").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["/api/v1/incidents", "/api/v1/taxonomies"])
def test_a_question_that_takes_too_long_is_a_503_with_when_to_come_back(client, address):
    factories.published_incident()
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as locking, connection.cursor() as cursor:
        locking.execute("LOCK TABLE incidents_publication IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET statement_timeout = 200")
        answer = client.get(address)
        cursor.execute("RESET statement_timeout")
    other.rollback()
    other.close()
    assert (answer.status_code, answer.json()["type"]) == (503, "/api/problems/busy")
    assert int(answer["Retry-After"]) > 0
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_a_503_too(client, monkeypatch):
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nowhere")
        for address in ("/api/v1/incidents", "/api/v1/changes", "/api/v1/models/huggingface/org/name"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["type"]) == (503, "/api/problems/unavailable")
    connection.close()
    assert client.get("/api/v1/incidents").status_code == 200


@pytest.mark.parametrize("address", ["/api/v1/incidents?q=", "/api/nothing?"])
def test_an_address_that_is_too_long_is_a_414(client, address):
    answer = client.get(address + "a" * 9000)
    assert (answer.status_code, answer.json()["type"]) == (414, "/api/problems/uri-too-long")


@pytest.mark.django_db
def test_a_part_that_should_be_a_file_and_is_text_is_refused_and_not_lost(client):
    report = '{"models": ["a/b"], "category": "bias", "text": "' + "It is so. " * 5 + '"}'
    answer = client.post("/api/v1/reports", {"report": report, "evidence": "not a file"})
    assert answer.status_code == 422
    assert re.search("not a file", answer.json()["errors"][0]["message"])
