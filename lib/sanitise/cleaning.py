"""The door: one file in, the same made anew out, by `lib.sanitise.making` in a confined process."""

from dataclasses import dataclass

from lib import confined
from lib.confined import RefusedFileError
from lib.sanitise.kinds import KINDS, Kind


@dataclass(frozen=True)
class Cleaned:
    """A file as it may be kept; `note` says in a sentence what was changed, "" for nothing of note."""

    kind: Kind
    content: bytes
    note: str


def cleaned(content: bytes) -> Cleaned:
    """`content` as it may be kept. Raises RefusedFileError."""
    facts, result = confined.run("lib.sanitise.making:clean", content)
    kind = KINDS.get(facts["media_type"])
    if kind is None:
        raise RefusedFileError("The file is of no accepted kind.")
    return Cleaned(kind, result, str(facts["note"])[:300])
