"""Files from strangers: what is taken, what is left of it, and what is refused in which words."""

import io
import shutil
import subprocess

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lib.confined import RefusedFileError
from lib.sanitise.cleaning import cleaned
from lib.sanitise.images import MOST_PIXELS
from lib.sanitise.kinds import KINDS, clean_name
from lib.sanitise.making import clean
from tests.stand_ins import files

# What Pillow says of any image that was just drawn.
PLAIN = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background", "timestamp", "duration"}


def refusal(content):
    with pytest.raises(RefusedFileError) as refused:
        clean(content)
    return str(refused.value)


# --- Images --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (files.telling_jpeg(), "image/jpeg"),
        (files.telling_png(), "image/png"),
        (files.telling_webp(), "image/webp"),
    ],
)
def test_an_image_keeps_its_pixels_and_nothing_else(content, media_type, tmp_path):
    assert files.SECRET in content
    kept = cleaned(content)
    assert kept.kind.media_type == media_type
    assert files.SECRET not in kept.content
    drawn = Image.open(io.BytesIO(kept.content))
    drawn.load()
    assert not drawn.getexif()
    assert set(drawn.info) <= PLAIN
    before = Image.open(io.BytesIO(content)).convert("RGB")
    if before.getexif().get(0x0112) == 6:
        before = before.transpose(Image.Transpose.ROTATE_270)
    assert drawn.size == before.size
    if shutil.which("exiftool"):
        path = tmp_path / "kept"
        path.write_bytes(kept.content)
        told = subprocess.run(["exiftool", "-a", "-G1", path], capture_output=True, text=True, check=True).stdout
        assert not any(group in told for group in ("[GPS", "[IFD", "[XMP", "[ICC", "[PNG]   Author"))


def test_pixels_of_a_lossless_image_are_the_same_ones():
    content = files.telling_png()
    assert Image.open(io.BytesIO(cleaned(content).content)).tobytes() == Image.open(io.BytesIO(content)).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_can_be_drawn_anew(mode):
    written = io.BytesIO()
    Image.new(mode, (5, 4), 1).save(written, "PNG")
    assert Image.open(io.BytesIO(clean(written.getvalue())[1])).size == (5, 4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (files.png_bomb(), "more than 40 million pixels"),
        (files.png_bomb(12_000, 12_000), "more than 40 million pixels"),  # of which Pillow would only warn
        (files.animation(), "animated"),
        (files.image("PNG")[:100], "damaged"),
        (files.image("JPEG")[:60], "damaged"),
        (files.image("GIF"), "not accepted"),
        (files.image("TIFF"), "not accepted"),
        (files.image("BMP"), "not accepted"),
    ],
)
def test_images_that_are_refused(content, words):
    assert words in refusal(content)


def test_a_bomb_costs_no_memory():
    assert len(files.png_bomb()) < 15_000
    with pytest.raises(RefusedFileError, match="million pixels"):
        cleaned(files.png_bomb())
    assert MOST_PIXELS == 40_000_000


# --- PDF -----------------------------------------------------------------------------------------------------------
def test_a_pdf_keeps_what_draws_and_nothing_that_acts_or_tells():
    content = files.hostile_pdf()
    assert files.SECRET in content
    kept = cleaned(content)
    assert kept.kind.media_type == "application/pdf"
    opened = pikepdf.open(io.BytesIO(kept.content))
    everything = io.BytesIO()
    opened.save(everything, qdf=True, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    for trace in (files.SECRET, b"JavaScript", b"/AA", b"/Annots", b"AcroForm", b"OpenAction", b"EmbeddedFile", b"XMP"):
        assert trace not in everything.getvalue()
    assert set(opened.Root.keys()) == {"/Type", "/Pages"}
    assert not opened.docinfo
    photo = pikepdf.PdfImage(opened.pages[0].obj.Resources.XObject.F).as_pil_image()
    assert photo.size == (40, 30)
    assert not photo.getexif()


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="no poppler on this machine")
def test_a_pdf_looks_as_before():
    def drawn(content):
        return subprocess.run(["pdftoppm", "-r", "50"], input=content, capture_output=True, check=True).stdout

    for content in (files.pdf(), files.hostile_pdf()):
        assert drawn(clean(content)[1]) == drawn(content)


def test_a_page_keeps_what_it_inherits():
    made = pikepdf.open(io.BytesIO(files.pdf()))
    page = made.pages[0].obj
    made.Root.Pages.MediaBox = page.MediaBox
    del page["/MediaBox"]
    written = io.BytesIO()
    made.save(written)
    kept = pikepdf.open(io.BytesIO(clean(written.getvalue())[1]))
    assert [float(side) for side in kept.pages[0].obj.MediaBox] == [0, 0, 200, 200]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (files.pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "encrypted"),
        (b"%PDF-1.7\nnothing of the kind", "damaged"),
        (files.pdf()[:40], "damaged"),
    ],
)
def test_pdfs_that_are_refused(content, words):
    assert words in refusal(content)


