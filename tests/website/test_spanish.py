"""The pages in Spanish: whole, with the numbers and dates of the language, and at no other cost."""

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from babel.messages.catalog import Message
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from catalogue.lookups import look_up_due
from catalogue.models import Lookup
from config import messages
from incidents import position
from incidents.publishing import ErasureReason, erase
from lib.limits import Limit
from reports import workflow
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.website.reading import Reading, english_in
from website import check
from website.public import answers as answers_module

BASE = "example-org/base-7b"
SHA = "607a30d783dfa663caf39e06633721c8d4cfcd7e"


@pytest.fixture
def pages(db: None, settings: Any) -> dict[str, int]:
    """One page of each type and its status, on a node where something of everything happened."""
    models = [
        example_model("example-org/tiny-chat", tags=[f"base_model:quantized:{BASE}"]),
        example_model(BASE, cardData={"license": "cc-by-nc-4.0"}, gated="manual"),
    ]
    with StandInHub(models) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        by = factories.senior_moderator()
        factories.published_case(
            by=by, reported=factories.report(models=(BASE,)), title="On the base", severity="high", occurred="2024-03"
        )
        named = (f"pkg:huggingface/example-org/tiny-chat@{SHA}", "example-org/other", "A model on no hub")
        case = factories.worded_case(by=by, reported=factories.report(models=named), other_ids=["AIID-313"])
        workflow.publish(case=case, by=by)
        look_up_due()
        hub.put(hub.models["example-org/tiny-chat"][0] | {"siblings": [], "gated": "auto", "cardData": {}})
        Lookup.objects.update(due_at=timezone.now())
        look_up_due()
        case.refresh_from_db()
        workflow.dispute(case=case, by=by, notice="The publisher disagrees.")
        withdrawn = factories.published_case(by=by, title="A record soon withdrawn")
        workflow.withdraw(case=withdrawn, by=by, notice="It was another model.")
    position.forget()
    shown = case.incident.public_id
    return {
        "/": 200,
        "/incidents/": 200,
        "/incidents/?q=shop&severity=low&status=disputed&as_of=3": 200,
        "/incidents/?density=table": 200,
        "/incidents/?density=compact": 200,
        "/incidents/?q=qwerty&severity=low": 200,
        f"/incidents/{shown}/": 200,
        f"/incidents/{shown}/changes/": 200,
        f"/incidents/{withdrawn.incident.public_id}/": 200,
        "/models/huggingface/example-org/tiny-chat/": 200,
        f"/models/huggingface/{BASE}/": 200,
        f"/families/huggingface/{BASE}/": 200,
        f"/compare/?m=example-org%2Ftiny-chat&m={BASE.replace('/', '%2F')}&m=no%2Fsuch": 200,
        "/organisations/": 200,
        "/organisations/huggingface/example-org/": 200,
        "/taxonomies/": 200,
        "/taxonomies/faultline/": 200,
        "/taxonomies/faultline/backdoor/": 200,
        "/taxonomies/mitre-atlas/": 200,
        "/taxonomies/mitre-atlas/AML.T0010.003/": 200,
        "/statistics/": 200,
        "/statistics/?by=category&over=occurred_year": 200,
        "/statistics/?by=severity": 200,
        "/statistics/?rates=organisation": 200,
        "/origins/": 200,
        "/data/": 200,
        "/about/": 200,
        "/check/": 200,
        "/api/docs": 200,
        "/api/problems/": 200,
        "/api/problems/bad-cursor": 200,
        f"/embed/incidents/{shown}/": 200,
        "/embed/models/huggingface/example-org/tiny-chat/": 200,
        "/nothing-here/": 404,
        "/incidents/?kind=x": 400,
        "/incidents/?severity=loud": 400,
        "/incidents/?as_of=never": 400,
        "/incidents/?occurred_from=never": 400,
        "/incidents/?cursor=x": 400,
        "/statistics/?by=shoe_size": 400,
        "/statistics/?rates=shoes": 400,
        "/organisations/?hub=nope": 400,
        "/compare/?m=a&m=b&m=c&m=d&m=e": 400,
        f"/incidents/{shown}/changes/?from=9": 400,
    }


def test_every_page_is_whole_in_spanish_at_no_other_cost(client: Client, pages: dict[str, int]) -> None:
    """No English is left; drawings have the numbers of the English ones, with their points; and no query is added."""
    catalogue = messages.read("es")
    translations = {text for one in catalogue for text in _strings(one)}
    known = {one.id for one in catalogue if isinstance(one.id, str)} - translations
    left: dict[str, str] = {}
    drawn = 0
    for path, status in pages.items():
        (english, cost), (spanish, same_cost) = _asked(client, path), _asked(client, f"/es{path}")
        assert (spanish.status_code, spanish["Content-Language"]) == (status, "es"), path
        assert same_cost == cost, path
        page, reading = spanish.content.decode(), Reading(spanish.content.decode())
        assert reading.language == "es", path
        left |= dict.fromkeys([*english_in(page), *(set(reading.texts) & known)], path)
        assert english_in(english.content.decode()), f"what is left on {path} would not be seen"
        assert reading.numbers == Reading(english.content.decode()).numbers, path
        drawn += len(reading.numbers)
    assert left == {}
    assert drawn > 100


