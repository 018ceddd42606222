"""Personal data in a case's wording: nothing is published before somebody decided, and nothing taken out comes back."""

import json

import pytest
from cryptography.fernet import Fernet
from django.db import IntegrityError, transaction

from lib.seal import unseal
from reports import redacting, release, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import Activity, LeaveReason, Redaction
from reports.suggestions import Category, Suggestion
from tests import factories

pytestmark = pytest.mark.django_db

WITH_DATA = "Nine of ten answers named it. Write to ana@example.org; Ana Alvarez has the transcripts."


def case_with_data(**changes):
    reported = factories.report(text=f"{WITH_DATA} I keep them for a year.", contact="Ana Alvarez <ana@example.org>")
    return factories.worded_case(reported=reported, description=WITH_DATA, **changes)


def waiting(case):
    return [(one.suggestion.category.value, one.suggestion.text, one.place) for one in redacting.undecided(case)]


def redact(case, text, category=Category.NAME):
    row = redacting.redact(case=case, by=factories.moderator(), category=category, text=text)
    case.refresh_from_db()
    return row


def leave_first(case):
    first = redacting.undecided(case)[0].suggestion
    return redacting.leave(case=case, by=factories.moderator(), suggestion=first, reason=LeaveReason.ORGANISATION)


class TestSuggestions:
    def test_come_from_the_wording_and_from_what_the_reporters_left(self):
        found = waiting(case_with_data())
        assert found == [("email", "ana@example.org", "description"), ("name", "Ana Alvarez", "description")]

    def test_cover_every_text_that_becomes_public(self):
        case = factories.worded_case(title="Mail a@example.org about it", summary="Or mail b@example.org about this.")
        case.models.update(note="c@example.org")
        case.references.update(title="d@example.org", publisher="e@example.org")
        case.models.create(name="f@example.org")
        places = {place for _, _, place in waiting(case)}
        assert places == {
            *("title", "summary", "note on a model", "name of a model", "title of a reference"),
            "publisher of a reference",
        }

    def test_block_publishing_until_each_is_decided(self):
        case, by = case_with_data(), factories.moderator()
        with pytest.raises(NotReadyError) as refused:
            workflow.publish(case=case, by=by)
        assert refused.value.problems == [
            "the description may hold an email address: take it out, or say why it stays",
            "the description may hold a person's name: take it out, or say why it stays",
        ]
        redact(case, "Ana Alvarez")
        leave_first(case)
        assert workflow.not_ready(case) == []
        document = json.loads(bytes(workflow.publish(case=case, by=by).document))
        assert document["description"].endswith("Write to ana@example.org; [redacted: name] has the transcripts.")

    def test_block_a_correction_too(self):
        case = factories.published_case()
        case.description = "Now with a phone: +49 30 901820"
        case.save()
        with pytest.raises(NotReadyError):
            workflow.correct(case=case, by=factories.moderator(), notice="More is known.")

    def test_come_back_when_the_wording_changes_and_stay_decided_when_it_does_not(self):
        case = case_with_data()
        leave_first(case)
        redact(case, "Ana Alvarez")
        case.description = case.description.replace("Write to", "Please write to") + " Or b@example.org."
        case.save()
        assert waiting(case) == [("email", "b@example.org", "description")]


