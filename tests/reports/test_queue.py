"""The queue: lanes, priority, leases, skipping, taking over, undo, and rejecting several at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.utils import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalogue.models import UseCount
from reports import appeals, bulk, conversation, leases, queue, undoing, workflow
from reports.actors import NotAllowedError, WrongStateError
from reports.lanes import LANES
from reports.models import (
    Activity,
    AppealOutcome,
    CaseState,
    ConsoleMessage,
    ConsolePreference,
    Decision,
    RejectReason,
    Report,
    ReportState,
    SavedFilter,
    Skip,
)
from reports.priority import WORDS, reasons, with_priority
from reports.replies import AskReason
from tests import factories
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db

QUEUE = "/console/reports/report/"


def days_old(report, days):
    Report.objects.filter(pk=report.pk).update(submitted_at=timezone.now() - timedelta(days=days))
    return report


def lease_over(report):
    Report.objects.filter(pk=report.pk).update(held_until=timezone.now() - timedelta(seconds=1))


def urgency(report):
    row = with_priority(Report.objects.filter(pk=report.pk)).get()
    return WORDS[row.priority], reasons(row)


def downloaded(report, downloads):
    model = report.named_models.get().alias.model
    UseCount.objects.create(model=model, day=timezone.now().date(), downloads=downloads)


def lanes_of(report):
    rows = with_priority(Report.objects.filter(pk=report.pk))
    return {one.slug for one in LANES if rows.filter(one.of()).exists()}


def verbs(report):
    return list(Activity.objects.filter(report=report).order_by("pk").values_list("verb", flat=True))


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


class TestPriority:
    def test_the_harm_a_reporter_claims_goes_before_what_the_kind_suggests(self):
        claimed = {"impact": {"severity": "critical"}, "kind": "hazard"}
        assert urgency(factories.report(**claimed)) == ("medium", ["critical harm is claimed"])
        claimed["impact"] = {"severity": "low"}
        assert urgency(factories.report(**claimed, models=("org/other",))) == ("low", ["low harm is claimed"])

    def test_harm_on_a_much_used_model_that_others_report_is_high(self):
        report = factories.report(models=("big/model",))
        factories.report(models=("Big/Model",))
        downloaded(report, 2_000_000)
        word, why = urgency(report)
        assert word == "high"
        assert why == [
            "harm is said to have happened",
            "1 other report on its models",
            "up to 2,000,000 downloads a month",
        ]

    def test_a_measurement_of_an_unknown_model_is_low(self):
        assert urgency(factories.report(kind="measurement")) == ("low", [])

    def test_what_waits_for_two_days_rises(self):
        report = factories.report()
        assert urgency(report)[0] == "low"
        assert urgency(days_old(report, 3)) == (
            "medium",
            ["harm is said to have happened", "waits for more than 48 hours"],
        )

    def test_spam_and_old_reports_corroborate_nothing(self):
        report = factories.report()
        workflow.reject(report=factories.report(), by=factories.moderator(), reason=RejectReason.SPAM)
        days_old(factories.report(), 40)
        assert urgency(report) == ("low", ["harm is said to have happened"])

    def test_a_report_that_names_one_model_twice_is_one_report(self):
        report = factories.report(models=("org/one", "org/two"))
        factories.report(models=("org/one", "org/two", "org/one@main"))
        assert "1 other report on its models" in urgency(report)[1]


class TestLanes:
    def test_each_report_stands_where_its_facts_put_it(self):
        plain = factories.report(title="Plain")
        backdoor = factories.report(category="backdoor.trigger", models=("org/with-trigger",))
        nowhere = factories.report(category="backdoor.trigger", models=("A model on no hub",))
        imported = workflow.submit(
            submission=factories.submission(models=("org/other",)), source="avid", source_id="A-1"
        ).report
        old = days_old(factories.report(models=("org/third",)), 3)
        assert lanes_of(plain) == {"all", "normal"}
        assert lanes_of(backdoor) == {"all", "backdoor"}
        assert lanes_of(nowhere) == {"all", "normal"}
        assert lanes_of(imported) == {"all", "imports"}
        assert lanes_of(old) == {"all", "normal", "stale"}
        Report.objects.filter(pk=plain.pk).update(suspected_spam=True)
        assert lanes_of(plain) == {"all", "spam"}

    def test_counts_say_what_waits_what_is_free_and_since_when(self):
        first = days_old(factories.report(models=("org/one",)), 3)
        factories.report(models=("org/two",))
        workflow.claim(report=first, by=factories.moderator())
        decided = factories.report(models=("org/three",))
        workflow.reject(report=decided, by=factories.moderator(), reason=RejectReason.SPAM)
        found = {one.lane.slug: one for one in queue.counts(factories.moderator())}
        first.refresh_from_db()
        assert (found["all"].waiting, found["all"].free, found["all"].oldest) == (2, 1, first.submitted_at)
        assert (found["stale"].waiting, found["stale"].free) == (1, 0)
        assert (found["imports"].waiting, found["imports"].oldest) == (0, None)

    def test_the_page_shows_them_and_the_address_keeps_the_lane(self, signed_in):
        factories.report(title="A plain one")
        factories.report(title="A trigger", category="backdoor.trigger", models=("org/with-trigger",))
        client = signed_in(factories.moderator())
        page = client.get(f"{QUEUE}?lane=backdoor")
        assert [report.title for report in page.context["cl"].result_list] == ["A trigger"]
        assert client.post(f"{QUEUE}next/", {"lane": "backdoor"})["Location"].endswith("?lane=backdoor")
        nothing = client.post(f"{QUEUE}next/", {"lane": "backdoor"}, follow=True)
        assert "No report waits" in messages_of(nothing)[0]
        assert client.get(f"{QUEUE}?lane=%00nowhere").status_code == 200

    def test_the_most_urgent_comes_first_then_the_oldest(self, signed_in):
        factories.report(title="Low", kind="measurement", models=("org/a",))
        factories.report(title="Also low", kind="measurement", models=("org/b",))
        days_old(factories.report(title="Medium", models=("org/c",)), 3)
        page = signed_in(factories.moderator()).get(QUEUE)
        assert [report.title for report in page.context["cl"].result_list] == ["Medium", "Low", "Also low"]
        assert queue.claim_next(by=factories.moderator()).title == "Medium"

    def test_a_view_is_kept_by_name_and_holds_nothing_but_filters(self, signed_in):
        client = signed_in(factories.moderator())
        keep = {"title": "  Old   biases ", "query": "lane=stale&category=bias&receipt_key__startswith=a"}
        client.post(f"{QUEUE}views/keep/", keep)
        kept = SavedFilter.objects.get()
        assert (kept.title, kept.query) == ("Old biases", "lane=stale&category=bias")
        assert "?lane=stale&amp;category=bias" in client.get(QUEUE).content.decode()
        signed_in(factories.second_moderator()).post(f"{QUEUE}views/{kept.pk}/drop/")
        assert SavedFilter.objects.exists()
        client.post(f"{QUEUE}views/{kept.pk}/drop/")
        assert not SavedFilter.objects.exists()


class TestLeases:
    def test_a_claim_ends_by_itself_and_the_report_is_offered_again(self):
        report, mira, sami = factories.report(), factories.moderator(), factories.second_moderator()
        workflow.claim(report=report, by=mira)
        assert queue.claim_next(by=sami) is None
        lease_over(report)
        assert queue.claim_next(by=sami) == report
        with pytest.raises(WrongStateError, match="held by sami"):
            workflow.accept(report=report, by=mira)

    def test_every_action_and_the_heartbeat_renew_it_for_the_holder_only(self, signed_in):
        report, mira = factories.report(), factories.moderator()
        workflow.claim(report=report, by=mira)
        soon = timezone.now() + timedelta(minutes=1)
        Report.objects.update(held_until=soon)
        answer = signed_in(mira).post(f"{QUEUE}{report.pk}/heartbeat/")
        assert answer.status_code == 200
        report.refresh_from_db()
        assert report.held_until > soon + timedelta(minutes=15)
        assert answer.json()["held_until"] == report.held_until.isoformat()
        other = signed_in(factories.second_moderator()).post(f"{QUEUE}{report.pk}/heartbeat/")
        assert (other.status_code, other.json()) == (409, {"held_until": None})
        lease_over(report)
        assert signed_in(mira).post(f"{QUEUE}{report.pk}/heartbeat/").status_code == 409
        workflow.claim(report=report, by=mira)
        assert signed_in(mira).post(f"{QUEUE}{report.pk}/heartbeat/").status_code == 200

    def test_what_a_deactivated_account_holds_is_offered_at_once(self):
        report = factories.report()
        workflow.claim(report=report, by=factories.moderator())
        User.objects.filter(username="mira").update(is_active=False)
        assert queue.claim_next(by=factories.second_moderator()) == report

    def test_taking_over_says_why_and_tells_who_held_it(self, signed_in):
        report, mira, sami = factories.report(), factories.moderator(), factories.second_moderator()
        workflow.claim(report=report, by=mira)
        client = signed_in(sami)
        said = messages_of(client.post(f"{QUEUE}{report.pk}/do/take-over/", {"reason": " "}, follow=True))
        assert said == ["To take a report over, say why."]
        client.post(f"{QUEUE}{report.pk}/do/take-over/", {"reason": "I speak Ukrainian."})
        report.refresh_from_db()
        assert report.holder == sami
        assert Activity.objects.get(verb="take over").note == "from mira: I speak Ukrainian."
        page = signed_in(mira).get("/console/").content.decode()
        assert f"sami took over report {report.pk}, which you held: I speak Ukrainian." in page
        assert "took over" not in client.get("/console/").content.decode()
        told = ConsoleMessage.objects.get()
        client.post(f"{QUEUE}messages/{told.pk}/dismiss/", {"back": "//evil.example/"})
        assert "took over" in signed_in(mira).get("/console/").content.decode()
        answer = signed_in(mira).post(f"{QUEUE}messages/{told.pk}/dismiss/", {"back": "//evil.example/"})
        assert answer["Location"] == "/console/"
        assert "took over" not in signed_in(mira).get("/console/").content.decode()

    def test_nobody_takes_over_what_nobody_else_holds(self):
        report, mira = factories.report(), factories.moderator()
        with pytest.raises(WrongStateError, match="nobody else holds"):
            leases.steal(report=report, by=mira, reason="Why not.")
        workflow.claim(report=report, by=mira)
        with pytest.raises(WrongStateError, match="nobody else holds"):
            leases.steal(report=report, by=mira, reason="Why not.")
        with pytest.raises(NotAllowedError):
            leases.steal(report=report, by=factories.operator(), reason="Why not.")

    def test_a_skipped_report_is_offered_to_everybody_else(self):
        first, second = factories.report(models=("org/a",)), factories.report(models=("org/b",))
        mira, sami = factories.moderator(), factories.second_moderator()
        assert queue.claim_next(by=mira) == first
        leases.skip(report=first, by=mira)
        assert queue.claim_next(by=mira) == second
        assert queue.claim_next(by=mira) is None
        assert queue.claim_next(by=sami) == first
        workflow.release(report=first, by=sami)
        Skip.objects.update(until=timezone.now() - timedelta(seconds=1))
        assert queue.claim_next(by=mira) == first

    def test_what_another_holds_or_what_is_decided_cannot_be_skipped(self):
        report = factories.report()
        workflow.claim(report=report, by=factories.moderator())
        with pytest.raises(WrongStateError, match="held by mira"):
            leases.skip(report=report, by=factories.second_moderator())
        workflow.reject(report=report, by=factories.moderator(), reason=RejectReason.SPAM)
        with pytest.raises(WrongStateError, match="rejected"):
            leases.skip(report=report, by=factories.moderator())

    def test_the_database_knows_no_owner_without_a_lease(self):
        report = factories.report()
        with pytest.raises(IntegrityError, match="report_owner_holds_a_lease"):
            Report.objects.filter(pk=report.pk).update(owner=factories.moderator())


class TestUndo:
    def test_a_rejection_goes_back_to_whoever_held_the_report(self):
        report, mira = factories.report(), factories.moderator()
        workflow.claim(report=report, by=mira)
        workflow.reject(report=report, by=mira, reason=RejectReason.SPAM)
        (decision,) = undoing.latest(mira)
        assert undoing.undo(batch=decision.batch, by=mira) == ([decision], [])
        report.refresh_from_db()
        assert (report.state, report.holder, report.reject_reason) == (ReportState.IN_REVIEW, mira, "")
        assert verbs(report)[-1] == "undo"
        assert undoing.latest(mira) == []

    def test_an_acceptance_closes_the_case_it_opened(self):
        report, mira = factories.report(), factories.moderator()
        case = workflow.accept(report=report, by=mira)
        undoing.undo(batch=undoing.latest(mira)[0].batch, by=mira)
        report.refresh_from_db()
        case.refresh_from_db()
        assert (report.state, report.owner) == (ReportState.RECEIVED, None)
        assert (case.state, case.reports.count(), case.models.count()) == (CaseState.CLOSED, 0, 0)
        with pytest.raises(WrongStateError, match="is closed"):
            workflow.accept(report=report, by=mira, case=case)
        with pytest.raises(WrongStateError):
            workflow.publish(case=case, by=mira)

    def test_an_acceptance_into_a_case_takes_its_models_out_again(self):
        mira, case = factories.moderator(), factories.worded_case()
        report = factories.report(models=("example-org/tiny-chat", "other/model"))
        workflow.accept(report=report, by=mira, case=case)
        undoing.undo(batch=undoing.latest(mira)[0].batch, by=mira)
        case.refresh_from_db()
        assert (case.state, case.reports.count()) == (CaseState.OPEN, 1)
        assert [str(model) for model in case.models.all()] == ["example-org/tiny-chat"]

    def test_a_release_can_be_undone(self):
        report, mira = factories.report(), factories.moderator()
        workflow.claim(report=report, by=mira)
        workflow.release(report=report, by=mira)
        undoing.undo(batch=undoing.latest(mira)[0].batch, by=mira)
        report.refresh_from_db()
        assert report.holder == mira

    def test_after_thirty_seconds_it_is_too_late(self, signed_in):
        report, mira = factories.report(), factories.moderator()
        workflow.reject(report=report, by=mira, reason=RejectReason.SPAM)
        batch = undoing.latest(mira)[0].batch
        Decision.objects.update(at=timezone.now() - timedelta(seconds=31))
        assert undoing.latest(mira) == []
        page = signed_in(mira).post(f"{QUEUE}undo/{batch}/", follow=True)
        assert messages_of(page) == [f"Report {report.pk}: a decision can be undone for 30 seconds only."]
        assert Report.objects.get().state == ReportState.REJECTED

    def test_where_something_happened_since_it_is_refused(self):
        report, mira = factories.report(), factories.moderator()
        workflow.reject(report=report, by=mira, reason=RejectReason.SPAM)
        batch = undoing.latest(mira)[0].batch
        workflow.reopen(report=report, by=factories.second_moderator())
        done, refused = undoing.undo(batch=batch, by=mira)
        assert done == []
        assert refused == [f"report {report.pk}: something happened since, so it cannot be undone"]
        case = workflow.accept(report=report, by=mira)
        batch = undoing.latest(mira)[0].batch
        workflow.edited(case=case, by=mira, fields=["title"])
        assert undoing.undo(batch=batch, by=mira)[0] == []

    def test_nobody_undoes_what_another_decided_and_nothing_twice(self):
        report, mira = factories.report(), factories.moderator()
        workflow.reject(report=report, by=mira, reason=RejectReason.SPAM)
        batch = undoing.latest(mira)[0].batch
        assert undoing.undo(batch=batch, by=factories.second_moderator()) == ([], ["there is nothing of yours to undo"])
        undoing.undo(batch=batch, by=mira)
        assert undoing.undo(batch=batch, by=mira)[0] == []

    def test_the_button_stands_on_the_next_page_and_leads_back_to_the_report(self, signed_in):
        first, second = factories.report(models=("org/a",)), factories.report(models=("org/b",))
        client = signed_in(factories.moderator())
        client.post(f"{QUEUE}next/")
        page = client.post(f"{QUEUE}{first.pk}/do/reject/", {"reason": "spam", "then": "next"}, follow=True)
        assert page.redirect_chain[-1][0] == f"{QUEUE}{second.pk}/change/"
        batch = undoing.latest(factories.moderator())[0].batch
        assert f"{QUEUE}undo/{batch}/" in page.content.decode()
        page = client.post(f"{QUEUE}undo/{batch}/", follow=True)
        assert page.redirect_chain[-1][0] == f"{QUEUE}{first.pk}/change/"
        assert messages_of(page) == [f"Undone: report {first.pk}."]


class TestRejectingSeveral:
    def chosen(self, *reports):
        return {"action": "reject_chosen", "_selected_action": [report.pk for report in reports], "index": "0"}

    def test_the_dry_run_says_what_will_happen_and_does_nothing(self, signed_in):
        free, held = factories.report(models=("org/a",)), factories.report(models=("org/b",))
        trigger = factories.report(category="backdoor.trigger", models=("org/c",))
        workflow.claim(report=held, by=factories.second_moderator())
        before = Activity.objects.count()
        client = signed_in(factories.moderator())
        planned = {
            one.report: one.obstacle
            for one in bulk.dry_run(reports=[free.pk, held.pk, trigger.pk], by=factories.moderator(), slug="normal")
        }
        assert planned == {
            free: "",
            held: "sami holds it",
            trigger: "it is not in the lane “Normal”",
        }
        page = client.post(QUEUE, self.chosen(free, held)).content.decode()
        assert "Reject 1 report" in page
        assert "sami holds it" in page
        assert Activity.objects.count() == before

    def test_each_gets_an_activity_and_all_can_be_undone_together(self, signed_in):
        reports = [factories.report(models=(f"org/m{number}",)) for number in range(3)]
        held = factories.report()
        workflow.claim(report=held, by=factories.second_moderator())
        client = signed_in(factories.moderator())
        sent = {"report": [report.pk for report in [*reports, held]], "reason": "duplicate", "lane": "all"}
        page = client.post(f"{QUEUE}reject/", sent, follow=True)
        assert "3 reports rejected: already recorded. 1 left as they were." in messages_of(page)
        assert [verbs(report)[-2:] for report in reports] == [["reject", "say"]] * 3
        batch = undoing.latest(factories.moderator())[0].batch
        assert f"{QUEUE}undo/{batch}/" in page.content.decode()
        client.post(f"{QUEUE}undo/{batch}/")
        assert Report.objects.filter(state=ReportState.RECEIVED).count() == 3

    def test_at_most_fifty_and_never_without_a_reason(self, signed_in):
        reports = [factories.report(models=("A name only",)) for _ in range(51)]
        client = signed_in(factories.moderator())
        page = client.post(QUEUE, self.chosen(*reports), follow=True)
        assert messages_of(page) == ["Choose at most 50 reports; these are 51."]
        sent = {"report": [report.pk for report in reports], "reason": "spam"}
        assert messages_of(client.post(f"{QUEUE}reject/", sent, follow=True)) == [
            "Choose at most 50 reports; these are 51."
        ]
        page = client.post(f"{QUEUE}reject/", {"report": [reports[0].pk, "x", "9" * 30], "reason": ""})
        assert page.status_code == 400
        assert "Choose a reason." in page.content.decode()
        assert not Report.objects.filter(state=ReportState.REJECTED).exists()

    def test_is_no_way_for_those_who_may_not_decide(self, signed_in):
        report = factories.report()
        client = signed_in(factories.operator())
        assert client.post(f"{QUEUE}reject/", {"report": [report.pk], "reason": "spam"}).status_code == 403
        with pytest.raises(NotAllowedError):
            bulk.reject_many(reports=[report.pk], by=factories.operator(), slug="", reason=RejectReason.SPAM)


def test_shortcuts_are_switched_off_for_the_account_not_the_browser(signed_in):
    client = signed_in(factories.moderator())
    assert 'data-shortcuts="on"' in client.get(QUEUE).content.decode()
    client.post(f"{QUEUE}shortcuts/", {"shortcuts": "off", "back": QUEUE})
    assert not ConsolePreference.objects.get().shortcuts
    assert 'data-shortcuts="off"' in signed_in(factories.moderator()).get(QUEUE).content.decode()
    assert 'data-shortcuts="on"' in signed_in(factories.second_moderator()).get(QUEUE).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_hundred_moderators_who_press_next_at_once_never_get_one_report_twice():
    """100 people, 80 of them in the same moment on connections of their own, and 90 reports for them."""
    people, waiting, at_once = 100, 90, 80
    Report.objects.bulk_create(
        Report(source="form", text="x" * 40, category="bias", kind="incident", content_digest=f"{number:064}")
        for number in range(waiting)
    )
    clients = []
    for number in range(people):
        client = Client()
        client.force_login(User.objects.create(username=f"moderator-{number}", role="moderator"))
        clients.append(client)
    together = Barrier(at_once)

    def press(number):
        try:
            if number < at_once:
                together.wait(timeout=PATIENCE)
            return clients[number].post(f"{QUEUE}next/")["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(at_once) as pool:
        went = list(pool.map(press, range(people)))
    pages = [page for page in went if page.endswith("/change/")]
    assert len(pages) == len(set(pages)) == waiting
    assert went.count(QUEUE) == people - waiting
    assert Report.objects.filter(state=ReportState.IN_REVIEW).values("owner").distinct().count() == waiting
    assert Activity.objects.filter(verb="claim").count() == waiting


class TestWordsOfReporters:
    """Lanes for what reporters said: what they wrote, what they appealed against, and what we wait for."""

    @pytest.fixture
    def told(self):
        """Reports by what they wait for."""
        mira = factories.moderator()
        kinds = ("written", "appeals", "asked", "silent")
        reports = {kind: workflow.submit(submission=factories.submission(), source="form").report for kind in kinds}
        conversation.answer(report=reports["written"], text="It does so in Spanish too.")
        workflow.reject(report=reports["appeals"], by=mira, reason=RejectReason.NOT_ENOUGH)
        appeals.appeal(report=reports["appeals"], text="I sent all there is to see.")
        workflow.ask(report=reports["asked"], by=mira, reason=AskReason.MORE_EVIDENCE)
        return reports

    @pytest.mark.parametrize("slug", ["written", "appeals", "asked"])
    def test_each_lane_lists_and_counts_what_waits_whatever_its_state(self, signed_in, told, slug):
        page = signed_in(factories.second_moderator()).get(f"{QUEUE}?lane={slug}")
        assert [row.pk for row in page.context["cl"].result_list] == [told[slug].pk]
        counted = next(one for one in page.context["lanes"] if one.lane.slug == slug)
        assert (counted.waiting, counted.free) == (1, 1)
        assert counted.oldest > told[slug].submitted_at

    def test_next_hands_an_appeal_to_somebody_else_than_who_rejected_it(self, signed_in, told):
        page = signed_in(factories.moderator()).post(f"{QUEUE}next/", {"lane": "appeals"}, follow=True)
        assert page.redirect_chain[-1][0] == f"{QUEUE}?lane=appeals"
        sami = factories.second_moderator()
        page = signed_in(sami).post(f"{QUEUE}next/", {"lane": "appeals"}, follow=True)
        assert page.redirect_chain[-1][0] == f"{QUEUE}{told['appeals'].pk}/change/?lane=appeals"
        assert b"Decide the appeal" in page.content
        held = Report.objects.get(pk=told["appeals"].pk)
        assert (held.holder, held.state) == (sami, ReportState.REJECTED)
        assert queue.claim_next(by=factories.senior_moderator(), slug="appeals") is None
        with pytest.raises(WrongStateError, match="held by sami"):
            appeals.decide(
                report=held, by=factories.senior_moderator(), outcome=AppealOutcome.UPHELD, text="It stands."
            )

    def test_a_decided_appeal_leads_to_the_next_and_is_held_no_longer(self, signed_in, told):
        client = signed_in(factories.second_moderator())
        client.post(f"{QUEUE}next/", {"lane": "appeals"})
        answer = {"outcome": "upheld", "text": "It stands.", "lane": "appeals", "then": "next"}
        page = client.post(f"{QUEUE}{told['appeals'].pk}/do/appeal/", answer, follow=True)
        assert page.redirect_chain[-1][0] == f"{QUEUE}?lane=appeals"
        assert Report.objects.get(pk=told["appeals"].pk).owner is None
        assert {one.lane.slug: one.waiting for one in queue.counts(factories.moderator())}["appeals"] == 0

    def test_what_was_written_waits_until_it_is_dealt_with_not_until_it_is_read(self, signed_in, told):
        client = signed_in(factories.moderator())
        client.post(f"{QUEUE}next/", {"lane": "written"}, follow=True)
        assert conversation.unanswered().count() == 1
        answer = {"lane": "written", "then": "next"}
        page = client.post(f"{QUEUE}{told['written'].pk}/do/nothing-to-answer/", answer, follow=True)
        assert page.redirect_chain[-1][0] == f"{QUEUE}?lane=written"
        assert not conversation.unanswered().exists()
        conversation.answer(report=told["written"], text="And in French.")
        assert conversation.unanswered().count() == 1
        conversation.say(report=told["written"], by=factories.moderator(), text="Thank you.")
        assert not conversation.unanswered().exists()
        with pytest.raises(WrongStateError, match="waits for an answer"):
            conversation.nothing_to_answer(report=told["written"], by=factories.moderator())

    def test_an_answer_to_a_decided_report_lets_go_of_it(self, signed_in, told):
        mira = factories.moderator()
        workflow.accept(report=told["silent"], by=mira)
        conversation.answer(report=told["silent"], text="One more thing.")
        conversation.nothing_to_answer(report=told["written"], by=mira)
        client = signed_in(mira)
        client.post(f"{QUEUE}next/", {"lane": "written"})
        client.post(f"{QUEUE}{told['silent'].pk}/do/say/", {"lane": "written", "text": "Noted."})
        row = Report.objects.get(pk=told["silent"].pk)
        assert (row.owner, row.state) == (None, ReportState.ACCEPTED)

    def test_a_skipped_appeal_goes_to_the_next_person(self, told):
        sami, olu = factories.second_moderator(), factories.senior_moderator()
        report = queue.claim_next(by=sami, slug="appeals")
        leases.skip(report=report, by=sami)
        assert queue.claim_next(by=sami, slug="appeals") is None
        assert queue.claim_next(by=olu, slug="appeals") == told["appeals"]
        assert Report.objects.get(pk=report.pk).state == ReportState.REJECTED
