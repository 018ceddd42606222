"""Saying something to somebody in their language, wherever it is said from."""

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation


def speaking(code: str) -> AbstractContextManager[None]:
    """The language of that code (BCP 47) is active within; the node's first where there are no pages in it."""
    known = dict(settings.LANGUAGES)
    wanted = (code, code.partition("-")[0])
    return translation.override(next((one for one in wanted if one in known), settings.LANGUAGE_CODE))
