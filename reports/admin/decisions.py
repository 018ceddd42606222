"""The two decisions on a report that need an answer: into which case, and why not."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.models import User
from incidents.record import is_public_id
from reports.admin.acting import key_in
from reports.embargo import visible_cases
from reports.models import LIVE, Case, CaseState, RejectReason, Report
from reports.redaction import masked
from reports.replies import MOST_ADDED

MOST_OFFERED = 50


def cases_on_same_models(report: Report) -> QuerySet[Case]:
    """Cases that name a model of the report, under whatever name; newest first."""
    models = report.named_models.exclude(alias=None).values("alias__model")
    return Case.objects.filter(models__alias__model__in=models).exclude(reports=report).distinct().order_by("-pk")


def cases_for(report: Report, by: User) -> list[tuple[str, Any]]:
    """Cases a report can join, those on the same models first."""
    near = list(visible_cases(cases_on_same_models(report), by).filter(state__in=LIVE)[:MOST_OFFERED])
    others = (
        visible_cases(Case.objects.all(), by)
        .exclude(pk__in=[case.pk for case in near])
        .select_related("incident")
        .order_by("-pk")
    )
    groups = {
        "On the same models": near,
        "Open": list(others.filter(state=CaseState.OPEN)[:MOST_OFFERED]),
        "Published": list(others.filter(state__in=(CaseState.PUBLISHED, CaseState.DISPUTED))[:MOST_OFFERED]),
    }
    offered = [(title, [(str(case.pk), _name(case)) for case in cases]) for title, cases in groups.items() if cases]
    return [("", "Choose a case"), *offered]


def _name(case: Case) -> str:
    return f"{case.pk}. {masked(case.title) or 'Without a title'} ({case.get_state_display().lower()})"


class ExistingCaseForm(forms.Form):
    """One of the cases offered, or any other by its number or public id."""

    case = forms.ChoiceField(required=False, label="Case")
    number = forms.CharField(
        required=False,
        max_length=20,
        label="or by number or public id",
        widget=forms.TextInput(attrs={"size": 18, "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, report: Report, by: User, **kwargs: Any) -> None:
        """Offers the cases that fit the report and that `by` may see."""
        super().__init__(*args, **{"auto_id": "id_group_%s", **kwargs})
        self.fields["case"] = forms.ChoiceField(required=False, label="Case", choices=cases_for(report, by))
        self.by = by

    def clean(self) -> dict[str, Any]:
        """Adds `chosen`, the case."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        text = str(cleaned["number"] or cleaned["case"]).strip().upper()
        chosen = case_named(text, self.by) if text else None
        if chosen is None:
            raise forms.ValidationError(f"There is no case {text}." if text else "Choose the case to join.")
        return {**cleaned, "chosen": chosen}


def case_named(text: str, by: User) -> Case | None:
    """The case of that number or public id, in capitals, if `by` may see it."""
    cases = visible_cases(Case.objects.all(), by)
    if is_public_id(text):
        return cases.filter(incident__public_id=text).first()
    number = key_in(text)
    return cases.filter(pk=number).first() if number is not None else None


class RejectForm(forms.Form):
    """Why a report is not taken up."""

    reason = forms.ChoiceField(
        choices=[("", "Choose a reason"), *RejectReason.choices], error_messages={"required": "Choose a reason."}
    )
    added = forms.CharField(
        required=False,
        max_length=MOST_ADDED,
        label="In your own words, to the reporter",
        help_text="Follows the canned reply.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    note = forms.CharField(
        required=False,
        max_length=1500,
        label="Note",
        help_text="For moderators only.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """With ids of its own on a page of several forms."""
        super().__init__(*args, **{"auto_id": "id_reject_%s", **kwargs})
