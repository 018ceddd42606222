"""Reporting a problem, step by step: each page is a plain form, kept as a draft on the server."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from incidents.alike import find_alike
from incidents.search import by_id
from incidents.taxonomy import OWN, taxonomies
from reports import drafts
from reports.drafts import Answers, Written
from website.private import private
from website.reporting import cards, steps
from website.reporting.forms import AboutForm

COOKIE = "draft"
_COOKIE_PATH = "/report/"

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
        response = redirect("website:report-step", "models")
        response.set_cookie(
            COOKIE,
            drafts.start(),
            max_age=int(drafts.KEPT.total_seconds()),
            path=_COOKIE_PATH,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
        return response
    written = drafts.read(_token(request))
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


@_page("GET", "POST")
def step(request: HttpRequest, slug: str) -> HttpResponse:
    """One step: shows what was entered, keeps what is entered now, and goes on once it is sound."""
    here = steps.step_at(slug)
    if here is None:
        raise Http404
    token = _token(request)
    written = drafts.read(token)
    if written is None or written.receipt:
        return _without_draft(written)
    if request.method != "POST":
        return _render_step(request, here, steps.shown_form(here, written.answers), written.answers)
    try:
        return _posted(request, here, token, written.answers)
    except drafts.NoDraftError:
        return _without_draft(None)
    except drafts.TooLargeDraftError:
        form = here.form(request.POST, answers=written.answers)
        form.add_error(None, "This is longer than a report can be. Shorten it, or leave parts of it out.")
        return _render_step(request, here, form, written.answers, status=400)


def _posted(request: HttpRequest, here: steps.Step, token: str, answers: Answers) -> HttpResponse:
    entered = steps.entered(here, answers, request.POST)
    action, _, value = request.POST.get("action", "next").partition(":")
    if action == "pin":
        entered = {**entered, "models": [_pinned("".join(entered.get("models", [])[:1]), value)]}
    if action == "more":
        entered = {**entered, "turns": [value]}
    drafts.keep(token, here.slug, entered)
    if action == "about":
        _keep_about(token, value)
    if action == "back":
        return redirect("website:report-step", steps.before(here) or here.slug)
    if action != "next":
        return redirect(reverse("website:report-step", args=[here.slug]) + _PLACES.get(action, ""))
    kept = {**answers, here.slug: entered}
    form = steps.checked_form(here, kept)
    if not form.is_valid():
        return _render_step(request, here, form, kept, status=400)
    target = "review" if "review" in request.POST else steps.after(here)
    return redirect("website:report-review") if target == "review" else redirect("website:report-step", target)


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
        context["cards"] = cards.cards(typed, browser=_token(request))
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
    token = _token(request)
    written = drafts.read(token)
    if written is None or written.receipt:
        return _without_draft(written)
    status = 200
    if request.method == "POST":
        try:
            drafts.send(token, request.POST.get("seal", ""), steps.compose)
            return redirect("website:report-receipt")
        except drafts.ChangedDraftError:
            written, status = drafts.read(token) or written, 409
        except drafts.NoDraftError:
            return _without_draft(None)
        except steps.IncompleteError:
            status = 400
    answered = steps.review(written.answers)
    context = {
        "answered": answered,
        "problems": sum(len(one.problems) for one in answered),
        "seal": written.seal,
        "changed": status == 409,  # noqa: PLR2004 - the HTTP status above
        "place": len(steps.STEPS) + 1,
        "about": by_id(steps.about(written.answers)) if steps.about(written.answers) else None,
        **_frame(written.answers),
    }
    return render(request, "website/reporting/review.html", context, status=status)


@_page("GET", "POST")
def receipt(request: HttpRequest) -> HttpResponse:
    """The receipt, for a while, in the browser that sent the report; a button forgets it sooner."""
    token = _token(request)
    written = drafts.read(token)
    if written is None or not written.receipt:
        return _without_draft(None) if written is None else redirect("website:report-review")
    if request.method == "POST":
        return _discarded(token)
    minutes = int(drafts.RECEIPT_KEPT.total_seconds()) // 60
    return render(request, "website/receipt.html", {"receipt": written.receipt, "minutes": minutes})


@_page("POST")
def discard(request: HttpRequest) -> HttpResponse:
    """Deletes the draft."""
    return _discarded(_token(request))


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """That nothing is left."""
    return private(render(request, "website/reporting/deleted.html"))


# --- Parts of pages, asked for while somebody types -------------------------------------------------------------------
@_page("POST")
def model_cards(request: HttpRequest) -> HttpResponse:
    """The cards of the models typed so far."""
    token = _token(request)
    if drafts.read(token) is None:
        return HttpResponse(status=204)
    typed = steps.typed_models({"models": {"models": request.POST.getlist("models")}})
    return render(request, "website/reporting/_cards.html", {"cards": cards.cards(typed, browser=token)})


@_page("POST")
def alike(request: HttpRequest) -> HttpResponse:
    """The published incidents that what is typed so far may be about."""
    written = drafts.read(_token(request))
    if written is None:
        return HttpResponse(status=204)
    typed = {name: request.POST.getlist(name) for name in ("title", "text")}
    return render(request, "website/reporting/_alike.html", alike_context({**written.answers, "account": typed}))


@_page("POST")
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Keeps what is typed so far, and says when."""
    here, token = steps.step_at(slug), _token(request)
    written = drafts.read(token)
    if here is None:
        raise Http404
    if written is None:
        return HttpResponse(status=204)
    try:
        drafts.keep(token, slug, steps.entered(here, written.answers, request.POST))
    except (drafts.NoDraftError, drafts.TooLargeDraftError):
        return HttpResponse(status=204)
    return render(request, "website/reporting/_kept.html", {"kept_at": timezone.now()})


def _token(request: HttpRequest) -> str:
    return request.COOKIES.get(COOKIE, "")


def _frame(answers: Answers) -> dict[str, Any]:
    done = {step.slug for step in steps.STEPS if step.slug in answers}
    return {"all_steps": [(one, one.slug in done) for one in steps.STEPS], "of": len(steps.STEPS) + 1}


def _without_draft(written: Written | None) -> HttpResponse:
    """To the receipt, where the draft was sent; to the beginning, where there is none."""
    return redirect("website:report-receipt") if written else redirect(reverse("website:report") + "?gone")


def _discarded(token: str) -> HttpResponse:
    drafts.discard(token)
    response = redirect("website:report-deleted")
    response.delete_cookie(COOKIE, path=_COOKIE_PATH, samesite="Lax")
    return response
