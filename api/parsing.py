"""Request bodies."""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, DataAndFiles, JSONParser, MultiPartParser


class TooLarge(APIException):
    """A 413."""

    status_code = 413
    default_detail = "The body is larger than this node accepts."
    default_code = "too_large"


class BoundedJSONParser(BaseParser):
    """JSON of at most `most_bytes`; a body nested deeper than the parser can go is the caller's mistake, not ours.

    Not a JSONParser by inheritance: to those the framework hands the whole body, read before anybody could refuse it.
    """

    media_type = "application/json"
    most_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body; raises ParseError and TooLarge."""
        content = stream.read(self.most_bytes + 1)
        if len(content) > self.most_bytes:
            raise TooLarge
        try:
            return JSONParser().parse(BytesIO(content), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error


class BomParser(BoundedJSONParser):
    """A bill of materials, under any media type: tools send theirs under several, and some under none."""

    media_type = "*/*"
    most_bytes = 20_000_000


class BoundedMultiPartParser(MultiPartParser):
    """A form with files, for views that say which they take (`lib.uploads.accept`)."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles:
        """The parsed body; raises ParseError and TooLarge."""
        try:
            return super().parse(stream, media_type, parser_context)
        except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
            raise TooLarge from error
