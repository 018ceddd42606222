"""The mail that says there is news, through a real SMTP server."""

import logging
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from django.core.mail import BadHeaderError
from django.db import connection
from django.utils import timezone

from reports import conversation, mail, withdrawal, workflow
from reports.mail import RefusedMailAddressError
from reports.models import MailAddress, MailDue, Message
from tests import factories

pytestmark = pytest.mark.django_db

ADDRESS = "ana.canary@example.org"


class Server:
    """Keeps what arrives; answers RCPT with `refusal` where one is set."""

    def __init__(self):
        self.arrived, self.refusal = [], ""

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.arrived.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@pytest.fixture
def server(settings, free_port, monkeypatch):
    """An SMTP server that the node sends through."""
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)  # the server's own, not ours
    kept = Server()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.MAIL_ON, settings.EMAIL_BACKEND = True, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield kept
    controller.stop()


@pytest.fixture
def report(server):
    """A report whose reporter left an address."""
    report = factories.report()
    mail.leave_address(report=report, address=f" {ADDRESS} ")
    return report


def news(report):
    """A moderator wrote a minute ago."""
    message = conversation.say(report=report, by=factories.moderator(), text="A secret question about tiny-chat")
    a_minute_passes()
    return message


def a_minute_passes():
    now = timezone.now()
    Message.objects.update(at=now - timedelta(minutes=1), visible_at=now - timedelta(seconds=30))
    MailDue.objects.update(due_at=now)


def test_the_mail_says_that_there_is_news_and_nothing_of_what(report, server, settings):
    news(report)
    assert mail.send_due() == 1
    ((recipients, arrived),) = server.arrived
    assert recipients == [ADDRESS]
    text = arrived.get_content()
    assert f"{settings.BASE_URL}/report/status/" in text
    whole = arrived.as_string()
    for told in ("secret", "tiny-chat", report.title, f"report {report.pk}"):
        assert told not in whole
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert mail.send_due() == 0


def test_one_mail_until_the_reporter_looks(report, server):
    news(report)
    news(report)
    mail.send_due()
    news(report)
    mail.send_due()
    assert len(server.arrived) == 1
    conversation.read_by_reporter(report=report)
    news(report)
    mail.send_due()
    assert len(server.arrived) == 2
    assert len({arrived["Message-ID"] for _to, arrived in server.arrived}) == 2


def test_words_taken_back_in_time_send_no_mail(report, server):
    message = conversation.say(report=report, by=factories.moderator(), text="Oops")
    conversation.take_back(message=message, by=factories.moderator())
    a_minute_passes()
    assert mail.send_due() == 0
    assert not MailDue.objects.exists()


def test_nothing_is_sent_before_the_words_can_be_read(report, server):
    conversation.say(report=report, by=factories.moderator(), text="Hello")
    assert mail.send_due() == 0
    assert MailDue.objects.count() == 1


def test_looking_while_words_are_on_their_way_does_not_lose_the_mail_about_them(report, server):
    news(report)
    conversation.say(report=report, by=factories.moderator(), text="And one more thing")
    conversation.read_by_reporter(report=report)
    assert mail.send_due() == 0
    a_minute_passes()
    assert mail.send_due() == 1


def test_a_decision_without_words_is_news_too(report, server):
    factories.published_case(reported=report)
    assert mail.send_due() == 1


def test_the_address_is_sealed_and_can_be_erased_with_all_that_was_due(report, server):
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM reports_mailaddress a")
        assert "canary" not in cursor.fetchone()[0]
    news(report)
    mail.erase_address(report=report)
    assert mail.send_due() == 0
    assert not MailAddress.objects.exists()
    mail.leave_address(report=report, address=ADDRESS)
    withdrawal.withdraw(report=report)
    assert not MailAddress.objects.exists()


def test_a_server_that_is_away_is_asked_again_and_not_for_ever(report, server, settings, caplog):
    news(report)
    settings.EMAIL_PORT = 9
    assert mail.send_due() == 0
    due = MailDue.objects.get()
    assert (due.attempts, due.last_error) == (1, "ConnectionRefusedError")
    assert due.due_at > timezone.now()
    MailDue.objects.update(attempts=mail.MOST_ATTEMPTS, due_at=timezone.now())
    mail.send_due()
    assert not MailDue.objects.exists()
    assert "canary" not in caplog.text


@pytest.mark.parametrize(("refusal", "left"), [("550 no such person", 0), ("450 later", 1)])
def test_a_recipient_refused_for_good_is_not_tried_again(report, server, refusal, left, caplog):
    news(report)
    server.refusal = refusal
    assert mail.send_due() == 0
    assert MailDue.objects.count() == left
    assert "canary" not in caplog.text
    assert not MailDue.objects.filter(last_error__contains="canary").exists()


@pytest.mark.parametrize(
    "address",
    ["", "ana", "ana@", "a@example.org\nBcc: b@example.org", "a@example.org\r\nSubject: x", "a@b@c", "x" * 300],
)
def test_what_is_no_address_is_refused(server, address):
    with pytest.raises(RefusedMailAddressError):
        mail.leave_address(report=factories.report(), address=address)


def test_a_header_cannot_be_smuggled_in_even_past_the_check(report, server):
    due = MailDue(address=MailAddress.objects.get())
    with pytest.raises(BadHeaderError):
        mail._mail(due, "a@example.org\nBcc: b@example.org").message()


def test_without_a_mail_server_no_address_is_kept(settings):
    settings.MAIL_ON = False
    report = factories.report()
    with pytest.raises(RefusedMailAddressError):
        mail.leave_address(report=report, address=ADDRESS)
    workflow.accept(report=report, by=factories.moderator())
    assert mail.send_due() == 0
