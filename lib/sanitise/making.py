"""What the confined process does with one file. It imports no more than the file needs."""

_METADATA = "Drawn anew from its pixels; metadata and whatever followed the image are gone."
_ACTIVE = "Put together anew from its pages; metadata, links, forms, scripts and attachments are gone."


def clean(content: bytes) -> tuple[dict[str, str], bytes]:
    """The file made anew, with its `media_type` and, as `note`, what was changed. Raises RefusedFileError."""
    from lib.sanitise.recognise import signature

    match signature(content):
        case "pdf":
            from lib.sanitise.pdfs import rebuild

            return {"media_type": "application/pdf", "note": _ACTIVE}, rebuild(content)
        case "":
            from lib.sanitise.texts import clean as clean_text

            media_type, result, note = clean_text(content)
            return {"media_type": media_type, "note": note}, result
        case name:
            from lib.sanitise.images import redraw

            return {"media_type": f"image/{name}", "note": _METADATA}, redraw(content, name.upper())
