"""Logs that this node serves: its own, and those of other nodes as it keeps them. Read as the public reads."""

from abc import ABC, abstractmethod

from django.conf import settings

from federation import cosignatures, mirror
from federation.models import Mirror, PulledEntry, PulledObject
from incidents import checkpoints, tree
from incidents.connection import of_public
from incidents.log_models import LogEntry, LogObject
from lib.notes import with_lines


class ServedLog(ABC):
    """What the files of a log are made from; the caller asks for nothing past `size`."""

    @abstractmethod
    def note(self) -> str:
        """The last checkpoint; "" while there is none."""

    @abstractmethod
    def size(self) -> int:
        """How many entries it covers."""

    @abstractmethod
    def tile(self, level: int, number: int, width: int) -> bytes:
        """The first hashes of a tile."""

    @abstractmethod
    def leaves(self, first: int, width: int) -> list[bytes]:
        """The leaves of these entries."""

    @abstractmethod
    def objects(self, first: int, width: int) -> list[bytes | None]:
        """The objects that these entries name; None for each that is gone."""

    @abstractmethod
    def object(self, sha256: str) -> bytes | None:
        """One object, b"" once it is gone; None where no entry names it."""


class OwnLog(ServedLog):
    """This node's."""

    def note(self) -> str:
        """As signed last, with the cosignatures of peers."""
        found = checkpoints.latest(using=settings.PUBLIC_READS)
        return with_lines(found.note, cosignatures.lines(found.size)) if found else ""

    def size(self) -> int:
        """Of the last checkpoint."""
        found = checkpoints.latest(using=settings.PUBLIC_READS)
        return found.size if found else 0

    def tile(self, level: int, number: int, width: int) -> bytes:
        """From the tree."""
        return tree.tile(level, number, width, using=settings.PUBLIC_READS)

    def leaves(self, first: int, width: int) -> list[bytes]:
        """In order."""
        rows = of_public(LogEntry).filter(index__gte=first, index__lt=first + width).order_by("index")
        return [bytes(leaf) for leaf in rows.values_list("leaf", flat=True)]

    def objects(self, first: int, width: int) -> list[bytes | None]:
        """In order."""
        rows = of_public(LogEntry).filter(index__gte=first, index__lt=first + width).order_by("index")
        bodies = rows.values_list("object__body", flat=True)
        return [None if body is None else bytes(body) for body in bodies]

    def object(self, sha256: str) -> bytes | None:
        """By digest."""
        found = of_public(LogObject).filter(digest=sha256, entry__index__lt=self.size()).first()
        return bytes(found.body or b"") if found else None


class MirroredLog(ServedLog):
    """Another node's, as far as every entry of a checkpoint is kept."""

    def __init__(self, kept: Mirror) -> None:
        self._kept = kept

    def note(self) -> str:
        """As its origin signed it."""
        return self._kept.note

    def size(self) -> int:
        """Of that checkpoint."""
        return self._kept.size

    def tile(self, level: int, number: int, width: int) -> bytes:
        """From the tree that is kept."""
        return mirror.tile(self._kept.peer_id, level, number, width, using=settings.PUBLIC_READS)

    def leaves(self, first: int, width: int) -> list[bytes]:
        """In order."""
        rows = of_public(PulledEntry).filter(peer=self._kept.peer_id, index__gte=first, index__lt=first + width)
        return [bytes(leaf) for leaf in rows.order_by("index").values_list("leaf", flat=True)]

    def objects(self, first: int, width: int) -> list[bytes | None]:
        """In order."""
        rows = of_public(PulledEntry).filter(peer=self._kept.peer_id, index__gte=first, index__lt=first + width)
        bodies = rows.order_by("index").values_list("object__body", flat=True)
        return [None if body is None else bytes(body) for body in bodies]

    def object(self, sha256: str) -> bytes | None:
        """By digest."""
        rows = of_public(PulledObject).filter(entry__peer=self._kept.peer_id, digest=sha256)
        found = rows.filter(entry__index__lt=self._kept.size).first()
        return bytes(found.body or b"") if found else None


def log_of(origin_digest: str) -> ServedLog | None:
    """The log whose origin has that SHA-256, in hex; None where it is not kept here."""
    kept = of_public(Mirror).filter(origin_digest=origin_digest).first()
    return MirroredLog(kept) if kept else None


def mirrored() -> list[Mirror]:
    """Every log of another node that is kept here, by origin."""
    return list(of_public(Mirror).order_by("origin"))
