"""What a case's page says about becoming public: the buttons, what waits, the embargo, and the publisher's reply."""

from typing import Any

from accounts.models import User
from reports import embargo
from reports.admin.acting import open_moves
from reports.admin.embargoes import EmbargoChangeForm, EmbargoForm
from reports.admin.replies import ReplyLinkForm
from reports.conflicts import conflict_with_case, has_published
from reports.models import LIVE, Case, CaseState, Embargo, Release, ReleaseState, Statement, StatementState
from reports.record_erasure import REASONS
from reports.release import open_release
from reports.second_person import needs_second
from reports.workflow import CASE_MOVES

# In the order of the page; the first needs no reason, for there is nothing public yet.
_BUTTONS = {
    "publish": ("Publish", ""),
    "correct": ("Correct", "Makes the saved wording public as a new version, and ends a dispute. Say what changed."),
    "dispute": ("Mark as disputed", "Stays public with this mark and these reasons."),
    "withdraw": ("Withdraw", "No longer stands, for good; stays readable with this reason, so that citations resolve."),
    "erase": (
        "Erase",
        "Takes every version away for good, with this case's wording. That it was there stays in the log.",
    ),
}


def context(case: Case, by: User) -> dict[str, Any]:
    """Everything the case's templates of this subject show."""
    saved = Case.objects.select_related("incident").get(pk=case.pk)
    conflict = conflict_with_case(by, saved)
    waiting = open_release(saved)
    moves = set() if waiting or conflict else open_moves(CASE_MOVES, saved.state, by)
    return {
        "buttons": [
            (verb, title, hint, needs_second(saved, verb)) for verb, (title, hint) in _BUTTONS.items() if verb in moves
        ],
        "erasure_reasons": REASONS,
        "conflict": conflict,
        "waiting": waiting,
        "cancelled": None if waiting else _last_cancelled(saved),
        "may_release": by.has_perm("reports.publish") and not conflict,
        **_embargo(saved, by),
        **_replies(saved, by),
    }


def outcome(release: Release) -> str:
    """What pressing a button led to, as a sentence."""
    if release.publication:
        return f"Done: public as entry #{release.publication.entry_id} of the log."
    if release.state == ReleaseState.AWAITING:
        return "Approved by you. It becomes public once a second person approves it."
    if release.state == ReleaseState.CANCELLED:
        return f"Cancelled: {release.ended_because}."
    return f"Approved. It becomes public at {release.due_at:%Y-%m-%d %H:%M:%S} UTC, unless it is undone before."


def _last_cancelled(case: Case) -> Release | None:
    """The last release, if it was cancelled: whoever approved it must learn why nothing happened."""
    last = case.releases.first()
    return last if last and last.state == ReleaseState.CANCELLED else None


def _embargo(case: Case, by: User) -> dict[str, Any]:
    found = Embargo.objects.filter(case=case).select_related("set_by").first()
    holding = embargo.in_force(case)
    may_set = holding is None and case.state == CaseState.OPEN
    return {
        "embargo": found,
        "embargo_form": EmbargoForm(by=by) if may_set else None,
        "embargo_seen_by": list(found.may_see.all()) if found else [],
        "embargo_change": found.changes.select_related("asked_by").filter(agreed=None).first() if found else None,
        "embargo_change_form": EmbargoChangeForm() if holding else None,
    }


def _replies(case: Case, by: User) -> dict[str, Any]:
    statements = list(case.statements.select_related("link", "decided_by"))
    return {
        "reply_form": ReplyLinkForm() if case.state in LIVE else None,
        "reply_links": list(case.reply_links.select_related("made_by", "statement")),
        "statements": [(statement, _hindrance(statement, case, by)) for statement in statements],
    }


def _hindrance(statement: Statement, case: Case, by: User) -> str:
    """Why `by` does not decide on the statement."""
    if statement.state == StatementState.RECEIVED and statement.disputes and has_published(by, case):
        return "You published this record: another moderator decides on the dispute."
    return ""
