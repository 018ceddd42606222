"""From approval to the public: time to undo, two people, embargoes, and nothing but what was approved."""

import html
import json
import re
import threading
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalogue.models import Model
from incidents.models import Incident, Publication
from incidents.record import PublisherStatus, RevisionStatus
from reports import embargo, queue, release, reply, statements, withdrawal, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import Activity, Case, Embargo, Release, ReleaseState
from reports.second_person import RULES, needs_second
from tests import factories
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _time_to_undo(settings):
    settings.UNDO_SECONDS = 30


def due():
    """As if the time of everything scheduled had come, and that of every embargo."""
    now = timezone.now()
    Embargo.objects.update(until=now, set_at=now - timedelta(days=1))
    Release.objects.update(due_at=now)


def scheduled(**changes):
    return release.schedule(case=factories.worded_case(**changes), verb="publish", by=factories.moderator())


def disputing(case):
    """The publisher disputes the record of the case through a link."""
    made = reply.make_link(case=case, by=factories.second_moderator(), publisher="Example Org")
    said = RevisionStatus(hub="huggingface", name="example-org/tiny-chat", status=PublisherStatus.DISPUTED)
    return statements.give(link=made.link, text="It does not do that.", statuses=[said])


class TestTimeToUndo:
    def test_nothing_is_public_before_it_is_over_and_then_everything_is_once(self):
        row = scheduled()
        assert release.publish_due() == 0
        assert not Publication.objects.exists()
        due()
        assert release.publish_due() == 1
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert (row.state, row.publication.number) == (ReleaseState.RELEASED, 1)
        did = Activity.objects.get(case=row.case, verb="publish")
        assert did.actor == factories.moderator()

    def test_undone_it_never_becomes_public_and_can_be_approved_again(self):
        row = scheduled()
        release.undo(release=row, by=factories.second_moderator())
        due()
        assert release.publish_due() == 0
        release.schedule(case=row.case, verb="publish", by=factories.moderator())
        due()
        assert release.publish_due() == 1

    def test_once_public_it_is_too_late(self):
        row = scheduled()
        due()
        release.publish_due()
        with pytest.raises(WrongStateError, match="public as entry #1"):
            release.undo(release=row, by=factories.moderator())

    def test_a_case_has_one_release_at_a_time(self):
        row = scheduled()
        with pytest.raises(WrongStateError, match="undo that first"):
            release.schedule(case=row.case, verb="publish", by=factories.second_moderator())
        with pytest.raises(IntegrityError), transaction.atomic():
            Release.objects.create(
                case=row.case, verb="publish", state="scheduled", approved_digest="0", asked_by=row.asked_by
            )

    @pytest.mark.parametrize(
        "change",
        [
            lambda case: Case.objects.filter(pk=case.pk).update(summary="Other words that nobody has approved yet."),
            lambda case: case.models.update(note="A note nobody has approved."),
            lambda case: case.models.update(fixed_in=["abc"]),
            lambda case: case.references.all().delete(),
            lambda case: case.classifications.create(taxonomy="mit-risk", term="4.2"),
            lambda case: Case.objects.filter(pk=case.pk).update(names_person=True),
        ],
    )
    def test_whatever_changed_since_the_approval_cancels_it_and_says_so(self, change):
        row = scheduled()
        change(row.case)
        due()
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert row.state == ReleaseState.CANCELLED
        assert "has changed since" in row.ended_because
        assert not Publication.objects.exists()
        assert Activity.objects.filter(case=row.case, verb="cancel", actor_name="timer").exists()

    def test_what_the_hub_says_meanwhile_does_not_cancel_it(self):
        scheduled()
        Model.objects.update(name="example-org/tiny-chat-renamed")
        due()
        assert release.publish_due() == 1

    def test_an_approval_falls_with_the_account_that_gave_it(self):
        row = scheduled()
        User.objects.filter(username="mira").update(is_active=False)
        due()
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert "may not do this" in row.ended_because

    def test_a_correction_is_cancelled_when_the_record_changed_under_it(self):
        case = factories.published_case()
        row = release.schedule(case=case, verb="correct", by=factories.moderator(), notice="The date was wrong.")
        workflow.dispute(case=case, by=factories.second_moderator(), notice="The publisher disagrees.")
        due()
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert row.state == ReleaseState.CANCELLED
        assert Incident.objects.get().status == "disputed"

    def test_a_release_is_never_deleted(self):
        row = scheduled()
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            row.delete()


