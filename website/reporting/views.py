"""Reporting a problem, step by step: each page is a plain form, kept as a draft on the server."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from incidents.alike import find_alike
from incidents.search import by_id
from incidents.taxonomy import OWN, taxonomies
from lib import uploads
from lib.wording import in_words
from reports import abuse, drafts, evidence, receipts
from reports.abuse import limits
from reports.drafts import Answers, Written
from reports.evidence import RefusedFileError
from reports.workflow import Submitted
from website import guard
from website.files import FIELD, FilesForm, too_large
from website.private import private
from website.reporting import cards, steps
from website.reporting.browser import forget_draft, start_draft, token_of
from website.reporting.forms import AboutForm, StepForm

View = Callable[..., HttpResponse]


def _page(*methods: str) -> Callable[[View], View]:
    """A page of the form: never cached, guarded against forged requests."""

    def decorate(view: View) -> View:
        allowed = require_http_methods([*methods, "HEAD"] if "GET" in methods else list(methods))
        return allowed(csrf_protect(lambda *args, **kwargs: private(view(*args, **kwargs))))

    return decorate


@_page("GET", "POST")
def start(request: HttpRequest) -> HttpResponse:
    """What is not for this register, before anything is stored; a draft for whoever goes on."""
    answer = request.POST.get("concerns", "")
    if answer in {"danger", "imagery"}:
        return redirect("website:report-help")
    if answer == "neither":
        return start_draft(request)
    written = drafts.read(token_of(request))
    context = {
        "unanswered": request.method == "POST",
        "gone": "gone" in request.GET,
        "has_draft": written is not None and not written.receipt,
    }
    return render(request, "website/reporting/start.html", context, status=400 if context["unanswered"] else 200)


@require_safe
def elsewhere(request: HttpRequest) -> HttpResponse:
    """Where to turn in danger, and with images of abuse."""
    return private(render(request, "website/reporting/help.html"))


@csrf_exempt
def step(request: HttpRequest, slug: str) -> HttpResponse:
    """One step: shows what was entered, keeps what is entered now, and goes on once it is sound."""
    here = steps.step_at(slug)
    if here is None:
        raise Http404
    # The check for forged requests reads the form, so it comes after the word that this step may bring files.
    if uploads.is_beyond_reading(request):
        return too_large(request)
    return _step(request, here, uploads.accept(request, *([FIELD] if here.takes_files else [])))


@_page("GET", "POST")
def _step(request: HttpRequest, here: steps.Step, taking: uploads.Collect) -> HttpResponse:
    token = token_of(request)
    written = drafts.read(token)
    if written is None or written.receipt:
        return _without_draft(written)
    if request.method != "POST":
        return _render_step(request, here, steps.shown_form(here, written.answers), written.answers)
    try:
        return _posted(request, here, token, written.answers, taking)
    except drafts.NoDraftError:
        return _without_draft(None)
    except drafts.TooLargeDraftError:
        form = here.form(request.POST, answers=written.answers)
        form.add_error(None, gettext("This is longer than a report can be. Shorten it, or leave parts of it out."))
        return _render_step(request, here, form, written.answers, status=400)


def _posted(
    request: HttpRequest, here: steps.Step, token: str, answers: Answers, taking: uploads.Collect
) -> HttpResponse:
    action, _, value = request.POST.get("action", "next").partition(":")
    wait = limits.take(limits.FILES, guard.network(request)) if request.FILES else 0.0
    files = _files(request, taking, wait) if here.takes_files else None
    entered = _entered(request, here, answers, files)
    if action == "pin":
        entered = {**entered, "models": [_pinned("".join(entered.get("models", [])[:1]), value)]}
    if action == "more":
        entered = {**entered, "turns": [value]}
    drafts.keep(token, here.slug, entered)
    kept = {**answers, here.slug: entered}
    if files and files.errors:
        form = _with_errors(steps.checked_form(here, kept), files)
        response = _render_step(request, here, form, kept, status=429 if wait else 400)
        return guard.with_retry(response, wait) if wait else response
    if action == "about":
        _keep_about(token, value)
    return _onwards(request, here, action, kept)


def _files(request: HttpRequest, taking: uploads.Collect, wait: float) -> FilesForm:
    """The files that came, and those the step had; those that came are not looked at where there is a `wait`."""
    if not wait:
        return FilesForm(request.POST, request.FILES, refused=taking.refused)
    refusal = RefusedFileError(
        "Too many came from your network. %(wait)s Everything else is kept.", wait=guard.wait_words(wait)
    )
    return FilesForm(request.POST, refused=[(gettext("Files"), refusal)])


def _entered(request: HttpRequest, here: steps.Step, answers: Answers, files: FilesForm | None) -> dict[str, list[str]]:
    """What was posted of this step, and the files that it now carries."""
    entered = steps.entered(here, answers, request.POST)
    if files is None:
        return entered
    files.full_clean()
    return {**entered, steps.HELD: [held.token for held in files.held]}


def _onwards(request: HttpRequest, here: steps.Step, action: str, kept: Answers) -> HttpResponse:
    """To where an action leads: on only from a step that is sound."""
    if action == "back":
        return redirect("website:report-step", steps.before(here) or here.slug)
    if action != "next":
        return redirect(reverse("website:report-step", args=[here.slug]) + _PLACES.get(action, ""))
    form = steps.checked_form(here, kept)
    if not form.is_valid():
        return _render_step(request, here, form, kept, status=400)
    target = "review" if "review" in request.POST else steps.after(here)
    return redirect("website:report-review") if target == "review" else redirect("website:report-step", target)


def _with_errors(form: StepForm, files: FilesForm) -> StepForm:
    """The step's form with what was wrong with the files that came just now."""
    form.full_clean()
    for sentence in files.errors.get(FIELD, []):
        form.add_error(FIELD, sentence)
    return form


