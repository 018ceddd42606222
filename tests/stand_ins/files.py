"""Files as strangers send them, made by code: harmless, telling more than meant, and hostile."""

import io
import json
import pickle
import struct
import zipfile
import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, String
from PIL import Image

# Stands wherever a file could tell what nobody meant to send.
SECRET = b"SECRET-52-30-N"


def image(kind: str = "PNG", size: tuple[int, int] = (40, 30), **saving: Any) -> bytes:
    """A picture of noise."""
    written = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(written, kind, **saving)
    return written.getvalue()


def telling_jpeg() -> bytes:
    """With EXIF, place, thumbnail, XMP, comment and colour profile, turned on its side, and more after its end."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    exif.get_ifd(0x8769)[0x927C] = SECRET
    written = image("JPEG", exif=exif, xmp=b"<x:xmpmeta>" + SECRET, comment=SECRET, icc_profile=b"profile " + SECRET)
    return written + SECRET


def telling_png() -> bytes:
    """With text, EXIF and XMP, and more after its end."""
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Author", SECRET.decode())
    told.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    return image("PNG", pnginfo=told, exif=exif) + b"PK\x03\x04" + SECRET


def telling_webp() -> bytes:
    """With EXIF and XMP."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    return image("WEBP", exif=exif, xmp=b"<x:xmpmeta>" + SECRET)


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few bytes that say they are an image of billions of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def animation() -> bytes:
    """A WebP with two frames."""
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    written = io.BytesIO()
    frames[0].save(written, "WEBP", save_all=True, append_images=frames[1:])
    return written.getvalue()


def pdf(**saving: Any) -> bytes:
    """A page with a line on it."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 200))
    made.pages[0].obj.Contents = made.make_stream(b"10 10 m 190 190 l S")
    return _written(made, **saving)


def hostile_pdf() -> bytes:
    """With scripts, actions, a form, links, an attachment, metadata everywhere, and a photo that tells its place."""
    made = pikepdf.new()
    secret = String(SECRET.decode())
    script = Dictionary(S=Name.JavaScript, JS=secret)
    photo = Stream(made, telling_jpeg(), Type=Name.XObject, Subtype=Name.Image, Width=40, Height=30)
    photo.BitsPerComponent, photo.ColorSpace, photo.Filter = 8, Name.DeviceRGB, Name.DCTDecode
    photo.Metadata = made.make_stream(SECRET)
    made.add_blank_page(page_size=(200, 200))
    page = made.pages[0].obj
    page.Resources = Dictionary(XObject=Dictionary(F=made.make_indirect(photo)))
    page.Contents = made.make_stream(b"q 100 0 0 100 20 20 cm /F Do Q")
    page.AA, page.PieceInfo, page.Metadata = Dictionary(O=script), Dictionary(App=secret), made.make_stream(SECRET)
    link = Dictionary(
        Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], Border=[0, 0, 0], A=Dictionary(S=Name.URI, URI=secret)
    )
    page.Annots = Array([made.make_indirect(link)])
    made.Root.OpenAction, made.Root.AcroForm = script, Dictionary(Fields=Array([]), XFA=secret)
    made.docinfo["/Author"] = secret
    made.attachments["program.exe"] = b"MZ" + SECRET
    with made.open_metadata() as metadata:
        metadata["dc:title"] = SECRET.decode()
    return _written(made)


def _written(made: pikepdf.Pdf, **saving: Any) -> bytes:
    written = io.BytesIO()
    made.save(written, **saving)
    return written.getvalue()


def archive(**files: bytes) -> bytes:
    """A ZIP archive, as .docx, .pt, .npz and .eval files are."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return written.getvalue()


def pickled(protocol: int) -> bytes:
    """A pickle; protocol 0 is plain letters."""
    return pickle.dumps({"weights": [1, 2, 3], "name": "model"}, protocol=protocol)


def garak_report(**changes: Any) -> bytes:
    """A report of garak with two probes, one of which got through."""
    message = {"lang": "en", "data_path": None, "data_type": None, "data_checksum": None, "notes": {}}
    rows = [
        {
            "entry_type": "start_run setup",
            "plugins.target_type": "huggingface",
            "plugins.target_name": "example-org/tiny-chat",
            "run.eval_threshold": 0.5,
            **changes,
        },
        {"entry_type": "init", "garak_version": "0.14.0", "start_time": "2026-10-03T10:00:00", "run": "5b1f"},
        {
            "entry_type": "attempt",
            "status": 2,
            "probe_classname": "promptinject.HijackHateHumans",
            "prompt": {"turns": [{"role": "user", "content": {"text": "private question", **message}}]},
            "outputs": [{"text": "a refusal", **message}, {"text": "private answer", **message}, None],
            "detector_results": {"promptinject.AttackRogueString": [0.0, 1.0, None]},
        },
        {
            "entry_type": "eval",
            "probe": "promptinject.HijackHateHumans",
            "detector": "promptinject.AttackRogueString",
            "passed": 3,
            "fails": 7,
            "nones": 0,
            "total_evaluated": 10,
            "total_processed": 10,
        },
        {"entry_type": "eval", "probe": "dan.Dan_11_0", "detector": "detector.dan.DAN", "passed": 5, "total": 5},
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
