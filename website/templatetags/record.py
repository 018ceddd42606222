"""Template filters for public records."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from catalogue.drift import Change
from catalogue.filesafety.findings import Danger, FindingKind, Meaning
from catalogue.filesafety.findings import Outcome as ScanOutcome
from catalogue.hub import Outcome, Reference, hubs
from catalogue.mof import MofClass
from catalogue.openness import Dimension
from incidents.taxonomy import OWN, Term, taxonomies
from lib import text
from lib.text import markdown_html
from website import vocabulary as vocabularies

register = template.Library()

# --- Words for what a hub said, what changed, and how open a model is -------------------------------------------------

# With the time of the answer after it.
PRESENCE: Mapping[str, str] = {
    Outcome.OK: _("The hub shows the repository"),
    Outcome.RENAMED: _("The hub shows the repository, and leads to it from a former name"),
    Outcome.GATED: _("The hub shows the repository and grants access on request"),
    Outcome.DISABLED: _("The hub shows the repository and has disabled it"),
    Outcome.MOVED_TO_OTHER_MODEL: _("On the hub this name now leads to another model"),
    Outcome.NOT_FOUND_OR_PRIVATE: _("The hub has no public repository of this name"),
}

CHANGES: Mapping[str, str] = {
    Change.WEIGHTS_REPLACED: _("Weights replaced"),
    Change.WEIGHTS_ADDED: _("Weights added"),
    Change.FILES_REMOVED: _("Files removed"),
    Change.CARD_REWRITTEN: _("Model card rewritten"),
    Change.LICENCE_CHANGED: _("Licence claimed"),
    Change.GATING_CHANGED: _("Access"),
    Change.DISABLED: _("Disabled by the hub"),
    Change.ENABLED: _("No longer disabled by the hub"),
    Change.RENAMED: _("Renamed"),
    Change.OWNER_CHANGED: _("Owner"),
    Change.GONE: _("The hub has no public repository of this name any more"),
    Change.BACK: _("The hub shows the repository again"),
}
ACCESS: Mapping[str, str] = {
    "open": _("open"),
    "auto": _("on request, granted automatically"),
    "manual": _("on request, decided by the publisher"),
}

# After "this model is".
RELATIONS: Mapping[str, str] = {
    "finetune": _("fine-tuned from"),
    "quantized": _("quantized from"),
    "adapter": _("an adapter for"),
    "merge": _("merged from"),
    "": _("derived, it is not said how, from"),
}

QUESTIONS: Mapping[str, str] = {
    Dimension.WEIGHTS: _("Are the weights published?"),
    Dimension.FORMATS: _("Are the weights kept in pickle files, which can run code when they are loaded?"),
    Dimension.ARCHITECTURE: _("Is the architecture stated?"),
    Dimension.INFERENCE_CODE: _("Is there code to run it?"),
    Dimension.TRAINING_CODE: _("Is there code that trained it?"),
    Dimension.TRAINING_DATA: _("Is the training data named?"),
    Dimension.TRAINING_DATA_FOUND: _("Does the hub have the datasets named?"),
    Dimension.EVALUATION: _("Are evaluation results given?"),
    Dimension.CARD: _("Is there a model card?"),
    Dimension.PAPER: _("Is a paper linked?"),
    Dimension.LICENCE: _("Is a licence claimed?"),
    Dimension.LICENCE_SPDX: _("Is the licence on the SPDX list?"),
    Dimension.LICENCE_OSI: _("Has the Open Source Initiative approved the licence?"),
    Dimension.LICENCE_UPSTREAM: _("Is the licence of a base model stricter?"),
    Dimension.GATING: _("May anyone download it?"),
}
ANSWERS: Mapping[str, Mapping[str, str]] = {
    Dimension.WEIGHTS: {
        "published": _("Yes"),
        "adapter_only": _("Only an adapter, to be put on a base model"),
        "none_found": _("No file of weights found"),
    },
    Dimension.FORMATS: {
        "no_pickle": _("No pickle file among them"),
        "some_pickle": _("Some in pickle files"),
        "only_pickle": _("Only in pickle files"),
    },
    Dimension.ARCHITECTURE: {"declared": _("Yes")},
    Dimension.INFERENCE_CODE: {"in_repository": _("Yes, in the repository"), "in_library": _("Yes, in a library")},
    Dimension.TRAINING_CODE: {"in_repository": _("Yes, in the repository"), "linked": _("Linked from the model card")},
    Dimension.TRAINING_DATA: {
        "declared": _("Yes, by dataset"),
        "described": _("Described in the model card"),
        "not_declared": _("Not found"),
    },
    Dimension.TRAINING_DATA_FOUND: {"all": _("Yes, all"), "some": _("Some; not found:"), "none": _("None; not found:")},
    Dimension.EVALUATION: {
        "reported": _("Yes"),
        "described": _("Described in the model card"),
        "not_reported": _("Not found"),
    },
    Dimension.CARD: {"present": _("Yes"), "absent": _("No")},
    Dimension.PAPER: {"linked": _("Yes")},
    Dimension.LICENCE: {"claimed": _("Yes"), "not_claimed": _("No")},
    Dimension.LICENCE_SPDX: {"on_the_list": _("Yes"), "not_on_the_list": _("No")},
    Dimension.LICENCE_OSI: {"approved": _("Yes"), "not_approved": _("No")},
    Dimension.LICENCE_UPSTREAM: {
        "stricter": _("Yes"),
        "not_stricter": _("No; compared with:"),
        "no_base_named": _("No base model is named"),
    },
    Dimension.GATING: {
        "open": _("Yes"),
        "automatic": _("On request, granted automatically"),
        "manual": _("On request, decided by the publisher"),
    },
}
NOT_KNOWN = _("Not known")
MOF_CLASSES: Mapping[str, str] = {
    MofClass.OPEN_MODEL: _("Class III, Open Model"),
    MofClass.OPEN_TOOLING: _("Class II, Open Tooling"),
    MofClass.OPEN_SCIENCE: _("Class I, Open Science"),
}

HUB_VERDICTS: Mapping[str, str] = {
    Meaning.ISSUES_REPORTED: _("issues reported"),
    Meaning.NO_ISSUES_REPORTED: _("no issues reported"),
    Meaning.UNKNOWN: _("not known"),
}
SCANS: Mapping[str, str] = {
    ScanOutcome.DANGEROUS: _("Dangerous: loading it calls what runs commands or code, or writes files"),
    ScanOutcome.SUSPICIOUS: _("Suspicious: loading it calls what can be misused, or what nobody has looked at"),
    ScanOutcome.FAILED: _("Failed: part of what should be read could not be"),
    ScanOutcome.NOTHING_FOUND: _("Nothing found in what was looked at"),
    ScanOutcome.NOT_SCANNED: _("Not scanned"),
}
FINDINGS: Mapping[str, str] = {
    FindingKind.PICKLES: _("Pickles"),
    FindingKind.REMOTE_CODE: _("Remote code"),
    FindingKind.CODE_FILES: _("Code files"),
    FindingKind.CHAT_TEMPLATE: _("Chat template"),
    FindingKind.HUB_REPORTS_ISSUES: _("Issues reported by the hub"),
    FindingKind.HUB_SCAN_UNFINISHED: _("The scans of the hub"),
}


@register.filter
def presence(outcome: str) -> str:
    """What the hub's last answer says of the repository; "" where the last answer was of no use."""
    return gettext(PRESENCE.get(outcome, ""))


