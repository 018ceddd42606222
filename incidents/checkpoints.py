"""Checkpoints: the log's committed size and root, signed by its log key, never below or beside one signed before."""

from dataclasses import dataclass

import structlog
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Max
from django.utils import timezone

from incidents import guard, keyring, tree
from incidents.guard import LogRefusesError
from incidents.keys import KeySet, Purpose
from incidents.log_models import Checkpoint
from incidents.sequencing import current_keys
from lib.notes import NoteKey, TreeHead, open_note, parse_tree_head, sign_note
from lib.wake import wake

log = structlog.get_logger()


@dataclass(frozen=True)
class Standing:
    """How much of the log is signed."""

    entries: int
    signed: int


def latest(*, using: str = DEFAULT_DB_ALIAS) -> Checkpoint | None:
    """The checkpoint with the most entries; None while there is none."""
    return Checkpoint.objects.using(using).order_by("-size").first()


def standing() -> Standing:
    """How many entries the log has, and how many of them a checkpoint covers."""
    return Standing(tree.size(), Checkpoint.objects.aggregate(most=Max("size"))["most"] or 0)


def sign_due() -> Checkpoint | None:
    """Signs what has been committed since the last checkpoint. Safe in any number of processes at once, and killed.

    First the guard outside the database remembers what was signed, then the world can read it: a process killed in
    between leaves a checkpoint that nobody saw, and that the next one publishes. Raises LogRefusesError.
    """
    where = standing()
    last = guard.last_signed() if where.entries == where.signed else None
    if where.entries == where.signed and (last.size if last else 0) == where.signed:
        return None
    with guard.alone():
        return _sign()


def sign_or_say() -> None:
    """Signs what is due, or tells the operators why it cannot be."""
    try:
        sign_due()
    except LogRefusesError as error:
        log.error("the log is not signed", error=str(error))  # noqa: TRY400 - no bug of ours


def _sign() -> Checkpoint | None:
    size, last, published = tree.size(), guard.last_signed(), latest()
    keys = current_keys(within=size)
    guard.refuse_behind(size)
    if keys is None:
        return None
    if published and (last is None or last.size < published.size):
        raise LogRefusesError(
            f"what this node signed last is missing in {guard.folder()}, and the database alone cannot tell: compare "
            "with any copy of the log: manage.py refill_log <its address>; where there is none: refill_log --no-copy"
        )
    if last and tree.root(last.size) != last.root:
        raise LogRefusesError(
            f"the first {last.size} entries are not those that this node signed: the log was rewritten. Restore the "
            "database; manage.py verify_log says what does not hold"
        )
    note = guard.last_note() if last and last.size == size else _signed(keys, size)
    guard.remember(note)
    head = parse_tree_head(open_note(note, note_keys(keys)))
    made, is_new = Checkpoint.objects.get_or_create(
        size=size, defaults={"root": head.root, "note": note, "signed_at": timezone.now()}
    )
    if is_new:
        log.info("checkpoint signed", size=size)
        wake("checkpoint signed")
    return made


def _signed(keys: KeySet, size: int) -> str:
    """Signed by the key in force, and by those before it that were not revoked: who pinned one of them can follow."""
    before = [keyring.find(key) for key in keys.of(Purpose.LOG) if key.end is not None and not key.revoked]
    signers = [keyring.require(keys.in_force(Purpose.LOG)), *filter(None, before)]
    return sign_note(str(TreeHead(keys.origin, size, tree.root(size))), ((keys.origin, one) for one in signers))


def note_keys(keys: KeySet) -> list[NoteKey]:
    """The log's keys that were not revoked, as those of notes."""
    return [NoteKey(keys.origin, key.public) for key in keys.of(Purpose.LOG) if not key.revoked]
