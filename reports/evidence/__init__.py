"""Files as evidence: made anew on the way in, sealed outside the database, seen by moderators only, each look recorded.

`keep` takes an upload for a report. Where a form may still fail, `hold` takes it without a report, and `attach` gives
it to one later. RefusedFileError is a sentence for whoever sent the file.
"""

from lib.confined import RefusedFileError
from reports.evidence.drafting import draft_from
from reports.evidence.holding import Held, held_from, hold, let_go
from reports.evidence.verbs import (
    add_files,
    attach,
    content_of,
    forget,
    keep,
    submit_with_files,
)

__all__ = [
    "Held",
    "RefusedFileError",
    "add_files",
    "attach",
    "content_of",
    "draft_from",
    "forget",
    "held_from",
    "hold",
    "keep",
    "let_go",
    "submit_with_files",
]
