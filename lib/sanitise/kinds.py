"""The kinds of files that are taken: everything else is refused."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from lib.text import clean_line

MOST_OF_A_NAME = 80


@dataclass(frozen=True)
class Kind:
    """A kind of file. `extensions` begins with the one it gets; `shown_as` is "image", "text" or "" for not at all."""

    media_type: str
    extensions: tuple[str, ...]
    title: str
    shown_as: str = "text"


KINDS = {
    kind.media_type: kind
    for kind in (
        Kind("image/png", (".png",), "PNG image", "image"),
        Kind("image/jpeg", (".jpg", ".jpeg"), "JPEG image", "image"),
        Kind("image/webp", (".webp",), "WebP image", "image"),
        Kind("application/pdf", (".pdf",), "PDF document", ""),
        Kind("application/json", (".json",), "JSON"),
        Kind("application/jsonl", (".jsonl",), "JSON lines"),
        Kind("text/csv", (".csv",), "table of values (CSV)"),
        Kind("text/plain", (".txt", ".md", ".log"), "plain text"),
    )
}


def clean_name(name: str, kind: Kind) -> str:
    """A file name of plain characters that ends as its kind does, whatever it was called.

    What the sender called it only chooses between endings of the same kind: `.md` stays, `.exe` does not.
    """
    path = PurePosixPath(clean_line(name).replace("\\", "/"))
    known = path.suffix.lower() in kind.extensions
    foreign = {ending for other in KINDS.values() for ending in other.extensions}
    stem = path.stem if path.suffix.lower() in foreign else path.name
    plain = "".join(letter if letter.isalnum() or letter in " ._-()" else "_" for letter in stem).strip(" ._-")
    return (plain[:MOST_OF_A_NAME].rstrip(" ._-") or "file") + (path.suffix.lower() if known else kind.extensions[0])
