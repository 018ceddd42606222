"""The life of a report and of a case."""

import json
import random
import threading

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from pydantic import ValidationError

from accounts.models import User
from catalogue.models import Alias, Lookup
from incidents.models import Incident, Publication
from reports import notices, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import Activity, Case, Contact, RejectReason, Report
from reports.workflow import CASE_MOVES, REPORT_MOVES
from tests import factories

pytestmark = pytest.mark.django_db


def verbs(**of):
    return list(Activity.objects.filter(**of).order_by("pk").values_list("verb", flat=True))


def public(incident):
    return json.loads(bytes(incident.document))


class TestSubmitting:
    def test_a_report_is_kept_as_sent_and_its_models_become_due(self):
        submitted = workflow.submit(
            submission=factories.submission(
                models=("https://huggingface.co/example-org/tiny-chat/tree/main", "My own chat")
            ),
            source="form",
        )
        on_hub, nowhere = submitted.report.named_models.order_by("pk")
        assert (on_hub.alias.name, on_hub.revision) == ("example-org/tiny-chat", "main")
        assert nowhere.alias is None
        assert nowhere.problem
        assert set(Lookup.objects.values_list("revision", flat=True)) == {"", "main"}
        assert verbs(report=submitted.report) == ["submit"]

    def test_contact_is_sealed_and_nowhere_else(self):
        report = workflow.submit(submission=factories.submission(contact="ana@example.org"), source="form").report
        assert b"ana@example.org" not in bytes(Contact.objects.get(report=report).sealed)
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(r)::text FROM reports_report r")
            assert "ana@example.org" not in cursor.fetchone()[0]

    def test_a_name_in_other_letter_case_is_the_same_alias(self):
        factories.report(models=("Example-Org/Tiny-Chat",))
        factories.report(models=("example-org/tiny-chat",))
        assert Alias.objects.count() == 1

    def test_nul_in_a_text_does_not_lose_the_report(self):
        report = factories.report(text="Thirty characters and more, and a NUL\x00 among them.", title="a\x00b")
        assert "\x00" not in report.text
        assert report.title == "ab"


class TestDeciding:
    def test_a_claimed_report_is_nobody_elses(self):
        report = factories.report()
        workflow.claim(report=report, by=factories.moderator())
        with pytest.raises(WrongStateError):
            workflow.claim(report=report, by=factories.second_moderator())
        with pytest.raises(WrongStateError, match="held by mira"):
            workflow.accept(report=report, by=factories.second_moderator())
        workflow.release(report=report, by=factories.moderator())
        workflow.claim(report=report, by=factories.second_moderator())

    def test_what_a_deactivated_account_holds_can_be_moved_and_a_senior_can_release_anything(self):
        report = factories.report()
        workflow.claim(report=report, by=factories.moderator())
        workflow.release(report=report, by=factories.senior_moderator())
        workflow.claim(report=report, by=factories.moderator())
        User.objects.filter(username="mira").update(is_active=False)
        workflow.accept(report=report, by=factories.second_moderator())

    def test_accepting_opens_a_case_without_the_reporters_words(self):
        report = factories.report(models=("example-org/tiny-chat", "A model of mine"))
        case = workflow.accept(report=report, by=factories.moderator())
        assert (case.summary, case.description) == ("", "")
        assert [str(model) for model in case.models.order_by("pk")] == ["example-org/tiny-chat", "A model of mine"]
        assert [reference.url for reference in case.references.all()] == ["https://example.org/evidence"]

    def test_a_second_report_joins_a_case_and_adds_only_new_models(self):
        case = workflow.accept(report=factories.report(), by=factories.moderator())
        workflow.accept(
            report=factories.report(models=("Example-org/Tiny-chat", "other/model")),
            by=factories.moderator(),
            case=case,
        )
        assert case.reports.count() == 2
        assert sorted(str(model) for model in case.models.all()) == ["example-org/tiny-chat", "other/model"]

    def test_rejecting_tells_the_reporter_why_in_plain_words(self):
        submitted = workflow.submit(submission=factories.submission(), source="form")
        workflow.reject(
            report=submitted.report, by=factories.moderator(), reason=RejectReason.NOT_ENOUGH, note="private"
        )
        notice = notices.status_for(submitted.receipt)
        assert "not enough" in notice.text
        assert "private" not in notice.text

    def test_a_rejected_report_can_be_reopened_and_nothing_else(self):
        report = factories.report()
        workflow.reject(report=report, by=factories.moderator(), reason=RejectReason.SPAM)
        for verb in (workflow.claim, workflow.release, workflow.accept):
            with pytest.raises(WrongStateError):
                verb(report=report, by=factories.moderator())
        workflow.reopen(report=report, by=factories.moderator())
        assert workflow.claim(report=report, by=factories.moderator()).reject_reason == ""

    @pytest.mark.parametrize("person", [factories.operator, lambda: factories.account("nobody")])
    def test_others_decide_nothing(self, person):
        report, who = factories.report(), person()
        with pytest.raises(NotAllowedError):
            workflow.claim(report=report, by=who)
        with pytest.raises(NotAllowedError):
            workflow.reject(report=report, by=who, reason=RejectReason.SPAM)
        assert Report.objects.get().state == "received"


