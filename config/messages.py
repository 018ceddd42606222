"""`make messages`: the catalogues of translations, brought up to date with what is marked, and compiled.

Marked are `{% translate %}` and `{% blocktranslate %}` in templates, gettext and its sisters in Python, the sentences
of refusals (`lib.refusal`), and words that are data (`VOCABULARIES`). Babel does what GNU gettext would, without a
package of the system.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
PACKAGES = ("website", "reports", "federation", "incidents", "catalogue", "accounts", "lib")
# What gives (context, words, place) of words that are data.
VOCABULARIES = ("website.vocabulary.vocabulary_words", "website.reporting.vocabulary.vocabulary_words")
_LAZY: dict[str, Any] = {
    f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")
}
# Errors whose first argument is a sentence for people, and what stands in such a sentence (lib/refusal.py).
REFUSALS = (
    "RefusalError",
    "RefusedFileError",
    "RefusedMessageError",
    "RefusedMailAddressError",
    "AppealedBeforeError",
    "UnreadableReferenceError",
    "UnreadablePurlError",
    "Words",
)
_KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, **_LAZY, **dict.fromkeys((*REFUSALS, "gettext_noop"))}
_NOTE = "Translators:"
_HEADER = """\
# Faultline in another language. docs/translating.md says how, and has the glossary.
# `make messages` writes this file; only the translations in it are written by hand.
#"""


def main() -> int:
    """Updates and compiles every language; 1, with a line for each, where a translation is missing or wrong."""
    django.setup()
    template = marked()
    wrong = [problem for code in languages() for problem in _update(template, code)]
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


def languages() -> list[str]:
    """Those that the source is not in."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue_file(code: str) -> Path:
    """Where the translations into a language are written; what is compiled lies beside it, with the suffix .mo."""
    return ROOT / "locale" / code / "LC_MESSAGES" / "django.po"


def read(code: str) -> Catalog:
    """The catalogue of a language; an empty one where there is none yet."""
    place = catalogue_file(code)
    if not place.exists():
        now = datetime.now(UTC)
        team = {"last_translator": "Faultline", "language_team": code, "msgid_bugs_address": "docs/translating.md"}
        return Catalog(locale=code, project="Faultline", version="1", fuzzy=False, revision_date=now, **team)
    return read_po(BytesIO(place.read_bytes()), locale=code)


def compiled(catalogue: Catalog) -> bytes:
    """The catalogue as Django reads it: the format of GNU gettext's .mo files."""
    output = BytesIO()
    write_mo(output, catalogue)
    return output.getvalue()


def marked() -> Catalog:
    """Every message that is marked anywhere, with the files that it stands in."""
    catalogue = Catalog()
    for place, message, comments, context in _found():
        catalogue.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    for name in VOCABULARIES:
        for context, words, place in import_string(name)():
            catalogue.add(words, locations=[(place, 0)], context=context)
    return catalogue


def missing(catalogue: Catalog) -> Iterator[str]:
    """What keeps a catalogue from being whole: a line for each message without a translation, or with a wrong one."""
    for message in catalogue:
        if message.id and (not _is_whole(message) or message.fuzzy):
            yield f"not translated: {message.id!r}"
    for message, errors in catalogue.check():
        yield f"wrong: {message.id!r}: {'; '.join(map(str, errors))}"


def _is_whole(message: Message) -> bool:
    strings = [message.string] if isinstance(message.string, str) else list(message.string or [""])
    return all(strings)


def _update(template: Catalog, code: str) -> list[str]:
    catalogue = read(code)
    template.creation_date = catalogue.creation_date  # the file changes with its words alone
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = _HEADER
    output = BytesIO()
    write_po(output, catalogue, width=120, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    place = catalogue_file(code)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(output.getvalue())
    # What was read again is what the tests read.
    place.with_suffix(".mo").write_bytes(compiled(written := read(code)))
    return [f"{place.relative_to(ROOT)}: {problem}" for problem in missing(written)]


_Found = tuple[str, Any, list[str], str | None]


def _found() -> Iterator[_Found]:
    for package in PACKAGES:
        for source in sorted((ROOT / package).rglob("*.py")):
            yield from _in(source, source.read_text())
        for source in sorted((ROOT / package).rglob("*.html")) + sorted((ROOT / package).rglob("templates/**/*.txt")):
            yield from _in(source, _as_python(source.read_text()))


def _in(source: Path, text: str) -> Iterable[_Found]:
    place = source.relative_to(ROOT).as_posix()
    lines = BytesIO(text.encode())
    for _, message, comments, context in extract("python", lines, _KEYWORDS, (_NOTE,), strip_comment_tags=True):
        yield place, message, comments, context


def _as_python(template: str) -> str:
    """The marked words of a template as calls, which lines of Python without their indentation hold."""
    return "\n".join(line.strip() for line in StringIO(templatize(template)))


if __name__ == "__main__":
    sys.exit(main())
