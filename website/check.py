"""Am I affected? Names, package URLs, hashes or a bill of materials in; the records that concern them out.

Nothing of a question is stored, and none stands in an address, which browsers and proxies keep: the question is posted,
and its answer no cache keeps. The form changes nothing and knows nobody, so it needs no cookie against forgery.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from catalogue.boms import UnreadableBomError, read_bom
from incidents import log
from incidents.checked_bom import CONTENT_TYPE, checked_bom
from incidents.checking import LEVELS, Answer, Question, Verdict, check, question_of, read_question
from lib import limits, uploads
from lib.limits import Budget, Limit
from lib.network import network_of
from lib.store import key
from lib.wording import in_words
from website.private import private

MOST_LINES = 1000
_LONGEST_LINE = 2000
# Of a network in an hour: a check is up to 20,000 components.
_LIMIT = Limit(120, 3600)

VERDICTS = {
    Verdict.AFFECTED: _("Affected"),
    Verdict.POSSIBLY_AFFECTED: _("Possibly affected"),
    Verdict.UNDER_INVESTIGATION: _("Under investigation"),
    Verdict.FIXED: _("Fixed"),
    Verdict.NOT_AFFECTED: _("Not affected"),
}


class CheckForm(forms.Form):
    """What somebody runs: lines of names, or a bill of materials. `questions` and `components` are known once valid."""

    names = forms.CharField(
        label=_("Models and files, one a line"),
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 7, "spellcheck": "false", "autocapitalize": "none", "class": "mono"}),
        help_text=_("A package URL, organisation/name, an address on a hub, or the SHA-256 of a file."),
    )
    bom = forms.FileField(
        label=_("Or a bill of materials"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".json,.cdx,.spdx"}),
        help_text=_("CycloneDX 1.4 to 1.7, SPDX 2.3 or SPDX 3.0, as JSON, up to 20 MB. It is read and forgotten."),
    )

    questions: list[Question]
    components: int

    def clean_names(self) -> str:
        """The lines that say something, each once. Raises ValidationError."""
        lines = list(dict.fromkeys(line.strip() for line in self.cleaned_data["names"].splitlines() if line.strip()))
        if len(lines) > MOST_LINES:
            raise forms.ValidationError(_("At most %(most)d lines can be checked at once.") % {"most": MOST_LINES})
        if any(len(line) > _LONGEST_LINE for line in lines):
            raise forms.ValidationError(_("A line has at most %(most)d characters.") % {"most": _LONGEST_LINE})
        return "\n".join(lines)

    def clean(self) -> dict[str, Any]:
        """Reads what was given as questions. Raises ValidationError."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        names, upload = cleaned.get("names", "").splitlines(), cleaned.get("bom")
        if not names and upload is None:
            self.add_error("names", _("Write at least one model or file, or choose a bill of materials."))
            return cleaned
        self.questions, self.components = [read_question(name) for name in names], len(names)
        if upload is not None:
            self._read(upload.read())
        return cleaned

    def _read(self, content: bytes) -> None:
        try:
            bom = read_bom(json.loads(content))
        except UnreadableBomError as error:
            self.add_error("bom", gettext(str(error)))
        except (ValueError, RecursionError):
            self.add_error("bom", _("This file is not JSON that can be read."))
        else:
            self.questions += [question_of(component) for component in bom.components]
            self.components += bom.total


@dataclass(frozen=True)
class Result:
    """Answers as the page tells them: those with records first; `problems` are lines that name no model or file."""

    answers: list[Answer]
    clear: list[str]
    problems: list[Question]
    components: int
    affected: int
    log_number: int


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Asks what somebody runs; given it, says which published records concern it, as a page or as CycloneDX."""
    if uploads.is_beyond_reading(request):
        return private(render(request, "website/413.html", {"most": uploads.MOST_BYTES}, status=413))
    return private(_page(request))


def _page(request: HttpRequest) -> HttpResponse:
    taking = uploads.accept(request, "bom")
    if request.method != "POST":
        return _shown(request, CheckForm())
    form = CheckForm(request.POST, request.FILES)
    if taking.refused:
        form.add_error("bom", in_words(taking.refused[0][1]))
    if not form.is_valid():
        return _shown(request, form, status=HTTPStatus.BAD_REQUEST)
    if wait := _seconds_to_wait(request):
        return _too_many(request, wait)
    answers = check(form.questions)
    if request.POST.get("as") == "cyclonedx":
        disposition = 'attachment; filename="faultline-check.cdx.json"'
        headers = {"Content-Disposition": disposition}
        return JsonResponse(checked_bom(answers), content_type=CONTENT_TYPE, headers=headers)
    return _shown(request, form, _result(answers, form.components))


def _shown(
    request: HttpRequest, form: CheckForm, result: Result | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "form": form,
        "result": result,
        "levels": {level: gettext(text) for level, text in LEVELS.items()},
        "verdicts": VERDICTS,
    }
    return render(request, "website/check.html", context, status=status)


def _result(answers: list[Answer], components: int) -> Result:
    found = [answer for answer in answers if answer.findings]
    quiet = [answer.question for answer in answers if not answer.findings]
    return Result(
        answers=sorted(found, key=lambda answer: not answer.affected),
        clear=[question.asked for question in quiet if not question.problem],
        problems=[question for question in quiet if question.problem],
        components=components,
        affected=sum(answer.affected for answer in found),
        log_number=log.head().number,
    )


def _seconds_to_wait(request: HttpRequest) -> float:
    network = limits.pseudonym(network_of(request.META, proxies=settings.PROXIES))
    standing = limits.take([Budget(key("limit", "check page", network), _LIMIT)])
    return standing.wait if standing else 0.0


def _too_many(request: HttpRequest, wait: float) -> HttpResponse:
    context = {
        "text": gettext("Your network has checked very often."),
        "wait": gettext("Please try again in %(minutes)d minutes, or use the API.") % {"minutes": ceil(wait / 60)},
        "of_check": True,
    }
    response = render(request, "website/429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(ceil(wait))
    return response