class TestPublishing:
    def test_the_record_holds_the_moderators_words_and_not_the_reporters(self):
        incident = factories.published_incident()
        document = public(incident)
        assert document["title"] == "Chat model recommends one shop"
        assert "nine of ten answers" not in json.dumps(document).replace("Nine of ten answers named it", "")
        assert document["affected"][0]["purl"] == "pkg:huggingface/example-org/tiny-chat"
        assert document["affected"][0]["match"] == "repository"

    def test_a_case_without_wording_is_not_ready_and_says_what_is_missing(self):
        case = workflow.accept(report=factories.report(title=""), by=factories.moderator())
        with pytest.raises(NotReadyError) as refused:
            workflow.publish(case=case, by=factories.moderator())
        assert any(problem.startswith("title") for problem in refused.value.problems)
        assert any(problem.startswith("summary") for problem in refused.value.problems)
        assert Publication.objects.count() == 0

    def test_a_case_is_published_once(self):
        case = factories.published_case()
        with pytest.raises(WrongStateError):
            workflow.publish(case=case, by=factories.moderator())

    def test_a_correction_is_a_new_version_with_a_reason(self):
        case = factories.published_case()
        case.title = "Chat model recommends one grocer"
        case.save()
        with pytest.raises(NotReadyError, match="say why"):
            workflow.correct(case=case, by=factories.moderator(), notice=" ")
        workflow.correct(case=case, by=factories.moderator(), notice="It is a grocer.")
        document = public(Incident.objects.get())
        assert (document["version"], document["title"], document["notice"]) == (
            2,
            "Chat model recommends one grocer",
            "It is a grocer.",
        )

    def test_a_dispute_stays_visible_until_a_correction_ends_it(self):
        case = factories.published_case()
        workflow.dispute(case=case, by=factories.moderator(), notice="The publisher contests it.")
        assert Incident.objects.get().status == "disputed"
        workflow.correct(case=case, by=factories.moderator(), notice="Settled.")
        assert Incident.objects.get().status == "published"

    def test_withdrawing_takes_a_senior_moderator_and_leaves_a_tombstone(self):
        case = factories.published_case()
        with pytest.raises(NotAllowedError):
            workflow.withdraw(case=case, by=factories.moderator(), notice="It was a test.")
        workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was a test.")
        assert public(Incident.objects.get())["status"] == "withdrawn"
        with pytest.raises(WrongStateError):
            workflow.accept(report=factories.report(), by=factories.moderator(), case=case)

    def test_a_dispute_and_a_withdrawal_change_nothing_but_the_mark(self):
        case = factories.published_case()
        before = public(case.incident)
        workflow.accept(report=factories.report(models=("innocent-org/other",)), by=factories.moderator(), case=case)
        Case.objects.filter(pk=case.pk).update(title="A draft nobody has read", summary="")
        workflow.dispute(case=case, by=factories.moderator(), notice="The publisher contests it.")
        workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was a test.")
        changed = {"version": 3, "status": "withdrawn", "notice": "It was a test."}
        after = public(Incident.objects.get())
        assert {**before, **changed, "modified": after["modified"]} == after

    def test_a_name_that_now_leads_to_another_model_is_not_published(self):
        case = factories.worded_case()
        Lookup.objects.update(outcome="moved_to_other_model")
        with pytest.raises(NotReadyError, match="leads to another model"):
            workflow.publish(case=case, by=factories.moderator())

    def test_a_very_long_link_does_not_keep_a_report_from_being_accepted(self):
        link = "https://example.org/" + "a" * 1900
        case = workflow.accept(report=factories.report(links=(link,)), by=factories.moderator())
        assert case.references.get().url == link

    def test_references_are_cleaned_too_and_links_hold_nothing_invisible(self):
        case = factories.worded_case()
        case.references.update(title="Proof\u202e of it")
        workflow.publish(case=case, by=factories.moderator())
        assert public(Incident.objects.get())["references"][0]["title"] == "Proof of it"
        with pytest.raises(ValidationError):
            factories.submission(links=("https://example.org/a\u202eb",))

    def test_invisible_characters_do_not_reach_the_public(self):
        incident = factories.published_incident(
            title="Shop\u202e promo\u200btion in answers", summary="S" * 30 + "\U000e0041"
        )
        assert public(incident)["title"] == "Shop promotion in answers"
        assert public(incident)["summary"] == "S" * 30

    def test_the_receipt_then_leads_to_the_public_record(self):
        submitted = workflow.submit(submission=factories.submission(), source="form")
        case = factories.worded_case(reported=submitted.report)
        workflow.publish(case=case, by=factories.moderator())
        notice = notices.status_for(submitted.receipt)
        assert notice.incidents == (Incident.objects.get().public_id,)


def test_every_move_leaves_its_activity_and_the_database_keeps_them():
    case = factories.published_case()
    assert verbs(report__isnull=False) == ["submit", "accept", "group"]
    assert verbs(case=case) == ["open", "group", "publish"]
    for change in (lambda: Activity.objects.update(verb="x"), lambda: Activity.objects.all().delete()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()


def test_the_moves_name_states_that_exist():
    for moves, states in ((REPORT_MOVES, Report.state.field.choices), (CASE_MOVES, Case.state.field.choices)):
        known = {value for value, _ in states}
        for move in moves.values():
            assert move.before | {move.after} <= known


@pytest.mark.django_db(transaction=True)
def test_reports_on_the_same_models_in_any_order_never_deadlock(settings):
    settings.WAKES = {"model named": []}
    names = [f"example-org/model-{number}" for number in range(12)]
    together, failures = threading.Barrier(6), []

    def submit(number):
        try:
            together.wait()
            for turn in range(5):
                mine = random.Random(number * 10 + turn).sample(names, len(names))
                workflow.submit(submission=factories.submission(models=mine), source="form")
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Report.objects.count() == 30
    assert Alias.objects.count() == 12


@pytest.mark.django_db(transaction=True)
def test_one_transaction_wakes_a_worker_once(monkeypatch):
    sent = []
    monkeypatch.setattr("lib.wake.current_app.send_task", sent.append)
    workflow.submit(submission=factories.submission(models=[f"org/model-{n}" for n in range(20)]), source="form")
    assert sent == ["catalogue.tasks.look_up_due_models"]
