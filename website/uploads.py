"""Uploads: none, unless a view says that it takes files (`lib.uploads.accept`)."""

from typing import NoReturn

from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class Refuse(FileUploadHandler):
    """Skips every file without keeping a byte of it."""

    def new_file(self, *_arguments: object, **_more: object) -> NoReturn:
        """Raises SkipFile."""
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Never called; the file was skipped."""
        raise NotImplementedError

    def file_complete(self, file_size: int) -> None:
        """Nothing was kept."""
