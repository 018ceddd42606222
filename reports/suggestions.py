"""What in a text may be personal data: addresses, numbers and names, found by form and checksum. Plain data.

A suggestion is never applied by itself: a moderator redacts it or says why it stays. The forms are loose where missing
one would cost a person, and checked where a checksum exists.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from reports.similarity import NO_SPACES


class Category(StrEnum):
    """What sort of thing is taken out of a text."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    KEY = "key"
    MINOR = "minor"
    OTHER = "other"


MEANINGS: dict[str, str] = {
    Category.NAME: "a person's name",
    Category.EMAIL: "an email address",
    Category.PHONE: "a telephone number",
    Category.ADDRESS: "where somebody lives, banks or connects from",
    Category.KEY: "a key, a token or a password",
    Category.MINOR: "what identifies a child",
    Category.OTHER: "anything else that is nobody's business",
}


@dataclass(frozen=True)
class Suggestion:
    """A passage of a text, exactly as it stands there, and what it may be."""

    category: Category
    text: str


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+(?<![-.])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
# A plus and a country code, or a leading zero, in groups; or as North America writes it. One repeated class and nothing
# repeated around it: the text is anybody's, and must not cost more than its length.
_PHONE = re.compile(
    r"(?<![\w.:/=-])(?:(?:\+\d|\(?0\d)[\d ()./-]{4,20}\d|(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4})(?![\w-])"
)
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
# Prefixes as their issuers document them: OpenAI and Anthropic, Hugging Face, GitHub, GitLab, AWS, Google, Slack,
# Stripe, npm, PyPI; JSON Web Tokens (RFC 7519); PEM blocks of private keys (RFC 7468).
_KEY = re.compile(
    r"(?<![\w-])(?:sk-(?:ant-|proj-)?[\w-]{20,}|hf_[A-Za-z0-9]{30,}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,}"
    r"|glpat-[\w-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|xox[abprs]-[\w-]{10,}|[sr]k_(?:live|test)_\w{16,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:[^-]|-(?!----)){1,4000}-----END (?:[A-Z]+ )*PRIVATE KEY-----",
    re.DOTALL,
)
_SELF_NAMED = re.compile(
    r"\b(?:[Mm]y (?:full )?name(?: is|'s)|[Ss]igned,?|[Kk]ind regards,?|[Bb]est regards,?)\s+"
    r"((?:[^\W\d_a-z][\w'’-]+)(?:\s+[^\W\d_a-z][\w'’.-]+){0,3})"  # noqa: RUF001 - as people type it
)
_AGED = re.compile(
    r"\b(?:(?:my|his|her|our|their) )?(?:[1-9]|1[0-7])[- ]year[- ]old (?:son|daughter|boy|girl|child|brother|sister"
    r"|pupil|student)(?: [^\W\d_a-z][\w'’-]+){0,2}"  # noqa: RUF001
)
_UNSPACED = re.compile(f"[{NO_SPACES}]")
_DIGITS_IN_PHONE = range(7, 16)  # ITU-T E.164: at most 15
_SHORTEST_NAME = 3


def suggest(text: str, *, contacts: Iterable[str] = ()) -> list[Suggestion]:
    """What may be personal data in `text`, in the order of the text, each passage once.

    `contacts`: how reporters can be reached and what they are called, as they wrote it; what of it stands in the text
    is suggested.
    """
    found = (Suggestion(category, text[start:end]) for start, end, category in spans(text, contacts=contacts))
    return list(dict.fromkeys(found))


def spans(text: str, *, contacts: Iterable[str] = ()) -> list[tuple[int, int, Category]]:
    """Where every suggestion stands: start, end and category, in the order of the text, none over another."""
    taken = bytearray(len(text))
    found: list[tuple[int, int, Category]] = []
    for category, passages in _all(text, contacts):
        for start, end in passages:
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append((start, end, category))
    return sorted(found)


def _all(text: str, contacts: Iterable[str]) -> Iterator[tuple[Category, list[tuple[int, int]]]]:
    """Each sort with where it is found: the most certain first, for a passage is suggested once."""
    yield Category.KEY, _spans(_KEY, text)
    yield Category.EMAIL, _spans(_EMAIL, text)
    yield Category.ADDRESS, _spans(_IBAN, text, is_iban)
    yield Category.ADDRESS, _spans(_IPV6, text, _is_address) + _spans(_IPV4, text, _is_address)
    yield Category.PHONE, _spans(_PHONE, text, _is_phone)
    yield Category.MINOR, _spans(_AGED, text)
    yield Category.NAME, [match.span(1) for match in _SELF_NAMED.finditer(text)]
    yield Category.NAME, [span for name in _names(contacts) for span in _spans(whole(name), text)]


def _spans(
    form: re.Pattern[str], text: str, holds: Callable[[str], bool] = lambda _passage: True
) -> list[tuple[int, int]]:
    return [match.span() for match in form.finditer(text) if holds(match.group())]


def is_iban(text: str) -> bool:
    """Whether it is an IBAN whose check digits hold (ISO 13616-1, modulo 97 of ISO 7064)."""
    packed = text.replace(" ", "")
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", packed):
        return False
    return int("".join(str(int(symbol, 36)) for symbol in packed[4:] + packed[:4])) % 97 == 1


def _is_address(text: str) -> bool:
    """Whether it is an IP address that leads to somebody: not one of this machine, of documentation, or of no use."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global


def _is_phone(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    in_groups = sum(not character.isdigit() for character in text) > 0
    return digits in _DIGITS_IN_PHONE and in_groups and not _DATE.match(text)


def _names(contacts: Iterable[str]) -> list[str]:
    """The words of contacts that may be names, whole first: `Ana Alvarez <ana@example.org>` gives three."""
    found: dict[str, None] = {}
    for contact in contacts:
        words = re.findall(r"[^\W\d_][^\W\d_'’-]+", re.sub(r"\S*[@/:]\S*", " ", contact))  # noqa: RUF001
        named = [word for word in words if len(word) >= _SHORTEST_NAME and word[0].isupper()]
        whole = " ".join(contact.split())
        found |= dict.fromkeys([*([whole] if len(whole) >= _SHORTEST_NAME else []), " ".join(named), *named])
    return [name for name in found if name]


def whole(name: str) -> re.Pattern[str]:
    """Finds a name as whole words, letter case and spaces aside; inside scripts that write no spaces too."""
    words = r"\s+".join(map(re.escape, name.split()))
    before = "" if _UNSPACED.match(name) else r"(?<!\w)"
    after = "" if _UNSPACED.match(name[-1:]) else r"(?!\w)"
    return re.compile(f"{before}{words}{after}", re.IGNORECASE)