def test_records_are_quoted_and_what_machines_read_is_the_same_from_every_page(
    client: Client, pages: dict[str, int]
) -> None:
    path = next(path for path in pages if path.startswith("/incidents/FL"))
    english, spanish = (client.get(before + path).content.decode() for before in ("", "/es"))
    assert '<h1 dir="auto" lang="en">' in spanish
    assert '<h1 dir="auto">' in english
    for pattern in (
        r'<script type="application/ld\+json">(.*?)</script>',
        r'<p class="cite"[^>]*>(.*?)</p>',
        r'<link rel="alternate" type="([^"]+" title="[^"]+" href="/api/[^"]+)"',
        r"<pre[^>]*><code>(@.*?)</code>",
    ):
        found = re.findall(pattern, english, re.DOTALL)
        assert found
        assert re.findall(pattern, spanish, re.DOTALL) == found
    english_card, spanish_card = client.get(f"{path}card.png"), client.get(f"/es{path}card.png")
    assert english_card["ETag"] != spanish_card["ETag"]
    assert english_card.content != spanish_card.content


def test_errors_and_answers_are_in_spanish_too(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, gone = factories.published_incident(), factories.published_incident()
    erase(gone.public_id, reason=ErasureReason.PERSON)
    name = shown.affected.get().name
    strict, asking = Client(enforce_csrf_checks=True), {"names": f"{name}\nno/such-model\n:::"}
    answers = {
        "erased": (client.get(f"/es/incidents/{gone.public_id}/"), 410),
        "checked": (client.post("/es/check/", asking), 200),
        "nothing asked": (client.post("/es/check/"), 400),
        "no bill": (client.post("/es/check/", {"bom": BytesIO(b"{}")}), 400),
        "forged": (strict.post("/es/report/"), 403),
        "another's name": (client.get("/es/about/", headers={"host": "elsewhere.example"}), 400),
    }
    monkeypatch.setattr(check, "_LIMIT", Limit(1, 3600))
    answers["too often"] = client.post("/es/check/", asking), 429
    monkeypatch.setattr(answers_module, "public_page", lambda *_: 1 / 0)
    answers["broken"] = Client(raise_request_exception=False).get("/es/about/"), 500
    for case, (answer, status) in answers.items():
        page = answer.content.decode()
        assert (case, answer.status_code) == (case, status)
        assert Reading(page).language == "es", case
        assert english_in(page) == [], case


def test_a_view_is_cited_the_same_in_every_language(client: Client, db: None) -> None:
    factories.published_incident()
    pattern, address = r'<p class="cite-text[^>]*>(.*?)</p>', "/incidents/?severity=low"
    english, spanish = (re.findall(pattern, client.get(before + address).content.decode()) for before in ("", "/es"))
    assert english == spanish
    assert "http://testserver/incidents/?" in english[0]


def test_dates_and_numbers_are_written_as_the_language_writes_them() -> None:
    from django.contrib.humanize.templatetags.humanize import intcomma

    from website.templatetags.record import reduced_date

    with translation.override("es"):
        assert reduced_date("2026-03-09") == "9 de marzo de 2026"
        assert reduced_date("2026-03") == "marzo de 2026"
        assert intcomma(1234567) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"
    assert reduced_date("2026-03-09T10:00:00Z") == "9 March 2026"
    assert reduced_date("2026-03") == "March 2026"
    assert intcomma(1234567) == "1,234,567"


# --- The catalogue ---------------------------------------------------------------------------------------------------
def test_every_message_is_translated() -> None:
    missing = [one.id for one in messages.read("es") if one.id and not all(_strings(one))]
    assert missing == []
    assert [one.id for one in messages.read("es") if one.fuzzy] == []


def test_placeholders_and_elements_are_the_same_on_both_sides() -> None:
    held = re.compile(r"%\(\w+\)[a-z]|%[ds]|\{\w+\}|</?[a-z]+\d?[^>]*>|&\w+;")
    for message in messages.read("es"):
        if not message.id or not all(_strings(message)):
            continue
        # A plural may leave out its number in the singular.
        source = message.id if isinstance(message.id, str) else message.id[-1]
        text = _strings(message)[-1]
        assert sorted(held.findall(text)) == sorted(held.findall(source)), message.id
        assert text[:1].isspace() == source[:1].isspace(), message.id


def _asked(client: Client, path: str) -> tuple[HttpResponse, int]:
    """The answer, and how many queries it cost."""
    position.forget()
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    return answer, len(queries)


def _strings(message: Message) -> Iterable[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])
