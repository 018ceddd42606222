"""The forms of one case: its public wording, the models it is about, references and classifications."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminRadioSelect
from django.forms.models import BaseInlineFormSet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalogue import naming, references
from catalogue.hub import Reference, UnreadableReferenceError, hubs
from incidents.record import Confidence, EvidenceGrade, Kind, Severity
from reports.admin.choices import categories, clean_date, read_term, suggested_terms, with_meanings
from reports.models import Case, CaseClassification, CaseModel, CaseReference
from reports.reproductions import MOST_REPRODUCTIONS

_MOST_IN_A_NAME = 300
_RADIOS = {"class": "radiolist"}
_CHANGED_MEANWHILE = (
    "Somebody changed this case since you opened it. What you wrote is still below, but was not saved: "
    "open the case in another tab, compare, and save again."
)


def last_change(case: Case) -> int:
    """A number that grows with everything done to the case."""
    return case.activities.order_by("-pk").values_list("pk", flat=True).first() or 0


class SeenField(forms.IntegerField):
    """`last_change` when the page was made, so that nobody overwrites or publishes what they have not read."""

    widget = forms.HiddenInput

    def has_changed(self, _initial: Any, _data: Any) -> bool:
        """It is never an edit by itself."""
        return False


class TickedTerms(forms.MultipleChoiceField):
    """Any of the terms offered; an empty value means none."""

    def to_python(self, value: Any) -> list[str]:
        """What was ticked."""
        return [code for code in super().to_python(value) if code]

    def has_changed(self, _initial: Any, data: Any) -> bool:
        """Whether anything was ticked."""
        return any(data or [])


class CaseForm(forms.ModelForm):
    """The wording and the assessment that will be public."""

    kind = forms.ChoiceField(choices=with_meanings(Kind), widget=AdminRadioSelect(_RADIOS))
    category = forms.ChoiceField(choices=categories, required=False)
    severity = forms.ChoiceField(choices=with_meanings(Severity), widget=AdminRadioSelect(_RADIOS))
    evidence_grade = forms.ChoiceField(choices=with_meanings(EvidenceGrade), widget=AdminRadioSelect(_RADIOS))
    confidence = forms.ChoiceField(choices=with_meanings(Confidence), widget=AdminRadioSelect(_RADIOS))
    reproductions = forms.IntegerField(
        label="Independent reproductions",
        required=False,
        min_value=0,
        max_value=MOST_REPRODUCTIONS,
        widget=forms.NumberInput(attrs={"size": 4}),
        help_text="How often somebody independent of the first reporter made it happen again; empty: not counted.",
    )
    # What is offered depends on the case.
    suggested = TickedTerms(required=False)
    seen = SeenField()

    class Meta:
        model = Case
        fields = (
            *("title", "summary", "description", "kind", "category", "severity", "evidence_grade", "confidence"),
            *("names_person", "occurred", "other_ids"),
        )
        widgets = {
            "title": forms.TextInput(attrs={"class": "fl-wide"}),
            "summary": forms.Textarea(attrs={"class": "fl-wide", "rows": 4}),
            "description": forms.Textarea(attrs={"class": "fl-wide", "rows": 16}),
            "occurred": forms.TextInput(attrs={"size": 12}),
            "other_ids": forms.TextInput(attrs={"class": "fl-wide"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Notes how far the case has come."""
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = last_change(self.instance)
        self.fields["reproductions"].initial = self.instance.reproductions
        given = {f"{row.taxonomy} {row.term}" for row in self.instance.classifications.all()}
        offered = [(code, title) for code, title in suggested_terms(self.instance.category) if code not in given]
        self.fields["suggested"] = TickedTerms(
            label="Suggested terms",
            required=False,
            choices=offered,
            widget=forms.CheckboxSelectMultiple if offered else forms.MultipleHiddenInput,
            help_text="The nearest terms elsewhere to the category as saved; what is ticked is added.",
        )

    def clean_occurred(self) -> str:
        """A day, a month or a year."""
        return clean_date(self.cleaned_data["occurred"])

    def clean(self) -> dict[str, Any]:
        """Refuses to overwrite another's changes. The console holds the case's lock here."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("seen") != last_change(self.instance):
            raise forms.ValidationError(_CHANGED_MEANWHILE)
        return cleaned


class FixedModel(forms.TextInput):
    """A model that a row already names: shown, not asked."""

    def __init__(self, row: CaseModel) -> None:
        """For that row."""
        super().__init__()
        self.row = row

    def render(self, *_args: Any, **_kwargs: Any) -> SafeString:
        """Its name, with its page on the hub."""
        alias = self.row.alias
        if alias is None:
            return format_html('<span class="fl-fixed">{}</span>', self.row.name)
        hub = hubs()[alias.hub]
        url = hub.url(Reference(alias.hub, alias.name, self.row.revision, self.row.file))
        link = '<a class="fl-fixed" href="{}" rel="noreferrer nofollow noopener" target="_blank">{}</a> on {}'
        return format_html(link, url, alias.name, hub.title)


class CaseModelForm(forms.ModelForm):
    """A model the case is about. A new one is typed as reporters type it, and looked up."""

    asked = forms.CharField(
        label="Model",
        max_length=500,
        help_text="As reporters name it: a hub address, org/name or a package URL.",
        widget=forms.TextInput(attrs={"class": "fl-wide", "spellcheck": "false"}),
    )
    by_name = forms.BooleanField(label="On no hub", required=False, help_text="The model is known by name only.")

    class Meta:
        model = CaseModel
        fields = ("revision", "file", "status", "fixed_in", "not_affected_in", "note")
        widgets = {
            "revision": forms.TextInput(attrs={"class": "fl-wide", "spellcheck": "false"}),
            "file": forms.TextInput(attrs={"class": "fl-wide", "spellcheck": "false"}),
            "fixed_in": forms.TextInput(attrs={"class": "fl-wide", "spellcheck": "false"}),
            "not_affected_in": forms.TextInput(attrs={"class": "fl-wide", "spellcheck": "false"}),
            "note": forms.TextInput(attrs={"class": "fl-wide"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """What a row names already is no longer asked."""
        super().__init__(*args, **kwargs)
        self.reference: Reference | None = None
        if self.instance.pk:
            shown = FixedModel(self.instance)
            self.fields["asked"] = forms.CharField(label="Model", disabled=True, required=False, widget=shown)
            self.fields["by_name"].disabled = True
            self.fields["by_name"].initial = self.instance.alias is None

    def clean_revision(self) -> str:
        """One word."""
        return _one_word(str(self.cleaned_data["revision"]))

    def clean_fixed_in(self) -> list[str]:
        """Each one word."""
        return [_one_word(revision) for revision in self.cleaned_data["fixed_in"]]

    def clean_not_affected_in(self) -> list[str]:
        """Each one word."""
        return [_one_word(revision) for revision in self.cleaned_data["not_affected_in"]]

    def clean(self) -> dict[str, Any]:
        """Reads what was typed."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.instance.pk and cleaned.get("asked"):
            try:
                self._read(cleaned["asked"], by_name=bool(cleaned.get("by_name")))
            except UnreadableReferenceError as error:
                self.add_error("asked", f"{error} If it is on no hub, tick that.")
        return cleaned

    def _read(self, asked: str, *, by_name: bool) -> None:
        if not by_name:
            self.reference = references.read(asked)
        elif len(asked) > _MOST_IN_A_NAME:
            self.add_error("asked", f"A name has at most {_MOST_IN_A_NAME} characters.")
        else:
            self.instance.name = asked

    def save(self, commit: bool = True) -> CaseModel:
        """Names the model, and a new revision of it, to the catalogue."""
        row: CaseModel = self.instance
        if self.reference:
            row.alias = naming.name_model(self.reference)
            row.revision = row.revision or self.reference.revision
            row.file = row.file or self.reference.file
        if row.alias and "revision" in self.changed_data:
            naming.name_model(Reference(row.alias.hub, row.alias.name, row.revision, row.file))
        saved: CaseModel = super().save(commit)
        return saved


