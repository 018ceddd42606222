"""Short addresses of views that never change what they show: the view itself, packed, and nothing stored. Pure.

A code is a digit for the way it is packed, then base64url (RFC 4648, section 5) of a check and the packed arguments:
the canonical query with the entry of the log it stands at, as a raw deflate stream (RFC 1951) that begins with a
dictionary of what queries are made of. The check is the first three bytes of the query's SHA-256, so that a mistyped
code leads nowhere. What was given out once must be read for ever: a dictionary never changes, a better one is another
digit.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from website.public.answers import Pairs

_FIRST = "1"
_CHECK = 3
_LONGEST_CODE, _LONGEST_QUERY = 2000, 8000
_RAW = -15
# The most frequent at the end, where a reference to it is shortest.
_DICTIONARIES = {
    _FIRST: (
        b"model_release=&sort=severity&sort=modified&sort=occurred&order=asc&alias=&origin=&term=mitre-atlas%3AAML.T0"
        b"&file_format=pickle&file_format=safetensors&openness=licence_osi%3Aapproved&licence=apache-2.0&licence=mit"
        b"&confidence=low&confidence=medium&confidence=high&published_from=202&published_to=202&modified_from=202"
        b"&occurred_from=202&occurred_to=202&status=withdrawn&status=disputed&status=published&base_model=meta-llama%2F"
        b"&organisation=deepseek-ai&organisation=&hub=huggingface&model=deepseek-ai%2F&model=openai%2F"
        b"&category=intellectual_property&category=misuse.deepfake&category=misuse.fraud&category=privacy"
        b"&category=bias&category=misinformation&category=vulnerability&category=backdoor.malicious_file"
        b"&category=backdoor.trigger&category=backdoor&category=misuse&evidence_grade=claim&evidence_grade=documented"
        b"&evidence_grade=reproduced&evidence_grade=confirmed&severity_min=&severity=negligible&severity=low"
        b"&severity=moderate&severity=high&severity=critical&kind=measurement&kind=exercise&kind=hazard&kind=incident"
        b"&q=&as_of="
    )
}


class BadCodeError(ValueError):
    """It is no code that was given out."""


def written(pairs: Pairs) -> str:
    """The code of a view; `pairs` are its canonical arguments, with `as_of` as a number of the log."""
    query = urlencode(list(pairs)).encode()
    packing = zlib.compressobj(9, zlib.DEFLATED, _RAW, zdict=_DICTIONARIES[_FIRST])
    content = hashlib.sha256(query).digest()[:_CHECK] + packing.compress(query) + packing.flush()
    return _FIRST + _text(content)


def read(code: str) -> Sequence[tuple[str, str]]:
    """The arguments of the view that a code is of. Raises BadCodeError."""
    dictionary = _DICTIONARIES.get(code[:1])
    if dictionary is None or len(code) > _LONGEST_CODE or not code.isascii():
        raise BadCodeError("unknown code")
    try:
        content = base64.b64decode(code[1:] + "=" * (-len(code[1:]) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj(_RAW, zdict=dictionary)
        query = unpacking.decompress(content[_CHECK:], _LONGEST_QUERY)
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise BadCodeError("broken code") from error
    if (
        _text(content) != code[1:]
        or not unpacking.eof
        or unpacking.unused_data
        or hashlib.sha256(query).digest()[:_CHECK] != content[:_CHECK]
    ):
        raise BadCodeError("broken code")
    return pairs


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