# Where on the page an action leads back to.
_PLACES = {"check": "#cards", "pin": "#cards", "more": "#turns", "about": "#alike"}


def _pinned(typed: str, value: str) -> str:
    """The models as typed, with another text on the line of the number before the colon."""
    number, _, text = value.partition(":")
    rows = [line.strip() for line in typed.splitlines() if line.strip()]
    return "\n".join(text if str(place) == number else row for place, row in enumerate(rows))


def _keep_about(token: str, value: str) -> None:
    form = AboutForm({"about": value})
    if form.is_valid() and (not form.cleaned_data["about"] or by_id(form.cleaned_data["about"])):
        drafts.keep(token, steps.ABOUT, {steps.ABOUT: [form.cleaned_data["about"]]})


def _render_step(
    request: HttpRequest, here: steps.Step, form: Any, answers: Answers, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "here": here,
        "place": steps.STEPS.index(here) + 1,
        "before": steps.before(here),
        "to_review": "review" in request.GET or "review" in request.POST,
        **_frame(answers),
    }
    if here.slug == "models" and (typed := steps.typed_models(answers)):
        context["cards"] = cards.cards(typed, browser=token_of(request))
    if here.slug == "account":
        context |= {"tree": taxonomies()[OWN].tree(), **alike_context(answers)}
    return render(request, f"website/reporting/{here.slug}.html", context, status=status)


def alike_context(answers: Answers) -> dict[str, Any]:
    """The published incidents that the answers may be about, and the one they are marked as evidence for."""
    account = answers.get("account", {})
    text = " ".join(value for name in ("title", "text") for value in account.get(name, ()))
    chosen = by_id(about) if (about := steps.about(answers)) else None
    found = [one for one in find_alike(steps.named_models(answers), text) if not chosen or one.public_id != about]
    return {"alike": found, "about": chosen}


@_page("GET", "POST")
def review(request: HttpRequest) -> HttpResponse:
    """Everything on one page, and the button that sends it: once, however often it is pressed."""
    token = token_of(request)
    written = drafts.read(token)
    if written is None or written.receipt:
        return _without_draft(written)
    status, wait, refused = 200, 0.0, ""
    if request.method == "POST":
        try:
            drafts.send(token, request.POST.get("seal", ""), _submitting(request, written.started_at))
            return redirect("website:report-receipt")
        except drafts.ChangedDraftError:
            written, status = drafts.read(token) or written, 409
        except drafts.NoDraftError:
            return _without_draft(None)
        except steps.IncompleteError:
            status = 400
        except RefusedFileError as error:
            status, refused = 400, in_words(error)
        except _TooManyError as error:
            status, wait = 429, error.seconds
    answered = steps.review(written.answers)
    context = {
        "answered": answered,
        "problems": sum(len(one.problems) for one in answered),
        "seal": written.seal,
        "changed": status == 409,  # noqa: PLR2004 - the HTTP status above
        "refused": refused,
        "wait": guard.wait_words(wait) if wait else "",
        "guard": guard.guard(),
        "place": len(steps.STEPS) + 1,
        "about": by_id(steps.about(written.answers)) if steps.about(written.answers) else None,
        **_frame(written.answers),
    }
    response = render(request, "website/reporting/review.html", context, status=status)
    return guard.with_retry(response, wait) if wait else response


