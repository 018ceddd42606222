"""Appending to the log: an object is signed, its leaf added to the tree, all in the caller's transaction.

Only what has committed is ever signed as a checkpoint (`incidents.checkpoints`): a transaction that fails leaves no
trace outside the database.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from incidents import guard, keyring, tree
from incidents.guard import LogRefusesError
from incidents.keys import Key, KeySet, Purpose, parse_keys
from incidents.leaves import KEYS, Leaf, LeafOp, document_in, salted
from incidents.log_models import LogEntry, LogObject
from lib import jws
from lib.canonical import digest
from lib.wake import wake


def append(op: LeafOp, subject: str, revision: int, payload: bytes, *, at: str) -> LogEntry:
    """Appends the next revision of `subject`, signed by the record key; the caller holds the log's lock.

    A log that is still empty begins with its keys. `at` is RFC 3339, UTC. Raises LogRefusesError.
    """
    keys = current_keys() or begin(at=at)
    return append_signed(op, subject, revision, payload, [keyring.require(keys.in_force(Purpose.RECORD))], at=at)


def append_signed(
    op: LeafOp, subject: str, revision: int, payload: bytes, signers: list[Ed25519PrivateKey], *, at: str
) -> LogEntry:
    """As `append`, but signed by these keys."""
    size = tree.size()
    guard.refuse_behind(size)
    text = jws.sign(payload, *signers)
    previous = LogEntry.objects.filter(subject=subject).order_by("-revision").first()
    leaf = Leaf(op, subject, revision, digest(text), previous.object_id if previous else None, at)
    return add(size, leaf, text)


def add(index: int, leaf: Leaf, text: bytes | None) -> LogEntry:
    """Adds an entry with its object (None: erased) at the end of the log, whose lock the caller holds."""
    signed = LogObject.objects.create(digest=leaf.obj, body=text)
    entry = LogEntry.objects.create(
        index=index, op=leaf.op, subject=leaf.id, revision=leaf.rev, object=signed, leaf=bytes(leaf)
    )
    tree.add(index, bytes(leaf))
    wake("log grew")
    return entry


def begin(*, at: str) -> KeySet:
    """The first entry of a log: its keys, each of which signs. The caller holds the log's lock."""
    if tree.size():
        raise LogRefusesError("the log has begun without its keys: manage.py verify_log says what is wrong")
    with guard.alone():
        made = {purpose: keyring.initial(purpose) for purpose in Purpose}
    keys = KeySet(
        settings.LOG_ORIGIN, tuple(Key(purpose, jws.public_bytes(private), 0) for purpose, private in made.items())
    )
    append_signed(LeafOp.KEY, KEYS, 1, salted("keys", keys.document()), list(made.values()), at=at)
    return keys


def current_keys(*, within: int | None = None) -> KeySet | None:
    """The log's keys, or those of its first `within` entries; None while it is empty.

    Raises LogRefusesError where the node now has another name.
    """
    events = LogEntry.objects.filter(subject=KEYS, **({} if within is None else {"index__lt": within}))
    entry = events.order_by("-revision").select_related("object").first()
    if entry is None:
        return None
    keys = _parsed(bytes(entry.object.body or b""))
    if keys.origin != settings.LOG_ORIGIN:
        raise LogRefusesError(
            f"this log is that of {keys.origin}, but the node calls itself {settings.NODE_NAME}: "
            "set FAULTLINE_NODE_NAME back"
        )
    return keys


@lru_cache(maxsize=8)
def _parsed(text: bytes) -> KeySet:
    payload, _ = jws.read(text)
    return parse_keys(document_in("keys", payload))