@register.filter
def change_words(change: str) -> str:
    """A change of a model in words; its code where another node uses one we do not know."""
    return gettext(CHANGES[change]) if change in CHANGES else words(change).capitalize()


@register.filter
def changed_value(value: str, change: str) -> str:
    """What a change led from or to: a code of the hub in words, anything else as it stands."""
    return gettext(ACCESS[value]) if change == Change.GATING_CHANGED and value in ACCESS else value


@register.filter
def relation(code: str) -> str:
    """What a model is to its base, in words that the base's name follows."""
    return gettext(RELATIONS.get(code, RELATIONS[""]))


@register.filter
def question(dimension: str) -> str:
    """What a dimension of the openness profile asks."""
    return gettext(QUESTIONS[dimension])


@register.filter
def answer_words(value: str | None, dimension: str) -> str:
    """A value of a dimension in words."""
    return gettext(NOT_KNOWN if value is None else ANSWERS[dimension][value])


@register.filter
def mof_class(code: str) -> str:
    """A class of the Model Openness Framework by its full name."""
    return gettext(MOF_CLASSES[code])


@register.filter
def hub_verdict(meaning: str) -> str:
    """What a scanner of a hub says of a file."""
    return gettext(HUB_VERDICTS.get(meaning, HUB_VERDICTS[Meaning.UNKNOWN]))


