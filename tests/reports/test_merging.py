"""Which reports are in which cases, and cases that turn out to be about one event, or about two."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from incidents import log, search
from incidents.models import Incident, Operation, Publication
from incidents.publishing import NotPublishableError, revise
from incidents.record import Record
from reports import grouping, merging, notices, release, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import Activity, Case, CaseState, Merge, Release, ReportState
from tests import factories

pytestmark = pytest.mark.django_db

SAME = "Both tell of the same event."


def two_published():
    """Two public cases on different models; the second was published first."""
    survivor = factories.published_case(reported=factories.report(models=("org/one",)), title="The record that stays")
    other = factories.published_case(reported=factories.report(models=("org/two",)), title="The record that goes")
    return survivor, other


def merged():
    survivor, other = two_published()
    merging.merge(case=other, into=survivor, by=factories.senior_moderator(), notice=SAME)
    survivor.refresh_from_db()
    other.refresh_from_db()
    return survivor, other


def document(case):
    return json.loads(bytes(Incident.objects.get(pk=case.incident_id).document))


class TestGrouping:
    def test_one_report_can_tell_of_several_events(self):
        mira, report = factories.moderator(), factories.report(models=("org/one", "org/two"))
        first = workflow.accept(report=report, by=mira)
        second = grouping.add(report=report, by=mira)
        third = factories.worded_case()
        grouping.add(report=report, by=mira, case=third)
        assert set(report.cases.all()) == {first, second, third}
        assert {str(model) for model in second.models.all()} == {"org/one", "org/two"}
        with pytest.raises(WrongStateError, match="already"):
            grouping.add(report=report, by=mira, case=third)

    def test_only_an_accepted_report_can(self):
        with pytest.raises(WrongStateError, match="accept it first"):
            grouping.add(report=factories.report(), by=factories.moderator())

    def test_taken_out_of_its_last_case_a_report_waits_again(self):
        mira, case = factories.moderator(), factories.worded_case()
        report = factories.report()
        workflow.accept(report=report, by=mira, case=case)
        other = grouping.add(report=report, by=mira)
        workflow.accept(report=factories.report(), by=mira, case=other)
        assert grouping.take_out(report=report, case=other, by=mira).state == ReportState.ACCEPTED
        assert grouping.take_out(report=report, case=case, by=mira).state == ReportState.RECEIVED
        with pytest.raises(WrongStateError, match="not in case"):
            grouping.take_out(report=report, case=case, by=mira)
        with pytest.raises(WrongStateError, match="only one"):
            grouping.take_out(report=case.reports.get(), case=case, by=mira)

    def test_the_buttons_of_both_pages_do_it(self, signed_in):
        client, case = signed_in(factories.moderator()), factories.worded_case()
        report = factories.report(title="Tells of two events")
        first = workflow.accept(report=report, by=factories.moderator())
        page = client.post(f"/console/reports/report/{report.pk}/do/add/", {"number": case.pk}, follow=True)
        assert f"Report {report.pk} is now in case {case.pk} too." in page.content.decode()
        client.post(f"/console/reports/report/{report.pk}/do/open-another/")
        assert report.cases.count() == 3
        client.post(f"/console/reports/case/{case.pk}/group/take-out/", {"report": [report.pk]})
        assert set(report.cases.all()) == {first, Case.objects.latest("pk")}


class TestSplitting:
    def test_moves_the_chosen_reports_and_models_to_a_case_without_wording(self, signed_in):
        case = factories.worded_case(reported=factories.report(models=("org/one",)))
        moving = factories.report(models=("org/two",))
        workflow.accept(report=moving, by=factories.moderator(), case=case)
        model = case.models.get(alias__name="org/two")
        sent = {"report": [moving.pk], "model": [model.pk]}
        page = signed_in(factories.moderator()).post(f"/console/reports/case/{case.pk}/group/split/", sent, follow=True)
        assert page.status_code == 200
        new = Case.objects.latest("pk")
        assert (new.title, new.summary, new.category) == ("", "", case.category)
        assert list(new.reports.all()) == [moving]
        assert [str(one) for one in new.models.all()] == ["org/two"]
        assert [str(one) for one in case.models.all()] == ["org/one"]
        assert case.reports.count() == 1

    def test_leaves_at_least_one_report_on_either_side(self):
        case = factories.worded_case()
        for chosen in ([], list(case.reports.all()), [factories.report()]):
            with pytest.raises(WrongStateError, match="some of its reports"):
                merging.split(case=case, reports=chosen, models=[], by=factories.moderator())


class TestMergingPrivateCases:
    def test_the_survivor_gains_reports_models_and_references_and_keeps_its_wording(self):
        survivor = factories.worded_case(reported=factories.report(models=("org/one",)))
        link = "https://example.org/another"
        reported = factories.report(models=("org/one", "org/two"), links=(link,))
        other = factories.worded_case(reported=reported, title="Another wording")
        merging.merge(case=other, into=survivor, by=factories.moderator())
        survivor.refresh_from_db()
        other.refresh_from_db()
        assert other.state == CaseState.MERGED
        assert survivor.title == "Chat model recommends one shop"
        assert survivor.reports.count() == 2
        assert {str(model) for model in survivor.models.all()} == {"org/one", "org/two"}
        assert link in survivor.references.values_list("url", flat=True)
        assert other.reports.count() == 1
        assert Publication.objects.count() == 0
        with pytest.raises(WrongStateError, match="is merged"):
            workflow.accept(report=factories.report(), by=factories.moderator(), case=other)

    def test_parting_gives_back_exactly_what_the_merge_brought(self):
        survivor = factories.worded_case(reported=factories.report(models=("org/one",)))
        other = factories.worded_case(reported=factories.report(models=("org/one", "org/two")))
        both = factories.report()
        workflow.accept(report=both, by=factories.moderator(), case=survivor)
        grouping.add(report=both, case=other, by=factories.moderator())
        before = [set(survivor.reports.all()), set(survivor.models.all()), set(survivor.references.all())]
        merging.merge(case=other, into=survivor, by=factories.moderator())
        merging.unmerge(case=other, by=factories.moderator())
        other.refresh_from_db()
        assert other.state == CaseState.OPEN
        assert [set(survivor.reports.all()), set(survivor.models.all()), set(survivor.references.all())] == before
        with pytest.raises(WrongStateError, match="not merged"):
            merging.unmerge(case=other, by=factories.moderator())

    def test_what_makes_no_sense_is_refused(self):
        case, other, third = (factories.worded_case() for _ in range(3))
        mira = factories.moderator()
        with pytest.raises(WrongStateError, match="itself"):
            merging.merge(case=case, into=case, by=mira)
        merging.merge(case=case, into=other, by=mira)
        with pytest.raises(WrongStateError, match="is merged"):
            merging.merge(case=third, into=case, by=mira)
        merging.merge(case=other, into=third, by=mira)
        with pytest.raises(WrongStateError, match="itself merged"):
            merging.unmerge(case=case, by=mira)
        with pytest.raises(NotAllowedError):
            merging.unmerge(case=other, by=factories.operator())

    def test_a_public_case_goes_into_a_public_case_only(self):
        public, private = factories.published_case(), factories.worded_case()
        with pytest.raises(WrongStateError, match="the other way round"):
            merging.merge(case=public, into=private, by=factories.senior_moderator(), notice=SAME)
        merging.merge(case=private, into=public, by=factories.moderator())
        assert Publication.objects.count() == 1

    def test_the_receipt_leads_to_the_surviving_record(self):
        submitted = workflow.submit(submission=factories.submission(), source="form")
        private = factories.worded_case(reported=submitted.report)
        public = factories.published_case()
        merging.merge(case=private, into=public, by=factories.moderator())
        assert notices.status_for(submitted.receipt).incidents == (public.incident.public_id,)


class TestMergingPublicRecords:
    def test_the_record_is_withdrawn_in_favour_of_the_other_and_nothing_else_changes(self):
        survivor, other = two_published()
        before = document(other)
        merging.merge(case=other, into=survivor, by=factories.senior_moderator(), notice=SAME)
        after = document(other)
        changed = {"version": 2, "status": "withdrawn", "superseded_by": survivor.incident.public_id, "notice": SAME}
        assert {**before, **changed, "modified": after["modified"]} == after
        assert Publication.objects.latest("number").operation == "merge"
        assert list(log.problems()) == []

    def test_its_page_leads_to_the_other_for_as_long_as_the_merge_stands(self):
        survivor, other = merged()
        page = Client().get(f"/incidents/{other.incident.public_id}/")
        assert (page.status_code, page["Location"]) == (301, f"/incidents/{survivor.incident.public_id}/")
        assert "max-age=60" in page["Cache-Control"]
        text = Client().get(page["Location"]).content.decode()
        assert "The record that stays" in text
        assert other.incident.public_id in text
        merging.unmerge(case=other, by=factories.senior_moderator(), notice="They were two events.")
        page = Client().get(f"/incidents/{other.incident.public_id}/")
        assert page.status_code == 200
        assert "Merged into another record" in page.content.decode()
        page = Client().get(f"/incidents/{survivor.incident.public_id}/")
        assert other.incident.public_id not in page.content.decode()

    def test_the_api_answers_its_own_last_bytes_and_names_the_other(self):
        survivor, other = merged()
        answer = Client().get(f"/api/v1/incidents/{other.incident.public_id}")
        other.incident.refresh_from_db()
        assert answer.content == bytes(other.incident.document)
        assert answer.json()["superseded_by"] == survivor.incident.public_id
        assert f'/api/v1/incidents/{survivor.incident.public_id}>; rel="successor-version"' in answer["Link"]
        assert "successor-version" not in Client().get(f"/api/v1/incidents/{survivor.incident.public_id}")["Link"]
        listed = [one["id"] for one in Client().get("/api/v1/incidents").json()["items"]]
        assert listed == [survivor.incident.public_id]

    def test_merges_of_merges_lead_to_the_last_and_part_in_order(self):
        survivor, other = merged()
        last = factories.published_case(title="The last that stays")
        senior = factories.senior_moderator()
        merging.merge(case=survivor, into=last, by=senior, notice=SAME)
        page = Client().get(f"/incidents/{other.incident.public_id}/")
        assert page["Location"] == f"/incidents/{last.incident.public_id}/"
        other.incident.refresh_from_db()
        assert search.in_place_of(other.incident) == last.incident
        with pytest.raises(WrongStateError, match="itself merged"):
            merging.unmerge(case=other, by=senior, notice="Not so.")
        with pytest.raises(WrongStateError, match="is merged"):
            merging.merge(case=last, into=other, by=senior, notice=SAME)
        merging.unmerge(case=survivor, by=senior, notice="Not so.")
        merging.unmerge(case=other, by=senior, notice="Not so.")
        assert [document(case)["status"] for case in (survivor, other, last)] == ["published"] * 3
        assert list(log.problems()) == []

    def test_it_takes_a_senior_moderator_and_a_public_reason_and_leaves_nothing_behind_otherwise(self):
        survivor, other = two_published()
        with pytest.raises(NotAllowedError):
            merging.merge(case=other, into=survivor, by=factories.moderator(), notice=SAME)
        with pytest.raises(NotReadyError, match="say why"):
            merging.merge(case=other, into=survivor, by=factories.senior_moderator(), notice=" ")
        other.refresh_from_db()
        assert (other.state, survivor.reports.count(), Merge.objects.count()) == (CaseState.PUBLISHED, 1, 0)
        assert not Activity.objects.filter(verb="merge").exists()

    def test_a_disputed_record_is_disputed_again_after_parting(self):
        survivor, other = two_published()
        workflow.dispute(case=other, by=factories.moderator(), notice="The publisher contests it.")
        merging.merge(case=other, into=survivor, by=factories.senior_moderator(), notice=SAME)
        merging.unmerge(case=other, by=factories.senior_moderator(), notice="Two events; still contested.")
        assert document(other)["status"] == "disputed"

    def test_a_withdrawal_stays_final_and_only_a_merge_names_a_successor(self):
        survivor, other = two_published()
        workflow.withdraw(case=other, by=factories.senior_moderator(), notice="It did not happen.")
        gone = document(other)
        for operation, changes in (
            (Operation.RESTORE, {"status": "published"}),
            (Operation.MERGE, {"superseded_by": survivor.incident.public_id}),
        ):
            with pytest.raises(NotPublishableError):
                revise(operation, Record.model_validate({**gone, **changes, "version": 3}))
        wrong = {**document(survivor), "version": 2, "status": "withdrawn", "notice": "x"}
        for successor in (None, "FL-2026-00000000", other.incident.public_id):
            with pytest.raises(NotPublishableError):
                revise(Operation.MERGE, Record.model_validate({**wrong, "superseded_by": successor}))
        with pytest.raises(NotPublishableError, match="nothing else"):
            revise(Operation.WITHDRAW, Record.model_validate({**wrong, "superseded_by": other.incident.public_id}))

    def test_a_moderator_does_it_in_the_console(self, signed_in):
        survivor, other = two_published()
        client = signed_in(factories.senior_moderator())
        address = f"/console/reports/case/{other.pk}/group/"
        page = client.post(f"{address}merge/", {"into": "FL-2026-NOTTHERE"}, follow=True)
        assert "There is no case FL-2026-NOTTHERE." in page.content.decode()
        sent = {"into": survivor.incident.public_id.lower(), "notice": SAME}
        page = client.post(f"{address}merge/", sent, follow=True)
        assert page.redirect_chain[-1][0] == f"/console/reports/case/{other.pk}/change/"
        asked = Release.objects.get()
        release.approve(release=asked, by=factories.senior_moderator("ada"), seen=asked.approved_digest)
        page = client.get(f"/console/reports/case/{survivor.pk}/change/")
        assert "is not public. Correct the record" in page.content.decode()
        assert "Part it again" in client.get(f"/console/reports/case/{other.pk}/change/").content.decode()
        client.post(f"{address}unmerge/", {"notice": "Two events."})
        other.refresh_from_db()
        assert other.state == CaseState.PUBLISHED
        assert client.get(f"{address}merge/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_verifier_sees_a_record_that_leads_elsewhere():
    _survivor, other = merged()
    call_command("verify_log")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE incidents_incident SET superseded_by = 'FL-2026-00000000' WHERE id = %s", [other.incident_id]
        )
    with pytest.raises(CommandError):
        call_command("verify_log")
    assert [problem for problem in log.problems() if "leads to another record" in problem]


@pytest.mark.django_db(transaction=True)
def test_merging_two_cases_into_each_other_at_once_merges_one_of_them():
    import threading

    for _ in range(5):
        one, two = factories.worded_case(), factories.worded_case()
        by, together, said = factories.moderator(), threading.Barrier(2), []

        def press(case, into, by=by, together=together, said=said):
            try:
                together.wait()
                merging.merge(case=case, into=into, by=by)
                said.append("merged")
            except WrongStateError:
                said.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=press, args=pair) for pair in ((one, two), (two, one))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == ["merged", "refused"]
        states = sorted(Case.objects.filter(pk__in=[one.pk, two.pk]).values_list("state", flat=True))
        assert states == [CaseState.MERGED, CaseState.OPEN]


class TestUndo:
    """Right after it was pressed, as any decision; what is public passes through a release."""

    @pytest.fixture
    def two(self):
        return factories.worded_case(), factories.worded_case(reported=factories.report(models=("org/another",)))

    @staticmethod
    def press(client, case, verb, **answers):
        return client.post(f"/console/reports/case/{case.pk}/group/{verb}/", answers, follow=True)

    def test_a_press_parts_them_again(self, signed_in, two):
        into, case = two
        client = signed_in(factories.moderator())
        page = self.press(client, case, "merge", into=into.pk).content.decode()
        assert f"merge case {case.pk} into case {into.pk}" in page
        said = self.press(client, case, "undo-merge").content.decode()
        assert f"Undone: case {case.pk} stands by itself again." in said
        case.refresh_from_db()
        assert case.state == CaseState.OPEN
        assert into.models.count() == 1
        assert "merge case" not in client.get("/console/").content.decode()

    def test_not_after_half_a_minute_by_another_or_once_something_happened(self, two):
        into, case = two
        row = merging.merge(case=case, into=into, by=factories.moderator())
        with pytest.raises(WrongStateError, match="nothing of yours"):
            merging.undo(merged=row, by=factories.second_moderator())
        workflow.edited(case=into, by=factories.moderator(), fields=["title"])
        with pytest.raises(WrongStateError, match="something happened"):
            merging.undo(merged=row, by=factories.moderator())
        Merge.objects.update(at=timezone.now() - timedelta(seconds=31))
        assert merging.latest(factories.moderator()) is None
        with pytest.raises(WrongStateError, match="30 seconds"):
            merging.undo(merged=row, by=factories.moderator())


class TestTwoPeople:
    """Merging two public cases takes a record off the register, as a withdrawal does."""

    def ask(self, signed_in):
        survivor, other = two_published()
        answers = {"into": survivor.incident.public_id, "notice": SAME}
        page = TestUndo.press(signed_in(factories.senior_moderator()), other, "merge", **answers)
        return survivor, other, Release.objects.get(), page.content.decode()

    def test_nothing_is_public_before_a_second_person_read_what_changes(self, signed_in):
        survivor, other, row, said = self.ask(signed_in)
        assert "once a second person approves it" in said
        assert document(other)["status"] == "published"
        second = signed_in(factories.senior_moderator("ada"))
        page = second.get(f"/console/reports/release/{row.pk}/change/").content.decode()
        assert survivor.incident.public_id in page
        assert SAME in page
        second.post(f"/console/reports/release/{row.pk}/do/approve/", {"seen": row.approved_digest})
        row.refresh_from_db()
        assert row.publication.operation == "merge"
        assert document(other)["superseded_by"] == survivor.incident.public_id
        other.refresh_from_db()
        assert other.state == CaseState.MERGED

    def test_it_can_be_undone_after_the_second_approved(self, signed_in, settings):
        settings.UNDO_SECONDS = 30
        _survivor, other, row, _said = self.ask(signed_in)
        release.approve(release=row, by=factories.senior_moderator("ada"), seen=row.approved_digest)
        release.undo(release=row, by=factories.senior_moderator())
        assert document(other)["status"] == "published"
        assert not Merge.objects.exists()

    def test_a_survivor_that_changed_its_state_meanwhile_stops_it(self, signed_in):
        survivor, _other, row, _said = self.ask(signed_in)
        workflow.withdraw(case=survivor, by=factories.senior_moderator(), notice="It did not happen.")
        with pytest.raises(WrongStateError, match="cannot be merged"):
            release.approve(release=row, by=factories.senior_moderator("ada"), seen=row.approved_digest)
        assert not Merge.objects.exists()

    def test_a_moderator_without_the_right_to_withdraw_does_not_ask(self, signed_in):
        survivor, other = two_published()
        said = TestUndo.press(
            signed_in(factories.moderator()), other, "merge", into=survivor.incident.public_id, notice=SAME
        )
        assert "may not do this" in said.content.decode()
        assert not Release.objects.exists()
