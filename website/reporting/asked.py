"""What the account asks, by the type of problem: the categories that fit, and the details."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from incidents.taxonomy import OWN, taxonomies
from reports.structure import MEANINGS, ActorKind, ReportType

# Of a field for what is pasted rather than written.
LATIN = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}

# The categories that fit a type of report, most likely first.
LIKELY: Mapping[str, tuple[str, ...]] = {
    ReportType.MISUSE: ("misuse",),
    ReportType.ARTEFACT: ("backdoor", "data_poisoning", "security_vulnerability", "hidden_promotion"),
    ReportType.BIAS: ("bias", "censorship"),
    ReportType.OTHER: (),
}


def categories(likely: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Our categories as choices, those named in `likely` and their children first."""
    terms = taxonomies()[OWN].terms
    near = [term for term in terms if term.code in likely or term.parent in likely]
    others = [term for term in terms if term not in near]
    named = {term.code: term.title for term in terms}

    def choices(listed: list[Any]) -> list[tuple[str, str]]:
        return [(t.code, f"{named[t.parent]}: {t.title.lower()}" if t.parent else t.title) for t in listed]

    yield "", "Choose one"
    if near:
        yield "Likely", choices(near)
        yield "Others", choices(others)
    else:
        yield from choices(others)


DETAILS_TITLES = {
    ReportType.MISUSE: "The misuse",
    ReportType.ARTEFACT: "What was hidden",
    ReportType.BIAS: "The difference in treatment",
    ReportType.OTHER: "What should have been",
}


def details_fields(kind: ReportType) -> dict[str, forms.Field]:
    """The fields of a type, all optional, by their names in `reports.structure`."""
    long = forms.Textarea(attrs={"rows": 3})
    match kind:
        case ReportType.MISUSE:
            return {
                "actor": forms.ChoiceField(
                    label="Who did it?", required=False, choices=list(MEANINGS[ActorKind].items())
                ),
                "channel": forms.CharField(
                    label="Where?", required=False, help_text="A site, an app, messages, a forum. Not who was harmed."
                ),
                "method": forms.CharField(label="How was the model used?", required=False, widget=long),
            }
        case ReportType.ARTEFACT:
            return {
                "trigger": forms.CharField(
                    label="What sets it off?",
                    required=False,
                    widget=long,
                    help_text="A phrase, a pattern in the input, or that the file is loaded.",
                ),
                "file": forms.CharField(
                    label="Which file?",
                    required=False,
                    help_text="Its path in the repository.",
                    widget=forms.TextInput(attrs=LATIN),
                ),
                "sha256": forms.CharField(
                    label="SHA-256 of the file", required=False, widget=forms.TextInput(attrs=LATIN)
                ),
                "loader": forms.CharField(
                    label="What loaded it?", required=False, help_text="The software and its version."
                ),
                "scanner": forms.CharField(
                    label="What did a scanner say?",
                    required=False,
                    widget=forms.Textarea(attrs={"rows": 4, "class": "mono", **LATIN}),
                ),
            }
        case ReportType.BIAS:
            return {
                "groups": forms.CharField(
                    label="Who is treated worse?", required=False, help_text="And compared with whom."
                ),
                "task": forms.CharField(label="What was the model asked to do?", required=False),
                "measure": forms.CharField(
                    label="How does it show?",
                    required=False,
                    widget=long,
                    help_text="A metric and its values, or two answers side by side.",
                ),
                "sample_size": forms.IntegerField(
                    label="How many cases were compared?",
                    required=False,
                    widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "short"}),
                ),
            }
        case ReportType.OTHER:
            return {"expected": forms.CharField(label="What should it have done instead?", required=False, widget=long)}
