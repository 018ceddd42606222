"""Proofs over the API: what they say, and what is answered where there is none."""

import base64
import json

import pytest
from django.test import Client

from incidents import checkpoints
from incidents.publishing import ErasureReason, erase, publish
from lib import merkle
from lib.notes import parse_tree_head
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def researcher():
    return Client()


def hashes(texts):
    return [base64.b64decode(text) for text in texts]


def head(note):
    return parse_tree_head(note.partition("\n\n")[0] + "\n")


def test_a_record_is_proved_to_be_under_the_checkpoint(researcher):
    record = factories.record()
    for one in (factories.record(), record, factories.record()):
        publish(one)
    checkpoints.sign_due()
    proof = researcher.get(f"/api/v1/incidents/{record.id}/proof").json()
    assert (proof["schema"], proof["id"], proof["index"]) == ("faultline/proof/1", record.id, 2)
    signed = head(proof["checkpoint"])
    for part in (proof, proof["keys"]):
        leaf = merkle.leaf_hash(part["leaf"].encode())
        assert merkle.root_from_inclusion(part["index"], signed.size, leaf, hashes(part["inclusion"])) == signed.root


def test_before_the_next_checkpoint_there_is_no_proof_yet(researcher):
    record = factories.record()
    publish(record)
    answer = researcher.get(f"/api/v1/incidents/{record.id}/proof")
    assert (answer.status_code, answer.json()["type"]) == (503, "/api/problems/not-signed-yet")


@pytest.mark.parametrize("public_id", ["FL-2026-ZZZZZZZZ", "AIID-313", "keys", "%00"])
def test_what_is_not_in_the_log_has_none(researcher, public_id):
    publish(factories.record())
    checkpoints.sign_due()
    assert researcher.get(f"/api/v1/incidents/{public_id}/proof").status_code == 404


def test_of_an_erased_record_the_erasure_is_proved_and_the_record_is_gone(researcher):
    record = factories.record()
    publish(record)
    erase(record.id, reason=ErasureReason.PERSON)
    checkpoints.sign_due()
    proof = researcher.get(f"/api/v1/incidents/{record.id}/proof").json()
    assert json.loads(proof["leaf"])["op"] == "erase"
    gone = researcher.get(f"/api/v1/incidents/{record.id}")
    assert (gone.status_code, gone["Content-Type"]) == (410, "application/problem+json")
    page = researcher.get(f"/incidents/{record.id}/")
    assert page.status_code == 410
    assert "was erased" in page.content.decode()
    assert record.title not in page.content.decode()
    assert researcher.get("/api/v1/incidents?status=withdrawn").json()["items"] == []
    entries = researcher.get("/api/v1/changes").json()["entries"]
    assert [(entry["operation"], entry["document"], entry["digest"]) for entry in entries] == [
        ("publish", None, ""),
        ("erase", None, ""),
    ]


def test_one_tree_is_proved_to_continue_another(researcher):
    for _ in range(8):
        publish(factories.record())
    checkpoints.sign_due()
    proof = researcher.get("/api/v1/log/proof/consistency?from=3&to=7").json()
    roots = hashes([proof["from_root"], proof["to_root"]])
    merkle.check_consistency(3, roots[0], 7, roots[1], hashes(proof["proof"]))
    assert researcher.get("/api/v1/log/proof/consistency?from=9").json()["proof"] == []
    assert researcher.get("/api/v1/log/proof/consistency?from=3").json()["to"] == 9


@pytest.mark.parametrize(
    "query", ["", "from=0", "from=4&to=3", "from=1&to=99", "from=x", "from=1&to=-1", "from=1&x=1", "from=1&to=0"]
)
def test_sizes_that_there_are_not_are_refused(researcher, query):
    publish(factories.record())
    checkpoints.sign_due()
    answer = researcher.get(f"/api/v1/log/proof/consistency?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_the_page_of_a_record_shows_its_place_and_how_to_check_it(researcher):
    record = factories.record()
    publish(record)
    page = researcher.get(f"/incidents/{record.id}/").content.decode()
    assert "The next checkpoint" in page
    checkpoints.sign_due()
    page = researcher.get(f"/incidents/{record.id}/").content.decode()
    assert "<strong>leaf 1</strong>" in page
    assert "checkpoint of 2 entries" in page
    assert f"faultline_verify.py record {record.id}.proof.json" in page