class _TooManyError(Exception):
    """The limits are used up for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _submitting(request: HttpRequest, since: datetime) -> Callable[[Answers], Submitted]:
    """Stores a draft's answers as a report: its files with it, sorted by how the form was filled in."""

    def submit(answers: Answers) -> Submitted:
        submission, files = steps.compose(answers), steps.held_files(answers)
        facts = guard.facts_of(request, since=since)
        if wait := guard.seconds_to_wait(request, facts):
            raise _TooManyError(wait)
        suspicion = abuse.judge(facts, submission)
        return evidence.submit_with_files(submission=submission, source="form", files=files, suspicion=suspicion)

    return submit


@_page("GET", "POST")
def receipt(request: HttpRequest) -> HttpResponse:
    """The receipt, for a while, in the browser that sent the report; a button forgets it sooner."""
    token = token_of(request)
    written = drafts.read(token)
    if written is None or not written.receipt:
        return _without_draft(None) if written is None else redirect("website:report-review")
    if request.method == "POST":
        return forget_draft(request)
    report = receipts.report_for(written.receipt)
    context = {
        "receipt": written.receipt,
        "minutes": int(drafts.RECEIPT_KEPT.total_seconds()) // 60,
        "mail_on": settings.MAIL_ON and report is not None,
        "pass": receipts.new_pass(report) if report else "",
    }
    return render(request, "website/receipt.html", context)


@_page("POST")
def discard(request: HttpRequest) -> HttpResponse:
    """Deletes the draft."""
    return forget_draft(request)


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """That nothing is left."""
    return private(render(request, "website/reporting/deleted.html"))


# --- Parts of pages, asked for while somebody types -------------------------------------------------------------------
@_page("POST")
def model_cards(request: HttpRequest) -> HttpResponse:
    """The cards of the models typed so far."""
    token = token_of(request)
    if drafts.read(token) is None:
        return HttpResponse(status=204)
    typed = steps.typed_models({"models": {"models": request.POST.getlist("models")}})
    return render(request, "website/reporting/_cards.html", {"cards": cards.cards(typed, browser=token)})


@_page("POST")
def alike(request: HttpRequest) -> HttpResponse:
    """The published incidents that what is typed so far may be about."""
    written = drafts.read(token_of(request))
    if written is None:
        return HttpResponse(status=204)
    typed = {name: request.POST.getlist(name) for name in ("title", "text")}
    return render(request, "website/reporting/_alike.html", alike_context({**written.answers, "account": typed}))


@_page("POST")
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Keeps what is typed so far, and says when."""
    here, token = steps.step_at(slug), token_of(request)
    written = drafts.read(token)
    if here is None:
        raise Http404
    if written is None:
        return HttpResponse(status=204)
    try:
        # Files come with the step alone; one that is on its way meanwhile is not to be lost by this.
        drafts.keep(token, slug, steps.entered(here, written.answers, request.POST), staying=[steps.HELD])
    except (drafts.NoDraftError, drafts.TooLargeDraftError):
        return HttpResponse(status=204)
    return render(request, "website/reporting/_kept.html", {"kept_at": timezone.now()})


def _frame(answers: Answers) -> dict[str, Any]:
    done = {step.slug for step in steps.STEPS if step.slug in answers}
    return {"all_steps": [(one, one.slug in done) for one in steps.STEPS], "of": len(steps.STEPS) + 1}


def _without_draft(written: Written | None) -> HttpResponse:
    """To the receipt, where the draft was sent; to the beginning, where there is none."""
    return redirect("website:report-receipt") if written else redirect(reverse("website:report") + "?gone")
