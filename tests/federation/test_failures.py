"""What went wrong for others who exchange records, and must not here: each story over real HTTP."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from lxml import etree

from federation import applying, auditing, following, holding, peering, policy, pulling
from federation.models import (
    Acceptance,
    Evidence,
    EvidenceKind,
    Outcome,
    Peer,
    PulledEntry,
    PulledObject,
    Run,
    RunState,
    Verdict,
)
from incidents.keys import Purpose
from incidents.leaves import LeafOp, salted
from incidents.log_copy import LogCopy
from incidents.models import Incident, Publication
from incidents.publishing import publish
from lib.canonical import canonical_bytes
from tests import factories
from tests.federation.test_following import followed, listed, pull, verdicts
from tests.stand_ins.node import Entry, Log, Node
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db


def payload(record):
    return salted("record", canonical_bytes(record.document()))


def quarantined(peer):
    rows = Outcome.objects.filter(entry__peer=peer, verdict=Verdict.QUARANTINED).order_by("entry__index")
    return [(outcome.entry.index, outcome.reason) for outcome in rows]


class TestTimes:
    """4 and 12: what says when it happened decides nothing; the place in the log does."""

    def test_what_is_dated_back_arrives_after_what_is_newer(self, node):
        peer = followed(node)
        newer = node.log.publish()
        pull(peer)
        older = node.log.publish(published="2019-05-01T00:00:00Z", modified="2019-05-01T00:00:00Z")
        assert pull(peer).state == RunState.SUCCESS
        assert set(listed()) == {newer.id, older.id}
        changes = Client().get("/api/v1/changes?after=1").json()["entries"]
        assert [entry["id"] for entry in changes] == [older.id]

    @pytest.mark.django_db(transaction=True)
    def test_what_commits_late_here_is_skipped_by_nobody(self, node):
        """A pull that takes its time, and a publication of our own beside it: whoever follows has both."""
        theirs = node.log.publish()
        peer = followed(node)
        begun, enough = threading.Event(), threading.Event()

        def pull_slowly() -> None:
            with transaction.atomic():
                pulling.pull_alone(peer)
                begun.set()
                enough.wait(1)
            connection.close()

        slow = threading.Thread(target=pull_slowly)
        slow.start()
        assert begun.wait(PATIENCE)
        before = Client().get("/api/v1/changes").json()["entries"]
        ours = publish(factories.record())  # waits for the other, or stands behind it
        slow.join(PATIENCE)
        after = Client().get(f"/api/v1/changes?after={before[-1]['number'] if before else 0}").json()["entries"]
        assert [entry["id"] for entry in before + after] == [theirs.id, ours.incident.public_id]

    @pytest.mark.parametrize("days", [2, -2])
    def test_a_node_whose_clock_is_two_days_wrong_is_followed(self, node, days):
        now = f"{timezone.now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        node.log.clock = now
        record = node.log.publish(published=now, modified=now)
        peer = followed(node)
        assert pull(peer).state == RunState.SUCCESS
        assert listed() == [record.id]
        node.log.retract(record)
        assert pull(peer).state == RunState.SUCCESS
        assert listed() == []
        assert (peer.lag, quarantined(peer)) == (0, [])


class TestMassWithdrawal:
    """2: much of an origin, gone in one pull, is held. Here more than three; `test_policy` has the true numbers."""

    @pytest.fixture(autouse=True)
    def _few_are_many(self, monkeypatch):
        monkeypatch.setattr(policy, "MOST_WITHDRAWN", 3)

    @pytest.fixture
    def withdrawn(self, node):
        records = [node.log.publish() for _ in range(8)]
        peer = followed(node)
        pull(peer)
        for record in records[:4]:
            node.log.retract(record)
        node.log.erase(records[4])
        node.log.revise(records[5], title="Not withdrawn at all")
        run = pull(peer)
        assert (run.state, run.withdrawals) == (RunState.HELD, 5)
        assert len(listed()) == 8
        return peer, run, records

    def test_is_held_and_nothing_after_it_overtakes(self, node, withdrawn):
        peer, run, _ = withdrawn
        node.log.publish()
        assert pull(peer).pk == run.pk
        assert len(listed()) == 8
        assert (peer.size, peer.lag) == (16, 7)
        assert Run.objects.filter(state=RunState.HELD).count() == 1

    def test_takes_effect_when_it_is_released_and_can_be_undone(self, node, withdrawn):
        peer, run, records = withdrawn
        holding.release(run=run, by=factories.operator())
        pull(peer)
        assert len(listed()) == 3
        assert holding.undo(run=run, by=factories.operator()) == 4
        assert len(listed()) == 7
        answer = Client().get(f"/api/v1/incidents/{records[0].id}")
        assert answer.json() == records[0].document()
        # What was erased stays erased, and the origin can still say more.
        assert Client().get(f"/api/v1/incidents/{records[4].id}").status_code == 410
        node.log.revise(records[0], status="published", title="It did happen after all")
        pull(peer)
        assert Client().get(f"/api/v1/incidents/{records[0].id}").json()["version"] == 3
        assert not list(auditing.problems())

    def test_is_passed_over_when_it_is_refused_and_the_rest_arrives(self, withdrawn):
        peer, run, records = withdrawn
        holding.refuse(run=run)
        pull(peer)
        assert len(listed()) == 8
        assert Client().get(f"/api/v1/incidents/{records[5].id}").json()["title"] == "Not withdrawn at all"
        assert verdicts(peer).count(Verdict.REFUSED) == 5
        assert holding.undo(run=run) == 5
        assert len(listed()) == 3

    def test_is_decided_on_once(self, withdrawn):
        _, run, _ = withdrawn
        with pytest.raises(holding.NotHeldError):
            holding.undo(run=run)
        holding.release(run=run)
        with pytest.raises(holding.NotHeldError):
            holding.refuse(run=run)
        with pytest.raises(holding.NotHeldError, match="not taken full effect"):
            holding.undo(run=run)

    def test_is_held_when_it_comes_a_few_at_a_time(self, node):
        records = [node.log.publish() for _ in range(8)]
        peer = followed(node)
        pull(peer)
        for record in records[:3]:
            node.log.retract(record)
            assert pull(peer).state == RunState.SUCCESS
        node.log.retract(records[3])
        run = pull(peer)
        assert (run.state, run.withdrawals) == (RunState.HELD, 1)
        assert len(listed()) == 5
        # What was decided on counts no more.
        holding.release(run=run, by=factories.operator())
        pull(peer)
        node.log.retract(records[4])
        assert pull(peer).state == RunState.SUCCESS
        assert len(listed()) == 3

    def test_counts_a_day(self, node):
        records = [node.log.publish() for _ in range(8)]
        peer = followed(node)
        pull(peer)
        for record in records[:3]:
            node.log.retract(record)
        pull(peer)
        Outcome.objects.update(at=timezone.now() - timedelta(days=1, minutes=1))
        node.log.retract(records[3])
        assert pull(peer).state == RunState.SUCCESS

    def test_is_none_where_it_happened_before_we_came(self, node, monkeypatch):
        monkeypatch.setattr(following, "BATCH", 256)
        records = [node.log.publish() for _ in range(5)]
        node.log.entries += [Entry(b"filler %d" % number, b"{}") for number in range(260)]
        for record in records:
            node.log.retract(record)
        peer = followed(node)
        Peer.objects.update(most_entries=256)
        assert pull(peer).counts["shown"] == 5
        assert peer.applied == 256
        assert pull(peer).counts["shown"] == 5
        assert listed() == []

    def test_is_none_where_a_few_go(self, node):
        records = [node.log.publish() for _ in range(4)]
        peer = followed(node)
        pull(peer)
        for record in records[:3]:
            node.log.retract(record)
        assert pull(peer).state == RunState.SUCCESS
        assert len(listed()) == 1


def test_5_pages_that_fail_and_recover_lose_nothing(node, monkeypatch):
    monkeypatch.setattr(following, "BATCH", 256)
    first = node.log.publish()
    node.log.entries += [Entry(b"filler %d" % number, b"{}") for number in range(520)]
    last = node.log.publish()
    peer = followed(node)
    node.faults["objects/001"] = lambda _: (500, b"")
    run = pull(peer)
    assert (run.state, peer.size, peer.applied) == (RunState.FAILED, 256, 256)
    assert "500" in run.error
    assert listed() == [first.id]
    node.faults.clear()
    run = pull(peer)
    assert run.state == RunState.PARTIAL
    assert (peer.applied, bytes(peer.root)) == (523, node.log.root(523))
    assert list(PulledEntry.objects.order_by("index").values_list("index", flat=True)) == list(range(523))
    assert set(listed()) == {first.id, last.id}


class TestATruncatedOrEmptyAnswer:
    """8: a 200 that says too little is a failure."""

    @pytest.mark.parametrize("place", ["checkpoint", "tile/entries", "objects"])
    @pytest.mark.parametrize("cut", [lambda _: b"", lambda content: content[: len(content) // 2]])
    def test_fails_and_is_read_again(self, node, place, cut):
        node.log.publish()
        peer = followed(node)
        node.faults[place] = lambda content: (200, cut(content))
        run = pull(peer)
        assert (run.state, peer.size) == (RunState.FAILED, 0)
        assert listed() == []
        node.faults.clear()
        assert pull(peer).state == RunState.SUCCESS
        assert len(listed()) == 1

    def test_fails_in_the_tiles_that_prove(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        node.log.publish()
        node.faults["tile/0"] = lambda content: (200, content[:31])
        assert pull(peer).state == RunState.FAILED
        assert peer.size == 2

    def test_leaves_one_row_for_many_failures_of_one_kind(self, node):
        peer = followed(node)
        node.faults["checkpoint"] = lambda _: (503, b"")
        for _ in range(4):
            pull(peer)
        assert Run.objects.count() == 1
        assert Peer.objects.get().last_error


def test_9_characters_that_xml_forbids_arrive_as_they_are_and_break_no_list(node):
    said = "A\x03B\ufffeC \U0001f600 \u202eright to left\u202c ]]> <b>&amp;</b> "
    hostile = node.log.publish(title=f"Title {said}", description=said + "long " * 9000)
    other = node.log.publish()
    assert pull(followed(node)).state == RunState.SUCCESS
    assert Client().get(f"/api/v1/incidents/{hostile.id}").json() == hostile.document()
    for path in (
        "/oai?verb=ListRecords&metadataPrefix=oai_dc",
        "/oai?verb=ListRecords&metadataPrefix=oai_datacite",
        "/incidents.atom",
        "/feeds/archive.atom",
    ):
        answer = Client().get(path)
        content = b"".join(answer) if answer.streaming else answer.content
        assert "right to left" in "".join(etree.fromstring(content).itertext()), path
        assert hostile.id.encode() in content, path
        assert other.id.encode() in content, path
    page = Client().get(f"/incidents/{hostile.id}/").content.decode()
    assert "<b>&amp;" not in page


class TestAPoisonRecord:
    """10: the rest arrives, and the run says PARTIAL."""

    def test_is_put_aside_with_its_reason(self, node):
        good = node.log.publish()
        record = factories.record(origin=node.log.name)
        bad = canonical_bytes({**record.document(), "severity": "apocalyptic"})
        node.log.append(LeafOp.PUBLISH, record.id, salted("record", bad))
        nul = factories.record(origin=node.log.name, title="A title with \0 in it")
        node.log.append(LeafOp.PUBLISH, nul.id, payload(nul))
        node.log.append(LeafOp.PUBLISH, "FL-2026-AAAAAAAA", b"no JSON at all")
        node.log.entries.append(Entry(b"no leaf", b"{}"))
        node.log.entries.append(Entry(b'{"id":5,"obj":"x","op":"publish","prev":null,"rev":1,"t":"","v":1}', b"{}"))
        last = node.log.publish()
        peer = followed(node)
        run = pull(peer)
        assert run.state == RunState.PARTIAL
        assert run.counts == {"keys": 1, "shown": 2, "quarantined": 5}
        assert set(listed()) == {good.id, last.id}
        assert [index for index, _ in quarantined(peer)] == [2, 3, 4, 5, 6]
        assert "severity" in quarantined(peer)[0][1]
        assert peer.applied == 8

    def test_is_one_in_another_form_than_records_are_written_in(self, node):
        record = factories.record(origin=node.log.name)
        whole = record.document()
        for number, change in enumerate(({"description": None}, {"statements": []}), start=1):
            said = {
                name: value for name, value in {**whole, **change}.items() if value is not None or name == "occurred"
            }
            said["id"] = f"FL-2026-F0RM000{number}"
            node.log.append(LeafOp.PUBLISH, said["id"], salted("record", canonical_bytes(said)))
        last = node.log.publish()
        peer = followed(node)
        assert pull(peer).state == RunState.PARTIAL
        assert [index for index, _ in quarantined(peer)] == [1, 2]
        assert listed() == [last.id]

    def test_is_none_that_speaks_of_the_character(self, node):
        record = node.log.publish(title=r"A title with \u0000 and \\u0000 spelled out")
        pull(followed(node))
        assert listed() == [record.id]

    def test_can_come_right_later(self, node):
        record = factories.record(origin=node.log.name)
        bad = canonical_bytes({**record.document(), "severity": "apocalyptic"})
        node.log.append(LeafOp.PUBLISH, record.id, salted("record", bad))
        node.log.records[record.id] = record
        peer = followed(node)
        pull(peer)
        node.log.revise(record)
        assert pull(peer).state == RunState.SUCCESS
        assert listed() == [record.id]

    def test_that_is_too_large_stops_nobody(self, node):
        peer = followed(node)
        Peer.objects.update(most_object_bytes=3_000)
        node.log.publish(description="long " * 1000)
        small = node.log.publish()
        assert pull(peer).state == RunState.PARTIAL
        assert listed() == [small.id]
        assert "3000 bytes" in quarantined(peer)[0][1]

    def test_is_not_taken_from_a_copy_that_garbled_it(self, node):
        node.log.publish()
        peer = followed(node)
        node.faults["objects"] = lambda content: (200, content.replace(b'"payload":"e', b'"payload":"f'))
        run = pull(peer)
        assert run.state == RunState.FAILED  # the keys, already, are not those that the leaf names
        node.faults.clear()
        assert pull(peer).state == RunState.SUCCESS


class TestAHijackedId:
    """11: only the origin's log says anything of its ids."""

    def test_of_ours_stays_ours(self, node):
        mine = publish(factories.record()).incident
        before = bytes(mine.document)
        node.log.publish(id=mine.public_id)
        peer = followed(node)
        assert pull(peer).state == RunState.PARTIAL
        assert "which alone may change it" in quarantined(peer)[0][1]
        mine.refresh_from_db()
        assert bytes(mine.document) == before

    def test_of_another_node_stays_theirs(self, node):
        theirs = node.log.publish()
        peer = followed(node)
        pull(peer)
        thief = Node(Log("thief.example"))
        try:
            thief.log.publish(id=theirs.id)
            copied = theirs.document() | {"title": "Not what they said"}
            thief.log.append(LeafOp.PUBLISH, "FL-2026-BBBBBBBB", salted("record", canonical_bytes(copied)))
            other = followed(thief)
            assert pull(other).counts == {"keys": 1, "quarantined": 2}
            thief.log.erase(thief.log.records[theirs.id])
            pull(other)
        finally:
            thief.stop()
        assert Client().get(f"/api/v1/incidents/{theirs.id}").json() == theirs.document()
        assert Incident.objects.count() == 1

    def test_by_a_document_that_names_another_node_is_refused(self, node):
        record = factories.record(origin="third.example")
        node.log.append(LeafOp.PUBLISH, record.id, payload(record))
        peer = followed(node)
        pull(peer)
        assert "whose log this is not" in quarantined(peer)[0][1]


