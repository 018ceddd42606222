"""Images, decoded and drawn anew: only the pixels of the first and only frame remain."""

import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from lib.confined import RefusedFileError

MOST_PIXELS = 40_000_000
_SAVING: dict[str, dict[str, object]] = {
    "PNG": {"compress_level": 4},
    "JPEG": {"quality": 90, "subsampling": 0},
    "WEBP": {"quality": 90, "method": 2},
}
_SIXTEEN_BITS = frozenset({"I;16", "I;16B", "I;16L", "I"})


def redraw(content: bytes, name: str) -> bytes:
    """The image of that format (`PNG`, `JPEG` or `WEBP`) as new bytes of the same format, upright, 8 bits a channel.

    Nothing but pixels is taken over: no EXIF, XMP, IPTC, comment, thumbnail, colour profile, nor what follows the
    image's end. Raises RefusedFileError for what is too large, animated or damaged.
    """
    # Pillow only warns of images up to twice its limit.
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _redrawn(content, name)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedFileError(
            "The image has more than %(most)s million pixels.", most=MOST_PIXELS // 1_000_000
        ) from error
    except RefusedFileError:
        raise
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, EOFError) as error:
        # Pillow's decoders raise all of these for bytes that are no image; UnidentifiedImageError is an OSError.
        raise RefusedFileError("The image cannot be read: it is damaged or not what it says it is.") from error


def _redrawn(content: bytes, name: str) -> bytes:
    with Image.open(BytesIO(content), formats=[name]) as opened:
        if opened.format not in (name, "MPO"):
            raise UnidentifiedImageError
        if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
            raise RefusedFileError("The image is animated. Save the frame that matters as PNG.")
        opened.load()
        upright = ImageOps.exif_transpose(opened)
        plain = _eight_bits(upright, may_be_clear=name != "JPEG")
    # A new image from raw pixels has no room for anything else.
    drawn = Image.frombytes(plain.mode, plain.size, plain.tobytes())
    written = BytesIO()
    drawn.save(written, format=name, **_SAVING[name])
    return written.getvalue()


def _eight_bits(image: Image.Image, *, may_be_clear: bool) -> Image.Image:
    if image.mode in _SIXTEEN_BITS:
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    clear = "A" in image.getbands() or "transparency" in image.info
    if clear and may_be_clear:
        return image.convert("RGBA")
    if image.mode in {"1", "L", "LA"}:
        return image.convert("L")
    return image if image.mode == "RGB" else image.convert("RGB")
