"""Telling a reporter by mail that there is news, and nothing else: the mail names neither report nor content.

One mail until the reporter looks (or a week has passed), however much is new. The address is sealed and can be erased.
"""

from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from time import monotonic

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from lib.due import lease_next
from lib.language import speaking
from lib.refusal import RefusalError
from lib.seal import seal, unseal
from lib.wake import wake
from reports.actors import REPORTER, record_activity
from reports.models import MailAddress, MailDue, Report

log = structlog.get_logger()

# With the back-off of `lib.due` that is about five hours.
MOST_ATTEMPTS = 14
MOST_SECONDS = 120.0
REMIND_AFTER = timedelta(days=7)
_PERMANENT = 500


class RefusedMailAddressError(RefusalError):
    """The address is not taken; the error is a sentence for the reporter."""


@transaction.atomic
def leave_address(*, report: Report, address: str, language: str = settings.LANGUAGE_CODE) -> None:
    """Keeps where to tell the reporter that there is news, and in which language, in place of what was left before."""
    if not settings.MAIL_ON:
        raise RefusedMailAddressError("This node sends no mail.")
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise RefusedMailAddressError(
            "This is not a mail address we could write to, such as name@example.org."
        ) from error
    MailAddress.objects.filter(report=report).delete()
    MailAddress.objects.create(report=report, sealed=seal(address), language=language)
    record_activity(REPORTER, "leave mail address", report=report)


@transaction.atomic
def erase_address(*, report: Report) -> None:
    """Forgets the address, and every mail that was to go there."""
    if MailAddress.objects.filter(report=report).delete()[0]:
        record_activity(REPORTER, "erase mail address", report=report)


def there_is_news(*, report: Report, at: datetime | None = None, certain: bool = False) -> None:
    """Due a mail at `at`, if an address was left and no mail went there since the reporter last looked.

    Unless it is `certain`, there must still be something unread when the mail is sent.
    """
    if not settings.MAIL_ON:
        return
    now = timezone.now()
    address = MailAddress.objects.filter(report=report).first()
    if address is None or (address.told_at and address.told_at > now - REMIND_AFTER):
        return
    due, created = MailDue.objects.get_or_create(address=address, defaults={"due_at": at or now, "certain": certain})
    if certain and not created:
        MailDue.objects.filter(pk=due.pk).update(certain=True)


def reporter_looked(*, report: Report) -> None:
    """What was news is read: no mail about it any more, and the next news is worth one again.

    Words that are still to become visible stay due.
    """
    due, now = MailDue.objects.filter(address__report=report), timezone.now()
    coming = report.messages.filter(from_reporter=False, visible_at__gt=now).aggregate(at=Min("visible_at"))["at"]
    if coming:
        due.update(due_at=coming, certain=False)
    else:
        due.delete()
    MailAddress.objects.filter(report=report).exclude(told_at=None).update(told_at=None)


def send_due() -> int:
    """Sends the mails that are due; how many went out. Safe to run in any number of workers at once."""
    sent, started = 0, monotonic()
    while settings.MAIL_ON and (lease := lease_next(MailDue.objects.all())):
        sent += _send(lease)
        if monotonic() - started > MOST_SECONDS:
            wake("mail left over")
            break
    return sent


def _send(lease: MailDue) -> bool:
    """Sends one leased mail and ends the lease whatever happens. Errors are kept by type: texts name addresses."""
    try:
        address = MailAddress.objects.get(pk=lease.address_id)
        if not lease.certain and not _unread(address):
            _end(lease)
            return False
        with speaking(address.language):
            mail = _mail(lease, unseal(bytes(address.sealed)))
        mail.send()
    except (SMTPException, OSError) as error:
        if _is_permanent(error) or lease.attempts >= MOST_ATTEMPTS:
            log.warning("mail given up", mail=lease.pk, error=type(error).__name__)
            _end(lease)
        else:
            lease.postpone(type(error).__name__)
        return False
    except Exception as error:
        lease.fail(type(error).__name__)
        log.exception("mail failed", mail=lease.pk)
        return False
    with transaction.atomic():
        MailAddress.objects.filter(pk=address.pk).update(told_at=timezone.now())
        _end(lease)
    return True


def _unread(address: MailAddress) -> bool:
    unread = address.report.messages.filter(from_reporter=False, read_at=None, visible_at__lte=timezone.now())
    return unread.exists()


def _end(lease: MailDue) -> None:
    # Only the holder of the lease ends it.
    MailDue.objects.filter(pk=lease.pk, leased_until=lease.leased_until).delete()


def _mail(lease: MailDue, address: str) -> EmailMessage:
    page = settings.BASE_URL + reverse("website:status")
    text = _(
        "There is news. Open %(page)s and enter your code.\n\n"
        "You asked for this mail. On the same page you can erase your address. Please do not answer: nobody reads it."
    )
    headers = {
        # The same for every try, so that a mail sent twice is shown once.
        "Message-ID": f"<news-{lease.pk}@{settings.NODE_NAME}>",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(_("There is news"), text % {"page": page}, to=[address], headers=headers)


def _is_permanent(error: Exception) -> bool:
    """Whether the server refused this recipient for good (RFC 5321, section 4.2.1: 5yz)."""
    if not isinstance(error, SMTPRecipientsRefused):
        return False
    return all(code >= _PERMANENT for code, _text in error.recipients.values())
