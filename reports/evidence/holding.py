"""A file that is stored but belongs to no report yet: what a form carries until it is sent."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.core import signing
from django.core.files.uploadedfile import UploadedFile

from lib.confined import RefusedFileError
from lib.sanitise.cleaning import cleaned
from lib.sanitise.kinds import clean_name
from lib.uploads import MOST_BYTES
from reports.evidence import store
from reports.models import Evidence

# How long a form may carry a file: as long as a draft lasts. The sweep takes it some time later.
HELD_SECONDS = 72 * 3600
_SALT = "reports.evidence.held"


@dataclass(frozen=True)
class Held:
    """A stored file: the columns of `Evidence` but for the report."""

    name: str
    media_type: str
    size: int
    original_sha256: str
    kept_sha256: str
    stored_as: str
    note: str

    @property
    def token(self) -> str:
        """All of it, signed: only this node makes one, and it runs out."""
        return signing.dumps(asdict(self), salt=_SALT)


def hold(upload: UploadedFile) -> Held:
    """Makes the file anew and stores it. Raises RefusedFileError."""
    # Only the size is believed, and only to refuse: what is read is counted too.
    content = upload.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise RefusedFileError("The file is larger than %(most)s MB.", most=MOST_BYTES // 1_000_000)
    made = cleaned(content)
    return Held(
        name=clean_name(upload.name or "", made.kind),
        media_type=made.kind.media_type,
        size=len(made.content),
        original_sha256=hashlib.sha256(content).hexdigest(),
        kept_sha256=hashlib.sha256(made.content).hexdigest(),
        stored_as=store.put(made.content),
        note=made.note,
    )


def held_from(token: str) -> Held:
    """The file that a form carried. Raises RefusedFileError for a token that is not ours or has run out."""
    try:
        held = Held(**signing.loads(token, salt=_SALT, max_age=HELD_SECONDS))
    except signing.BadSignature as error:
        raise RefusedFileError("A file chosen earlier is no longer held. Please choose it again.") from error
    if not store.renew(held.stored_as):
        raise RefusedFileError("%(name)s is no longer held. Please choose it again.", name=held.name)
    return held


def let_go(tokens: Iterable[str]) -> None:
    """Removes files that a form carried, unless a report holds them by now."""
    for token in tokens:
        try:
            held = Held(**signing.loads(token, salt=_SALT))
        except signing.BadSignature:
            continue
        if not Evidence.objects.filter(stored_as=held.stored_as).exists():
            store.remove(held.stored_as)
