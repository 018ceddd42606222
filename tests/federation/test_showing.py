"""Entries of other nodes taken together leave what they leave one by one, whatever is among them."""

import json
import threading
import time

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue.hub import Reference
from catalogue.models import Lineage
from catalogue.naming import name_model
from federation import applying, auditing, following, peering
from federation.models import Acceptance, Outcome, Peer, Verdict
from incidents import overlay
from incidents.keys import Purpose
from incidents.leaves import LeafOp, salted
from incidents.log_copy import LogCopy
from incidents.models import Incident, Operation, Publication
from incidents.publishing import publish, revise
from incidents.reader import OPEN_ROWS, PUBLIC_TABLES
from incidents.record import AffectedModel, Match
from lib.canonical import canonical_bytes
from tests import factories
from tests.federation.test_failures import quarantined
from tests.federation.test_following import followed, listed, pull, verdicts
from tests.stand_ins.node import AT, Entry, Log, Node

TABLES = (*PUBLIC_TABLES, *OPEN_ROWS, "federation_outcome", "incidents_searchrefresh", "catalogue_model")
# When it came here, and under which number of the database.
OF_THE_ARRIVAL = {"at", "datestamp", "pulled_at", "first_named_at", "first_seen_at", "asked_at", "due_at", "changed_at"}
NAMED_BY = {
    "incidents_incident": "public_id",
    "catalogue_model": "hub || '/' || name",
    "catalogue_alias": "hub || '/' || name",
}
POINTS_TO = {
    "incident_id": "incidents_incident",
    "event": "incidents_incident",
    "same_event_id": "incidents_incident",
    "model_id": "catalogue_model",
    "child_id": "catalogue_model",
    "alias_id": "catalogue_alias",
    "base_id": "catalogue_alias",
}
NAMES = ("Example-Org/Tiny-Chat", "example-org/tiny-chat", "other-org/base", "third/thing")
ALIASES = ("AIID-1", "aiid-1", "CVE-2026-1", "AVID-2026-V1")
# In lower case it is longer than the schema lets it be: nothing but the database refuses it.
GROWS = "İ" * 60


def dump():
    """Every public row, by table, with names in the place of the database's own numbers."""
    with connection.cursor() as cursor:
        names = {}
        for table, said in NAMED_BY.items():
            cursor.execute(f"SELECT id, {said} FROM {table}")
            names[table] = dict(cursor.fetchall())
        found = {}
        for table in dict.fromkeys(TABLES):
            cursor.execute(f"SELECT to_jsonb(one) FROM {table} one")
            rows = [readable(json.loads(row) if isinstance(row, str) else row, names) for (row,) in cursor.fetchall()]
            found[table] = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return found


def readable(row, names):
    if row.get("erased_at"):
        row |= {"erased_at": "then", "modified_at": "then"}
    kept = {name: value for name, value in row.items() if name not in OF_THE_ARRIVAL | {"id"}}
    return {name: names[POINTS_TO[name]].get(kept[name]) if name in POINTS_TO else kept[name] for name in kept}


def read(log):
    """Follows a log, and reads it to its end without letting it take effect."""
    node = Node(log)
    try:
        peer = Peer.objects.filter(domain=log.name).first() or peering.add(
            vkey=log.vkey, log=f"{node.address}/log", acceptance=Acceptance.PUBLISH
        )
        reading = following.open_copy(peer, LogCopy(f"{node.address}/log"))
        while following.read_on(peer, reading):
            pass
    finally:
        node.stop()
    return peer


def left_by(peers, batch, monkeypatch):
    """What is public once all of it took effect in batches of that size; then nothing of it happened."""
    monkeypatch.setattr(applying, "BATCH", batch)
    monkeypatch.setattr(applying, "SECONDS", 600)
    with transaction.atomic():
        for peer in peers:
            peer.refresh_from_db()
            while applying.apply_next(peer):
                pass
        assert not list(auditing.problems())
        found = dump()
        transaction.set_rollback(True)
    return found


def assert_the_same(peers, monkeypatch, sizes=(7, 200)):
    expected = left_by(peers, 1, monkeypatch)
    for size in sizes:
        found = left_by(peers, size, monkeypatch)
        for table, rows in expected.items():
            assert found[table] == rows, (table, size)
    return expected


