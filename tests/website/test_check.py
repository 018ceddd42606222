"""Am I affected, asked on a page."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from incidents import publishing
from incidents.record import AffectedModel, AffectedStatus, Match
from lib.limits import Limit
from tests import factories
from tests.website.test_pages import problems_of, text_of
from website import check

pytestmark = pytest.mark.django_db

SHA = "ab" * 20
NAME = "example-org/tiny-chat"


def publish(**changes):
    affected = AffectedModel(hub="huggingface", name=NAME, revision=SHA, match=Match.REVISION)
    return publishing.publish(factories.record(**{"affected": (affected,)} | changes)).incident


def ask(names="", bom=None, **more):
    # Without a session, a cookie or a token against forgery: a reader who has never been here.
    client = Client(enforce_csrf_checks=True)
    fields = {"names": names} | more
    if bom is not None:
        content = bom if isinstance(bom, bytes) else json.dumps(bom).encode()
        fields["bom"] = SimpleUploadedFile("bom.json", content)
    return client.post("/check/", fields)


def bill(*components):
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": list(components)}


def component(**fields):
    return {"type": "machine-learning-model", "bom-ref": "m-1", "name": "tiny-chat"} | fields


def test_lines_are_answered_with_the_records_and_how_exactly_they_match():
    incident = publish(title="Chat model recommends one shop")
    response = ask(f"pkg:huggingface/{NAME}@{SHA}\n\norg/unheard-of\nwhat is this?\n")
    assert response.status_code == 200
    assert problems_of(response.content.decode()) == []
    said = text_of(response)
    assert "1 of 3 is, or may be, affected" in said
    assert "Chat model recommends one shop" in said
    assert "Match: this very revision" in said
    assert f'href="/incidents/{incident.public_id}/"' in response.content.decode()
    assert "1 without a record" in said
    assert "1 line not understood" in said


def test_nothing_is_stored_kept_or_set():
    publish()
    for response in (Client().get("/check/"), ask(NAME)):
        assert response["Cache-Control"] == "no-store"
        assert response.cookies == {}
    assert "csrf" not in Client().get("/check/").content.decode()


def test_a_bill_of_materials_is_read_component_by_component():
    publish()
    response = ask(
        bom=bill(
            component(purl=f"pkg:huggingface/{NAME}@{SHA}"),
            {"type": "library", "name": "requests", "purl": "pkg:pypi/requests@2"},
        )
    )
    assert "1 of 2 is, or may be, affected" in text_of(response)
    assert "2 looked at" in text_of(response)


def test_the_answer_can_be_had_as_cyclonedx_with_vulnerabilities():
    incident = publish()
    response = ask(bom=bill(component(purl=f"pkg:huggingface/{NAME}@{SHA}")), **{"as": "cyclonedx"})
    assert response["Content-Type"] == "application/vnd.cyclonedx+json"
    assert response["Content-Disposition"] == 'attachment; filename="faultline-check.cdx.json"'
    assert response["Cache-Control"] == "no-store"
    (found,) = response.json()["vulnerabilities"]
    assert (found["id"], found["affects"]) == (incident.public_id, [{"ref": "m-1"}])


def test_a_model_that_a_record_calls_not_affected_is_not_called_affected():
    affected = AffectedModel(
        hub="huggingface", name=NAME, revision=SHA, match=Match.REVISION, status=AffectedStatus.NOT_AFFECTED
    )
    publish(affected=(affected,))
    said = text_of(ask(f"{NAME}@{SHA}"))
    assert "Nothing of what you run is affected, as far as the records say" in said
    assert "Not affected" in said


@pytest.mark.parametrize(
    ("names", "bom", "sentence"),
    [
        ("", None, "Write at least one model or file"),
        ("  \n ", None, "Write at least one model or file"),
        ("\n".join(f"org/model-{number}" for number in range(1001)), None, "At most 1000 lines"),
        ("x" * 2001, None, "A line has at most 2000 characters"),
        ("", b"{", "not JSON that can be read"),
        ("", b"", "not JSON that can be read"),
        ("", b"\xff\xfe", "not JSON that can be read"),
        ("", b"[" * 100_000, "not JSON that can be read"),
        ("", b"[]", "A bill of materials is a JSON object"),
        ("", b'{"bomFormat": "other"}', "neither CycloneDX"),
        ("", b"x" * 20_000_001, "larger than 20 MB"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(names, bom, sentence):
    response = ask(names, bom)
    assert response.status_code == 400
    assert sentence in text_of(response)
    assert problems_of(response.content.decode()) == []


@pytest.mark.parametrize("name", ["\x00", "<script>alert(1)</script>", "\ud83d", "%s", "pkg:huggingface/a/b@\u202e"])
def test_no_text_breaks_the_page(name):
    publish()
    found = component(**{"bom-ref": name}, purl=f"pkg:huggingface/{NAME}@{SHA}") | {"name": name}
    named = [{"alg": "SHA-256", "content": name}]
    strange = component(**{"bom-ref": ""}, purl=f"pkg:huggingface/org/{name}", group=name, hashes=named)
    response = ask(bom=bill(found, strange))
    assert response.status_code == 200
    assert ask(bom=bill(found, strange), **{"as": "cyclonedx"}).status_code == 200
    assert problems_of(response.content.decode()) == []


def test_a_network_that_checks_very_often_is_asked_to_wait(monkeypatch):
    monkeypatch.setattr(check, "_LIMIT", Limit(2, 3600))
    client = Client(REMOTE_ADDR="203.0.113.9")
    answers = [client.post("/check/", {"names": "org/name"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert client.get("/check/").status_code == 200


def test_a_thousand_lines_cost_as_many_queries_as_one(django_assert_max_num_queries):
    publish()
    ask("org/warm")
    with django_assert_max_num_queries(12):
        ask("\n".join(f"org/model-{number}" for number in range(1000)))
