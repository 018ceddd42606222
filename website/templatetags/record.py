"""Template filters for public records."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from catalogue.drift import Change
from catalogue.filesafety.findings import Danger, FindingKind, Meaning
from catalogue.filesafety.findings import Outcome as ScanOutcome
from catalogue.hub import Outcome, Reference, hubs
from catalogue.mof import MofClass
from catalogue.openness import Dimension
from incidents.taxonomy import OWN, Term, taxonomies
from lib import text
from lib.text import markdown_html
from website import vocabulary as vocabulary_module

register = template.Library()

# --- Words for what a hub said, what changed, and how open a model is -------------------------------------------------

# With the time of the answer after it.
PRESENCE: Mapping[str, str] = {
    Outcome.OK: "The hub shows the repository",
    Outcome.RENAMED: "The hub shows the repository, and leads to it from a former name",
    Outcome.GATED: "The hub shows the repository and grants access on request",
    Outcome.DISABLED: "The hub shows the repository and has disabled it",
    Outcome.MOVED_TO_OTHER_MODEL: "On the hub this name now leads to another model",
    Outcome.NOT_FOUND_OR_PRIVATE: "The hub has no public repository of this name",
}

CHANGES: Mapping[str, str] = {
    Change.WEIGHTS_REPLACED: "Weights replaced",
    Change.WEIGHTS_ADDED: "Weights added",
    Change.FILES_REMOVED: "Files removed",
    Change.CARD_REWRITTEN: "Model card rewritten",
    Change.LICENCE_CHANGED: "Licence claimed",
    Change.GATING_CHANGED: "Access",
    Change.DISABLED: "Disabled by the hub",
    Change.ENABLED: "No longer disabled by the hub",
    Change.RENAMED: "Renamed",
    Change.OWNER_CHANGED: "Owner",
    Change.GONE: "The hub has no public repository of this name any more",
    Change.BACK: "The hub shows the repository again",
}
ACCESS: Mapping[str, str] = {
    "open": "open",
    "auto": "on request, granted automatically",
    "manual": "on request, decided by the publisher",
}

# After "this model is".
RELATIONS: Mapping[str, str] = {
    "finetune": "fine-tuned from",
    "quantized": "quantized from",
    "adapter": "an adapter for",
    "merge": "merged from",
    "": "derived, it is not said how, from",
}

QUESTIONS: Mapping[str, str] = {
    Dimension.WEIGHTS: "Are the weights published?",
    Dimension.FORMATS: "Are the weights kept in pickle files, which can run code when they are loaded?",
    Dimension.ARCHITECTURE: "Is the architecture stated?",
    Dimension.INFERENCE_CODE: "Is there code to run it?",
    Dimension.TRAINING_CODE: "Is there code that trained it?",
    Dimension.TRAINING_DATA: "Is the training data named?",
    Dimension.TRAINING_DATA_FOUND: "Does the hub have the datasets named?",
    Dimension.EVALUATION: "Are evaluation results given?",
    Dimension.CARD: "Is there a model card?",
    Dimension.PAPER: "Is a paper linked?",
    Dimension.LICENCE: "Is a licence claimed?",
    Dimension.LICENCE_SPDX: "Is the licence on the SPDX list?",
    Dimension.LICENCE_OSI: "Has the Open Source Initiative approved the licence?",
    Dimension.LICENCE_UPSTREAM: "Is the licence of a base model stricter?",
    Dimension.GATING: "May anyone download it?",
}
ANSWERS: Mapping[str, Mapping[str, str]] = {
    Dimension.WEIGHTS: {
        "published": "Yes",
        "adapter_only": "Only an adapter, to be put on a base model",
        "none_found": "No file of weights found",
    },
    Dimension.FORMATS: {
        "no_pickle": "No pickle file among them",
        "some_pickle": "Some in pickle files",
        "only_pickle": "Only in pickle files",
    },
    Dimension.ARCHITECTURE: {"declared": "Yes"},
    Dimension.INFERENCE_CODE: {"in_repository": "Yes, in the repository", "in_library": "Yes, in a library"},
    Dimension.TRAINING_CODE: {"in_repository": "Yes, in the repository", "linked": "Linked from the model card"},
    Dimension.TRAINING_DATA: {
        "declared": "Yes, by dataset",
        "described": "Described in the model card",
        "not_declared": "Not found",
    },
    Dimension.TRAINING_DATA_FOUND: {"all": "Yes, all", "some": "Some; not found:", "none": "None; not found:"},
    Dimension.EVALUATION: {
        "reported": "Yes",
        "described": "Described in the model card",
        "not_reported": "Not found",
    },
    Dimension.CARD: {"present": "Yes", "absent": "No"},
    Dimension.PAPER: {"linked": "Yes"},
    Dimension.LICENCE: {"claimed": "Yes", "not_claimed": "No"},
    Dimension.LICENCE_SPDX: {"on_the_list": "Yes", "not_on_the_list": "No"},
    Dimension.LICENCE_OSI: {"approved": "Yes", "not_approved": "No"},
    Dimension.LICENCE_UPSTREAM: {
        "stricter": "Yes",
        "not_stricter": "No; compared with:",
        "no_base_named": "No base model is named",
    },
    Dimension.GATING: {
        "open": "Yes",
        "automatic": "On request, granted automatically",
        "manual": "On request, decided by the publisher",
    },
}
NOT_KNOWN = "Not known"
MOF_CLASSES: Mapping[str, str] = {
    MofClass.OPEN_MODEL: "Class III, Open Model",
    MofClass.OPEN_TOOLING: "Class II, Open Tooling",
    MofClass.OPEN_SCIENCE: "Class I, Open Science",
}

HUB_VERDICTS: Mapping[str, str] = {
    Meaning.ISSUES_REPORTED: "issues reported",
    Meaning.NO_ISSUES_REPORTED: "no issues reported",
    Meaning.UNKNOWN: "not known",
}
SCANS: Mapping[str, str] = {
    ScanOutcome.DANGEROUS: "Dangerous: loading it calls what runs commands or code, or writes files",
    ScanOutcome.SUSPICIOUS: "Suspicious: loading it calls what can be misused, or what nobody has looked at",
    ScanOutcome.FAILED: "Failed: part of what should be read could not be",
    ScanOutcome.NOTHING_FOUND: "Nothing found in what was looked at",
    ScanOutcome.NOT_SCANNED: "Not scanned",
}
FINDINGS: Mapping[str, str] = {
    FindingKind.PICKLES: "Pickles",
    FindingKind.REMOTE_CODE: "Remote code",
    FindingKind.CODE_FILES: "Code files",
    FindingKind.CHAT_TEMPLATE: "Chat template",
    FindingKind.HUB_REPORTS_ISSUES: "Issues reported by the hub",
    FindingKind.HUB_SCAN_UNFINISHED: "The scans of the hub",
}


@register.filter
def presence(outcome: str) -> str:
    """What the hub's last answer says of the repository; "" where the last answer was of no use."""
    return PRESENCE.get(outcome, "")