class TestTwoPeople:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"severity": "high"}, "severity"),
            ({"severity": "critical"}, "severity"),
            ({"names_person": True}, "natural person"),
            ({"category": "backdoor"}, "backdoor"),
        ],
    )
    def test_publishing_waits_for_the_second(self, changes, reason):
        row = scheduled(**changes)
        assert row.state == ReleaseState.AWAITING
        assert any(reason in one for one in needs_second(row.case, "publish"))
        due()
        assert release.publish_due() == 0
        release.approve(release=row, by=factories.senior_moderator(), seen=row.approved_digest)
        due()
        assert release.publish_due() == 1
        row.refresh_from_db()
        assert (row.asked_by.username, row.second.username) == ("mira", "olu")

    def test_the_first_and_whoever_worded_or_accepted_it_cannot_be_the_second(self):
        case = factories.worded_case(by=factories.second_moderator(), severity="high")
        workflow.edited(case=case, by=factories.moderator("edda"), fields=["title"])
        row = release.schedule(case=case, verb="publish", by=factories.moderator())
        for person in (factories.moderator(), factories.second_moderator(), factories.moderator("edda")):
            with pytest.raises(NotAllowedError):
                release.approve(release=row, by=person, seen=row.approved_digest)
        with pytest.raises(NotAllowedError):
            release.approve(release=row, by=factories.operator(), seen=row.approved_digest)
        with pytest.raises(IntegrityError), transaction.atomic():
            Release.objects.filter(pk=row.pk).update(second=row.asked_by)

    def test_the_second_approves_what_they_saw_and_nothing_else(self):
        row, olu = scheduled(severity="high"), factories.senior_moderator()
        with pytest.raises(WrongStateError, match="not what your page showed"):
            release.approve(release=row, by=olu, seen="0" * 64)
        Case.objects.filter(pk=row.case_id).update(title="A title written after the first approval")
        after = release.approve(release=row, by=olu, seen=row.approved_digest)
        assert after.state == ReleaseState.CANCELLED

    def test_the_second_may_decline_and_says_why(self):
        row = scheduled(severity="high")
        with pytest.raises(NotReadyError):
            release.decline(release=row, by=factories.senior_moderator(), reason=" ")
        after = release.decline(release=row, by=factories.senior_moderator(), reason="The evidence is thin.")
        assert after.ended_because == "olu did not approve it: The evidence is thin."

    def test_milder_words_for_a_grave_record_take_two_as_well(self):
        case = factories.published_case(severity="high")
        Case.objects.filter(pk=case.pk).update(severity="low")
        case.refresh_from_db()
        row = release.schedule(case=case, verb="correct", by=factories.moderator(), notice="It was overrated.")
        assert row.state == ReleaseState.AWAITING

    def test_raised_between_approval_and_release_it_is_not_published_by_one(self):
        row = scheduled()
        Case.objects.filter(pk=row.case_id).update(severity="critical")
        due()
        assert release.publish_due() == 0

    def test_a_withdrawal_takes_two(self):
        case = factories.published_case()
        row = release.schedule(
            case=case, verb="withdraw", by=factories.senior_moderator(), notice="It was another model."
        )
        assert row.state == ReleaseState.AWAITING
        release.approve(release=row, by=factories.second_moderator(), seen=row.approved_digest)
        due()
        assert release.publish_due() == 1
        assert Incident.objects.get().status == "withdrawn"

    def test_every_rule_of_the_brief_is_in_the_table(self):
        covered = {verb for rule in RULES for verb in rule.verbs}
        assert covered == {"publish", "correct", "withdraw", "merge", "lift embargo", "extend embargo", "erase"}


