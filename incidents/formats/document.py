"""The stored document: RFC 8785 bytes, exactly as they were published and as the log covers them."""

from incidents.format import Format

FORMAT = Format(
    title="JSON",
    media_type="application/json",
    suffix="json",
    one=lambda published: published.document,
)
