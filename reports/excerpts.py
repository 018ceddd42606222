"""Prompts and answers of red-team result files that moderators release: private until chosen, public with the case.

What is chosen becomes wording of the case: personal data in it is suggested and taken out as anywhere else, it is
approved with the rest, and until then it can be taken back.
"""

from django.db import IntegrityError, transaction

from accounts.models import User
from lib.text import clean_line, clean_text
from reports import redacting, release
from reports.actors import Actor, NotReadyError, WrongStateError, record_activity, require
from reports.conflicts import refuse_conflict
from reports.evidence import preview, store
from reports.models import Case, Evidence, Excerpt
from reports.workflow import live_case

MOST_OF_A_CASE = 20


@transaction.atomic
def release_excerpt(
    *, evidence: Evidence, case: Case, number: int, by: Actor, prompt: bool = False, output: bool = False
) -> Excerpt:
    """Puts the prompt, the answer or both of one attempt (counted from 0, as previewed) into the case's wording.

    Raises NotReadyError where there is nothing to release, and store.LostFileError.
    """
    require(by, "reports.decide")
    require(by, "reports.view_evidence")
    case = live_case(case)
    refuse_conflict(by, report=evidence.report, case=case)
    if not case.reports.filter(pk=evidence.report_id).exists():
        raise WrongStateError(f"report {evidence.report_id}, which the file came with, is not in case {case.pk}")
    if not (prompt or output):
        raise NotReadyError(["choose the prompt, the answer or both"])
    if case.excerpts.count() >= MOST_OF_A_CASE:
        raise NotReadyError([f"a case shows at most {MOST_OF_A_CASE} excerpts"])
    results = preview.of(evidence.media_type, store.get(evidence.stored_as)).results
    if results is None or number >= len(results.attempts):
        raise NotReadyError(["the file has no such attempt"])
    attempt = results.attempts[number]
    chosen = {
        "prompt": clean_text(attempt.prompt) if prompt else "",
        "output": clean_text(attempt.output) if output else "",
    }
    if not any(chosen.values()):
        raise NotReadyError(["there is nothing in what you chose"])
    values = {"tool": clean_line(results.tool)[:100], "probe": clean_line(attempt.probe)[:200], **chosen}
    author = by if isinstance(by, User) else None
    try:
        with transaction.atomic():
            row = Excerpt.objects.create(case=case, evidence=evidence, number=number, released_by=author, **values)
    except IntegrityError as error:
        raise WrongStateError(f"attempt {number + 1} is in case {case.pk} already; take it back first") from error
    redacting.hide(case)
    what = " and ".join(name for name, is_chosen in (("prompt", prompt), ("answer", output)) if is_chosen)
    record_activity(by, "release excerpt", case=case, report=evidence.report, note=f"{row}: {what}")
    release.reconsider(case=case, by=by)
    return row


@transaction.atomic
def take_back(*, excerpt: Excerpt, by: Actor) -> None:
    """Takes an excerpt out of the case's wording again; what is public stays until `correct`."""
    require(by, "reports.decide")
    case = live_case(excerpt.case)
    refuse_conflict(by, case=case)
    row = case.excerpts.filter(pk=excerpt.pk).first()
    if row is None:
        raise WrongStateError("this was taken back already")
    row.delete()
    record_activity(by, "take back excerpt", case=case, note=f"attempt {row.number + 1} of file {row.evidence_id}")
    release.reconsider(case=case, by=by)