class TestConflicts:
    def test_nobody_decides_on_models_of_their_organisation(self):
        mira, report = factories.moderator(), factories.report()
        factories.affiliated(mira, "Example-Org", hub="huggingface")
        with pytest.raises(NotAllowedError, match="You belong to Example-Org"):
            workflow.accept(report=report, by=mira)
        assert queue.claim_next(by=mira) is None
        assert queue.claim_next(by=factories.second_moderator()) == report
        case = factories.worded_case(by=factories.second_moderator())
        for verb in ("publish", "correct", "dispute"):
            with pytest.raises(NotAllowedError, match="You belong to"):
                release.schedule(case=case, verb=verb, by=mira, notice="x")
        with pytest.raises(NotAllowedError):
            reply.make_link(case=case, by=mira, publisher="Example Org")
        with pytest.raises(NotAllowedError):
            embargo.set_embargo(case=case, by=mira, until=timezone.now() + timedelta(days=1), reason="x")

    def test_nor_on_their_own_report(self):
        mira = factories.moderator()
        report = workflow.submit(submission=factories.submission(), source="form", by=mira).report
        with pytest.raises(NotAllowedError, match="You sent this report"):
            workflow.accept(report=report, by=mira)
        assert queue.claim_next(by=mira) is None
        case = factories.worded_case(by=factories.second_moderator(), reported=report)
        with pytest.raises(NotAllowedError, match="You sent a report"):
            release.schedule(case=case, verb="publish", by=mira)

    def test_another_organisation_or_another_hub_is_no_conflict(self):
        mira = factories.moderator()
        factories.affiliated(mira, "example")
        factories.affiliated(mira, "example-org", hub="kaggle")
        assert workflow.accept(report=factories.report(), by=mira)

    def test_a_conflict_declared_after_the_approval_stops_the_release(self):
        row = scheduled()
        factories.affiliated(factories.moderator(), "example-org")
        due()
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert "You belong to example-org" in row.ended_because


class TestEmbargo:
    def until(self, days):
        return timezone.now() + timedelta(days=days)

    def set(self, case, days=10, **more):
        return embargo.set_embargo(
            case=case, by=factories.moderator(), until=self.until(days), reason="The publisher fixes it.", **more
        )

    def test_what_is_approved_waits_for_its_end(self):
        case = factories.worded_case()
        held = self.set(case)
        row = release.schedule(case=case, verb="publish", by=factories.moderator())
        assert row.due_at == held.until
        Release.objects.update(due_at=timezone.now())  # a timer that is wrong
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert (row.state, row.due_at) == (ReleaseState.SCHEDULED, held.until)
        due()
        assert release.publish_due() == 1

    def test_an_embargo_set_later_moves_what_is_scheduled(self):
        row = scheduled()
        held = self.set(row.case)
        row.refresh_from_db()
        assert row.due_at == held.until

    def test_cancelling_the_approval_does_not_end_the_embargo(self):
        case = factories.worded_case()
        held = self.set(case)
        row = release.schedule(case=case, verb="publish", by=factories.moderator())
        release.undo(release=row, by=factories.moderator())
        assert release.schedule(case=case, verb="publish", by=factories.moderator()).due_at == held.until

    @pytest.mark.parametrize("days", [-1, 91])
    def test_it_ends_within_ninety_days(self, days):
        with pytest.raises(NotReadyError):
            self.set(factories.worded_case(), days)
        with pytest.raises(WrongStateError, match="too late"):
            self.set(factories.published_case())

    def test_another_end_takes_a_second_person_and_ninety_days_stay_the_most(self):
        case, mira, olu = factories.worded_case(), factories.moderator(), factories.senior_moderator()
        held = self.set(case)
        row = release.schedule(case=case, verb="publish", by=mira)
        with pytest.raises(NotReadyError, match="90 days at most"):
            embargo.ask_change(embargo=held, by=mira, until=self.until(91), reason="More time.")
        change = embargo.ask_change(embargo=held, by=mira, until=self.until(20), reason="More time.")
        with pytest.raises(NotAllowedError):
            embargo.agree(change=change, by=mira)
        with pytest.raises(NotAllowedError, match="no such case"):
            embargo.agree(change=change, by=factories.second_moderator())
        held = embargo.agree(change=change, by=olu)
        row.refresh_from_db()
        assert row.due_at == held.until == change.until
        lift = embargo.ask_change(embargo=held, by=olu, until=None, reason="It leaked.")
        embargo.agree(change=lift, by=mira)
        row.refresh_from_db()
        assert row.due_at < timezone.now() + timedelta(seconds=31)
        with pytest.raises(WrongStateError):
            embargo.ask_change(embargo=held, by=olu, until=self.until(30), reason="Too late.")

    def test_refused_it_stays_as_it_was(self):
        held = self.set(factories.worded_case())
        change = embargo.ask_change(embargo=held, by=factories.moderator(), until=None, reason="Why wait.")
        embargo.refuse(change=change, by=factories.senior_moderator())
        assert Embargo.objects.get().until == held.until

    def test_to_others_the_case_is_as_if_it_were_not_there(self, signed_in):
        case = factories.worded_case(title="A canary under embargo")
        report = case.reports.get()
        self.set(case, may_see=[factories.moderator("mona")])
        pages = [
            "/console/reports/case/",
            "/console/reports/report/?state=all",
            "/console/reports/activity/",
            "/console/reports/release/",
        ]
        release.schedule(case=case, verb="publish", by=factories.moderator())
        other = signed_in(factories.second_moderator())
        for page in pages:
            assert "canary" not in other.get(page).content.decode(), page
        hidden = [f"/console/reports/case/{case.pk}/change/", f"/console/reports/report/{report.pk}/change/"]
        for page in [*hidden, f"/console/reports/release/{Release.objects.get().pk}/change/"]:
            gone = other.get(page)
            assert gone.status_code in {302, 404}, page
        newer = factories.report(title="On the same model")
        assert "canary" not in other.get(f"/console/reports/report/{newer.pk}/change/").content.decode()
        joined = other.post(f"/console/reports/report/{newer.pk}/do/group/", {"number": case.pk}, follow=True)
        assert "There is no case" in joined.content.decode()
        for verb in ("publish", "correct"):
            assert other.post(f"/console/reports/case/{case.pk}/do/{verb}/").status_code == 404
        assert other.post(f"/console/reports/case/{case.pk}/embargo/agree/").status_code == 404
        assert other.post(f"/console/reports/case/{case.pk}/reply/offer/").status_code == 404
        for person in ("mona", "mira"):
            assert "canary" in signed_in(factories.moderator(person)).get(pages[0]).content.decode()
        assert "canary" in signed_in(factories.senior_moderator()).get(hidden[0]).content.decode()


