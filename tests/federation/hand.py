"""A hand in one of the nodes of a ring: a process of that node which does what a test says, line by line.

`python -m tests.federation.hand` reads JSON lines `[verb, {arguments}]` and answers each with one JSON line.
"""

import json
import sys
import time
from contextlib import redirect_stdout
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - the apps come first
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from federation import holding, peering, pulling  # noqa: E402
from federation.models import Notice, Outcome, Peer, Run  # noqa: E402
from incidents import publishing, tree  # noqa: E402
from incidents.keys import Purpose  # noqa: E402
from incidents.log_models import LogEntry  # noqa: E402
from incidents.models import Incident, Operation, Publication  # noqa: E402
from incidents.publishing import ErasureReason, mint_public_id  # noqa: E402
from incidents.record import Record  # noqa: E402
from incidents.sequencing import current_keys  # noqa: E402
from lib.notes import NoteKey  # noqa: E402
from lib.wake import wake  # noqa: E402
from reports import embargo, workflow  # noqa: E402
from reports import release as releases  # noqa: E402
from reports.models import RejectReason  # noqa: E402
from tests import factories  # noqa: E402
from tests.waiting import wait_for  # noqa: E402

# What following a log may write, besides the peer's next time to be asked.
WRITTEN = (
    "federation_pulledentry",
    "federation_pulledobject",
    "federation_pulledhash",
    "federation_mirror",
    "federation_outcome",
    "federation_run",
    "federation_evidence",
    "incidents_incident",
    "incidents_publication",
    "incidents_logentry",
    "incidents_checkpoint",
)


def publish(count: int = 1, **changes: Any) -> dict[str, Any]:
    """Publishes records; their ids, and the longest that one took in seconds."""
    ids, longest = [], 0.0
    for _ in range(count):
        public_id = mint_public_id(timezone.now())
        record = factories.record(id=public_id, origin=settings.NODE_NAME, **changes)
        started = time.monotonic()
        publishing.publish(record)
        longest = max(longest, time.monotonic() - started)
        ids.append(public_id)
    return {"ids": ids, "longest": longest}


def revise(ids: list[str], operation: str = "correct", **changes: Any) -> None:
    """The next version of each."""
    for public_id in ids:
        last = json.loads(bytes(Incident.objects.get(public_id=public_id).document))
        said = {"version": last["version"] + 1, "notice": "Better known now.", **changes}
        publishing.revise(Operation(operation), Record.model_validate({**last, **said}))


def withdraw(ids: list[str]) -> None:
    """Withdraws each."""
    revise(ids, "withdraw", status="withdrawn", notice="It did not happen.")


def erase(public_id: str) -> None:
    """Takes every byte of it away."""
    publishing.erase(public_id, reason=ErasureReason.PERSON)


def vkey() -> str:
    """What others pin."""
    keys = current_keys()
    assert keys
    return str(NoteKey(keys.origin, keys.in_force(Purpose.LOG).public))


def objects(public_id: str) -> list[str]:
    """The digests of its signed objects."""
    return list(LogEntry.objects.filter(subject=public_id).order_by("index").values_list("object_id", flat=True))


def keep_private(text: str) -> None:
    """A report that waits, one that is rejected, a worded case, and one approved under embargo; all with this text."""
    factories.report(text=text)
    mira = factories.moderator()
    rejected = factories.report(text=text, title=text)
    workflow.reject(report=rejected, by=mira, reason=RejectReason.SPAM, note=text)
    factories.worded_case(by=mira, summary=text, description=text)
    silent = factories.worded_case(by=mira, reported=factories.report(text=text), summary=text, description=text)
    embargo.set_embargo(case=silent, by=mira, until=timezone.now() + timedelta(days=9), reason=text)
    releases.schedule(case=silent, verb="publish", by=mira)


def follow(vkey: str, log: str, node: str = "") -> None:
    """Follows a log at that address; with `node`, where it answers, it is told of news and its mirrors are asked."""
    peering.add(vkey=vkey, log=log, node=node, acceptance="publish")


def pause(domain: str) -> None:
    """Follows it no further, once a worker that reads it has come to an end."""
    peering.pause(domain)
    wait_for(lambda: Peer.objects.filter(domain=domain, leased_until=None).exists())


def resume(domain: str) -> None:
    """Follows it again."""
    peering.resume(domain)


def remove(domain: str) -> None:
    """Follows it no more."""
    peering.remove(domain)


def move(domain: str, vkey: str, log: str) -> None:
    """Follows a node's log at another address, from where it was read to."""
    pause(domain)
    remove(domain)
    follow(vkey, log)


def wake_up() -> None:
    """Has the workers look whether a peer is due."""
    with transaction.atomic():
        wake("peers left over")


def tell_now() -> None:
    """Has the workers tell whom they could not reach, before their back-off has passed."""
    for row in Notice.objects.all():
        row.retry_now()
    with transaction.atomic():
        wake("checkpoint signed")


def hold_log() -> None:
    """Lets nothing take effect here until `let_log_go`: everybody waits for the log's lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [tree.LOCK])


def let_log_go() -> None:
    """Lets things take effect again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [tree.LOCK])


def pull(rounds: int) -> list[str]:
    """Asks each peer so often, or sees it asked; the states of the runs that came of it."""
    states = []
    for _ in range(rounds):
        for peer in Peer.objects.all():
            while Peer.objects.filter(pk=peer.pk, read_at=peer.read_at).exists():
                run = pulling.pull_alone(peer)
                states += [run.state] if run else []
    return states


def peers() -> dict[str, dict[str, Any]]:
    """How far each was read."""
    return {
        peer.domain: {
            "lag": peer.lag,
            "seen": peer.seen,
            "size": peer.size,
            "applied": peer.applied,
            "error": peer.last_error,
        }
        for peer in Peer.objects.all()
    }


def last_run(domain: str) -> dict[str, Any]:
    """How the last run that brought something of that node ended."""
    run = Run.objects.filter(peer__domain=domain).first()
    return {"state": run.state, "withdrawals": run.withdrawals, "via": run.via, "error": run.error} if run else {}


def release(domain: str) -> None:
    """Lets the withdrawals that wait take effect."""
    holding.release(run=Run.objects.filter(peer__domain=domain, state="held", decision="").get())


def outcomes(domain: str) -> list[str]:
    """What became of each entry of its log, in order."""
    rows = Outcome.objects.filter(entry__peer__domain=domain).order_by("entry__index")
    return list(rows.values_list("verdict", flat=True))


def publications(origin: str, ids: list[str]) -> int:
    """How often these records became public here."""
    return Publication.objects.filter(incident__origin=origin, incident__public_id__in=ids).count()


def size() -> int:
    """How many entries its own log has."""
    return LogEntry.objects.count()


def written() -> dict[str, list[int]]:
    """How many rows each table has, and by how many transactions they were written."""
    found = {}
    with connection.cursor() as cursor:
        for table in WRITTEN:
            cursor.execute(f"SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM {table}")
            found[table] = list(cursor.fetchone())
    return found


def main() -> None:
    """Does what each line says, until there is none."""
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        for line in sys.stdin:
            verb, arguments = json.loads(line)
            print(json.dumps(globals()[verb](**arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()
