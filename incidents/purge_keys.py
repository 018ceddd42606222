"""What a public answer is made of, in two words at most, so that a cache before the node can drop it in time. Pure.

The answers of one record carry `record-<id>`, those of one model `model-<hub>/<name>` as well as `records`, all others
`records` alone. An entry of the log outdates `records` and the record it names; a hub's news outdate a model.
`Surrogate-Key` is what Fastly and Varnish read, `Cache-Tag` what Cloudflare, Akamai and Google do.
"""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from incidents.record import is_public_id

RECORDS = "records"
_RECORD = re.compile(r"(?:/api/v1)?(?:/embed)?/incidents/([A-Z0-9-]+)(?:[/.].*)?")
_MODEL = re.compile(r"(?:/api/v1)?(?:/embed)?/models/([a-z]+)/(.+?)(?:/(?:badge\.svg)?)?")
_LONGEST = 200


def keys_of(path: str) -> list[str]:
    """The keys of the answer at a path."""
    if (found := _RECORD.fullmatch(path)) and is_public_id(found[1]):
        return [f"record-{found[1]}"]
    if found := _MODEL.fullmatch(path):
        name = quote(found[2].lower(), safe="/")
        if len(name) > _LONGEST:
            name = sha256(name.encode()).hexdigest()
        return [RECORDS, f"model-{found[1]}/{name}"]
    return [RECORDS]


def marks(path: str) -> dict[str, str]:
    """The keys of the answer at a path, as headers."""
    keys = keys_of(path)
    return {"Surrogate-Key": " ".join(keys), "Cache-Tag": ",".join(keys)}


def mark(response: Any, path: str) -> None:
    """Writes the keys on an answer."""
    for name, value in marks(path).items():
        response.headers[name] = value
