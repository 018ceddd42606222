"""Files that are added to a report behind its receipt."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from lib import uploads
from lib.wording import in_words
from reports import evidence, receipts
from reports.abuse import limits
from reports.evidence import RefusedFileError
from reports.models import Report
from website import guard, status
from website.files import FIELD, FilesForm, too_large
from website.private import private


@never_cache
@csrf_exempt
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Adds files to the report whose page was posted."""
    # The check for forged requests reads the form, so it comes after the word that this one may bring files.
    if uploads.is_beyond_reading(request):
        return too_large(request)
    return _add(request, uploads.accept(request, FIELD))


@csrf_protect
def _add(request: HttpRequest, taking: uploads.Collect) -> HttpResponse:
    report = receipts.report_for_pass(request.POST.get("pass", ""))
    if report is None:
        # Its files are not looked at: a pass that leads nowhere makes no work.
        return private(status.ask_again(request))
    if wait := limits.take(limits.MESSAGE, guard.network(request)):
        form = FilesForm({})
        form.add_error(None, gettext("Too much came from your network. %(wait)s") % {"wait": guard.wait_words(wait)})
        return private(guard.with_retry(status.page(request, report, status=429, failed={"files": form}), wait))
    form = FilesForm(request.POST, request.FILES, refused=taking.refused)
    if form.is_valid() and _is_added(report, form):
        names = ", ".join(held.name for held in form.held)
        report.refresh_from_db()
        return private(status.page(request, report, done=gettext("Added: %(names)s.") % {"names": names}))
    return private(status.page(request, report, status=400, failed={"files": form}))


def _is_added(report: Report, form: FilesForm) -> bool:
    """Whether the form's files are with the report now; if not, the form says why."""
    if not form.held:
        form.add_error(FIELD, gettext("Choose a file."))
        return False
    try:
        evidence.add_files(report=report, files=form.held)
    except RefusedFileError as error:
        form.add_error(FIELD, in_words(error))
        return False
    return True
