"""Any node serves any log that it follows: what it says can be read, and checked, while its origin is away."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from federation import auditing, peering
from federation.models import Acceptance, Mirror, Outcome, Peer, PulledEntry, RunState
from incidents import checkpoints
from incidents.keys import Purpose
from incidents.models import Fact, HarvestRow, Incident, Publication, SearchRow
from incidents.publishing import publish
from lib.canonical import digest
from tests import factories
from tests.federation.test_following import followed, listed, pull
from tests.stand_ins.node import Entry, Log, Node

pytestmark = pytest.mark.django_db

HERE = f"/mirror/{digest(b'other.example/log')}"


def test_a_mirror_has_the_very_files_of_the_log(node):
    for _ in range(3):
        record = node.log.publish()
    node.log.erase(record)
    pull(followed(node))
    for path in (
        "checkpoint",
        "tile/entries/000.p/5",
        "tile/entries/000.p/2",
        "tile/0/000.p/5",
        "objects/000.p/5",
        f"object/{node.log.last[record.id].obj}",
    ):
        if path == "checkpoint":
            assert Client().get(f"{HERE}/{path}").content.decode() == PulledEntry.objects.first().peer.mirror.note
            continue
        assert Client().get(f"{HERE}/{path}").content == node.log.file(path), path
    erased = PulledEntry.objects.get(subject=record.id, revision=1).object_digest
    assert Client().get(f"{HERE}/object/{erased}").status_code == 410
    for path in ("tile/0/000.p/6", "tile/entries/000", "tile/1/000", f"object/{'0' * 64}"):
        assert Client().get(f"{HERE}/{path}").status_code == 404
    assert Client().get(f"/mirror/{'0' * 64}/checkpoint").status_code == 404


def test_our_own_log_lies_beside_them(settings):
    publish(factories.record())
    checkpoints.sign_due()
    own = f"/mirror/{digest(settings.LOG_ORIGIN.encode())}"
    assert Client().get(f"{own}/checkpoint").content == Client().get("/log/checkpoint").content


class TestWhileTheOriginIsAway:
    """13: what comes by a relay verifies by the origin's keys, and no relay can sign for it."""

    @pytest.fixture
    def relay(self, node):
        relay = Node(Log("relay.example"))
        relay.mirrors[digest(node.log.origin.encode())] = node.log
        yield relay
        relay.stop()

    def test_its_log_is_read_from_a_peer_that_mirrors_it(self, node, relay):
        record = node.log.publish()
        peer = followed(node)
        pull(peer)
        pull(followed(relay))
        node.log.revise(record, title="Corrected before it went away")
        node.stop()
        run = pull(peer)
        assert run.state == RunState.SUCCESS
        assert run.via == f"{relay.address}/mirror/{peer.origin_digest}"
        assert node.address in peer.last_error
        assert Client().get(f"/api/v1/incidents/{record.id}").json()["title"] == "Corrected before it went away"

    def test_a_mirror_alone_is_enough_to_follow_it(self, node, relay):
        record = node.log.publish()
        node.stop()
        address = f"{relay.address}/mirror/{digest(node.log.origin.encode())}"
        peer = peering.add(vkey=node.log.vkey, log=address, acceptance=Acceptance.PUBLISH)
        assert pull(peer).state == RunState.SUCCESS
        assert listed(origin="other.example") == [record.id]

    def test_a_relay_cannot_sign_for_it(self, node, relay):
        record = node.log.publish()
        address = f"{relay.address}/mirror/{digest(node.log.origin.encode())}"
        peer = peering.add(vkey=node.log.vkey, log=address, acceptance=Acceptance.PUBLISH)
        pull(peer)
        true = node.log.private
        node.log.private = relay.log.private
        node.log.revise(record, title="What the relay would like")
        assert pull(peer).state == RunState.FAILED
        # Not even under a checkpoint that the origin signed.
        node.log.private = {**relay.log.private, Purpose.LOG: true[Purpose.LOG]}
        assert pull(peer).state == RunState.PARTIAL
        assert Client().get(f"/api/v1/incidents/{record.id}").json() == record.document()

    def test_whoever_goes_on_without_an_answer_says_so(self, node, relay):
        node.log.publish()
        peer = followed(node)
        relay.mirrors.clear()
        pull(followed(relay))
        node.stop()
        run = pull(peer)
        assert run.state == RunState.FAILED
        assert node.address in run.error
        assert Peer.objects.get(pk=peer.pk).due_at > run.ended_at


