"""What reporters and moderators say to each other, appeals, and withdrawing."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from django.utils.functional import Promise
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Role
from reports import appeals, conversation, notices, receipts, replies, withdrawal, workflow
from reports.actors import NotAllowedError, WrongStateError
from reports.appeals import AppealedBeforeError
from reports.conversation import RefusedMessageError
from reports.models import Activity, Appeal, AppealOutcome, Contact, Message, RejectReason, Report
from reports.replies import AskReason
from tests import factories

pytestmark = pytest.mark.django_db


def submitted(**changes):
    return workflow.submit(submission=factories.submission(**changes), source="form")


def rejected():
    """A report that mira rejected, and its receipt."""
    one = submitted()
    workflow.reject(report=one.report, by=factories.moderator(), reason=RejectReason.NOT_ENOUGH)
    one.report.refresh_from_db()
    return one


def half_a_minute_passes():
    """What was said becomes visible, and what could be undone no longer can."""
    Message.objects.filter(from_reporter=False).update(
        at=timezone.now() - timedelta(minutes=1), visible_at=timezone.now() - timedelta(seconds=1)
    )


def texts(said):
    return [one.text for one in said]


class TestTalking:
    def test_both_sides_read_what_the_other_wrote_and_nobody_learns_who_the_moderator_is(self):
        report = submitted().report
        conversation.say(report=report, by=factories.moderator(), text="Which file is it?")
        conversation.answer(report=report, text="The second one.")
        half_a_minute_passes()
        mine = conversation.read_by_reporter(report=report)
        assert [(one.who, one.text) for one in mine] == [("Moderator", "Which file is it?"), ("You", "The second one.")]
        assert "mira" not in repr(mine)
        theirs = conversation.read_by_moderator(report=report, by=factories.second_moderator())
        assert [one.who for one in theirs] == ["mira", "Reporter"]

    def test_words_are_sealed_at_rest_and_in_no_activity(self):
        report = submitted().report
        conversation.answer(report=report, text="a canary in a mine")
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(m)::text FROM reports_message m")
            assert "canary" not in cursor.fetchone()[0]
        assert not Activity.objects.filter(note__contains="canary").exists()

    def test_a_moderators_words_reach_the_reporter_only_when_they_can_no_longer_be_taken_back(self):
        report, mira = submitted().report, factories.moderator()
        message = conversation.say(report=report, by=mira, text="Sent too soon")
        assert conversation.read_by_reporter(report=report) == []
        with pytest.raises(WrongStateError):
            conversation.take_back(message=message, by=factories.second_moderator())
        conversation.take_back(message=message, by=mira)
        assert conversation.read_by_moderator(report=report, by=mira) == []

        message = conversation.say(report=report, by=mira, text="Meant so")
        half_a_minute_passes()
        with pytest.raises(WrongStateError):
            conversation.take_back(message=message, by=mira)
        assert texts(conversation.read_by_reporter(report=report)) == ["Meant so"]

    def test_what_was_new_is_new_once_and_for_the_other_side_only(self):
        report = submitted().report
        conversation.answer(report=report, text="Hello?")
        conversation.read_by_moderator(report=report, by=factories.account("watcher", Role.OPERATOR))
        assert conversation.read_by_moderator(report=report, by=factories.moderator())[0].unread
        assert not conversation.read_by_moderator(report=report, by=factories.moderator())[0].unread
        assert not conversation.read_by_reporter(report=report)[0].unread

    @pytest.mark.parametrize("grouped", ["{}", "my code: {}!", "x{}x"])
    def test_a_message_that_holds_the_receipt_is_refused(self, grouped):
        one = submitted()
        for code in (one.receipt, one.receipt.replace("-", " ").lower(), one.receipt.replace("-", "")):
            with pytest.raises(RefusedMessageError, match="receipt code"):
                conversation.answer(report=one.report, text=f"Hello, {grouped.format(code)} is what I have")
        conversation.answer(report=one.report, text=f"Somebody sent me {receipts.new_receipt()}")

    @pytest.mark.parametrize("text", ["", "  \n", "\x00", "x" * (conversation.LONGEST + 1)])
    def test_nothing_and_too_much_are_refused_with_a_sentence(self, text):
        with pytest.raises(RefusedMessageError):
            conversation.answer(report=submitted().report, text=text)

    def test_a_form_sent_twice_says_it_once(self):
        report = submitted().report
        for _ in range(2):
            conversation.answer(report=report, text="Hello", once="a-token")
        assert report.messages.count() == 1
        assert report.activities.filter(verb="answer").count() == 1

    def test_a_rejection_undone_in_time_is_never_heard_of(self):
        report, mira = submitted().report, factories.moderator()
        workflow.reject(report=report, by=mira, reason=RejectReason.SPAM)
        workflow.reopen(report=report, by=mira)
        workflow.ask(report=report, by=mira, reason=AskReason.HOW_TO_SEE)
        workflow.resume(report=report, by=mira)
        assert not Message.objects.exists()
        workflow.reject(report=report, by=mira, reason=RejectReason.SPAM)
        half_a_minute_passes()
        workflow.reopen(report=report, by=mira)
        assert len(conversation.read_by_reporter(report=report)) == 1

    def test_evidence_takes_text_and_links_that_lead_to_the_web(self):
        report = submitted().report
        conversation.add_evidence(report=report, text="A log", links=["https://example.org/log", ""])
        assert texts(conversation.read_by_reporter(report=report)) == ["A log\n\nhttps://example.org/log"]
        with pytest.raises(RefusedMessageError):
            conversation.add_evidence(report=report, text="", links=["javascript:alert(1)"])
        with pytest.raises(RefusedMessageError):
            conversation.add_evidence(report=report, text="", links=[])

    def test_others_say_nothing_and_nobody_writes_where_nobody_reads(self):
        with pytest.raises(NotAllowedError):
            conversation.say(report=submitted().report, by=factories.operator(), text="Hello")
        imported = workflow.submit(submission=factories.submission(), source="avid", source_id="AVID-1").report
        with pytest.raises(WrongStateError):
            conversation.say(report=imported, by=factories.moderator(), text="Hello")


class TestAsking:
    def test_a_question_waits_for_the_reporter_whose_answer_brings_the_report_back(self):
        one, mira = submitted(), factories.moderator()
        workflow.claim(report=one.report, by=mira)
        workflow.ask(report=one.report, by=mira, reason=AskReason.WHICH_MODEL, added="The GGUF?")
        assert notices.status_for(one.receipt).state == "needs_info"
        half_a_minute_passes()
        (question,) = conversation.read_by_reporter(report=one.report)
        assert "You named example-org/tiny-chat." in question.text
        assert question.text.endswith("\n\nThe GGUF?")
        conversation.answer(report=one.report, text="Yes")
        one.report.refresh_from_db()
        assert (one.report.state, one.report.owner) == ("in_review", mira)

    def test_a_question_by_nobody_in_particular_leads_back_to_the_queue(self):
        one = submitted()
        workflow.ask(report=one.report, by=factories.moderator(), reason=AskReason.HOW_TO_SEE)
        conversation.add_evidence(report=one.report, text="Like this")
        one.report.refresh_from_db()
        assert one.report.state == "received"

    def test_a_moderator_need_not_wait(self):
        one, mira = submitted(), factories.moderator()
        workflow.claim(report=one.report, by=mira)
        workflow.ask(report=one.report, by=mira, reason=AskReason.HOW_TO_SEE)
        assert workflow.resume(report=one.report, by=mira).state == "in_review"


class TestReplies:
    @pytest.mark.parametrize("reason", [*RejectReason, *AskReason], ids=str)
    def test_every_reason_has_a_reply_whose_variables_are_all_filled_in(self, reason):
        text = replies.compose(reason, submitted().report)
        assert len(text) > 60
        assert "{" not in text

    def test_there_are_fifteen_reasons_and_no_reply_without_one(self):
        assert set(replies.REPLIES) == {*RejectReason, *AskReason}
        assert len(replies.REPLIES) == 15

    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
    def test_a_name_is_never_read_as_a_format(self, name):
        report = Report(title="x")
        filled = replies.VARIABLES["models"]
        try:
            replies.VARIABLES["models"] = replies.Variable(filled.meaning, lambda _report: f"{{date}}{name}")
            assert f"{{date}}{name}" in replies.compose(AskReason.HOW_TO_SEE, report)
        finally:
            replies.VARIABLES["models"] = filled

    def test_replies_are_translated_when_they_are_read(self):
        assert all(isinstance(reply, Promise) for reply in replies.REPLIES.values())

    def test_a_rejection_tells_the_reply_and_the_moderators_own_words(self):
        one = submitted()
        workflow.reject(
            report=one.report, by=factories.moderator(), reason=RejectReason.DUPLICATE, note="private", added="FL-1"
        )
        half_a_minute_passes()
        (reply,) = conversation.read_by_reporter(report=one.report)
        assert "already recorded" in reply.text
        assert reply.text.endswith("FL-1")
        assert "private" not in reply.text


class TestAppeals:
    def test_an_appeal_is_decided_by_somebody_else(self):
        one = rejected()
        appeals.appeal(report=one.report, text="You tried another version.")
        assert "Somebody else than before" in notices.status_for(one.receipt).text
        answers = {"report": one.report, "outcome": AppealOutcome.OVERTURNED, "text": "You are right."}
        with pytest.raises(NotAllowedError):
            appeals.decide(by=factories.moderator(), **answers)
        with pytest.raises(WrongStateError, match="appealed"):
            workflow.reopen(report=one.report, by=factories.moderator())
        appeals.decide(by=factories.second_moderator(), **answers)
        one.report.refresh_from_db()
        assert one.report.state == "received"
        with pytest.raises(WrongStateError):
            appeals.decide(by=factories.second_moderator(), **answers)

    def test_an_appeal_that_fails_leaves_the_rejection_and_says_why(self):
        one = rejected()
        appeals.appeal(report=one.report, text="No!")
        sami = factories.second_moderator()
        appeals.decide(report=one.report, by=sami, outcome=AppealOutcome.UPHELD, text="We tried again.")
        half_a_minute_passes()
        assert notices.status_for(one.receipt).state == "rejected"
        assert "We tried again." in texts(conversation.read_by_reporter(report=one.report))

    def test_only_a_rejection_can_be_appealed_and_only_once(self):
        with pytest.raises(WrongStateError):
            appeals.appeal(report=submitted().report, text="Why?")
        one = rejected()
        appeals.appeal(report=one.report, text="Why?")
        assert not appeals.may_appeal(one.report)
        appeals.decide(
            report=one.report, by=factories.second_moderator(), outcome=AppealOutcome.OVERTURNED, text="Right."
        )
        workflow.reject(report=one.report, by=factories.second_moderator(), reason=RejectReason.SPAM)
        with pytest.raises(AppealedBeforeError):
            appeals.appeal(report=one.report, text="Again?")

    @pytest.mark.django_db(transaction=True)
    def test_of_appeals_at_the_same_moment_one_counts(self):
        one, results = rejected(), []
        ready = threading.Barrier(6)

        def press():
            ready.wait()
            try:
                appeals.appeal(report=one.report, text="Why?")
                results.append("stored")
            except AppealedBeforeError:
                results.append("refused")
            finally:
                connections.close_all()

        threads = [threading.Thread(target=press) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == ["refused"] * 5 + ["stored"]
        assert Appeal.objects.count() == Message.objects.filter(kind="appeal").count() == 1


class TestWithdrawing:
    def test_the_code_leads_nowhere_and_how_to_reach_the_reporter_is_gone(self):
        one = submitted(contact="ana@example.org")
        held = receipts.new_pass(one.report)
        withdrawal.withdraw(report=one.report)
        assert notices.status_for(one.receipt) is None
        assert receipts.report_for_pass(held) is None
        assert not Contact.objects.exists()
        with pytest.raises(WrongStateError):
            withdrawal.withdraw(report=one.report)
        with pytest.raises(WrongStateError):
            workflow.claim(report=one.report, by=factories.moderator())

    def test_what_is_public_stays(self):
        one = submitted()
        case = factories.published_case(reported=one.report)
        withdrawal.withdraw(report=one.report)
        assert case.incident.status == "published"
        assert case.activities.filter(verb="withdraw", actor_name="reporter").exists()

    def test_a_pass_runs_out_and_only_ours_open_anything(self, monkeypatch):
        from lib.seal import seal

        one = submitted()
        assert receipts.report_for_pass(receipts.new_pass(one.report)) == one.report
        assert receipts.report_for_pass(seal(one.report.receipt_key).decode()) is None
        assert receipts.report_for_pass("nonsense") is None
        held = receipts.new_pass(one.report)
        monkeypatch.setattr(receipts, "PASS_SECONDS", -1)
        assert receipts.report_for_pass(held) is None

    def test_a_receipt_expires(self, settings):
        one = submitted()
        Report.objects.update(submitted_at=timezone.now() - timedelta(days=settings.RECEIPT_DAYS))
        assert notices.status_for(one.receipt) is None
