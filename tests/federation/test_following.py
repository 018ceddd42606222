"""Following another node over real HTTP: what it logs arrives here, checked, as its own."""

import base64
import json
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from catalogue.models import Lookup
from federation import peering, pulling
from federation.models import Acceptance, Outcome, Peer, PeerState, PulledEntry, Run, RunState, Verdict
from incidents import log
from incidents.models import Incident, LogEntry, Publication
from incidents.publishing import publish
from tests import factories
from tests.stand_ins.node import Log

pytestmark = pytest.mark.django_db


def followed(node, acceptance=Acceptance.PUBLISH):
    return peering.add(vkey=node.log.vkey, node=node.address, acceptance=acceptance)


def pull(peer):
    run = pulling.pull_alone(peer)
    peer.refresh_from_db()
    return run


def verdicts(peer):
    rows = Outcome.objects.filter(entry__peer=peer).order_by("entry__index")
    return [outcome.verdict for outcome in rows]


def listed(**query):
    return [one["id"] for one in Client().get("/api/v1/incidents", query).json()["items"]]


class TestARecordOfAnotherNode:
    def test_is_shown_with_its_origin_in_its_own_words(self, node):
        record = node.log.publish(title="A model names a shop")
        mine = publish(factories.record())
        run = pull(followed(node))
        assert (run.state, run.counts) == (RunState.SUCCESS, {"keys": 1, "shown": 1})
        answer = Client().get(f"/api/v1/incidents/{record.id}")
        assert answer.json() == record.document()
        assert answer.json()["origin"] == "other.example"
        assert listed(origin="other.example") == [record.id]
        assert set(listed()) == {record.id, mine.incident.public_id}
        page = Client().get(f"/incidents/{record.id}/")
        assert b"other.example" in page.content

    def test_is_found_counted_checked_and_handed_on_with_the_changes(self, node):
        record = node.log.publish()
        pull(followed(node))
        client = Client()
        assert listed(q="shop") == [record.id]
        counted = client.get("/api/v1/statistics", {"by": "origin"}).json()
        assert "other.example" in json.dumps(counted)
        (change,) = client.get("/api/v1/changes").json()["entries"]
        assert (change["id"], change["origin"], change["index"]) == (record.id, "other.example", 1)
        asked = {"items": ["https://huggingface.co/example-org/tiny-chat"]}
        checked = client.post("/api/v1/check", asked, content_type="application/json")
        assert record.id in checked.content.decode()

    def test_never_enters_our_log(self, node):
        node.log.publish()
        publish(factories.record())
        pull(followed(node))
        assert LogEntry.objects.count() == 2
        assert Lookup.objects.get().alias.name == "example-org/tiny-chat"
        assert not list(log.problems())
        third = publish(factories.record())
        assert (third.number, third.entry_id) == (3, 2)

    def test_changes_where_its_origin_changes_it(self, node):
        record = node.log.publish()
        peer = followed(node)
        pull(peer)
        node.log.revise(record, title="Another shop altogether")
        pull(peer)
        assert Client().get(f"/api/v1/incidents/{record.id}").json()["title"] == "Another shop altogether"
        node.log.retract(record)
        assert pull(peer).state == RunState.SUCCESS
        assert listed() == []
        node.log.erase(record)
        pull(peer)
        assert Client().get(f"/api/v1/incidents/{record.id}").status_code == 410
        assert not PulledEntry.objects.filter(subject=record.id, revision__lt=4, object__body__isnull=False).exists()
        assert not list(log.problems())

    def test_comes_with_a_new_state_for_whoever_revalidates(self, node):
        publish(factories.record())
        client = Client()
        before = client.get("/api/v1/incidents")
        node.log.publish()
        pull(followed(node))
        again = client.get("/api/v1/incidents", headers={"If-None-Match": before["ETag"]})
        assert again.status_code == 200
        assert len(again.json()["items"]) == 2

    def test_is_no_entry_of_our_log_where_pages_and_citations_name_one(self, node):
        publish(factories.record())
        node.log.publish()
        pull(followed(node))
        here = Client()
        for page in ("/", "/origins/"):
            assert "Entry <strong>#1</strong>" in here.get(page).content.decode()
        state = "State 2 of what is public on test.faultline.example"
        assert (
            f"{state}, entry 1 of the log of other.example, signed object" in here.get("/incidents/").content.decode()
        )
        publish(factories.record())
        assert "Entry <strong>#2</strong>" in here.get("/").content.decode()
        listed_page = here.get("/incidents/").content.decode()
        assert "State 3 of what is public on test.faultline.example, entry 2 of the log of test" in listed_page
        assert "State of the public log at entry 1, signed" in here.get("/incidents/?as_of=1").content.decode()

    def test_leaves_a_past_state_as_it_was(self, node):
        mine = publish(factories.record()).incident.public_id
        node.log.publish()
        pull(followed(node))
        assert listed(as_of="1") == [mine]
        assert len(listed(as_of="2")) == 2