class TestAnotherEmbargo:
    """After one has ended, for which it takes somebody else."""

    @pytest.fixture
    def ended(self):
        case = factories.worded_case()
        first = embargo.set_embargo(
            case=case, by=factories.moderator(), until=timezone.now() + timedelta(days=1), reason="Asked to wait."
        )
        embargo.ask_change(
            embargo=first, by=factories.moderator(), until=timezone.now() + timedelta(days=2), reason="One more day."
        )
        due()
        return case

    def test_the_same_person_sets_no_other(self, ended):
        with pytest.raises(NotAllowedError, match="somebody else"):
            embargo.set_embargo(
                case=ended, by=factories.moderator(), until=timezone.now() + timedelta(days=9), reason="Longer."
            )
        assert embargo.in_force(ended) is None

    def test_somebody_else_does_by_the_form_and_what_was_asked_of_the_first_is_over(self, signed_in, ended):
        page = f"/console/reports/case/{ended.pk}/change/"
        assert b"Another embargo takes somebody else" in signed_in(factories.moderator()).get(page).content
        client, until = signed_in(factories.senior_moderator()), timezone.now() + timedelta(days=9)
        assert b"Set another embargo" in client.get(page).content
        answer = {"until": f"{until:%Y-%m-%dT%H:%M}", "reason": "A fix is under way."}
        said = client.post(f"/console/reports/case/{ended.pk}/embargo/set/", answer, follow=True).content.decode()
        assert "Nothing of this case becomes public before" in said
        again = embargo.in_force(ended)
        assert (again.set_by, again.reason) == (factories.senior_moderator(), "A fix is under way.")
        assert not again.changes.filter(agreed=None).exists()


class TestParked:
    def test_what_kept_failing_is_tried_again_at_a_press_and_published_as_approved(self, signed_in):
        row = scheduled()
        due()
        Release.objects.update(parked_at=timezone.now(), strikes=8, last_error="OperationalError")
        assert release.publish_due() == 0
        client = signed_in(factories.moderator())
        page = client.get(f"/console/reports/case/{row.case_id}/change/").content.decode()
        assert "is no longer tried by itself: OperationalError" in page
        client.post(f"/console/reports/release/{row.pk}/do/retry/")
        assert release.publish_due() == 1
        assert Activity.objects.get(case=row.case, verb="retry").actor == factories.moderator()
        with pytest.raises(WrongStateError):
            release.retry(release=row, by=factories.moderator())


