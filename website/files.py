"""Files in a form: chosen now, or carried from a sending that failed, so that nobody has to choose them again."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lib import uploads
from lib.sanitise.recognise import ACCEPTED
from lib.uploads import MOST_BYTES, MOST_FILES_AT_ONCE
from lib.wording import in_words
from reports import evidence
from reports.evidence import Held, RefusedFileError
from website.private import private

FIELD = "evidence"


class ManyFiles(forms.FileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class FilesForm(forms.Form):
    """A form that takes evidence; `held` are the files it carries. Templates include `website/_files.html`."""

    evidence = forms.Field(
        label=_("Files"),
        required=False,
        widget=ManyFiles(attrs={"multiple": True}),
    )

    def __init__(
        self, *args: Any, held: Iterable[Held] = (), refused: Iterable[tuple[str, RefusedFileError]] = (), **kwargs: Any
    ) -> None:
        """`refused` are files that were turned away while they streamed in: name and refusal."""
        super().__init__(*args, **kwargs)
        self.fields[FIELD].help_text = _help()
        self.held = list(held)
        self._refused = list(refused)

    def clean(self) -> dict[str, Any]:
        """Makes every file anew. What is refused is an error of the field; what is not stays held."""
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned.pop(FIELD, None)
        for token in self._tokens():
            try:
                self.held.append(evidence.held_from(token))
            except RefusedFileError as error:
                self.add_error(FIELD, in_words(error))
        for name, refusal in self._refused:
            self.add_error(FIELD, f"{name}: {in_words(refusal)}")
        for upload in self._uploads():
            try:
                self._take(evidence.hold(upload))
            except RefusedFileError as error:
                self.add_error(FIELD, f"{upload.name}: {in_words(error)}")
        return cleaned

    def _tokens(self) -> list[str]:
        dropped = set(_all(self.data, "drop"))
        return [token for token in _all(self.data, "held") if token not in dropped]

    def _uploads(self) -> list[UploadedFile]:
        return _all(self.files, FIELD)

    def _take(self, file: Held) -> None:
        # Chosen again although it was carried along: once is enough.
        if all(file.original_sha256 != other.original_sha256 for other in self.held):
            self.held.append(file)


def _help() -> str:
    words = gettext(
        "Up to %(files)d files at once, each at most %(size)d MB. %(accepted)s Images and PDFs are made anew without "
        "hidden data such as place or author, originals are not kept, and only moderators see them."
    )
    return words % {"files": MOST_FILES_AT_ONCE, "size": MOST_BYTES // 1_000_000, "accepted": gettext(ACCEPTED)}


def _all(values: Any, name: str) -> list[Any]:
    return values.getlist(name) if isinstance(values, MultiValueDict) else []


def too_large(request: HttpRequest) -> HttpResponse:
    """For a body that is not even skimmed."""
    return private(render(request, "website/413.html", {"most": uploads.MOST_BYTES_AT_ONCE}, status=413))
