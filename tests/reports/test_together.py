"""What one part of moderation does to the others: releases, embargoes, conflicts, cases that merge, redactions."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from catalogue.models import Alias
from incidents.models import Incident
from incidents.record import PublisherStatus, RevisionStatus
from reports import (
    bulk,
    duplicates,
    embargo,
    grouping,
    leases,
    merging,
    queue,
    redacting,
    release,
    reply,
    reproductions,
    statements,
    waves,
    workflow,
)
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import CaseModel, Release, ReleaseState
from reports.suggestions import Category
from tests import factories

pytestmark = pytest.mark.django_db

SAME = "Both tell of the same event."
TEXT = "The model names the same shop in most answers about cooking; ana@example.org has the transcripts of it all."


@pytest.fixture(autouse=True)
def _time_to_undo(settings):
    settings.UNDO_SECONDS = 30


def scheduled(case):
    return release.schedule(case=case, verb="publish", by=factories.moderator())


def state_of(row):
    return Release.objects.get(pk=row.pk).state


def silent(case):
    """Puts a case under an embargo that Mira set: Sami does not see it."""
    until = timezone.now() + timedelta(days=9)
    return embargo.set_embargo(case=case, by=factories.moderator(), until=until, reason="The fix is not out.")


class TestReleases:
    @pytest.mark.parametrize(
        "change",
        [
            lambda case, by: grouping.add(report=_accepted(models=("org/another",)), case=case, by=by),
            lambda case, by: merging.merge(case=_accepted(models=("org/another",)).cases.get(), into=case, by=by),
            lambda case, by: merging.merge(case=case, into=factories.worded_case(), by=by),
            lambda case, by: reproductions.confirm(case=case, by=by, number=3),
        ],
        ids=["a report that names another model", "a case merged into it", "merged away", "reproductions"],
    )
    def test_end_at_once_when_the_case_is_no_longer_what_was_approved(self, change):
        case = factories.worded_case()
        row = scheduled(case)
        change(case, factories.second_moderator())
        assert state_of(row) == ReleaseState.CANCELLED

    def test_go_on_when_nothing_of_it_becomes_public(self):
        case = factories.worded_case()
        row = scheduled(case)
        grouping.add(report=_accepted(), case=case, by=factories.second_moderator())
        assert state_of(row) == ReleaseState.SCHEDULED

    def test_are_no_longer_what_was_approved_once_something_is_taken_out(self):
        case = factories.worded_case(description=f"### What happened\n\n{TEXT}")
        redacting.leave(
            case=case,
            by=factories.moderator(),
            suggestion=redacting.undecided(case)[0].suggestion,
            reason=redacting.LeaveReason.ORGANISATION,
        )
        row = scheduled(case)
        redacting.redact(case=case, by=factories.moderator(), category=Category.EMAIL, text="ana@example.org")
        assert release.reconsider(case=case, by=factories.moderator()) == row
        assert state_of(row) == ReleaseState.CANCELLED

    def test_say_nothing_that_was_taken_out_not_even_in_a_reason_or_a_publishers_words(self, settings):
        settings.UNDO_SECONDS = 0
        case = factories.worded_case(description=TEXT)
        redacting.redact(case=case, by=factories.moderator(), category=Category.EMAIL, text="ana@example.org")
        release.schedule(case=case, verb="publish", by=factories.moderator())
        made = reply.make_link(case=case, by=factories.moderator(), publisher="Example Org")
        said = RevisionStatus(hub="huggingface", name="example-org/tiny-chat", status=PublisherStatus.AFFECTED)
        statement = statements.give(link=made.link, text="We asked ana@example.org.", statuses=[said])
        statements.approve(statement=statement, by=factories.second_moderator())
        case.refresh_from_db()
        release.schedule(case=case, verb="dispute", by=factories.moderator(), notice="So ana@example.org says.")
        document = json.loads(bytes(Incident.objects.get().document))
        assert document["notice"] == "So [redacted: email] says."
        assert document["statements"][0]["text"] == "We asked [redacted: email]."
        assert "ana@" not in json.dumps(document)


def _accepted(**changes):
    report = factories.report(**changes)
    workflow.accept(report=report, by=factories.second_moderator())
    return report


class TestConflicts:
    def test_keep_people_off_what_concerns_their_organisation(self):
        case, other = factories.worded_case(), factories.worded_case(reported=factories.report(models=("org/a",)))
        second = factories.report(models=("org/b",))
        grouping.add(report=_accepted(models=("org/b",)), case=case, by=factories.moderator())
        olu = factories.senior_moderator()
        factories.affiliated(olu, "example-org")
        with pytest.raises(NotAllowedError, match="You belong to"):
            merging.merge(case=case, into=other, by=olu)
        with pytest.raises(NotAllowedError, match="You belong to"):
            merging.merge(case=other, into=case, by=olu)
        with pytest.raises(NotAllowedError, match="You belong to"):
            merging.split(case=case, reports=case.reports.all()[:1], models=[], by=olu)
        with pytest.raises(NotAllowedError, match="You belong to"):
            grouping.take_out(report=case.reports.first(), case=case, by=olu)
        with pytest.raises(NotAllowedError, match="You belong to"):
            reproductions.confirm(case=case, by=olu, number=1)
        with pytest.raises(NotAllowedError, match="You belong to"):
            redacting.redact(case=case, by=olu, category=Category.OTHER, text="cooking")
        with pytest.raises(NotAllowedError, match="You belong to"):
            redacting.original_of(report=case.reports.order_by("pk").first(), by=olu)
        assert redacting.original_of(report=second, by=olu) == second.text

    def test_offer_nothing_of_it_and_count_it_as_not_theirs_to_claim(self):
        sami, report = factories.second_moderator(), factories.report()
        factories.affiliated(sami, "example-org")
        everything = queue.counts(sami)[0]
        assert (everything.waiting, everything.free) == (1, 0)
        assert queue.counts(factories.moderator())[0].free == 1
        assert queue.claim_next(by=sami) is None
        [planned] = bulk.dry_run(reports=[report.pk], by=sami, slug="all")
        assert "You belong to example-org" in planned.obstacle
        workflow.claim(report=report, by=factories.moderator())
        with pytest.raises(NotAllowedError, match="You belong to"):
            leases.steal(report=report, by=sami, reason="I am awake.")


class TestEmbargoes:
    def test_hold_for_everything_that_stands_beside_a_case(self):
        hidden = factories.worded_case(reported=factories.report(text=TEXT, links=("https://example.com/evidence",)))
        silent(hidden)
        mira, sami = factories.moderator(), factories.second_moderator()
        report = factories.report(text=TEXT, links=("https://example.com/evidence",))
        model = Alias.objects.get(name="example-org/tiny-chat").model
        assert [one.case for one in duplicates.of_report(report, mira)] == [hidden]
        assert duplicates.of_report(report, sami) == []
        assert waves.wave_of(model, timezone.now(), mira).total == 2
        assert waves.wave_of(model, timezone.now(), sami).total == 1

    def test_are_not_got_round_by_merging_splitting_or_grouping(self):
        case = factories.worded_case()
        grouping.add(report=_accepted(), case=case, by=factories.moderator())
        silent(case)
        first, by = case.reports.order_by("pk")[0], factories.moderator()
        with pytest.raises(WrongStateError, match="embargo"):
            merging.merge(case=case, into=factories.worded_case(), by=by)
        with pytest.raises(WrongStateError, match="embargo"):
            merging.split(case=case, reports=[first], models=[], by=by)
        with pytest.raises(WrongStateError, match="embargo"):
            grouping.add(report=first, by=by)
        with pytest.raises(WrongStateError, match="embargo"):
            grouping.take_out(report=first, case=case, by=by)

    def test_leave_no_button_to_those_who_do_not_see_the_case(self, signed_in):
        case, other = factories.worded_case(), factories.worded_case()
        silent(case)
        client = signed_in(factories.second_moderator())
        group = "/console/reports/case/{}/group/merge/"
        assert client.post(group.format(case.pk), {"into": str(other.pk)}).status_code == 404
        page = client.post(group.format(other.pk), {"into": str(case.pk)}, follow=True).content.decode()
        assert f"There is no case {case.pk}." in page
        assert client.post(f"/console/reports/case/{case.pk}/redacted/").status_code == 404
        report = case.reports.get()
        assert client.post(f"/console/reports/report/{report.pk}/original/").status_code == 404
        assert client.post(f"/console/reports/report/{report.pk}/heartbeat/").status_code == 404


class TestDisputes:
    def test_do_not_end_by_a_merge_before_the_publishers_answer_is_decided_on_nor_by_who_is_disputed(self, settings):
        settings.UNDO_SECONDS = 0
        olu = factories.senior_moderator()
        case, into = factories.published_case(by=olu), factories.published_case()
        made = reply.make_link(case=case, by=olu, publisher="Example Org")
        said = RevisionStatus(hub="huggingface", name="example-org/tiny-chat", status=PublisherStatus.DISPUTED)
        statement = statements.give(link=made.link, text="It does not do that.", statuses=[said])
        with pytest.raises(NotReadyError, match="decide first"):
            merging.merge(case=case, into=into, by=olu, notice=SAME)
        statements.decline(statement=statement, by=factories.second_moderator(), note="Not theirs.")
        with pytest.raises(NotAllowedError, match="You published this record"):
            merging.merge(case=case, into=into, by=olu, notice=SAME)
        merging.merge(case=case, into=into, by=factories.senior_moderator("ada"), notice=SAME)


class TestMergedWording:
    def test_marks_mean_nothing_outside_their_case(self):
        case, into = factories.worded_case(), factories.worded_case(description=f"Two shops. {TEXT}")
        CaseModel.objects.create(case=case, name="A model of Ana Alvarez", note="Ana Alvarez trained it.")
        by = factories.moderator()
        redacting.redact(case=case, by=by, category=Category.NAME, text="Ana Alvarez")
        merging.merge(case=case, into=into, by=by)
        gained = into.models.get(alias=None)
        assert (gained.name, gained.note) == ("A model of [redacted: name]", "[redacted: name] trained it.")

    def test_what_was_taken_out_is_not_in_the_reason_either(self):
        olu = factories.senior_moderator()
        case = factories.worded_case(description=TEXT)
        redacting.redact(case=case, by=olu, category=Category.EMAIL, text="ana@example.org")
        workflow.publish(case=case, by=olu)
        for verb, more in ((merging.merge, {"into": factories.published_case()}), (merging.unmerge, {})):
            verb(case=case, by=olu, notice="So ana@example.org says.", **more)
            case.refresh_from_db()
            assert json.loads(bytes(case.incident.document))["notice"] == "So [redacted: email] says."

    def test_a_merged_record_is_no_duplicate_of_the_one_in_its_place(self):
        survivor = factories.published_case(reported=factories.report(text=TEXT))
        other = factories.published_case(reported=factories.report(text=TEXT))
        by = factories.senior_moderator()
        merging.merge(case=other, into=survivor, by=by, notice=SAME)
        assert duplicates.of_case(survivor, by) == []
        [found] = duplicates.of_report(factories.report(text=TEXT), by)
        assert found.case == survivor