class TestTakenBackByReporters:
    def test_a_case_of_withdrawn_reports_alone_is_not_published(self):
        case = factories.worded_case()
        withdrawal.withdraw(report=case.reports.get())
        with pytest.raises(NotReadyError, match="took back every report"):
            release.schedule(case=case, verb="publish", by=factories.moderator())

    def test_nor_is_it_when_the_last_one_is_withdrawn_after_the_approval(self):
        row = scheduled()
        withdrawal.withdraw(report=row.case.reports.get())
        due()
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert row.state == ReleaseState.CANCELLED
        assert "took back every report" in row.ended_because

    def test_one_report_that_stands_is_enough_and_what_is_public_can_be_corrected(self, settings):
        settings.UNDO_SECONDS = 0
        case = factories.worded_case()
        withdrawal.withdraw(report=case.reports.get())
        workflow.accept(report=factories.report(), by=factories.moderator(), case=case)
        release.schedule(case=case, verb="publish", by=factories.moderator())
        for report in case.reports.exclude(state="withdrawn"):
            withdrawal.withdraw(report=report)
        made = release.schedule(case=case, verb="correct", by=factories.moderator(), notice="A typing error.")
        assert made.publication is not None


class TestDispute:
    def test_marks_the_public_record_at_once_and_goes_to_somebody_else(self):
        case = factories.published_case()
        statement = disputing(case)
        assert Incident.objects.get().status == "disputed"
        with pytest.raises(NotAllowedError, match="another moderator"):
            statements.approve(statement=statement, by=factories.moderator())
        row = statements.approve(statement=statement, by=factories.second_moderator())
        due()
        assert release.publish_due() == 1
        row.refresh_from_db()
        document = json.loads(bytes(Incident.objects.get().document))
        assert (document["status"], document["statements"][0]["by"]) == ("disputed", "Example Org")
        with pytest.raises(NotAllowedError, match="ends the publisher's dispute"):
            release.schedule(case=case, verb="correct", by=factories.moderator(), notice="Settled.")
        release.schedule(case=case, verb="correct", by=factories.second_moderator(), notice="Settled.")
        due()
        release.publish_due()
        document = json.loads(bytes(Incident.objects.get().document))
        assert (document["status"], len(document["statements"])) == ("published", 1)

    def test_holds_back_what_is_about_to_be_published(self):
        row = scheduled()
        statement = disputing(row.case)
        due()
        assert release.publish_due() == 0
        row.refresh_from_db()
        assert "publisher has answered" in row.ended_because
        statements.approve(statement=statement, by=factories.second_moderator())
        release.schedule(case=row.case, verb="publish", by=factories.moderator())
        due()
        assert release.publish_due() == 1
        document = json.loads(bytes(Incident.objects.get().document))
        assert document["statements"][0]["statuses"][0]["status"] == "disputed"

    def test_is_not_ended_before_it_was_read(self):
        case = factories.published_case()
        disputing(case)
        with pytest.raises(NotReadyError, match="decide first"):
            release.schedule(case=case, verb="correct", by=factories.second_moderator(), notice="Settled.")