class TestTakingOut:
    def test_seals_the_passage_and_leaves_a_mark_that_survives_edits(self):
        case = case_with_data()
        row = redact(case, "ana@example.org", Category.EMAIL)
        assert case.description.startswith("Nine of ten answers named it. Write to [redacted: email 1];")
        assert b"ana@" not in bytes(row.sealed)
        assert unseal(bytes(row.sealed)) == "ana@example.org"
        case.description = f"Moved. {case.description} Again: ANA@example.org"
        case.save()
        workflow.edited(case=case, by=factories.moderator(), fields=["description"])
        case.refresh_from_db()
        assert case.description.count("[redacted: email 1]") == 2
        assert "ana@" not in case.description.lower()

    def test_reaches_every_text_and_what_later_reports_bring(self):
        case = case_with_data()
        case.models.update(note="Ana Alvarez runs it")
        redact(case, "Ana Alvarez")
        assert case.models.get().note == "[redacted: name 1] runs it"
        more = factories.report(models=("A model of Ana Alvarez",))
        workflow.accept(report=more, by=factories.moderator(), case=case)
        assert case.models.order_by("pk").last().name == "A model of [redacted: name 1]"

    def test_publishing_applies_it_once_more(self):
        case, by = case_with_data(), factories.moderator()
        redact(case, "Ana Alvarez")
        leave_first(case)
        case.title = "Ana\u200b  Alvarez reports one shop"
        case.save()
        document = json.loads(bytes(workflow.publish(case=case, by=by).document))
        assert document["title"] == "[redacted: name] reports one shop"

    @pytest.mark.parametrize(
        ("text", "says"), [("Ivo", "nowhere in the wording"), ("x", "at least 2"), ("name", "mark")]
    )
    def test_refuses_what_is_not_there_or_would_not_stay_out(self, text, says):
        with pytest.raises(NotReadyError, match=says):
            redact(factories.worded_case(), text)

    def test_what_was_left_can_be_taken_out_after_all(self):
        case = case_with_data()
        leave_first(case)
        redact(case, "ana@example.org", Category.EMAIL)
        assert waiting(case) == [("name", "Ana Alvarez", "description")]
        assert not case.redactions.exclude(left_because="").exists()

    def test_is_put_back_only_by_who_may_see_it(self):
        case = case_with_data()
        redact(case, "ana@example.org", Category.EMAIL)
        with pytest.raises(NotAllowedError):
            redacting.lift(case=case, by=factories.moderator(), number=1)
        with pytest.raises(WrongStateError, match="no redaction 7"):
            redacting.lift(case=case, by=factories.senior_moderator(), number=7)
        redacting.lift(case=case, by=factories.senior_moderator(), number=1)
        case.refresh_from_db()
        assert case.description == WITH_DATA
        assert waiting(case)[0][1] == "ana@example.org"

    def test_a_withdrawn_case_keeps_its_wording(self):
        case = factories.published_case()
        workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was about another model.")
        with pytest.raises(WrongStateError):
            redact(case, "recommends")

    @pytest.mark.parametrize("verb", ["correct", "dispute", "withdraw"])
    def test_public_reasons_and_the_activity_hold_none_of_it_either(self, verb):
        case, senior = case_with_data(), factories.senior_moderator()
        redact(case, "Ana Alvarez")
        leave_first(case)
        workflow.publish(case=case, by=senior)
        done = getattr(workflow, verb)(case=case, by=senior, notice="Ana Alvarez asked for it.")
        assert json.loads(bytes(done.document))["notice"] == "[redacted: name] asked for it."
        assert "Ana" not in Activity.objects.get(verb=verb).note

    def test_a_lost_key_keeps_the_case_from_being_published_and_its_page_readable(self, settings, signed_in):
        case = case_with_data()
        redact(case, "Ana Alvarez")
        settings.SEAL_KEYS = [Fernet.generate_key().decode()]
        assert workflow.not_ready(case)[0].startswith("no key of this node opens what was taken out")
        page = signed_in(factories.moderator()).get(f"/console/reports/case/{case.pk}/change/")
        assert "[redacted: name 1]" in page.content.decode()

    def test_every_decision_and_every_look_is_recorded_without_the_text(self):
        case, senior = case_with_data(), factories.senior_moderator()
        redact(case, "Ana Alvarez")
        leave_first(case)
        redacting.reveal(case=case, by=senior)
        redacting.lift(case=case, by=senior, number=1)
        rows = list(Activity.objects.filter(case=case).order_by("pk").values_list("verb", "note"))
        assert rows[-4:] == [
            ("redact", "name 1"),
            ("leave readable", "email 2: An organisation's public address"),
            ("view redacted", ""),
            ("lift redaction", "name 1"),
        ]

    def test_the_database_holds_the_numbers_and_words_to_their_rules(self):
        case = case_with_data()
        redact(case, "Ana Alvarez")
        for wrong in ({"category": "name"}, {"number": 2, "category": "secret"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Redaction.objects.create(**{"case": case, "number": 1, "sealed": b"", **wrong})


class TestReports:
    def test_are_read_cleaned_and_masked(self):
        report = factories.report(
            title="From Ana Alvarez", text=f"{WITH_DATA}\u202e Hidden.", contact="Ana Alvarez, ana@example.org"
        )
        title, text = redacting.readable(report)
        assert title == "From [redacted: name]"
        assert "[redacted: email]; [redacted: name] has" in text
        assert "\u202e" not in text

    def test_as_sent_only_for_who_may_and_recorded(self):
        report = factories.report(text=WITH_DATA)
        with pytest.raises(NotAllowedError):
            redacting.original_of(report=report, by=factories.moderator())
        assert not Activity.objects.filter(verb="view original").exists()
        assert redacting.original_of(report=report, by=factories.senior_moderator()) == WITH_DATA
        assert Activity.objects.get(verb="view original").report == report


class TestElsewhere:
    """What may be personal data is masked in lists, and refused in the public reasons beside the wording."""

    TITLE = "Leaks the address ana@real-person.org"

    def test_lists_show_titles_masked(self, signed_in):
        report = factories.report(title=self.TITLE)
        factories.worded_case(reported=factories.report(models=("org/other",)), title=self.TITLE)
        client = signed_in(factories.senior_moderator())
        for page in ("report/", "case/", f"report/{report.pk}/change/"):
            shown = client.get(f"/console/reports/{page}").content.decode()
            assert "ana@real-person.org" not in shown, page
            assert "Leaks the address [redacted" in shown, page

    @pytest.mark.parametrize("verb", ["correct", "dispute", "withdraw"])
    def test_a_public_reason_with_personal_data_is_refused_and_names_it(self, verb):
        case = factories.published_case()
        with pytest.raises(NotReadyError, match=r"public reason may hold .*ana@real-person\.org"):
            release.schedule(
                case=case, verb=verb, by=factories.senior_moderator(), notice="So ana@real-person.org says."
            )

    def test_what_was_left_in_the_wording_with_a_reason_may_stand_there(self):
        case = factories.published_case()
        left = Suggestion(Category.EMAIL, "press@organisation.org")
        redacting.leave(case=case, by=factories.moderator(), suggestion=left, reason=LeaveReason.ORGANISATION)
        made = release.schedule(
            case=case, verb="dispute", by=factories.moderator(), notice="So says press@organisation.org."
        )
        assert made.publication is not None
