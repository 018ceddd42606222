"""A result file of a red-team tool: evidence, and the beginning of a report."""

from django.core.files.uploadedfile import UploadedFile

from lib.confined import RefusedFileError
from reports.evidence import store
from reports.evidence.holding import Held, hold
from reports.redteam_draft import Draft, draft_of


def draft_from(upload: UploadedFile) -> tuple[Held, Draft]:
    """The stored file, and the draft it makes. Raises RefusedFileError, and then nothing stays stored."""
    held = hold(upload)
    try:
        return held, draft_of(store.get(held.stored_as))
    except RefusedFileError:
        store.remove(held.stored_as)
        raise
