"""Bodies without a length (RFC 9112, section 7.1: chunked), which Django would take for empty ones."""

from collections.abc import Callable, Iterable
from typing import Any

from lib.uploads import MOST_BODY_BYTES

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def of_any_length(application: Application) -> Application:
    """Reads a chunked body to its end. Whoever parses it has a bound of its own; no view gets more than the largest.

    Only where the server says that its stream ends with the body (`wsgi.input_terminated`), as granian does.
    """

    def measured(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if chunked and not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
            environ["CONTENT_LENGTH"] = str(MOST_BODY_BYTES)
        return application(environ, start_response)

    return measured
