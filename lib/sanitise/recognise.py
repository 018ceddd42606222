"""What a file is by its first bytes, and a plain sentence for what is not taken."""

import re

from lib.confined import RefusedFileError
from lib.refusal import Words

ACCEPTED = Words("Accepted are PNG, JPEG and WebP images, PDF, and UTF-8 text (text, Markdown, JSON, JSON lines, CSV).")
_ARCHIVE = Words("is an archive, and nothing is unpacked here. Send the files one by one")
_WEIGHTS = Words("is a model's weights. Name the model and the file by link and SHA-256 instead")
_PROGRAM = Words("is a program. Give its SHA-256 in the text instead")
_PICTURE = Words("is an image of a kind that is not accepted. Save it as PNG or JPEG")
_MEDIA = Words("is audio or video, which is not accepted. Say where it can be seen")
_PICKLE = Words("is a pickle, which can run code when loaded")
_OFFICE = Words("is an office document. Save it as PDF")
_ZIP = Words(
    "is a ZIP archive (as .docx, .xlsx, .pt, .npz and .eval files are too), and nothing is unpacked here. "
    "Send the files one by one; export an Inspect .eval log as JSON with `inspect log convert --to json`"
)

# Offset, bytes, what it is: from the formats' own specifications.
_REFUSED = (
    (0, b"PK\x03\x04", _ZIP),
    (0, b"PK\x05\x06", _ZIP),
    (0, b"PK\x07\x08", _ZIP),
    (0, b"\x1f\x8b", _ARCHIVE),
    (0, b"BZh", _ARCHIVE),
    (0, b"\xfd7zXZ\x00", _ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (0, b"Rar!\x1a\x07", _ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (257, b"ustar", _ARCHIVE),
    *((0, bytes((0x80, protocol)), _PICKLE) for protocol in range(2, 6)),
    (0, b"\x93NUMPY", _WEIGHTS),
    (0, b"\x89HDF\r\n\x1a\n", _WEIGHTS),
    (0, b"GGUF", _WEIGHTS),
    (8, b'{"', _WEIGHTS),  # safetensors: the length of the header, then the header
    (0, b"\x7fELF", _PROGRAM),
    (0, b"MZ", _PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", _PROGRAM),
    (0, b"\xca\xfe\xba\xbe", _PROGRAM),
    (0, b"\x00asm", _PROGRAM),
    (0, b"GIF8", _PICTURE),
    (0, b"BM", _PICTURE),
    (0, b"II*\x00", _PICTURE),
    (0, b"MM\x00*", _PICTURE),
    (4, b"ftyphei", _PICTURE),
    (4, b"ftypavif", _PICTURE),
    (4, b"ftypmif1", _PICTURE),
    (4, b"ftyp", _MEDIA),
    (8, b"WAVE", _MEDIA),
    (8, b"AVI ", _MEDIA),
    (0, b"ID3", _MEDIA),
    (0, b"OggS", _MEDIA),
    (0, b"fLaC", _MEDIA),
    (0, b"\x1aE\xdf\xa3", _MEDIA),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (0, b"{\\rtf", _OFFICE),
    (0, b"SQLite format 3\x00", Words("is a database. Export what matters as CSV or JSON")),
    (0, b"%!PS", Words("is a PostScript program. Save it as PDF")),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_TEXT_TOO = frozenset({b"BM", b"MZ", b"BZh", b"ID3", b'{"', b"ftyp"})  # letters that a text may begin with


def signature(content: bytes) -> str:
    """`png`, `jpeg`, `webp` or `pdf`; "" for what can only be text. Raises RefusedFileError."""
    if not content:
        raise RefusedFileError("The file is empty.")
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content.startswith(b"%PDF-"):
        return "pdf"
    for offset, magic, what in _REFUSED:
        if content[offset : offset + len(magic)] == magic and (magic not in _TEXT_TOO or _is_binary(content)):
            raise RefusedFileError("The file %(what)s.", what=what)
    return ""


def _is_binary(content: bytes) -> bool:
    return bool(_CONTROLS.search(content[:1024]))
