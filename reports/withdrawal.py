"""A reporter takes a report back."""

from django.db import transaction

from reports import mail
from reports.actors import REPORTER, WrongStateError, record_activity
from reports.models import Appeal, Contact, Report, ReportState


@transaction.atomic
def withdraw(*, report: Report) -> None:
    """Takes the report out of the moderators' hands, erases how to reach its reporter, and ends its receipt.

    What is public by then is the moderators' record, and stays. The code then leads nowhere, as if it never had.
    """
    row = Report.objects.select_for_update().get(pk=report.pk)
    if row.state == ReportState.WITHDRAWN:
        raise WrongStateError(f"report {row.pk} was withdrawn before")
    before = row.state
    Contact.objects.filter(report=row).delete()
    mail.erase_address(report=row)
    Appeal.objects.filter(report=row, outcome="").delete()
    row.state, row.reject_reason, row.owner, row.receipt_key = ReportState.WITHDRAWN, "", None, None
    row.save(update_fields=["state", "reject_reason", "owner", "receipt_key"])
    record_activity(REPORTER, "withdraw", report=row, before=before, after=row.state)
    for case in row.cases.order_by("pk"):
        record_activity(REPORTER, "withdraw", report=row, case=case, note="One of its reports was withdrawn.")