class TestWithdrawal:
    """1: what its origin takes back is gone here, and wherever it was handed on."""

    def test_hides_it_and_harvesters_hear_of_it(self, node):
        record = node.log.publish()
        peer = followed(node)
        pull(peer)
        sets = re.findall(r"<setSpec>(.*?)</setSpec>", Client().get("/oai", {"verb": "ListSets"}).content.decode())
        theirs = next(one for one in sets if "other" in one)
        asked = {"verb": "ListRecords", "metadataPrefix": "oai_dc", "set": theirs}
        assert record.title in Client().get("/oai", asked).content.decode()
        node.log.retract(record)
        pull(peer)
        said = Client().get("/oai", asked).content.decode()
        assert 'status="deleted"' in said
        assert record.id in said
        assert listed() == []
        assert listed(status="withdrawn") == [record.id]

    def test_leaves_nothing_of_an_erased_record(self, node):
        record = node.log.publish(title="Canary of yellow feathers")
        peer = followed(node)
        pull(peer)
        node.log.revise(record, title="Canary of red feathers")
        pull(peer)
        objects = list(PulledEntry.objects.filter(subject=record.id).values_list("object_digest", flat=True))
        node.log.erase(record)
        pull(peer)
        gone = [f"/api/v1/incidents/{record.id}", f"/incidents/{record.id}/"]
        gone += [f"{HERE}/object/{one}" for one in objects]
        for path in gone:
            assert Client().get(path).status_code == 410, path
        for path in ("/api/v1/changes", "/api/v1/incidents?status=withdrawn", "/feeds/archive.atom", "/incidents/"):
            assert "Canary" not in Client().get(path).content.decode()
        assert "Canary" not in "".join(map(str, Incident.everything.values_list("title", flat=True)))
        assert not list(auditing.problems())


class TestAudit:
    """17: a row that somebody deleted or changed by hand is found."""

    @pytest.fixture
    def peer(self, node):
        record = node.log.publish()
        node.log.revise(record)
        node.log.publish(id="FL-2026-0000000A")
        node.log.erase(node.log.publish(id="FL-2026-0000000B"))
        node.log.retract(node.log.publish(id="FL-2026-0000000C"))
        node.log.entries.append(Entry(b"no leaf", b"{}"))
        publish(factories.record())
        peer = followed(node)
        pull(peer)
        return peer

    @pytest.mark.usefixtures("peer")
    def test_says_that_all_holds(self, capsys):
        call_command("audit_peers")
        assert "9 entries kept, 9 took effect, all of it holds" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            (lambda: SearchRow.objects.filter(incident__public_id="FL-2026-0000000A").delete(), "missing from search"),
            (lambda: Fact.objects.filter(incident__public_id="FL-2026-0000000A").delete(), "missing from counts"),
            (lambda: HarvestRow.objects.filter(incident__public_id="FL-2026-0000000A").delete(), "from harvests"),
            (lambda: Outcome.objects.filter(entry__subject="FL-2026-0000000A").delete(), "what became of it"),
            (lambda: Incident.objects.filter(public_id="FL-2026-0000000A").update(document=b"{}"), "is not the last"),
            (lambda: Incident.objects.filter(public_id="FL-2026-0000000A").update(origin="x.example"), "no such peer"),
            (lambda: Peer.objects.update(root=bytes(32)), "the root that was verified"),
            (lambda: Mirror.objects.update(note="x"), "handed on is not of this tree"),
            (
                lambda: factories.rewrite(PulledEntry.objects.filter(index=3), leaf=b"another"),
                "hash 3 of level 0",
            ),
            (
                lambda: factories.rewrite(
                    Publication.objects.filter(incident__public_id="FL-2026-0000000A"), document=b"{}"
                ),
                "is not the one in the signed object",
            ),
        ],
    )
    @pytest.mark.usefixtures("peer")
    def test_names_what_does_not(self, harm, said, capsys):
        harm()
        with pytest.raises(CommandError, match="does not hold"):
            call_command("audit_peers")
        assert said in capsys.readouterr().out
