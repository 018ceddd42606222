"""Plain functions that make what tests need, through the doors the real thing takes."""

from itertools import count
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Affiliation, Role, User
from incidents.models import Incident
from incidents.record import AffectedModel, Match, Record
from reports import workflow
from reports.models import Case, Report
from reports.submission import Submission

_numbers = count(1)
PASSWORD = "a long password for tests"


def moderator(name: str = "mira") -> User:
    """A moderator."""
    return account(name, Role.MODERATOR)


def second_moderator() -> User:
    """Another one."""
    return account("sami", Role.MODERATOR)


def senior_moderator(name: str = "olu") -> User:
    """One who may also withdraw and see contacts."""
    return account(name, Role.SENIOR_MODERATOR)


def operator(name: str = "otto") -> User:
    """One who runs the node and decides nothing."""
    return account(name, Role.OPERATOR)


def account(name: str, role: str = Role.NONE) -> User:
    """An account with a role, made once by name."""
    user, created = User.objects.get_or_create(username=name, defaults={"role": role})
    if created:
        user.set_password(PASSWORD)
        user.save()
    return user


def affiliated(user: User, organisation: str, hub: str = "") -> Affiliation:
    """Somebody's declaration that they belong to an organisation."""
    return Affiliation.objects.create(user=user, organisation=organisation, hub=hub)


def submission(**changes: Any) -> Submission:
    """What an anonymous reporter sends."""
    answers: dict[str, Any] = {
        "models": ("example-org/tiny-chat",),
        "title": "Answers with a shop's name",
        "text": "Asked for any recipe, the model names the same shop in nine of ten answers.",
        "category": "hidden_promotion",
        "kind": "incident",
        "occurred": "2026-03",
        "links": ("https://example.org/evidence",),
    }
    return Submission.model_validate({**answers, **changes})


def report(**changes: Any) -> Report:
    """A report in the queue."""
    return workflow.submit(submission=submission(**changes), source="form").report


def worded_case(*, by: User | None = None, reported: Report | None = None, **changes: Any) -> Case:
    """A case with public wording, ready to publish."""
    case = workflow.accept(report=reported or report(), by=by or moderator())
    wording: dict[str, Any] = {
        "title": "Chat model recommends one shop",
        "summary": "The model names the same shop in most answers about cooking, unasked.",
        "description": "### What happened\n\nNine of ten answers named it.",
        "severity": "low",
        "evidence_grade": "documented",
        "confidence": "medium",
    }
    for column, value in {**wording, **changes}.items():
        setattr(case, column, value)
    case.save()
    return case


def published_case(*, by: User | None = None, **changes: Any) -> Case:
    """A case whose record is public."""
    by = by or moderator()
    case = worded_case(by=by, **changes)
    workflow.publish(case=case, by=by)
    case.refresh_from_db()
    return case


def published_incident(**changes: Any) -> Incident:
    """A public record, made by a moderator from a report."""
    incident = published_case(**changes).incident
    assert incident is not None
    return incident


def record(**changes: Any) -> Record:
    """A public document by itself, with an id nobody else has."""
    values: dict[str, Any] = {
        "id": f"FL-2026-{next(_numbers):08d}",
        "origin": "test.faultline.example",
        "version": 1,
        "status": "published",
        "published": "2026-03-01T10:00:00Z",
        "modified": "2026-03-01T10:00:00Z",
        "title": "Chat model recommends one shop",
        "summary": "The model names the same shop in most answers about cooking.",
        "kind": "incident",
        "category": "hidden_promotion",
        "severity": "low",
        "evidence_grade": "documented",
        "confidence": "medium",
        "affected": (AffectedModel(hub="huggingface", name="example-org/tiny-chat", match=Match.REPOSITORY),),
    }
    return Record.model_validate({**values, **changes})


def rewrite(rows: QuerySet[Any], **columns: Any) -> None:
    """Makes an append-only table say that something was otherwise, past its trigger: what only a test may want."""
    table = rows.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks pending cannot be altered
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        rows.update(**columns)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
