"""What the account asks, by the type of problem: the categories that fit, and the details."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from incidents.taxonomy import OWN, taxonomies
from reports.structure import ActorKind, ReportType
from website.reporting.vocabulary import choices
from website.vocabulary import term_text

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
    named = {term.code: term_text(term.title, OWN) for term in terms}

    def titled(listed: list[Any]) -> list[tuple[str, str]]:
        return [(t.code, f"{named[t.parent]}: {named[t.code].lower()}" if t.parent else named[t.code]) for t in listed]

    yield "", gettext("Choose one")
    if near:
        yield pgettext("categories", "Likely"), titled(near)
        yield pgettext("categories", "Others"), titled(others)
    else:
        yield from titled(others)


DETAILS_TITLES: Mapping[str, str | Promise] = {
    ReportType.MISUSE: _("The misuse"),
    ReportType.ARTEFACT: _("What was hidden"),
    ReportType.BIAS: _("The difference in treatment"),
    ReportType.OTHER: _("What should have been"),
}


def details_fields(kind: ReportType) -> dict[str, forms.Field]:
    """The fields of a type, all optional, by their names in `reports.structure`."""
    long = forms.Textarea(attrs={"rows": 3})
    match kind:
        case ReportType.MISUSE:
            return {
                "actor": forms.ChoiceField(label=_("Who did it?"), required=False, choices=choices(ActorKind)),
                "channel": forms.CharField(
                    label=_("Where?"),
                    required=False,
                    help_text=_("A site, an app, messages, a forum. Not who was harmed."),
                ),
                "method": forms.CharField(label=_("How was the model used?"), required=False, widget=long),
            }
        case ReportType.ARTEFACT:
            return {
                "trigger": forms.CharField(
                    label=_("What sets it off?"),
                    required=False,
                    widget=long,
                    help_text=_("A phrase, a pattern in the input, or that the file is loaded."),
                ),
                "file": forms.CharField(
                    label=_("Which file?"),
                    required=False,
                    help_text=_("Its path in the repository."),
                    widget=forms.TextInput(attrs=LATIN),
                ),
                "sha256": forms.CharField(
                    label=_("SHA-256 of the file"), required=False, widget=forms.TextInput(attrs=LATIN)
                ),
                "loader": forms.CharField(
                    label=_("What loaded it?"), required=False, help_text=_("The software and its version.")
                ),
                "scanner": forms.CharField(
                    label=_("What did a scanner say?"),
                    required=False,
                    widget=forms.Textarea(attrs={"rows": 4, "class": "mono", **LATIN}),
                ),
            }
        case ReportType.BIAS:
            return {
                "groups": forms.CharField(
                    label=_("Who is treated worse?"), required=False, help_text=_("And compared with whom.")
                ),
                "task": forms.CharField(label=_("What was the model asked to do?"), required=False),
                "measure": forms.CharField(
                    label=_("How does it show?"),
                    required=False,
                    widget=long,
                    help_text=_("A metric and its values, or two answers side by side."),
                ),
                "sample_size": forms.IntegerField(
                    label=_("How many cases were compared?"),
                    required=False,
                    widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "short"}),
                ),
            }
        case ReportType.OTHER:
            return {
                "expected": forms.CharField(label=_("What should it have done instead?"), required=False, widget=long)
            }
