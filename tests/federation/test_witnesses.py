"""Peers as witnesses, over real HTTP: what is read whole is cosigned, returned, and served beside the signature."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from federation import cosignatures, peering, views, witnessing
from federation.models import Cosignature, Cosigning, Evidence, Peer
from incidents import checkpoints, log
from incidents.checkpoints import note_keys
from incidents.keys import Purpose
from incidents.publishing import publish
from incidents.sequencing import current_keys
from lib import jws
from lib.limits import Limit
from lib.notes import COSIGNATURE, NoteKey, TreeHead, cosign, last_cosignature, open_note, parse_key, sign_note
from tests import factories
from tests.federation.test_following import followed, pull
from tests.stand_ins.node import Log, Node
from tests.verify.test_faultline_verify import proof_of, verify, vkey, written

pytestmark = pytest.mark.django_db


def grown():
    """Our log with one more record, under a checkpoint."""
    publish(factories.record())
    return checkpoints.sign_due()


def ours():
    return Client().get("/log/checkpoint").content.decode()


def stated_key():
    return parse_key(Client().get("/.well-known/faultline.json").json()["witness"]["vkey"])


class TestCosigning:
    @pytest.fixture
    def peer(self, node):
        node.log.publish()
        grown()
        return followed(node)

    def test_returns_what_was_read_to_its_end_once_by_the_key_that_the_node_document_states(self, node, peer):
        assert witnessing.return_due() == 0
        pull(peer)
        before = int(time.time())
        assert witnessing.return_due() == 1
        assert witnessing.return_due() == 0
        ((path, _, body),) = node.posted
        assert path == cosignatures.PATH
        note = body.decode()
        assert note.startswith(node.log.checkpoint())
        assert open_note(note, [stated_key()]) == str(TreeHead(node.log.origin, 2, node.log.root(2)))
        said = last_cosignature(note)
        assert (said.name, before <= said.at <= time.time()) == (settings.NODE_NAME, True)
        node.log.publish()
        pull(peer)
        assert witnessing.return_due() == 1
        assert "\n3\n" in node.posted[-1][2].decode()

    def test_waits_ever_longer_for_a_node_that_is_gone_and_then_says_the_last_only(self, node, peer):
        pull(peer)
        node.takes = 503
        assert witnessing.return_due() == 0
        row = Cosigning.objects.get()
        assert (row.last_error, row.due_at > timezone.now()) == ("status 503", True)
        node.log.publish()
        pull(peer)
        assert witnessing.return_due() == 0
        assert len(node.posted) == 1
        node.takes = 200
        Cosigning.objects.update(due_at=timezone.now())
        assert witnessing.return_due() == 1
        assert last_cosignature(node.posted[-1][2].decode()).line
        assert "\n3\n" in node.posted[-1][2].decode()

    def test_does_not_insist_where_it_counts_for_nothing(self, node, peer):
        pull(peer)
        node.takes = 403
        witnessing.return_due()
        assert Cosigning.objects.get().due_at > timezone.now() + timedelta(minutes=50)

    def test_does_not_vouch_for_less_than_was_seen_nor_for_who_contradicted_itself(self, node, peer):
        pull(peer)
        Peer.objects.update(seen=3)
        assert witnessing.return_due() == 0
        Peer.objects.update(seen=2, distrusted_at=timezone.now())
        assert witnessing.return_due() == 0
        peering.trust_again("other.example")
        assert witnessing.return_due() == 1
        assert len(node.posted) == 1


def cosigned(theirs, note=None, name=None, purpose=Purpose.LOG, at=None):
    """A checkpoint of ours as a peer returns it."""
    note = note or checkpoints.latest().note
    return note + cosign(note, name or theirs.name, theirs.private[purpose], at=int(time.time()) if at is None else at)


def broken(line):
    """A signature line some of whose last bytes are others."""
    dash, name, signature = line.split(" ")
    return f"{dash} {name} {signature[:-12]}{'A' * 8}{signature[-4:]}"


def page(path):
    return " ".join(Client().get(path).content.decode().split())


def post(note):
    return Client().post(cosignatures.PATH, note, content_type="text/plain")


class TestBeingCosigned:
    @pytest.fixture
    def peer(self, node):
        grown()
        return followed(node)

    @pytest.mark.usefixtures("peer")
    def test_is_served_beside_our_signature_and_counted(self, node):
        before, note = ours(), cosigned(node.log)
        answer = post(note)
        assert (answer.status_code, answer.json()) == (200, {"kept": True})
        assert post(note).json() == {"kept": False}
        assert ours() == note != before
        witness = NoteKey(node.log.name, jws.public_bytes(node.log.private[Purpose.LOG]), COSIGNATURE)
        assert open_note(ours(), [witness]) == open_note(ours(), note_keys(current_keys()))
        assert not list(log.problems())
        said = Client().get("/api/v1/peers").json()
        assert (said["witnesses"], said["items"][0]["cosigned"]) == (1, 2)

    @pytest.mark.usefixtures("peer")
    def test_stands_until_the_log_grows_and_the_newest_counts(self, node):
        first = cosigned(node.log)
        post(first)
        grown()
        assert ours() == checkpoints.latest().note
        later = cosigned(node.log)
        assert post(later).json() == {"kept": True}
        assert post(first).json() == {"kept": False}
        assert ours() == later
        peering.remove("other.example")
        assert ours() == checkpoints.latest().note
        assert Client().get("/api/v1/peers").json()["witnesses"] == 0

    @pytest.mark.parametrize(
        "wrong", ["other key", "other name", "time to come", "no time at all", "other size", "other root", "their log"]
    )
    @pytest.mark.usefixtures("peer")
    def test_counts_for_nothing_where_it_is_not_what_it_must_be(self, node, wrong):
        theirs, last = node.log, checkpoints.latest()
        if wrong == "other key":
            note = cosigned(theirs, purpose=Purpose.HTTP)
        elif wrong == "other name":
            note = cosigned(theirs, name="third.example")
        elif wrong == "time to come":
            note = cosigned(theirs, at=int(time.time()) + 3600)
        elif wrong == "no time at all":
            note = cosigned(theirs, at=2**64 - 1)
        elif wrong == "other size":
            note = cosigned(theirs, note=last.note.replace("\n2\n", "\n1\n"))
        elif wrong == "other root":
            head = TreeHead(settings.LOG_ORIGIN, last.size, b"x" * 32)
            note = cosigned(theirs, note=sign_note(str(head), [(settings.LOG_ORIGIN, theirs.private[Purpose.LOG])]))
        else:
            note = cosigned(theirs, note=theirs.checkpoint())
        answer = post(note)
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
        assert not Cosignature.objects.exists()
        assert ours() == last.note

    @pytest.mark.parametrize("body", [b"", b"\xff", b"x\n\ny\n", b"a\n1\nb\n\n\xe2\x80\x94 a AAAA\n"])
    def test_that_cannot_be_read_is_said_to_be_so(self, body):
        assert post(body).status_code == 400

    def test_of_nobody_we_follow_is_refused_and_all_is_bounded(self, node, monkeypatch):
        grown()
        monkeypatch.setattr(views, "_NOTICES", Limit(2, 3600))
        assert post(cosigned(node.log)).status_code == 403
        assert post("x" * 20_000).status_code == 413
        assert post(b"").status_code == 429


class TestANoteWithMoreLines:
    """Whoever pins the origin's key passes over the lines of others."""

    def test_is_read_followed_and_handed_on(self, node):
        third = Log("third.example")
        node.log.publish()
        node.faults["checkpoint"] = lambda content: (200, cosigned(third, note=content.decode()).encode())
        grown()
        peer = followed(node)
        pull(peer)
        assert (peer.size, peer.last_error) == (2, "")
        kept = Client().get(f"/mirror/{peer.origin_digest}/checkpoint").content.decode()
        assert last_cosignature(kept).name == "third.example"
        assert witnessing.return_due() == 1
        returned = node.posted[-1][2].decode()
        assert "third.example" not in returned
        assert open_note(returned, [peer.key])

    def test_shows_the_same_contradiction_once_however_often_it_is_cosigned(self, node):
        third = Log("third.example")
        node.log.publish()
        peer = followed(node)
        pull(peer)
        fork = Log()
        fork.private, fork.keys, fork.entries = node.log.private, node.log.keys, node.log.entries[:1]
        fork.publish()
        fork.publish()
        forked = Node(fork)
        Peer.objects.update(log_address=f"{forked.address}/log")
        at = iter(range(100, 200))
        forked.faults["checkpoint"] = lambda content: (
            200,
            cosigned(third, note=content.decode(), at=next(at)).encode(),
        )
        for _ in range(2):
            peer.refresh_from_db()
            pull(peer)
        forked.stop()
        evidence = Evidence.objects.get()
        assert last_cosignature(evidence.second).name == "third.example"
        assert Peer.objects.get().distrusted_at

    def test_holds_for_the_verifier_that_shares_nothing_with_us(self, node, tmp_path):
        record = factories.record()
        publish(record)
        checkpoints.sign_due()
        followed(node)
        before = proof_of(record)
        post(cosigned(node.log, at=1_750_000_000))
        proof = proof_of(record)
        assert proof["checkpoint"] == ours() != before["checkpoint"]
        absent = str(NoteKey("third.example", jws.public_bytes(Log().private[Purpose.LOG]), COSIGNATURE))
        known = [*("--vkey", vkey()), *("--witness", node.log.vkey), *("--witness", absent)]
        code, said = verify("record", str(written(tmp_path, proof)), *known, "--least", "1")
        assert code == 0, said
        assert "cosigned by other.example at 2025-06-15T15:06:40Z\n1 of 2 witnesses" in said
        assert verify("record", str(written(tmp_path, proof)), *known, "--least", "2")[0] == 1
        assert verify("record", str(written(tmp_path, proof)), *known, "--least", "3")[0] == 2
        assert verify("record", str(written(tmp_path, proof)), *known, "--witness", vkey())[0] == 2
        # Nobody cosigned that one yet, which by itself is no fault.
        code, said = verify("record", str(written(tmp_path, before)), *known)
        assert (code, "0 of 2 witnesses" in said) == (0, True)
        # One under a known key that does not verify is.
        later = cosigned(node.log, note=before["checkpoint"], at=1_750_000_001).splitlines()[-1]
        mixed = {**proof, "checkpoint": before["checkpoint"] + broken(later) + "\n"}
        code, said = verify("record", str(written(tmp_path, mixed)), *known)
        assert (code, said) == (1, "does not hold: the cosignature of other.example: the signature does not verify\n")

    def test_is_named_on_the_page_of_origins_and_on_that_of_a_record(self, node):
        record = factories.record()
        publish(record)
        checkpoints.sign_due()
        followed(node)
        assert "Nobody cosigned the last checkpoint yet" in page("/origins/")
        assert "<td>se sigue</td>" in page("/es/origins/")
        assert "cosigned</a>" not in page(f"/incidents/{record.id}/")
        post(cosigned(node.log, at=1_750_000_000))
        origins = page("/origins/")
        assert "2 entries, <time" in origins
        assert '<span class="whole">2025-06-15</span> <span class="whole">15:06 UTC</span>' in origins
        assert "1 node cosigned the last checkpoint" in origins
        assert "1 nodo cofirmó el último punto de control" in page("/es/origins/")
        assert "1 other node <a" in page(f"/incidents/{record.id}/")
        (peer,) = Client().get("/api/v1/peers").json()["items"]
        assert (peer["cosigned"], peer["cosigned_at"]) == (2, "2025-06-15T15:06:40Z")