def named(*names):
    return tuple(
        AffectedModel(hub="huggingface", name=name, match=Match.REPOSITORY, status=status) for name, status in names
    )


def erase(log, record):
    """Erases it where the objects before are still to be had."""
    version = log.last[record.id].rev + 1
    said = {"erased": AT, "id": record.id, "origin": log.name, "reason": "person", "version": version}
    log.append(LeafOp.ERASE, record.id, salted("erasure", canonical_bytes({"schema": "faultline/erasure/1", **said})))


CONTENTS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["One title", "Another"]),
        "category": st.sampled_from(["hidden_promotion", "backdoor"]),
        "aliases": st.lists(st.sampled_from(ALIASES), max_size=2, unique=True).map(tuple),
        "affected": st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(["affected", "not_affected"])), min_size=1, max_size=3
        ).map(lambda some: named(*some)),
    }
)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["publish"] * 4 + ["correct", "dispute", "withdraw", "merge", "restore", "erase", "break"]),
        st.integers(0, 30),
        CONTENTS,
    ),
    min_size=8,
    max_size=22,
)


def logged(steps):
    """Two logs in which this happened, as far as it can have."""
    logs = [Log("one.example"), Log("two.example")]
    for which, step, number, content in steps:
        log, records = logs[which], list(logs[which].records.values())
        record = records[number % len(records)] if records else None
        gone = record is not None and log.last[record.id].op is LeafOp.ERASE
        if step == "break":
            log.entries.append(Entry(b"filler %d" % len(log.entries), b"{}"))
        elif step == "publish" or record is None or gone:
            log.publish(**content)
        elif step == "erase":
            erase(log, record)
        elif step in {"withdraw", "merge"}:
            into = {"superseded_by": records[0].id} if step == "merge" and record.id != records[0].id else {}
            log.revise(record, LeafOp.RETRACT, status="withdrawn", **into)
        else:
            status = "disputed" if step == "dispute" else "published"
            log.revise(record, status=status, superseded_by=None, **(content if step == "correct" else {}))
    return logs


@pytest.mark.django_db
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happened_comes_to_the_same_in_batches_of_any_size(monkeypatch, steps):
    with transaction.atomic():
        assert_the_same([read(log) for log in logged(steps)], monkeypatch)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_what_stands_here_already_is_changed_as_one_by_one(monkeypatch):
    ours = factories.record(
        origin=django_settings.NODE_NAME, aliases=("AIID-1",), affected=named((NAMES[0], "affected"))
    )
    publish(ours)
    base, child = (name_model(Reference("huggingface", name)) for name in ("other-org/base", "third/thing"))
    Lineage.objects.create(child=child.model, base=base, relation="finetune", claimed_by="the hub")
    log = Log("one.example")
    records = [log.publish(aliases=(alias,), affected=named((name, "affected"))) for alias in ALIASES for name in NAMES]
    lone = log.publish(affected=named(("lone-org/lone", "affected")))
    peer = read(log)
    while applying.apply_next(peer):
        pass
    overlay.hide(records[5].id, because="It names somebody.")
    for record in records[:9]:
        log.revise(record, aliases=("AIID-1",), affected=named((NAMES[3], "affected")))
    log.retract(records[0])
    log.retract(lone)
    log.publish(affected=named(("Lone-Org/LONE", "affected")))
    log.revise(records[1], LeafOp.RETRACT, status="withdrawn", superseded_by=records[2].id)
    log.revise(records[1], status="published", superseded_by=None)
    log.append(LeafOp.PUBLISH, ours.id, salted("record", canonical_bytes(ours.document())))
    log.publish(aliases=(GROWS,))
    log.publish(affected=named(("third/THING", "affected"), ("new-org/new", "not_affected")))
    erase(log, records[3])
    log.revise(records[4], affected=named(("new-org/NEW", "affected")))
    log.rotate(Purpose.RECORD, revoked_from=len(log.entries) - 4)
    log.publish(title="Under the new key")
    left = assert_the_same([read(log)], monkeypatch)
    said = [json.loads(row)["verdict"] for row in left["federation_outcome"]]
    assert {"shown", "quarantined", "void", "keys"} <= set(said)
    assert len(left["incidents_incident"]) > len(records)
    assert "Lone-Org/LONE" in {json.loads(row)["name"] for row in left["incidents_recordedname"]}


