"""Receipt codes: how an anonymous reporter follows a report.

A code is 100 random bits in Crockford base32 with its mod-37 check symbol (https://www.crockford.com/base32.html),
shown as XXXX-XXXX-XXXX-XXXX-XXXX-C. Only an HMAC-SHA256 under the node's pepper is stored
for good; for a few minutes the browser that sent the report can be shown the code again (`reports.drafts`).
"""

import hashlib
import hmac
import secrets

from django.conf import settings

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKS = _ALPHABET + "*~$=U"
_LENGTH = 20
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_receipt() -> str:
    """A new code, as it is shown."""
    number = secrets.randbits(5 * _LENGTH)
    code = "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_LENGTH)))
    groups = [code[start : start + 4] for start in range(0, _LENGTH, 4)]
    return "-".join([*groups, _CHECKS[number % 37]])


def receipt_key(typed: str) -> str | None:
    """What is stored for a code, 64 hex characters; None if what was typed is no code at all."""
    text = typed.strip().upper().translate(_READ_AS)
    code, check = text[:_LENGTH], text[_LENGTH:]
    if len(text) != _LENGTH + 1 or any(symbol not in _ALPHABET for symbol in code):
        return None
    number = 0
    for symbol in code:
        number = number * 32 + _ALPHABET.index(symbol)
    if _CHECKS[number % 37] != check:
        return None
    return hmac.new(settings.RECEIPT_PEPPER.encode(), code.encode(), hashlib.sha256).hexdigest()