def _one_word(revision: str) -> str:
    if any(character.isspace() for character in revision):
        raise forms.ValidationError("A revision is one word: a commit, a branch or a tag.")
    return revision


class CaseReferenceForm(forms.ModelForm):
    """Where a reader can check what the case says."""

    class Meta:
        model = CaseReference
        fields = ("title", "publisher", "url", "date")
        widgets = {
            "title": forms.TextInput(attrs={"class": "fl-wide"}),
            "publisher": forms.TextInput(attrs={"class": "fl-wide"}),
            "url": forms.TextInput(attrs={"class": "fl-wide", "inputmode": "url"}),
            "date": forms.TextInput(attrs={"class": "fl-wide"}),
        }

    def clean_date(self) -> str:
        """A day, a month or a year."""
        return clean_date(self.cleaned_data["date"])


class CaseClassificationForm(forms.ModelForm):
    """One term of another taxonomy."""

    chosen = forms.CharField(
        label="Term",
        max_length=200,
        widget=forms.TextInput(
            attrs={"class": "fl-wide", "list": "fl-terms", "autocomplete": "off", "aria-label": "Term"}
        ),
        help_text="Type part of a code or a title.",
    )

    class Meta:
        model = CaseClassification
        fields = ()

    def clean_chosen(self) -> str:
        """`taxonomy code`, as typed in any of the ways people write it."""
        return read_term(self.cleaned_data["chosen"])

    def save(self, commit: bool = True) -> CaseClassification:
        """Keeps the taxonomy and the term apart."""
        self.instance.taxonomy, self.instance.term = self.cleaned_data["chosen"].split(" ", 1)
        saved: CaseClassification = super().save(commit)
        return saved


class CaseClassifications(BaseInlineFormSet):
    """Each term once."""

    def clean(self) -> None:
        """Refuses a term that the case has or gets twice."""
        super().clean()
        chosen = [form.cleaned_data["chosen"] for form in self.extra_forms if form.cleaned_data.get("chosen")]
        dropped = {form.instance.pk for form in self.deleted_forms}
        kept = [f"{row.taxonomy} {row.term}" for row in self.queryset or () if row.pk not in dropped]
        if len(set(chosen + kept)) < len(chosen + kept):
            raise forms.ValidationError("A term classifies a case once.")