# --- Text ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "media_type", "kept"),
    [
        (b"one line\r\nanother\r\n", "text/plain", b"one line\nanother\n"),
        (b"\xef\xbb\xbfwith a mark", "text/plain", b"with a mark"),
        ("in UTF-16, ä".encode("utf-16"), "text/plain", "in UTF-16, ä".encode()),
        (b"an answer with <script>alert(1)</script> in it", "text/plain", None),
        (b'{"a": [1, 2]}', "application/json", None),
        (b"[]", "application/json", None),
        (b'{"a": 1}\n{"a": 2}\n', "application/jsonl", None),
        (b"{not json}\n{nor this}", "text/plain", None),
        (b"name,score\nprobe,0.5\n", "text/csv", None),
        (b"a;b\n-1;+2.5e3\n", "text/csv", None),
        (b"Hello, you.\nAnd you, and you.\n", "text/plain", None),
        (b"\x1b[31mred\x1b[0m log\n", "text/plain", None),
        (b"MZ is how this text begins", "text/plain", None),
        (b"2020. The year it began.", "text/plain", None),
        (b"2020.", "text/plain", None),
        (b"0" * 100_000, "text/plain", None),
    ],
)
def test_text_is_told_apart_by_reading_it(content, media_type, kept):
    facts, result = clean(content)
    assert (facts["media_type"], facts["note"]) == (media_type, "")
    assert result == (content if kept is None else kept)


def test_cells_that_a_spreadsheet_would_run_are_quoted():
    facts, result = clean(b'name,value\n"=HYPERLINK(""http://x"",""y"")",1\n@SUM(A1),-2\n-cmd|x,+1\n')
    assert result == b'name,value\n"\'=HYPERLINK(""http://x"",""y"")",1\n\'@SUM(A1),-2\n\'-cmd|x,+1\n'
    assert facts["note"] == "3 cells that looked like formulas are quoted."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "white space"),
        (b"a text\x00with NUL", "NUL bytes"),
        (b"a bell \x07", "control characters"),
        ("ä".encode("latin-1"), "UTF-8 text"),
        (b"\xff\xfe\x00", "accepted kind"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a":1}\n' + b'{"a":' * 100_000, "nested too deeply"),
        (b"<!-- hidden --><svg onload=alert(1)>", "SVG drawing"),
        (b"\n<!DOCTYPE html><p>", "HTML page"),
        (b'<?xml version="1.0"?><a/>', "XML"),
    ],
)
def test_texts_that_are_refused(content, words):
    assert words in refusal(content)


# --- Everything else -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (files.archive(a=b"b"), "ZIP archive"),
        (files.archive(**{"header.json": b"{}"}), "inspect log convert --to json"),
        *((files.pickled(protocol), "pickle") for protocol in range(6)),
        (b"cos\nsystem\n(S'ls'\ntR.\n", "pickle"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}", "weights"),
        (b"\x89HDF\r\n\x1a\n" + bytes(8), "weights"),
        (b"GGUF\x03\x00\x00\x00", "weights"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00" + b'{"__metadata__":{}}', "weights"),
        (b"\x7fELF\x02\x01\x01", "program"),
        (b"MZ\x90\x00\x03", "program"),
        (b"GIF89a/*\x01\x00*/=0;alert(1)", "not accepted"),
        (b"\x1f\x8b\x08\x00", "archive"),
        (b"\x00\x00\x00\x20ftypisom", "audio or video"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office document"),
        (b"SQLite format 3\x00", "database"),
        (bytes(range(256)), "no accepted kind"),
    ],
)
def test_everything_else_is_refused_by_its_bytes_in_a_plain_sentence(content, words):
    sentence = refusal(content)
    assert words in sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")


@given(st.binary(max_size=2000))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_text_or_refused_and_never_an_error(content):
    try:
        facts, _ = clean(content)
    except RefusedFileError:
        return
    assert facts["media_type"].startswith(("text/", "application/json"))


START = st.sampled_from(
    [files.image("PNG"), files.image("JPEG"), files.image("WEBP"), files.pdf(), files.hostile_pdf()]
)


@given(START, st.lists(st.tuples(st.integers(8, 3000), st.binary(min_size=1, max_size=30)), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_file_with_bytes_changed_is_made_anew_or_refused_and_never_an_error(content, changes):
    for wanted, new in changes:
        place = min(wanted, len(content))
        content = content[:place] + new + content[place + len(new) :]
    try:
        facts, result = clean(content)
    except RefusedFileError:
        return
    assert clean(result)[0]["media_type"] == facts["media_type"]


@pytest.mark.parametrize(
    ("name", "media_type", "kept"),
    [
        ("photo.JPEG", "image/jpeg", "photo.jpeg"),
        ("photo.png", "image/jpeg", "photo.jpg"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Users\\ana\\notes.md", "text/plain", "notes.md"),
        ("report.pdf.exe", "text/plain", "report.pdf.exe.txt"),
        ("ann\u202egpj.exe", "text/plain", "anngpj.exe.txt"),
        ('a"b\r\nSet-Cookie: x.csv', "text/csv", "a_b Set-Cookie_ x.csv"),
        ("", "application/pdf", "file.pdf"),
        ("...", "image/png", "file.png"),
        ("x" * 500 + ".png", "image/png", "x" * 80 + ".png"),
    ],
)
def test_a_name_says_what_the_file_is_and_holds_nothing_else(name, media_type, kept):
    assert clean_name(name, KINDS[media_type]) == kept


@given(st.text(max_size=200), st.sampled_from(sorted(KINDS)))
def test_any_name_becomes_a_short_plain_one(name, media_type):
    kept = clean_name(name, KINDS[media_type])
    assert 4 < len(kept) <= 90
    assert not set(kept) & set('/\\"\r\n\x00<>:*?|')
    assert kept.endswith(KINDS[media_type].extensions)