# --- Races ------------------------------------------------------------------------------------------------------------
def together(*steps):
    """Runs the steps at once, each in a thread with a connection of its own; what each raised, or None."""
    ready, ended = threading.Barrier(len(steps)), [None] * len(steps)

    def run(number, step):
        try:
            ready.wait(timeout=PATIENCE)
            step()
        except Exception as error:
            ended[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_ten_workers_publish_once(self):
        for number in range(3):
            release.schedule(
                case=factories.worded_case(title=f"Case number {number}"), verb="publish", by=factories.moderator()
            )
        due()
        assert together(*[release.publish_due] * 10) == [None] * 10
        assert sorted(Publication.objects.values_list("number", flat=True)) == [1, 2, 3]

    def test_two_presses_make_one_release(self):
        case, mira, sami = factories.worded_case(), factories.moderator(), factories.second_moderator()
        ended = together(
            *[lambda: release.schedule(case=case, verb="publish", by=mira)] * 3,
            *[lambda: release.schedule(case=case, verb="publish", by=sami)] * 3,
        )
        assert sum(error is None for error in ended) == 1
        assert {type(error) for error in ended if error} == {WrongStateError}
        assert Release.objects.count() == 1

    def test_undo_against_the_timer_either_stops_it_or_comes_too_late(self):
        for number in range(8):
            row = scheduled(title=f"Case number {number}")
            due()
            undone, timer = together(
                lambda row=row: release.undo(release=row, by=factories.moderator()), release.publish_due
            )
            row.refresh_from_db()
            assert timer is None
            assert (row.state, row.publication_id is None) in {("undone", True), ("released", False)}
            assert isinstance(undone, WrongStateError) == (row.state == "released")

    def test_a_dispute_against_the_embargo_timer_is_never_lost_and_never_overrun(self):
        for number in range(12):
            case = factories.worded_case(title=f"Case number {number}")
            embargo.set_embargo(
                case=case, by=factories.moderator(), until=timezone.now() + timedelta(days=1), reason="Fixing."
            )
            row = release.schedule(case=case, verb="publish", by=factories.moderator())
            made = reply.make_link(case=case, by=factories.second_moderator(), publisher="Example Org")
            due()
            said = RevisionStatus(hub="huggingface", name="example-org/tiny-chat", status=PublisherStatus.DISPUTED)
            steps = [
                release.publish_due,
                lambda made=made, said=said: statements.give(link=made.link, text="No.", statuses=[said]),
            ]
            assert together(*(steps if number % 2 else reversed(steps))) == [None, None]
            row.refresh_from_db()
            case.refresh_from_db()
            assert case.statements.count() == 1
            # First published, then marked; or first disputed, and then not published.
            assert (row.state, case.state) in {("released", "disputed"), ("cancelled", "open")}

    def test_a_link_is_used_once(self):
        case = factories.published_case()
        made = reply.make_link(case=case, by=factories.moderator(), publisher="Example Org")
        ended = together(*[lambda: statements.give(link=made.link, text="Ours.", statuses=[])] * 6)
        assert sum(error is None for error in ended) == 1
        assert case.statements.count() == 1


def public_addresses():
    """Every kind of public address: of each record and model, of the lists, the log, the schemas, and the search.

    Of links with arguments, those on views without, and one for each choice of arguments: the others are combinations
    of them, and counts for all their values stand on the pages that link there.
    """
    client, found, queue = (
        Client(),
        {},
        ["/", "/incidents/", "/about/", "/api/docs", "/incidents/?q=canary", "/report/"],
    )
    queue += ["/api/v1/incidents", "/api/v1/incidents?q=canary", "/api/v1/changes?after=0", "/api/v1/taxonomies"]
    queue += ["/api/schema", "/api/v1/schemas/incident", "/.well-known/faultline.json", "/sitemap.xml", "/feed"]
    queue += ["/models/huggingface/canary-org/secret/", "/api/v1/models/huggingface/canary-org/secret"]
    queue += ["/models/huggingface/example-org/tiny-chat/", "/api/v1/models/huggingface/example-org/tiny-chat"]
    kinds = set()
    while queue:
        address = queue.pop(0)
        path, _, arguments = address.partition("?")
        kind = path, *sorted(dict(parse_qsl(arguments)))
        if kind in kinds:
            continue
        kinds.add(kind)
        answer = client.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        found[address] = answer, body
        if not answer["Content-Type"].startswith("text/html"):
            continue
        links = [html.unescape(part.split('"')[0].split("#")[0]) for part in body.decode().split('href="')[1:]]
        links = [link for link in links if link.startswith("/") and not link.startswith(("/console", "/static", "//"))]
        queue += [link for link in links if "?" not in address or "?" not in link]
    return found


def told(answer, body):
    """What an answer tells a reader: status, headers, and bytes but for the form's token, which is always new."""
    body = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", body)
    headers = {name: answer.get(name) for name in ("ETag", "Location", "Content-Type", "Last-Modified", "Link")}
    return answer.status_code, headers, body


def test_an_embargoed_case_changes_not_a_byte_of_what_the_public_reads():
    factories.published_case()
    before = {address: told(*answer) for address, answer in public_addresses().items()}
    assert len(before) > 20
    report = factories.report(
        title="A canary report",
        text="A canary that nobody outside may hear of, sung thirty times over.",
        models=("canary-org/secret", "example-org/tiny-chat"),
        contact="canary@example.org",
    )
    case = factories.worded_case(reported=report, title="A canary case", severity="critical")
    held = embargo.set_embargo(
        case=case, by=factories.moderator(), until=timezone.now() + timedelta(days=9), reason="The canary sleeps."
    )
    row = release.schedule(case=case, verb="publish", by=factories.moderator())
    release.approve(release=row, by=factories.senior_moderator(), seen=row.approved_digest)
    made = reply.make_link(case=case, by=factories.moderator(), publisher="Canary Org")
    assert Client().get(f"/reply/{made.token}/").status_code == 200
    statement = statements.give(link=made.link, text="The canary answers.", statuses=[])
    statements.approve(statement=statement, by=factories.senior_moderator())
    release.schedule(case=case, verb="publish", by=factories.moderator())
    embargo.ask_change(embargo=held, by=factories.moderator(), until=None, reason="Sing.")
    after = {address: told(*answer) for address, answer in public_addresses().items()}
    assert after.keys() == before.keys()
    for address, answer in before.items():
        assert after[address] == answer, address
