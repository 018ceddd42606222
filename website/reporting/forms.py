"""The forms of the steps. What is valid is said once, by `Submission`; its errors come back to the fields here."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalogue.hub import hubs
from incidents.record import Kind, Severity, is_public_id
from lib.refusal import RefusalError
from lib.wording import in_words
from reports.structure import MOST_TURNS, Basis, Harmed, Prevalence, ReportType, Role, Told
from reports.submission import problems_in
from website.files import FilesForm
from website.reporting.asked import DETAILS_TITLES, LATIN, LIKELY, categories, details_fields
from website.reporting.vocabulary import choices, severities

FIRST_TURNS, MORE_TURNS = 2, 2

_DATE = _("Write a day, a month or a year: 2026-03-14, 2026-03 or 2026.")


class StepForm(forms.Form):
    """One step's fields. `answers` are the other steps', for a form whose fields depend on them."""

    # The sentence for a wrong answer, where Submission's own is too technical.
    plain: ClassVar[Mapping[str, str | Promise]] = {}

    def __init__(self, *args: Any, answers: Mapping[str, Mapping[str, list[str]]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "id_%s", **kwargs})
        self.answers = answers or {}
        self.arrange()

    def arrange(self) -> None:
        """Makes the fields that depend on other answers."""

    def part(self) -> dict[str, Any]:
        """This step's part of a submission, of what was cleaned."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Shows what Submission finds wrong at the fields it belongs to: all of it at once, one sentence a field."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        for place, problem in problems_in(self.part()):
            name = self.field_at(place)
            if name not in self.errors:
                self.add_error(name, str(self.plain.get(name or "", "")) or _plain(problem))
        return cleaned

    def field_at(self, place: tuple[str, ...]) -> str | None:
        """The field that a place in a submission is asked by; None for the form as a whole."""
        return next((part for part in reversed(place) if part in self.fields), None)


def _plain(problem: RefusalError) -> str:
    return f"{capfirst(in_words(problem)).rstrip('.')}."


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text that are not empty."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _said(**values: Any) -> dict[str, Any]:
    """What was answered at all."""
    return {name: value for name, value in values.items() if value not in ("", None, [], ())}


class ModelsForm(StepForm):
    """Which models."""

    plain: ClassVar = {"models": _("Name one model a line, at most 20 of them, each in at most 500 characters.")}

    models = forms.CharField(
        label=_("Which model?"),
        error_messages={"required": _("Name the model.")},
        widget=forms.Textarea(attrs={"rows": 3, **LATIN}),
    )

    def arrange(self) -> None:
        """Names the hubs there are."""
        titles = ", ".join(hub.title for hub in hubs().values())
        self.fields["models"].help_text = gettext(
            "A link to it on a hub (%(hubs)s), org/name on Hugging Face, or a package URL. "
            "Several: one a line. If it is on no hub, write its name."
        ) % {"hubs": titles}

    def part(self) -> dict[str, Any]:
        """The lines."""
        return {"models": lines(self.cleaned_data["models"])}


class ProblemForm(StepForm):
    """The two questions that choose what else is asked."""

    kind = forms.ChoiceField(
        label=_("Has harm happened?"),
        error_messages={"required": _("Say whether harm has happened.")},
        choices=[
            (Kind.INCIDENT, _("Yes: somebody was harmed, or somebody tried")),
            (Kind.HAZARD, _("Not that I know: it is a flaw that could do harm")),
            (Kind.EXERCISE, _("No: it is a demonstration or a red-team exercise")),
            (Kind.MEASUREMENT, _("No: it is a benchmark or audit result")),
        ],
        widget=forms.RadioSelect,
    )
    type = forms.ChoiceField(
        label=_("Was somebody acting on purpose?"),
        error_messages={"required": _("Choose the answer that fits best.")},
        choices=[
            (ReportType.MISUSE, _("Yes: somebody used the model against others")),
            (ReportType.ARTEFACT, _("Yes: somebody hid something in the model or in its files")),
            (ReportType.BIAS, _("No: by itself it treats groups of people worse than others")),
            (ReportType.OTHER, _("Something else, or I cannot tell")),
        ],
        widget=forms.RadioSelect,
    )

    def part(self) -> dict[str, Any]:
        """The kind; the type comes with the details."""
        return {"kind": self.cleaned_data["kind"]}