@register.filter
def change_words(change: str) -> str:
    """A change of a model in words; its code where another node uses one we do not know."""
    return CHANGES.get(change) or words(change).capitalize()


@register.filter
def changed_value(value: str, change: str) -> str:
    """What a change led from or to: a code of the hub in words, anything else as it stands."""
    return ACCESS.get(value, value) if change == Change.GATING_CHANGED else value


@register.filter
def relation(code: str) -> str:
    """What a model is to its base, in words that the base's name follows."""
    return RELATIONS.get(code, RELATIONS[""])


@register.filter
def question(dimension: str) -> str:
    """What a dimension of the openness profile asks."""
    return QUESTIONS[dimension]


@register.filter
def answer_words(value: str | None, dimension: str) -> str:
    """A value of a dimension in words."""
    return NOT_KNOWN if value is None else ANSWERS[dimension][value]


@register.filter
def mof_class(code: str) -> str:
    """A class of the Model Openness Framework by its full name."""
    return MOF_CLASSES[code]


@register.filter
def hub_verdict(meaning: str) -> str:
    """What a scanner of a hub says of a file."""
    return HUB_VERDICTS.get(meaning, HUB_VERDICTS[Meaning.UNKNOWN])


@register.filter
def scan_words(outcome: str) -> str:
    """How our own scan of a file ended."""
    return SCANS[outcome]


@register.filter
def finding_title(kind: str) -> str:
    """A kind of risk of a repository, in words."""
    return FINDINGS[kind]


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
    return vocabulary_module.code_words(code, vocabulary)


@register.filter
def meaning(code: str, vocabulary: str) -> str:
    """What a code of a vocabulary of the record means, in a sentence."""
    return vocabulary_module.meaning(code, vocabulary)


@register.filter
def category_title(code: str) -> str:
    """The title of a category; its code where a foreign record uses one we do not know."""
    term = taxonomies()[OWN].term(code)
    return vocabulary_module.term_title(term, OWN) if term else code


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
    found = taxonomies().get(taxonomy)
    return found.title if found else taxonomy


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
