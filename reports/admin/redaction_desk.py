"""The buttons on personal data: they save the case's form and then decide, so that no wording is lost to them."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from accounts.models import User
from reports import redacting
from reports.actors import NotReadyError
from reports.admin.acting import actor
from reports.conflicts import conflict_with_case
from reports.models import Case, LeaveReason
from reports.redaction import categories
from reports.suggestions import Category

MOST_AT_ONCE = 200


def context(case: Case, by: User) -> dict[str, Any]:
    """What waits for a decision, what was taken out, and what may be chosen."""
    return {
        "undecided": redacting.undecided(case),
        "redactions": list(case.redactions.filter(left_because="")),
        "left": list(case.redactions.exclude(left_because="")),
        "leave_reasons": LeaveReason.choices,
        "redaction_categories": categories(),
        "may_see_unredacted": by.has_perm(redacting.VIEW_UNREDACTED) and not conflict_with_case(by, case),
    }


def decide(request: HttpRequest, case: Case) -> str:
    """Does what the button pressed says, and tells what was done; "" where none was pressed. Raises a refusal."""
    answers, by = request.POST, actor(request)
    if "redact_all" in answers:
        return _redact_all(case, by)
    if "redact" in answers or "leave" in answers:
        return _one(answers, case, by)
    if "redact_passage" in answers:
        return _typed(answers, case, by)
    if "lift" in answers:
        number = answers["lift"]
        redacting.lift(case=case, by=by, number=int(number) if re.fullmatch("[0-9]{1,9}", number) else 0)
        return "Put back."
    return ""


def _redact_all(case: Case, by: User) -> str:
    done = 0
    while (waiting := redacting.undecided(case)) and done < MOST_AT_ONCE:
        chosen = waiting[0].suggestion
        redacting.redact(case=case, by=by, category=chosen.category, text=chosen.text)
        done += 1
        case.refresh_from_db()
    return f"Taken out: {done}."


def _one(answers: Mapping[str, str], case: Case, by: User) -> str:
    key = answers.get("redact") or answers.get("leave") or ""
    chosen = next((one.suggestion for one in redacting.undecided(case) if one.key == key), None)
    if chosen is None:
        raise NotReadyError(["that suggestion no longer stands: the wording changed"])
    if "redact" in answers:
        redacting.redact(case=case, by=by, category=chosen.category, text=chosen.text)
        return "Taken out."
    reason = answers.get(f"because-{key}", "")
    if reason not in LeaveReason.values:
        raise NotReadyError(["choose why it stays readable"])
    redacting.leave(case=case, by=by, suggestion=chosen, reason=LeaveReason(reason))
    return "Left readable, with the reason."


def _typed(answers: Mapping[str, str], case: Case, by: User) -> str:
    category = answers.get("passage_category", "")
    if category not in set(Category):
        raise NotReadyError(["choose what sort of thing it is"])
    text = answers.get("passage", "").replace("\x00", "")
    row = redacting.redact(case=case, by=by, category=Category(category), text=text)
    return f"Taken out: {row}."