class AccountForm(StepForm):
    """What happened, and what is asked of this type of problem."""

    plain: ClassVar = {
        "occurred": _DATE,
        "sha256": _("A SHA-256 has 64 characters, digits and the letters a to f."),
        "sample_size": _("Write a whole number."),
    }

    category = forms.ChoiceField(
        label=_("What kind of problem is it?"),
        error_messages={"required": _("Choose the category that fits best.")},
    )
    title = forms.CharField(
        label=_("In one line"), required=False, help_text=_("A headline, such as: recommends one shop in most recipes.")
    )
    text = forms.CharField(
        label=_("What happened?"),
        error_messages={"required": _("Say what happened.")},
        widget=forms.Textarea(attrs={"rows": 9}),
        help_text=_("What you saw and how it came about. Leave out names and details of private persons."),
    )
    occurred = forms.CharField(
        label=_("When?"),
        required=False,
        help_text=_("A day, a month or a year: 2026-03-14, 2026-03 or 2026."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def arrange(self) -> None:
        """Puts the likely categories first, and adds the details of the type."""
        self.type = chosen_type(self.answers)
        self.fields["category"] = forms.ChoiceField(
            label=_("What kind of problem is it?"),
            choices=list(categories(LIKELY[self.type])),
            error_messages={"required": _("Choose the category that fits best.")},
        )
        self.fields.update(details_fields(self.type))

    def details_title(self) -> str | Promise:
        """What the fields of the type are about."""
        return DETAILS_TITLES[self.type]

    def details(self) -> Iterator[forms.BoundField]:
        """The fields of the type."""
        return (self[name] for name in details_fields(self.type))

    def part(self) -> dict[str, Any]:
        """Category, title, text, date and details."""
        given = self.cleaned_data
        details = _said(**{name: given[name] for name in details_fields(self.type)})
        return {
            "category": given["category"],
            "title": given["title"],
            "text": given["text"],
            "occurred": given["occurred"] or None,
            "details": {"type": self.type, **details},
        }


def chosen_type(answers: Mapping[str, Mapping[str, list[str]]]) -> ReportType:
    """The type of report that the second question chose."""
    given = answers.get("problem", {}).get("type", [])
    return ReportType(given[0]) if given and given[0] in list(ReportType) else ReportType.OTHER


class EvidenceForm(FilesForm, StepForm):
    """Files, transcript, reproduction and links."""

    plain: ClassVar = {
        "links": _("Each line is one link that begins with https:// or http://; at most 50."),
        "temperature": _("Write a number, such as 0.7."),
        "seed": _("Write a whole number."),
    }

    basis = forms.ChoiceField(
        label=_("How do you know?"),
        required=False,
        choices=[("", _("I would rather not say")), *choices(Basis)],
        widget=forms.RadioSelect,
    )
    succeeded = forms.IntegerField(
        label=_("It happened"), required=False, min_value=0, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    attempts = forms.IntegerField(
        label=_("times out of"),
        required=False,
        min_value=1,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    steps = forms.CharField(
        label=_("How can somebody else see it too?"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Step by step, with the exact prompt or file."),
    )
    software = forms.CharField(
        label=_("What ran the model?"), required=False, help_text=_("The software and its version.")
    )
    temperature = forms.FloatField(
        label=_("Temperature"), required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    seed = forms.IntegerField(label=_("Seed"), required=False, widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    settings = forms.CharField(
        label=_("Other settings"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, **LATIN}),
        help_text=_("Sampling, quantisation, adapters: as you would paste them."),
    )
    links = forms.CharField(
        label=_("Where can it be seen?"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, **LATIN}),
        help_text=_("Links, one a line."),
    )

    def arrange(self) -> None:
        """Makes a field for the role and one for the text of each turn."""
        last = max((n for n in range(MOST_TURNS) if self._given(f"turn{n}")), default=-1)
        wanted = _number(self._given("turns"))
        self.count = min(max(wanted, last + 1, FIRST_TURNS), MOST_TURNS)
        for n in range(self.count):
            self.fields[f"role{n}"] = forms.ChoiceField(
                label=gettext("Turn %(number)d, who") % {"number": n + 1},
                required=False,
                choices=choices(Role),
                initial=Role.ASSISTANT if n % 2 else Role.USER,
            )
            self.fields[f"turn{n}"] = forms.CharField(
                label=gettext("Turn %(number)d, what") % {"number": n + 1},
                required=False,
                widget=forms.Textarea(attrs={"rows": 3}),
            )
        self.fields["turns"] = forms.CharField(
            required=False, label="", widget=forms.HiddenInput, initial=str(self.count)
        )

    def more(self) -> str:
        """How many turns there are with a few more."""
        return str(min(self.count + MORE_TURNS, MOST_TURNS))

    def is_full(self) -> bool:
        """Whether there is no room for more turns."""
        return self.count == MOST_TURNS

    def rows(self) -> Iterator[tuple[forms.BoundField, forms.BoundField]]:
        """Role and text of each turn."""
        return ((self[f"role{n}"], self[f"turn{n}"]) for n in range(self.count))

    def has_settings(self) -> bool:
        """Whether anything is said of how the model was run."""
        names = ("software", "temperature", "seed", "settings")
        return any(self._given(name) or (self.is_bound and name in self.errors) for name in names)

    def _given(self, name: str) -> str:
        return str((self.data if self.is_bound else self.initial).get(name) or "").strip()

    def part(self) -> dict[str, Any]:
        """Links, transcript and reproduction."""
        given = self.cleaned_data
        turns = [
            {"role": given[f"role{n}"] or Role.USER, "text": given[f"turn{n}"]}
            for n in range(self.count)
            if given[f"turn{n}"]
        ]
        transcript = _said(
            turns=turns, **{name: given[name] for name in ("software", "settings", "temperature", "seed")}
        )
        reproduction = _said(**{name: given[name] for name in ("basis", "succeeded", "attempts", "steps")})
        return {
            "links": lines(given["links"]),
            "transcript": transcript or None,
            "reproduction": reproduction or None,
        }

    def field_at(self, place: tuple[str, ...]) -> str | None:
        """A turn's own field; the number of times, where the two numbers do not fit."""
        if place[:2] == ("transcript", "turns"):
            filled = [n for n in range(self.count) if self.cleaned_data.get(f"turn{n}")]
            return f"turn{filled[int(place[2])]}"
        return "succeeded" if place == ("reproduction",) else super().field_at(place)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_TURNS)) else 0


class ImpactForm(StepForm):
    """How bad, how often, to whom."""

    severity = forms.ChoiceField(
        label=_("How bad was it, or could it be?"),
        required=False,
        choices=severities(),
        initial=Severity.UNKNOWN,
        widget=forms.RadioSelect,
    )
    prevalence = forms.ChoiceField(
        label=_("How often does it happen?"),
        required=False,
        choices=choices(Prevalence),
        initial=Prevalence.UNKNOWN,
        widget=forms.RadioSelect,
    )
    harmed = forms.MultipleChoiceField(
        label=_("Who was harmed, or would be?"),
        required=False,
        choices=choices(Harmed),
        widget=forms.CheckboxSelectMultiple,
    )
    harm = forms.CharField(
        label=_("What happened to them?"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Without names."),
    )

    def part(self) -> dict[str, Any]:
        """The impact."""
        return {"impact": _said(**{name: self.cleaned_data[name] for name in self.fields}) or None}


class DisclosureForm(StepForm):
    """What the publisher knows, what the reporter agrees to, and how to reach them."""

    plain: ClassVar = {"told_on": _DATE}

    told = forms.ChoiceField(
        label=_("Has the model's publisher been told?"),
        required=False,
        choices=[("", _("I would rather not say")), *choices(Told)],
        widget=forms.RadioSelect,
    )
    told_on = forms.CharField(
        label=_("When?"),
        required=False,
        help_text=_("A day, a month or a year."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reply = forms.CharField(label=_("What did they answer?"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    embargo_until = forms.DateField(
        label=_("Should nothing become public before a certain day?"),
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Write a day, such as 2026-03-14.")},
        help_text=_(
            "For example to give the publisher time for a fix. At most 90 days ahead; moderators decide. "
            "Leave it empty for none."
        ),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
    )
    contact = forms.CharField(
        label=_("How can moderators reach you?"),
        required=False,
        help_text=_("Any way you like. Stored encrypted, seen by moderators only, never published."),
        widget=forms.TextInput(attrs={"autocomplete": "email"}),
    )
    share_contact = forms.BooleanField(
        label=_("Moderators may pass this contact on to the model's publisher"), required=False
    )
    credit = forms.BooleanField(label=_("Thank me by name in the public record"), required=False)
    credit_name = forms.CharField(
        label=_("The name to thank"),
        required=False,
        help_text=_("It may be a pseudonym. Stored encrypted until the record is published."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    licence = forms.BooleanField(
        label=_("What the public record takes over from my words may be published under CC BY 4.0"),
        error_messages={"required": _("Without this licence nothing of your words can become public.")},
        help_text=_("Anyone may then use the record if they name the source. Your full text stays private."),
    )

    def part(self) -> dict[str, Any]:
        """Contact, disclosure and consent."""
        given = self.cleaned_data
        return {
            "contact": given["contact"],
            "disclosure": _said(**{name: given[name] for name in ("told", "told_on", "reply", "embargo_until")})
            or None,
            "consent": {
                **{name: given[name] for name in ("share_contact", "credit", "credit_name")},
                "licence": "CC-BY-4.0" if given["licence"] else "",
            },
        }

    def field_at(self, place: tuple[str, ...]) -> str | None:
        """The name, where it and the consent to it do not fit; the contact, where there is none to share."""
        alone = {("consent",): "credit_name", (): "contact"}
        return alone[place] if place in alone else super().field_at(place)


class AboutForm(forms.Form):
    """The published incident that a report is evidence for; none where it is left empty."""

    about = forms.CharField(required=False, max_length=20)

    def clean_about(self) -> str:
        """Its public id."""
        given = str(self.cleaned_data["about"])
        if given and not is_public_id(given):
            raise forms.ValidationError(gettext("That is no incident's id."))
        return given
