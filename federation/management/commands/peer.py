"""Other nodes: following them, and saying where each stands."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from federation import peering, pulling, retrying
from federation.models import Acceptance, Outcome, Peer, PeerState, Run, RunState, Verdict
from federation.peering import PeeringError


class Command(BaseCommand):
    """`manage.py peer add | list | pause | resume | remove | trust | pull | retry`."""

    help = "Follow other nodes' logs, each by the key that its operators gave you."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        acts = parser.add_subparsers(dest="act", required=True)
        add = acts.add_parser("add", help="Follow a node.")
        add.add_argument("node", nargs="?", default="", help="Where it answers, such as https://faultline.example")
        add.add_argument("--vkey", required=True, help="The key to pin; `node_key list` prints it there.")
        add.add_argument("--log", default="", help="The prefix of its log or of a mirror, where the node is not asked.")
        add.add_argument("--accept", choices=Acceptance.values, default=Acceptance.MODERATE)
        acts.add_parser("list", help="Every peer, how far it was read, and how the last run ended.")
        for name, said in (
            ("pause", "Follow it no further for the time being."),
            ("resume", "Follow it again."),
            ("remove", "Follow it no more; what was shown of it stays."),
            ("trust", "Show its records by themselves again after a contradiction."),
            ("pull", "Ask it now, in this process."),
            ("retry", "Look again at what was put aside."),
        ):
            acts.add_parser(name, help=said).add_argument("domain")

    def handle(self, *_args: Any, act: str, **options: Any) -> None:
        """Does it. Raises CommandError."""
        try:
            if act == "list":
                self._list()
            elif act == "add":
                peer = peering.add(
                    vkey=options["vkey"], node=options["node"], log=options["log"], acceptance=options["accept"]
                )
                self.stdout.write(f"{peer.domain} is followed at {peer.log_address}")
            elif act == "pull":
                self._pull(peering.find(options["domain"]))
            elif act == "retry":
                self._retry(peering.find(options["domain"]))
            else:
                verbs = {"pause": peering.pause, "resume": peering.resume, "remove": peering.remove}
                peer = {**verbs, "trust": peering.trust_again}[act](options["domain"])
                self.stdout.write(f"{peer.domain}: {peer.state}")
        except PeeringError as error:
            raise CommandError(str(error)) from error

    def _pull(self, peer: Peer) -> None:
        if peer.state != PeerState.FOLLOWED:
            raise CommandError(f"{peer.domain} is {peer.state}")
        run = pulling.pull_alone(peer)
        if run is None:
            self.stdout.write(f"{peer.domain}: nothing new")
            return
        self.stdout.write(f"{peer.domain}: {_said(run)}")
        if run.state == RunState.FAILED:
            raise CommandError(run.error)

    def _retry(self, peer: Peer) -> None:
        found = retrying.fetch_missing(peer, pulling.addresses(peer), seconds=settings.PEER_TIMEOUT_SECONDS)
        came_right = retrying.judge_all_again(peer)
        self.stdout.write(f"{peer.domain}: {found} objects found, {came_right} more came out of quarantine")

    def _list(self) -> None:
        for peer in Peer.objects.all():
            run = peer.runs.first()
            aside = Outcome.objects.filter(entry__peer=peer, verdict=Verdict.QUARANTINED).count()
            waiting = Outcome.objects.filter(entry__peer=peer, verdict=Verdict.WAITING).count()
            read = f"read {_ago(peer)}" if peer.read_at else "never read"
            said = f"{peer.domain}  {peer.state}, {peer.acceptance}; {peer.applied} of {peer.seen} entries, {read}"
            said += f"; {waiting} wait, {aside} in quarantine"
            said += "; CONTRADICTED ITSELF" if peer.distrusted_at else ""
            self.stdout.write(said)
            self.stdout.write(f"  {peer.log_address}  {peer.vkey}")
            if run:
                self.stdout.write(f"  last run: {_said(run)}")


def _said(run: Run) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(run.counts.items()))
    said = f"{run.state}, entries {run.first} to {run.end}" + (f": {counts}" if counts else "")
    said += f", {run.withdrawals} withdrawals" if run.withdrawals else ""
    return said + (f"; {run.error}" if run.error else "")


def _ago(peer: Peer) -> str:
    seconds = (timezone.now() - (peer.read_at or timezone.now())).total_seconds()
    return f"{seconds:.0f} s ago"
