"""Receipt codes: how an anonymous reporter follows a report.

A code is 100 random bits in Crockford base32 with its mod-37 check symbol (https://www.crockford.com/base32.html),
shown as XXXX-XXXX-XXXX-XXXX-XXXX-C. Only an HMAC-SHA256 under the node's pepper is stored for good; for a few minutes
the browser that sent the report can be shown the code again (`reports.drafts`). A code opens the report for a while:
what the page then carries is a pass, the stored HMAC sealed with its time, so that the code is typed once and stands in
no page that follows, no cookie and no address.
"""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from lib.seal import UnreadableSealError, seal, unseal
from reports.models import Report

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKS = _ALPHABET + "*~$=U"
_LENGTH = 20
PASS_SECONDS = 1800
_PURPOSE = "status page: "
_CODE = re.compile(f"([{_ALPHABET}]{{{_LENGTH}}})([{re.escape(_CHECKS)}])")
_EVERY_CODE = re.compile(f"(?={_CODE.pattern})")
_SEPARATORS = re.compile(r"[\s\u2010-\u2015-]+")
# From Crockford's digits to those that int() reads.
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_receipt() -> str:
    """A new code, as it is shown."""
    number = secrets.randbits(5 * _LENGTH)
    code = "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_LENGTH)))
    groups = [code[start : start + 4] for start in range(0, _LENGTH, 4)]
    return "-".join([*groups, _CHECKS[number % 37]])


def receipt_key(typed: str) -> str | None:
    """What is stored for a code, 64 hex characters; None if what was typed is no code at all."""
    found = _CODE.fullmatch(typed.strip().upper().translate(_READ_AS))
    return _key_of(found[1], found[2]) if found else None


def _key_of(code: str, check: str) -> str | None:
    if _CHECKS[int(code.translate(_DIGITS), 32) % 37] != check:
        return None
    return hmac.new(settings.RECEIPT_PEPPER.encode(), code.encode(), hashlib.sha256).hexdigest()


def report_for(typed: str) -> Report | None:
    """The report that a receipt opens; None for every code that leads nowhere, whatever the reason.

    Unknown, expired and withdrawn are one question to one index with one answer.
    """
    return _with_key(receipt_key(typed) or "")


def _with_key(key: str) -> Report | None:
    since = timezone.now() - timedelta(days=settings.RECEIPT_DAYS)
    return Report.objects.filter(receipt_key=key, submitted_at__gt=since).first()


def new_pass(report: Report) -> str:
    """What opens the report again for `PASS_SECONDS`, without its code."""
    return seal(f"{_PURPOSE}{report.receipt_key}").decode()


def report_for_pass(shown: str) -> Report | None:
    """The report that a pass opens; None if it has run out, is none of ours, or leads nowhere any more."""
    try:
        text = unseal(shown.encode(), seconds=PASS_SECONDS)
    except UnreadableSealError:
        return None
    return _with_key(text.removeprefix(_PURPOSE)) if text.startswith(_PURPOSE) else None


def holds_receipt(text: str, report: Report) -> bool:
    """Whether the report's own code stands somewhere in `text`, however it is grouped."""
    compact = _SEPARATORS.sub("", text).upper().translate(_READ_AS)
    return any(_key_of(code, check) == report.receipt_key for code, check in _EVERY_CODE.findall(compact))