@pytest.mark.django_db
def test_an_entry_that_the_database_refuses_is_put_aside_and_those_beside_it_are_shown(node):
    before = [node.log.publish() for _ in range(5)]
    node.log.publish(aliases=(GROWS,))
    after = [node.log.publish() for _ in range(5)]
    peer = followed(node)
    run = pull(peer)
    assert (run.state, run.counts) == ("partial", {"keys": 1, "shown": 10, "quarantined": 1})
    assert quarantined(peer) == [(6, "it cannot be taken: DataError")]
    assert sorted(listed()) == sorted(record.id for record in before + after)
    assert not list(auditing.problems())


@pytest.mark.django_db
def test_from_the_contradiction_on_and_not_before_nothing_of_a_batch_is_shown_by_itself(node):
    first = node.log.publish()
    leaf = node.log.last[first.id]
    node.log.append(
        LeafOp.PUBLISH, first.id, salted("record", canonical_bytes(first.document())), rev=leaf.rev, prev=None
    )
    node.log.publish()
    node.log.publish(aliases=(GROWS,))  # so that the batch is looked at in halves
    peer = followed(node)
    pull(peer)
    assert verdicts(peer) == [Verdict.KEYS, Verdict.SHOWN, Verdict.QUARANTINED, Verdict.WAITING, Verdict.WAITING]
    assert peer.distrusted_at
    assert listed() == [first.id]


@pytest.mark.django_db
class TestATransaction:
    def test_ends_when_its_time_is_over(self, node, monkeypatch):
        record = node.log.publish()
        node.log.revise(record)
        node.log.revise(record)
        peer = read(node.log)
        monkeypatch.setattr(applying, "SECONDS", 0)
        assert [dict(applying.apply_next(peer)) for _ in range(5)] == [
            {"keys": 1},
            {"shown": 1},
            {"shown": 1},
            {"shown": 1},
            {},
        ]

    def test_has_no_more_bytes_than_it_may_but_one_entry_at_least(self, node, monkeypatch):
        applying.apply_next(read(node.log))
        for _ in range(4):
            node.log.publish()
        peer = read(node.log)
        monkeypatch.setattr(applying, "MOST_BYTES", 2 * len(node.log.entries[1].text) + 10)
        assert [sum(applying.apply_next(peer).values()) for _ in range(3)] == [2, 2, 0]
        monkeypatch.setattr(applying, "MOST_BYTES", 1)
        node.log.publish()
        node.log.publish()
        peer = read(node.log)
        assert [sum(applying.apply_next(peer).values()) for _ in range(3)] == [1, 1, 0]

    def test_takes_as_many_statements_for_many_as_for_few(self, node, django_assert_max_num_queries):
        for number in range(60):
            node.log.publish(aliases=(f"AIID-{number}",))
        peer = read(node.log)
        applying.apply_next(peer)
        assert Publication.objects.count() == 60
        for _ in range(60):
            node.log.publish(affected=named((NAMES[0], "affected")))
        peer = read(node.log)
        with django_assert_max_num_queries(60):
            applying.apply_next(peer)
        assert Publication.objects.count() == 120


@pytest.mark.django_db(transaction=True)
def test_our_own_log_goes_on_between_the_batches(node, monkeypatch):
    for _ in range(30):
        node.log.publish()
    peer, ours = read(node.log), []
    monkeypatch.setattr(applying, "BATCH", 5)
    begun = threading.Event()

    def work():
        try:
            begun.wait()
            record = publish(factories.record(origin=django_settings.NODE_NAME)).incident
            document = json.loads(bytes(record.document))
            ours.append(record.public_id)
            changed = {**document, "version": 2, "notice": "Better known now."}
            revise(Operation.CORRECT, type(factories.record()).model_validate(changed))
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    while applying.apply_next(peer):
        begun.set()
        time.sleep(0.05)
    worker.join()
    numbers = list(Publication.objects.order_by("number").values_list("number", "incident__origin"))
    assert [number for number, _ in numbers] == list(range(1, 33))
    assert numbers[-1][1] == "other.example"
    assert Incident.objects.get(public_id=ours[0]).version == 2
    assert Outcome.objects.filter(verdict=Verdict.SHOWN).count() == 30
