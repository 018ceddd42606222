"""Erasing a public record: two people who may erase, and nothing of it left that the world or the case could show."""

import pytest
from django.urls import reverse

from incidents import checkpoints, log
from incidents.models import Incident, Publication
from reports import history, record_erasure, release, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import Activity, CaseState, Fingerprint, ReleaseState
from tests import factories
from tests.reports.test_erasure import dump

CANARY = "quetzal-7f3a"


def canary_case():
    case = factories.worded_case(
        title=f"Title {CANARY}", summary=f"The model says {CANARY} each time.", description=f"More of {CANARY}."
    )
    workflow.publish(case=case, by=factories.moderator())
    case.refresh_from_db()
    return case


def erased(case):
    asked = release.schedule(case=case, verb="erase", by=factories.senior_moderator(), notice="person")
    return release.approve(release=asked, by=factories.senior_moderator("sena"), seen=asked.approved_digest)


@pytest.mark.django_db(transaction=True)
def test_no_word_of_it_is_left_and_log_and_history_are_whole():
    case = canary_case()
    workflow.correct(case=case, by=factories.moderator(), notice=f"Not {CANARY}.")
    checkpoints.sign_due()
    assert CANARY in dump()
    row = erased(case)
    checkpoints.sign_due()
    assert CANARY not in dump()
    case.refresh_from_db()
    assert (row.state, case.state) == (ReleaseState.RELEASED, CaseState.ERASED)
    assert not Fingerprint.objects.filter(incident=case.incident).exists()
    assert list(log.problems()) == []
    assert list(history.problems()) == []
    assert Activity.objects.filter(case=case, verb="erase").get().note == "#3 person"


@pytest.mark.django_db
class TestWhoMay:
    def test_nobody_does_it_alone(self):
        case = canary_case()
        asked = release.schedule(case=case, verb="erase", by=factories.senior_moderator(), notice="unlawful")
        assert asked.state == ReleaseState.AWAITING
        with pytest.raises(NotAllowedError, match="second person"):
            release.approve(release=asked, by=factories.senior_moderator(), seen=asked.approved_digest)
        assert Publication.objects.count() == 1

    def test_the_second_must_be_one_who_may_erase(self):
        asked = release.schedule(case=canary_case(), verb="erase", by=factories.senior_moderator(), notice="unlawful")
        with pytest.raises(NotAllowedError, match=r"reports\.erase"):
            release.approve(release=asked, by=factories.second_moderator(), seen=asked.approved_digest)

    def test_a_moderator_cannot_ask(self):
        with pytest.raises(NotAllowedError, match=r"reports\.erase"):
            release.schedule(case=canary_case(), verb="erase", by=factories.second_moderator(), notice="person")

    @pytest.mark.parametrize("reason", ["", "because", "Person"])
    def test_the_reason_is_one_of_the_list(self, reason):
        case = canary_case()
        with pytest.raises(NotReadyError, match="choose one of the reasons"):
            release.schedule(case=case, verb="erase", by=factories.senior_moderator(), notice=reason)
        with pytest.raises(NotReadyError, match="choose one of the reasons"):
            record_erasure.erase(case=case, by=factories.senior_moderator(), reason=reason)


@pytest.mark.django_db
class TestFromWhere:
    def test_a_withdrawn_record_can_be_erased(self):
        case = canary_case()
        workflow.withdraw(case=case, by=factories.senior_moderator(), notice="Wrong.")
        erased(case)
        assert not Incident.objects.exists()

    def test_what_was_never_public_cannot(self):
        with pytest.raises(WrongStateError):
            release.schedule(
                case=factories.worded_case(), verb="erase", by=factories.senior_moderator(), notice="person"
            )

    def test_an_erased_case_goes_nowhere_else(self):
        case = canary_case()
        erased(case)
        for verb in workflow.CASE_MOVES:
            with pytest.raises(WrongStateError):
                release.schedule(case=case, verb=verb, by=factories.senior_moderator(), notice="person")

    def test_its_reporter_is_told(self):
        from reports.notices import status_of

        case = canary_case()
        erased(case)
        notice = status_of(case.reports.get())
        assert notice.text.endswith("has been erased.")
        assert notice.incidents == ()


@pytest.mark.django_db
class TestConsole:
    def test_two_senior_moderators_erase_by_buttons(self, signed_in):
        case = canary_case()
        olu, sena = signed_in(factories.senior_moderator()), signed_in(factories.senior_moderator("sena"))
        address = reverse("admin:reports_case_change", args=[case.pk])
        page = olu.get(address)
        assert "A person whom it names asked for it" in page.content.decode()
        move = reverse("admin:reports_case_move", args=[case.pk, "erase"])
        asked = olu.post(move, {"seen": page.context["seen"], "notice": "person"}, follow=True)
        assert "once a second person approves it" in asked.content.decode()
        row = case.releases.get()
        read = sena.get(reverse("admin:reports_release_change", args=[row.pk]))
        assert f"<del>Title {CANARY}</del>" in read.content.decode()
        act = reverse("admin:reports_release_act", args=[row.pk, "approve"])
        done = sena.post(act, {"seen": row.approved_digest}, follow=True)
        assert "public as entry #2 of the log" in done.content.decode()
        assert CANARY not in sena.get(address).content.decode()
        for listing in ("incidents_incident", "incidents_publication", "reports_case", "reports_release"):
            assert sena.get(reverse(f"admin:{listing}_changelist")).status_code == 200
        for number in (1, 2):
            assert sena.get(reverse("admin:incidents_publication_change", args=[number])).status_code == 200

    def test_a_moderator_has_no_such_button(self, signed_in):
        page = signed_in(factories.second_moderator()).get(
            reverse("admin:reports_case_change", args=[canary_case().pk])
        )
        assert "A person whom it names" not in page.content.decode()
