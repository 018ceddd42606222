"""PDFs, put together anew from their pages: what draws is taken over, what acts or tells is not.

Names of keys and their meaning are those of ISO 32000-2.
"""

from collections.abc import Iterator
from io import BytesIO

import pikepdf
from pikepdf import Dictionary, Name, Object, Pdf, Stream

from lib.confined import RefusedFileError

MOST_PAGES = 500
MOST_OBJECTS = 100_000
# What of a page draws. Annotations (links, forms, attachments, media), actions, thumbnails and the rest stay behind.
_OF_A_PAGE = frozenset(
    {"/Type", "/Parent", "/Resources", "/Contents", "/MediaBox", "/CropBox", "/Rotate", "/UserUnit", "/Group"}
)
# Of any other object: metadata, private data of programs, associated files, print servers, contents of other files.
_ELSEWHERE = ("/Metadata", "/PieceInfo", "/AF", "/OPI", "/LastModified", "/Alternates")
# Markers of a JPEG (ITU-T T.81, table B.1): start of scan, comment, application data; of these we keep the first
# (JFIF) and the fifteenth (Adobe's colour transform).
_SCAN, _COMMENT, _APPLICATION = 0xDA, 0xFE, range(0xE0, 0xF0)
_KEPT_APPLICATION = frozenset({0xE0, 0xEE})
_OF_A_STREAM = ("/F", "/FFilter", "/FDecodeParms", "/Ref")


def rebuild(content: bytes) -> bytes:
    """The PDF's pages as a new PDF without scripts, actions, forms, attachments, links or metadata.

    Layers that a reader could hide become visible. Raises RefusedFileError for what is encrypted, damaged, too long,
    or holds JPEG 2000 images, whose metadata would remain.
    """
    try:
        with pikepdf.open(BytesIO(content)) as source, Pdf.new() as rebuilt:
            _count_pages(source)
            for page in source.pages:
                _strip_page(page.obj)
                rebuilt.pages.append(page)
            _strip_objects(rebuilt)
            written = BytesIO()
            rebuilt.save(written, stream_decode_level=pikepdf.StreamDecodeLevel.none, deterministic_id=True)
            return written.getvalue()
    except pikepdf.PasswordError as error:
        raise RefusedFileError("The PDF is encrypted. Save it without a password.") from error
    except RefusedFileError:
        raise
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError, LookupError, RuntimeError) as error:
        # A damaged PDF shows itself anywhere in reading it, as any of these.
        raise RefusedFileError("The PDF cannot be read: it is damaged or not what it says it is.") from error


def _count_pages(pdf: Pdf) -> None:
    if not 0 < len(pdf.pages) <= MOST_PAGES:
        if len(pdf.pages):
            raise RefusedFileError("The PDF has more than %(most)s pages.", most=MOST_PAGES)
        raise RefusedFileError("The PDF has no pages.")


def _strip_page(page: Object) -> None:
    # What a page inherits is its own once the tree above it stays behind.
    inherited = {key: _inherited(page, key) for key in ("/Resources", "/MediaBox", "/CropBox", "/Rotate")}
    for key in list(page.keys()):
        if key not in _OF_A_PAGE:
            del page[key]
    for key, value in inherited.items():
        if value is not None:
            page[key] = value


def _inherited(page: Object, key: str) -> Object | None:
    node: Object | None = page
    for _level in range(64):
        if node is None or key in node:
            return None if node is None else node[key]
        node = node.get("/Parent")
    return None


def _strip_objects(pdf: Pdf) -> None:
    for number, item in enumerate(_containers(pdf)):
        if number > MOST_OBJECTS:
            raise RefusedFileError("The PDF has more than %(most)s objects.", most=MOST_OBJECTS)
        for key in (*_ELSEWHERE, *(_OF_A_STREAM if isinstance(item, Stream) else ())):
            if key in item:
                del item[key]
        if isinstance(item, Stream):
            _strip_image(item)


def _containers(pdf: Pdf) -> Iterator[Object]:
    """Every dictionary and stream of the document."""
    waiting = [item for item in pdf.objects if isinstance(item, Dictionary | Stream | pikepdf.Array)]
    while waiting:
        item = waiting.pop()
        inner = item if isinstance(item, pikepdf.Array) else [item[key] for key in item.keys()]  # noqa: SIM118
        waiting += [one for one in inner if isinstance(one, Dictionary | pikepdf.Array) and not one.is_indirect]
        if not isinstance(item, pikepdf.Array):
            yield item


def _strip_image(stream: Stream) -> None:
    filters = stream.get("/Filter")
    names = [filters] if isinstance(filters, Name) else list(filters or [])
    if Name.JPXDecode in names:
        raise RefusedFileError("The PDF holds a JPEG 2000 image. Print it into a new PDF, or send pages as images.")
    if names == [Name.DCTDecode]:
        parameters = stream.get("/DecodeParms")
        plain = _jpeg_without_metadata(stream.read_raw_bytes())
        stream.write(plain, filter=Name.DCTDecode, decode_parms=parameters if parameters else None)  # type: ignore[arg-type]
    elif Name.DCTDecode in names:
        raise RefusedFileError("The PDF holds a doubly packed image. Print it into a new PDF, or send pages as images.")


def _jpeg_without_metadata(jpeg: bytes) -> bytes:
    """A JPEG without application data and comments but for JFIF and Adobe's colour transform (ITU-T T.81, annex B)."""
    kept, at = [jpeg[:2]], 2
    while jpeg[at : at + 1] == b"\xff" and at + 4 <= len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        if marker == _SCAN:  # all that follows is the picture
            end = jpeg.rfind(b"\xff\xd9")
            return b"".join(kept) + jpeg[at : end + 2 if end > at else len(jpeg)]
        told = marker == _COMMENT or (marker in _APPLICATION and marker not in _KEPT_APPLICATION)
        if not told:
            kept.append(jpeg[at : at + 2 + length])
        at += 2 + length
    raise RefusedFileError("The PDF holds a damaged JPEG image.")
