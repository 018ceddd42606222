"""Taking in files while they stream, within bounds. A view that takes files calls `accept` before it reads the form."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any, NoReturn

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from lib.confined import RefusedFileError

MOST_BYTES = 20_000_000
MOST_BYTES_AT_ONCE = 40_000_000
MOST_FILES_AT_ONCE = 5
# A body beyond this is not even skimmed for its text.
MOST_BODY_BYTES = 200_000_000


class Collect(FileUploadHandler):
    """Keeps the files of the named fields in memory, never on disk, and none of them beyond the bounds.

    What does not fit is skimmed, so that the rest of the form is read; `refused` then says why, by the file's name.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        """Files of any other field are skimmed without a word."""
        super().__init__()
        self.fields = frozenset(fields)
        self.refused: list[tuple[str, RefusedFileError]] = []
        self._taken = self._files = 0
        self._buffer = BytesIO()

    def new_file(self, *arguments: Any, **more: Any) -> None:
        """Begins a file, or raises SkipFile."""
        super().new_file(*arguments, **more)
        if self.field_name not in self.fields:
            raise SkipFile
        if self._files == MOST_FILES_AT_ONCE:
            self._refuse(RefusedFileError("At most %(most)s files can be sent at once.", most=MOST_FILES_AT_ONCE))
        self._files += 1
        self._buffer = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keeps a part of the file, or raises SkipFile and forgets what it had of it."""
        if start + len(raw_data) > MOST_BYTES:
            self._taken -= start
            self._refuse(RefusedFileError("The file is larger than %(most)s MB.", most=MOST_BYTES // 1_000_000))
        if self._taken + len(raw_data) > MOST_BYTES_AT_ONCE:
            self._taken -= start
            self._refuse(
                RefusedFileError(
                    "The files together are larger than %(most)s MB.", most=MOST_BYTES_AT_ONCE // 1_000_000
                )
            )
        self._taken += len(raw_data)
        self._buffer.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """The file."""
        self._buffer.seek(0)
        # What the sender says of its type is not passed on: nobody is to believe it.
        return InMemoryUploadedFile(self._buffer, self.field_name, self.file_name, "", file_size, None)

    def _refuse(self, refusal: RefusedFileError) -> NoReturn:
        self._buffer = BytesIO()
        self.refused.append((self.file_name or "file", refusal))
        raise SkipFile


def accept(request: HttpRequest, *fields: str) -> Collect:
    """Lets this request bring files in these fields. Only before anything has read its form."""
    handler = Collect(fields)
    request.upload_handlers = [handler]
    return handler


def is_beyond_reading(request: HttpRequest) -> bool:
    """Whether the body says that it is larger than anything we skim."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not length.isdigit() or int(length) > MOST_BODY_BYTES
