"""The steps in their order, what a draft holds of each, and the submission that all of them make."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from catalogue import references
from catalogue.hub import Reference, UnreadableReferenceError
from reports import evidence
from reports.drafts import Answers
from reports.evidence import Held, RefusedFileError
from reports.submission import Submission
from website.files import FIELD, FilesForm
from website.reporting.forms import (
    AccountForm,
    DisclosureForm,
    EvidenceForm,
    ImpactForm,
    ModelsForm,
    ProblemForm,
    StepForm,
    lines,
)


@dataclass(frozen=True)
class Step:
    """One page of the form; its template is `website/reporting/<slug>.html`."""

    slug: str
    title: str | Promise
    form: type[StepForm]

    @property
    def takes_files(self) -> bool:
        """Whether the page brings files; the draft holds their tokens."""
        return issubclass(self.form, FilesForm)


STEPS = (
    Step("models", _("The model"), ModelsForm),
    Step("problem", _("Harm and intent"), ProblemForm),
    Step("account", _("What happened"), AccountForm),
    Step("evidence", _("Evidence"), EvidenceForm),
    Step("impact", _("Impact"), ImpactForm),
    Step("disclosure", _("Publisher and you"), DisclosureForm),
)
_PLACES = {step.slug: place for place, step in enumerate(STEPS)}
ABOUT = "about"
HELD = "held"


class IncompleteError(ValueError):
    """Some step's answers are missing or wrong."""


def step_at(slug: str) -> Step | None:
    """The step of that name."""
    return STEPS[_PLACES[slug]] if slug in _PLACES else None


def after(step: Step) -> str:
    """The slug of the step after it; "review" after the last."""
    place = _PLACES[step.slug] + 1
    return STEPS[place].slug if place < len(STEPS) else "review"


def before(step: Step) -> str:
    """The slug of the step before it, "" before the first."""
    place = _PLACES[step.slug]
    return STEPS[place - 1].slug if place else ""


def shown_form(step: Step, answers: Answers) -> StepForm:
    """The step's form with what was entered, unchecked."""
    given = answers.get(step.slug, {})
    initial = {name: values if _is_multiple(step, name) else values[-1] for name, values in given.items() if values}
    form = step.form(initial=initial, answers=answers)
    if isinstance(form, FilesForm):
        form.held = list(_still_held(answers))
    return form


def _is_multiple(step: Step, name: str) -> bool:
    field = step.form.base_fields.get(name)
    return isinstance(field, forms.MultipleChoiceField)


def checked_form(step: Step, answers: Answers) -> StepForm:
    """The step's form, checked."""
    return step.form(MultiValueDict({k: list(v) for k, v in answers.get(step.slug, {}).items()}), answers=answers)


def entered(step: Step, answers: Answers, posted: Any) -> dict[str, list[str]]:
    """What was posted of the step's own fields, without files."""
    form = step.form(posted, answers=answers)
    return {name: posted.getlist(name) for name in form.fields if name in posted and name != FIELD}


def compose(answers: Answers) -> Submission:
    """The submission that the answers make, in the language of the page; raises IncompleteError."""
    checked = [checked_form(step, answers) for step in STEPS]
    if not all(form.is_valid() for form in checked):
        raise IncompleteError("some answers are missing or wrong")
    merged: dict[str, Any] = {"about_incident": about(answers) or None, "language": get_language()}
    for form in checked:
        merged |= form.part()
    try:
        return Submission.model_validate(merged)
    except ValidationError as error:
        raise IncompleteError(str(error)) from error


def held_tokens(answers: Answers) -> list[str]:
    """The tokens of the files that the draft carries."""
    return [token for given in answers.values() for token in given.get(HELD, ())]


def held_files(answers: Answers) -> list[Held]:
    """The files that the draft carries; raises RefusedFileError where one is no longer held."""
    return [evidence.held_from(token) for token in held_tokens(answers)]


def _still_held(answers: Answers) -> Iterator[Held]:
    for token in held_tokens(answers):
        try:
            yield evidence.held_from(token)
        except RefusedFileError:
            continue


def about(answers: Answers) -> str:
    """The public id of the incident that the report is evidence for, or ""."""
    return "".join(answers.get(ABOUT, {}).get(ABOUT, [])[:1])


def typed_models(answers: Answers) -> tuple[str, ...]:
    """The models as they were typed."""
    return lines("".join(answers.get("models", {}).get("models", [])[:1]))


def named_models(answers: Answers) -> Iterator[Reference]:
    """Those of the models that are on a hub."""
    for text in typed_models(answers):
        try:
            yield references.read(text)
        except UnreadableReferenceError:
            continue


@dataclass(frozen=True)
class Answered:
    """A step on the last page: what was answered, and what is wrong with it."""

    step: Step
    rows: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...]


def review(answers: Answers) -> list[Answered]:
    """Every step with its answers in words."""
    found = []
    for step in STEPS:
        form = checked_form(step, answers)
        problems = tuple(
            (str(form[name].label) if name in form.fields else "", " ".join(map(str, said)))
            for name, said in form.errors.items()
        )
        rows = list(_rows(form, answers.get(step.slug, {})))
        if isinstance(form, FilesForm) and form.held:
            rows.append((gettext("Files"), "\n".join(held.name for held in form.held)))
        found.append(Answered(step, tuple(rows), problems))
    return found


def _rows(form: StepForm, given: Mapping[str, list[str]]) -> Iterable[tuple[str, str]]:
    for name, field in form.fields.items():
        values = [value for value in given.get(name, ()) if value.strip() and value != "unknown"]
        if not values or name == "turns" or name.startswith("role"):
            continue
        role = form.fields.get(name.replace("turn", "role")) if name.startswith("turn") else None
        label = _in_words(role, given.get(name.replace("turn", "role"), [])) if role else str(field.label)
        yield label, _in_words(field, values)


def _in_words(field: forms.Field, values: list[str]) -> str:
    if isinstance(field, forms.BooleanField):
        return gettext("Yes")
    if isinstance(field, forms.ChoiceField):
        words = dict(_flat(field.choices))
        return "\n".join(words.get(value, value) for value in values)
    return "\n".join(values)


def _flat(choices: Any) -> Iterator[tuple[str, str]]:
    for code, title in choices:
        if isinstance(title, list | tuple):
            yield from ((str(inner), str(words)) for inner, words in title)
        else:
            yield str(code), str(title)