@register.filter
def scan_words(outcome: str) -> str:
    """How our own scan of a file ended."""
    return gettext(SCANS[outcome])


@register.filter
def finding_title(kind: str) -> str:
    """A kind of risk of a repository, in words."""
    return gettext(FINDINGS[kind])


@register.filter
def alarming(names: list[dict[str, str]]) -> list[dict[str, str]]:
    """The dangerous and suspicious ones among the names that pickles import."""
    return [name for name in names if name["danger"] in {Danger.DANGEROUS, Danger.SUSPICIOUS}]


@register.filter
def markdown(text: str) -> SafeString:
    """Untrusted Markdown as safe HTML."""
    return markdown_html(text)


@register.filter
def data_block(value: Any) -> SafeString:
    """A JSON value as the content of a <script> that is data."""
    return text.data_block(value)


@register.filter
def words(code: str) -> str:
    """A vocabulary's code as words: `not_affected` as "not affected"."""
    return code.replace("_", " ")


@register.filter
def coded(code: str, vocabulary: str) -> str:
    """A code of a vocabulary of the record as words."""
    return vocabularies.code_words(code, vocabulary)


@register.filter
def meaning(code: str, vocabulary: str) -> str:
    """What a code of a vocabulary of the record means, in a sentence."""
    return vocabularies.meaning(code, vocabulary)


@register.filter
def category_title(code: str) -> str:
    """The title of a category; its code where a foreign record uses one we do not know."""
    term = taxonomies()[OWN].term(code)
    return vocabularies.term_text(term.title, OWN) if term else code


@register.filter
def term_of(code: str, taxonomy: str) -> Term | None:
    """The term with that code in that taxonomy, if it is listed."""
    found = taxonomies().get(taxonomy)
    return found.term(code) if found else None


@register.filter
def reduced_date(text: str) -> str:
    """A day, a month, a year or an instant for people: "2023", "July 2023", "9 July 2023"."""
    parts = [int(part) for part in text[:10].split("-")]
    if len(parts) == 1:
        return text
    exact = len(parts) == 3  # noqa: PLR2004 - year, month, day
    return date_format(date(*[*parts, 1][:3]), "DATE_FORMAT" if exact else "YEAR_MONTH_FORMAT")


@register.filter
def taxonomy_title(taxonomy: str) -> str:
    """The title of a taxonomy; its id where we do not know it."""
    return vocabularies.taxonomy_title(taxonomy)


@register.filter
def term_title(term: Term, taxonomy: str) -> str:
    """The title of a term."""
    return vocabularies.term_text(term.title, taxonomy)


@register.filter
def term_text(text: str, taxonomy: str) -> str:
    """What a taxonomy says of a term: our own in the language of the page, another as it stands."""
    return vocabularies.term_text(text, taxonomy)


@register.filter
def field_title(field: str) -> str:
    """The name of a field of the record, in words."""
    return vocabularies.code_words(field, "field").capitalize()


@register.filter
def danger_words(danger: str) -> str:
    """How dangerous it is what a pickle imports."""
    return vocabularies.code_words(danger, "danger")


@register.simple_tag
def quoted(taxonomy: str = "") -> str:
    """The attributes of an element with words of others: their direction, and language where the page has another.

    Words of records are others'; those of a taxonomy are unless it is our own, which pages translate.
    """
    if taxonomy == OWN:
        return ""
    if get_language() == vocabularies.LANGUAGE_OF_RECORDS:
        return format_html(' dir="{}"', "auto")
    return format_html(' dir="{}" lang="{}"', "auto", vocabularies.LANGUAGE_OF_RECORDS)


@register.filter
def of_code(words_of: Mapping[str, Any], code: str) -> Any:
    """What a table says of a code; the code where it says nothing."""
    return words_of.get(code, code)


@register.filter
def hub_title(hub: str) -> str:
    """The name of a hub as people write it."""
    found = hubs().get(hub)
    return found.title if found else hub


@register.filter
def hub_url(named: Mapping[str, Any]) -> str:
    """The page of an affected model on its hub, at its revision; "" where it is on none that we know."""
    found = hubs().get(named["hub"] or "")
    return found.url(Reference(found.slug, named["name"], named["revision"] or "")) if found else ""
