"""The node's keys: making, listing, rotating and revoking them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from incidents import key_events, keyring, sequencing
from incidents.guard import LogRefusesError
from incidents.keys import KeySet, Purpose
from incidents.log_models import LogEntry
from lib.notes import NoteKey


class Command(BaseCommand):
    """`manage.py node_key generate | list | rotate PURPOSE | revoke PURPOSE --from-index N`."""

    help = "Make, list, rotate or revoke the node's keys; each change is an entry of the log."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("generate", help="Begin the log with its keys; the first publication does so by itself.")
        acts.add_parser("list", help="Every key, when it counts, and the one that others pin.")
        rotate = acts.add_parser("rotate", help="Put a new key in the place of the one in force.")
        revoke = acts.add_parser("revoke", help="The same where others may have had the key.")
        for each in (rotate, revoke):
            each.add_argument("purpose", choices=list(Purpose))
        revoke.add_argument("--from-index", type=int, required=True, help="The first entry it counts no more for.")

    def handle(self, *_args: Any, act: str, **options: Any) -> None:
        """Does it and lists the keys."""
        try:
            if act == "generate":
                key_events.generate()
            if act in {"rotate", "revoke"}:
                purpose = Purpose(options["purpose"])
                self._replaced(_replace(act, purpose, options))
                if act == "revoke" and purpose is Purpose.RECORD:
                    self._void(key_events.void_records(options["from_index"]))
            keys = sequencing.current_keys()
            if keys is None:
                raise CommandError("the log has no keys yet: the first publication makes them, or `generate`")
            self._list(keys)
        except LogRefusesError as error:
            raise CommandError(str(error)) from error

    def _replaced(self, entry: LogEntry) -> None:
        self.stdout.write(f"entry {entry.index} of the log says so; a worker signs it within a minute")

    def _void(self, names: list[str]) -> None:
        self.stdout.write(f"{len(names)} records were signed by it since, and count again once they are corrected")
        for name in names:
            self.stdout.write(f"  {name}")

    def _list(self, keys: KeySet) -> None:
        for key in keys.keys:
            until = "" if key.end is None else f" to before {key.end}"
            state = "revoked" if key.revoked else "in force" if key.end is None else "ended"
            held = "" if keyring.find(key) else ", its private half is not here"
            self.stdout.write(f"{key.purpose:<7}{key.kid}  entries {key.start} on{until}, {state}{held}")
        self.stdout.write(f"pin     {NoteKey(keys.origin, keys.in_force(Purpose.LOG).public)}")


def _replace(act: str, purpose: Purpose, options: dict[str, Any]) -> LogEntry:
    return key_events.rotate(purpose) if act == "rotate" else key_events.revoke(purpose, options["from_index"])
