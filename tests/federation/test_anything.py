"""Whatever a node may log, and however many workers read it at once: nothing stops, and nothing comes twice."""

import threading

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation import auditing, pulling
from federation.models import Outcome, PulledEntry, RunState, Verdict
from incidents.leaves import LeafOp
from incidents.models import Incident, Publication
from lib.canonical import canonical_bytes, digest
from tests.federation.test_following import followed, pull, verdicts
from tests.stand_ins.node import Entry

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdpvs", max_size=4), inner, max_size=3),
    max_leaves=6,
)
LEAVES = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["FL-2026-00000001", "FL-2026-ZZZZZZZZ", "", "x\0y"]) | JSON,
        "obj": st.just("an object") | JSON,
        "op": st.sampled_from([op.value for op in LeafOp if op is not LeafOp.KEY]) | JSON,
        "prev": st.none() | JSON,
        "rev": st.integers(-1, 2) | JSON,
        "t": st.just("2026-03-01T10:00:00Z") | JSON,
        "v": st.just(1) | JSON,
    }
)


@st.composite
def entries(draw):
    """A leaf that may be one, with an object that it may name."""
    text = draw(st.binary(max_size=40) | JSON.map(canonical_bytes)).replace(b"\n", b" ")
    if draw(st.booleans()):
        return Entry(draw(st.binary(max_size=60)), text)
    leaf = draw(LEAVES)
    leaf["obj"] = digest(text) if leaf["obj"] == "an object" else leaf["obj"]
    return Entry(canonical_bytes(leaf), text)


@pytest.mark.django_db
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries(), min_size=1, max_size=30))
def test_whatever_is_logged_is_put_aside_and_the_next_arrives(node, logged):
    if not hasattr(node, "peer"):
        node.peer = followed(node)
    node.log.entries += [one for one in logged if len(one.leaf) < 2**16]
    record = node.log.publish()
    run = pull(node.peer)
    assert run.state in {RunState.PARTIAL, RunState.SUCCESS}
    assert node.peer.applied == len(node.log.entries)
    assert verdicts(node.peer)[-1] == Verdict.SHOWN
    assert Incident.objects.filter(public_id=record.id).exists()
    assert not list(auditing.problems())


@pytest.mark.django_db(transaction=True)
def test_many_workers_read_each_entry_once(node):
    records = [node.log.publish() for _ in range(8)]
    peer = followed(node)
    errors = []

    def work():
        try:
            for _ in range(3):
                pulling.pull_alone(peer)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    pull(peer)
    assert not errors
    assert (peer.size, peer.applied) == (9, 9)
    assert PulledEntry.objects.count() == Outcome.objects.count() == 9
    assert Publication.objects.count() == len(records)
    assert not list(auditing.problems())