class TestAsking:
    def test_writes_nothing_where_nothing_is_new(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        rows = [model.objects.count() for model in (Run, PulledEntry, Outcome, Publication)]
        assert pull(peer) is None
        assert [model.objects.count() for model in (Run, PulledEntry, Outcome, Publication)] == rows


class TestPeering:
    def test_needs_a_key_of_a_log(self, node):
        with pytest.raises(CommandError, match="verifier key"):
            call_command("peer", "add", node.address, "--vkey", "nonsense")
        with pytest.raises(CommandError, match=r"keeps the log other.example/log"):
            call_command("peer", "add", node.address, "--vkey", Log("else.example").vkey)
        assert not Peer.objects.exists()

    def test_is_listed_paused_resumed_and_ended(self, node, capsys):
        node.log.publish()
        call_command("peer", "add", node.address, "--vkey", node.log.vkey, "--accept", "publish")
        call_command("peer", "pull", "other.example")
        call_command("peer", "list")
        assert "2 of 2 entries" in capsys.readouterr().out
        call_command("peer", "pause", "other.example")
        assert pulling.pull_due() == 0
        with pytest.raises(CommandError, match="is paused"):
            call_command("peer", "pull", "other.example")
        call_command("peer", "resume", "other.example")
        call_command("peer", "remove", "other.example")
        assert Peer.objects.get().state == PeerState.REMOVED
        assert Incident.objects.count() == 1
        call_command("peer", "add", node.address, "--vkey", node.log.vkey)
        assert Peer.objects.get().applied == 2

    def test_pins_the_key(self, node):
        node.log.publish()
        peer = followed(node)
        node.log = Log()
        node.log.publish()
        run = pull(peer)
        assert run.state == RunState.FAILED
        assert peer.size == 0
        assert "key" in run.error


class TestModeration:
    def test_a_record_waits_unless_the_peer_is_trusted_with_it(self, node):
        record = node.log.publish()
        peer = followed(node, Acceptance.MODERATE)
        pull(peer)
        assert verdicts(peer) == [Verdict.KEYS, Verdict.WAITING]
        assert listed() == []
        from federation import applying

        applying.accept(PulledEntry.objects.get(subject=record.id))
        assert listed() == [record.id]


class TestItsPage:
    def test_names_its_origin_and_proves_it_by_its_origins_log(self, node, tmp_path):
        record = node.log.publish()
        publish(factories.record())
        pull(followed(node))
        page = Client().get(f"/incidents/{record.id}/").content.decode()
        assert "shown here word for word as other.example signed it" in page
        assert "entry #1 of the log of other.example" in page
        assert "1 March 2026, 10:00 UTC" in page
        assert "other.example. (2026, March 1)." in page
        assert "From other.example" in Client().get("/incidents/").content.decode()
        proof = Client().get(f"/api/v1/incidents/{record.id}/proof")
        file = tmp_path / "proof.json"
        file.write_bytes(proof.content)
        command = [sys.executable, "verify/faultline_verify.py", "record", str(file), "--vkey"]
        assert subprocess.run([*command, node.log.vkey], check=False, capture_output=True).returncode == 0
        assert subprocess.run([*command, Log().vkey], check=False, capture_output=True).returncode == 1

    def test_of_an_erased_one_leads_to_what_its_origin_said(self, node):
        record = node.log.publish()
        peer = followed(node)
        pull(peer)
        node.log.erase(record)
        pull(peer)
        page = Client().get(f"/incidents/{record.id}/").content.decode()
        erasure = f"/mirror/{peer.origin_digest}/object/{node.log.last[record.id].obj}"
        assert f'public log of other.example: entry <a href="{erasure}">#2</a>' in page
        assert b"erasure" in base64.urlsafe_b64decode(Client().get(erasure).json()["payload"] + "==")
