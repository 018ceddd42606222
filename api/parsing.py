"""Request bodies."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import DataAndFiles, JSONParser, MultiPartParser


class TooLarge(APIException):
    """A 413."""

    status_code = 413
    default_detail = "The body is larger than this node accepts."
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """JSON; a body nested deeper than the parser can go is the caller's mistake, not an error of ours."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body; raises ParseError."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except RequestDataTooBig as error:
            raise TooLarge from error


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