def test_14_what_changed_in_its_metadata_alone_arrives(node):
    record = node.log.publish()
    peer = followed(node)
    pull(peer)
    node.log.revise(record, severity="critical")
    pull(peer)
    assert listed(severity="critical") == [record.id]
    assert listed(severity="low") == []


class TestContradictions:
    def test_a_log_that_was_rewritten_and_signed_again_is_evidence(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        first = peer.seen_note
        node.log.entries.pop()
        node.log.last.clear()
        node.log.publish(title="Another past altogether")
        node.log.publish()
        run = pull(peer)
        assert run.state == RunState.FAILED
        (evidence,) = Evidence.objects.all()
        assert (evidence.kind, evidence.first) == (EvidenceKind.CHECKPOINTS, first)
        assert evidence.second == node.log.checkpoint()
        assert peer.distrusted_at
        assert peer.size == 2
        pull(peer)
        assert Evidence.objects.count() == 1

    def test_two_checkpoints_of_one_size_are_evidence(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        node.log.entries.pop()
        node.log.last.clear()
        node.log.publish(title="Another past altogether")
        assert pull(peer).state == RunState.FAILED
        assert Evidence.objects.get().kind == EvidenceKind.CHECKPOINTS

    def test_the_same_revision_twice_is_put_aside_and_ends_trust(self, node):
        record = node.log.publish()
        peer = followed(node)
        pull(peer)
        following_one = node.log.last[record.id]
        node.log.revise(record, title="One second version")
        node.log.last[record.id] = following_one
        node.log.records[record.id] = record
        node.log.revise(record, title="Another second version")
        new = node.log.publish()
        assert pull(peer).state == RunState.PARTIAL
        assert Evidence.objects.get().kind == EvidenceKind.REVISIONS
        assert Client().get(f"/api/v1/incidents/{record.id}").json()["title"] == "One second version"
        assert verdicts(peer)[-2:] == [Verdict.QUARANTINED, Verdict.WAITING]
        assert new.id not in listed()
        peering.trust_again(peer.domain)
        later = node.log.publish()
        pull(peer)
        assert later.id in listed()

    def test_a_copy_that_lags_behind_is_none(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        old = node.log.checkpoint(1).encode()
        node.faults["checkpoint"] = lambda _: (200, old)
        assert pull(peer).state == RunState.FAILED
        assert not Evidence.objects.exists()
        assert not peer.distrusted_at


class TestKeys:
    def test_that_were_replaced_are_followed(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        for purpose in (Purpose.RECORD, Purpose.LOG):
            node.log.rotate(purpose)
            node.log.publish()
        assert pull(peer).state == RunState.SUCCESS
        node.log.publish()
        assert pull(peer).state == RunState.SUCCESS
        assert len(listed()) == 4

    def test_that_were_revoked_make_void_what_they_signed_since(self, node):
        node.log.publish()
        forged = node.log.publish()
        node.log.rotate(Purpose.RECORD, revoked_from=2)
        peer = followed(node)
        assert pull(peer).state == RunState.PARTIAL
        assert verdicts(peer) == [Verdict.KEYS, Verdict.SHOWN, Verdict.VOID, Verdict.KEYS]
        node.log.revise(forged)
        assert pull(peer).state == RunState.SUCCESS
        assert len(listed()) == 2

    def test_of_others_sign_no_checkpoint(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        node.log.private[Purpose.LOG] = Log("else.example").private[Purpose.LOG]
        assert pull(peer).error.endswith("no known key signed its checkpoint")
        assert not Evidence.objects.exists()

    def test_of_others_sign_nothing(self, node):
        record = factories.record(origin=node.log.name)
        other = Log("else.example")
        node.log.append(LeafOp.PUBLISH, record.id, payload(record), [other.private[Purpose.RECORD]])
        peer = followed(node)
        pull(peer)
        assert quarantined(peer) == [(1, "it is signed by other keys than it must be")]


class TestPolicy:
    def test_is_by_category_and_licence(self, node):
        peer = followed(node)
        Peer.objects.update(acceptance_by_category={"hidden_promotion": "reject", "unsafe_content": "moderate"})
        refused = node.log.publish()
        waiting = node.log.publish(category="unsafe_content")
        shown = node.log.publish(category="bias")
        pull(peer)
        assert listed() == [shown.id]
        assert verdicts(peer) == [Verdict.KEYS, Verdict.REJECTED, Verdict.WAITING, Verdict.SHOWN]
        node.log.retract(refused)
        node.log.revise(waiting, title="A second version that waits")
        pull(peer)
        assert verdicts(peer)[2:] == [Verdict.PASSED, Verdict.SHOWN, Verdict.PASSED, Verdict.WAITING]
        applying.accept(PulledEntry.objects.get(subject=waiting.id, revision=2))
        assert set(listed()) == {shown.id, waiting.id}
        Peer.objects.update(licences=["CC0-1.0"])
        node.log.publish(category="bias")
        pull(peer)
        assert verdicts(peer)[-1] == Verdict.REJECTED

    def test_a_moderator_may_pass_over_what_waits(self, node):
        record = node.log.publish()
        peer = followed(node, Acceptance.MODERATE)
        pull(peer)
        entry = PulledEntry.objects.get(subject=record.id)
        applying.reject(entry, "Not about an open model.")
        assert verdicts(peer) == [Verdict.KEYS, Verdict.REJECTED]
        with pytest.raises(applying.NotTheirsError):
            applying.accept(entry)


def test_what_was_pulled_cannot_be_rewritten(node):
    node.log.publish()
    peer = followed(node)
    pull(peer)
    for change in (
        lambda: PulledEntry.objects.update(leaf=b"x"),
        lambda: PulledEntry.objects.all().delete(),
        lambda: PulledObject.objects.update(body=None),
        lambda: PulledObject.objects.update(body=b"x"),
        lambda: Publication.objects.update(index_at_origin=7),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_another_worker_that_read_on_meanwhile_is_noticed(node):
    node.log.publish()
    peer = followed(node)
    slow = Peer.objects.get(pk=peer.pk)
    reading = following.open_copy(slow, LogCopy(slow.log_address))
    pull(peer)
    with pytest.raises(following.PassedOnError):
        following.read_on(slow, reading)
    assert json.loads(bytes(PulledEntry.objects.get(index=1).leaf))["op"] == "publish"
    assert pulling.pull_alone(slow) is None


class TestWhatIsLookedAtAgain:
    def test_an_object_that_a_copy_withheld_is_found_in_another(self, node):
        record = node.log.publish()
        wanted = node.log.last[record.id].obj
        peer = followed(node)
        node.faults["objects"] = lambda content: (200, b"\n".join([content.split(b"\n")[0], b"", b""]))
        node.faults["object/"] = lambda _: (404, b"")
        assert pull(peer).counts == {"keys": 1, "quarantined": 1}
        node.faults.clear()
        call_command("peer", "retry", peer.domain)
        assert listed() == [record.id]
        assert f"/log/object/{wanted}" in node.asked

    def test_what_does_not_hold_stays_where_it_is(self, node, capsys):
        record = factories.record(origin="third.example")
        node.log.append(LeafOp.PUBLISH, record.id, payload(record))
        peer = followed(node)
        pull(peer)
        before = quarantined(peer)
        call_command("peer", "retry", peer.domain)
        assert "0 objects found, 0 more" in capsys.readouterr().out
        assert quarantined(peer) == before

    def test_what_was_shown_under_a_key_that_is_revoked_later_is_void(self, node):
        record, other = node.log.publish(title="As its origin said it"), node.log.publish()
        peer = followed(node)
        pull(peer)
        node.log.revise(record, title="As somebody with the key said it")
        pull(peer)
        assert Client().get(f"/api/v1/incidents/{record.id}").json()["version"] == 2
        node.log.rotate(Purpose.RECORD, revoked_from=3)
        pull(peer)
        assert Client().get(f"/api/v1/incidents/{record.id}").json() == record.document()
        assert verdicts(peer) == [Verdict.KEYS, Verdict.SHOWN, Verdict.SHOWN, Verdict.VOID, Verdict.KEYS]
        node.log.revise(record, title="As its origin says it now")
        pull(peer)
        assert Client().get(f"/api/v1/incidents/{record.id}").json()["version"] == 3
        assert len(listed()) == 2
        assert other.id in listed()
        assert not list(auditing.problems())
