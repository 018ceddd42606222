"""Package URLs, strictly: read and written as the specification says, where packageurl-python is more lenient.

Format: purl-spec (ECMA-427) of August 2026 and its definition of the type `huggingface`. Hubs that no type is defined
for are `pkg:generic/<hub>/<name>`, a convention of ours. Plain data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from packageurl import PackageURL

from lib.refusal import RefusalError

_SCHEME_AND_TYPE = re.compile(r"pkg:/*([a-z][a-z0-9.-]*)/+", re.IGNORECASE)
_TYPE = re.compile(r"[a-z][a-z0-9.-]*")
_HALF_A_TRIPLET = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_KEY = re.compile(r"[a-z][a-z0-9._-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
# What most are, and what needs no decoding: an organisation, a name, and perhaps a version.
_PLAIN = re.compile(r"pkg:huggingface/([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)(?:@([A-Za-z0-9_.-]+))?")


class UnreadablePurlError(RefusalError):
    """The text is no package URL, or none its type allows; the message says why, in a sentence."""


def _none() -> UnreadablePurlError:
    return UnreadablePurlError("This is not a package URL: write pkg:huggingface/organisation/name@commit.")


@dataclass(frozen=True)
class Purl:
    """The parts of a package URL, decoded; "" and {} for those it lacks."""

    type: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    subpath: str = ""


def parse(text: str) -> Purl:
    """The parts of `text`; raises UnreadablePurlError for what is no package URL."""
    if plain := _PLAIN.fullmatch(text):
        return _checked_huggingface(Purl("huggingface", plain[1], plain[2], plain[3] or ""))
    start = _SCHEME_AND_TYPE.match(text)
    if start is None or not text.isascii() or not text.isprintable() or " " in text:
        raise _none()
    rest = text[start.end() :]
    _refuse_ambiguous(rest)
    try:
        raw = PackageURL.from_string(f"pkg:{start.group(1).lower()}/{rest}", normalize_purl=False)
        found = PackageURL(raw.type, unquote(raw.namespace or ""), unquote(raw.name), None, raw.qualifiers)
    except ValueError:
        raise _none() from None
    if "%2f" in f"{raw.namespace}#{raw.subpath}".lower():
        raise UnreadablePurlError("A part of this package URL has an encoded slash where none may be.")
    # The version is not given to the library, which lowers the letter case of branches, too.
    version = unquote(raw.version or "")
    subpath = "/".join(segment for segment in unquote(raw.subpath or "").split("/") if segment)
    return _checked(Purl(found.type, found.namespace or "", found.name, version, found.qualifiers, subpath))


def build(purl: Purl) -> str:
    """The canonical text of `purl`; raises UnreadablePurlError where a part is one its type does not allow."""
    purl = _checked(purl)
    parts = [f"pkg:{purl.type}/"]
    parts += [f"{_encoded(segment)}/" for segment in purl.namespace.split("/") if segment]
    parts.append(_encoded(purl.name))
    if purl.version:
        parts.append(f"@{_encoded(purl.version)}")
    qualifiers = [f"{key}={_encoded(value)}" for key, value in sorted(purl.qualifiers.items()) if value]
    if qualifiers:
        parts.append(f"?{'&'.join(qualifiers)}")
    if purl.subpath:
        parts.append(f"#{'/'.join(map(_encoded, purl.subpath.split('/')))}")
    return "".join(parts)


def huggingface(namespace: str, name: str, version: str, file: str) -> str:
    """The package URL of a model that the hub itself knows by this name; nothing is checked again."""
    text = f"pkg:huggingface/{_encoded(namespace)}/{_encoded(name)}"
    text += f"@{_encoded(version)}" if version else ""
    return text + (f"#{'/'.join(_encoded(part) for part in file.split('/') if part)}" if file else "")


def generic(hub: str, name: str, version: str = "", file: str = "") -> str:
    """The package URL of a model on a hub that no type is defined for; "" where it cannot have one."""
    namespace, _, last = f"{hub}/{name}".rpartition("/")
    try:
        return build(Purl("generic", namespace, last, version, subpath=file))
    except UnreadablePurlError:
        return ""


def _encoded(part: str) -> str:
    return quote(part, safe=":")  # quote leaves letters, digits and ".-_~", as the specification does


def _refuse_ambiguous(rest: str) -> None:
    """Raises UnreadablePurlError for what the library would decode or drop by guessing."""
    try:
        unquote(rest, errors="strict")
    except UnicodeDecodeError:
        raise _none() from None
    if _HALF_A_TRIPLET.search(rest):
        raise UnreadablePurlError("This package URL has a percent sign that encodes nothing.")
    pairs = rest.partition("#")[0].partition("?")[2].split("&")
    if len({pair.partition("=")[0].lower() for pair in pairs}) < len(pairs):
        raise UnreadablePurlError("This package URL gives the same qualifier twice.")


def _checked(purl: Purl) -> Purl:
    if not _TYPE.fullmatch(purl.type):
        raise UnreadablePurlError("This package URL has no type.")
    if not purl.name:
        raise UnreadablePurlError("This package URL has no name.")
    if not all(map(_KEY.fullmatch, purl.qualifiers)):
        raise UnreadablePurlError("This package URL has a qualifier that no package URL can have.")
    if {".", ".."} & set(purl.subpath.split("/")):
        raise UnreadablePurlError("The path in this package URL is not that of a file.")
    return _checked_huggingface(purl) if purl.type == "huggingface" else purl


def _checked_huggingface(purl: Purl) -> Purl:
    """One organisation is required, letter case matters, and a commit is lower case.

    A version that is no commit is outside the specification. It is kept as written: a branch is another one in
    other letter case.
    """
    if not purl.namespace:
        raise UnreadablePurlError("This package URL lacks the part before the name, the organisation.")
    if "/" in purl.namespace:
        raise UnreadablePurlError("This package URL has more than an organisation and a name, so it is not a model's.")
    return replace(purl, version=purl.version.lower()) if _COMMIT.fullmatch(purl.version) else purl
