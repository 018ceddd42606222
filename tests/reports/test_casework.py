"""How reports came in, what counts as a reproduction, and the console's page of a case."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from catalogue.models import Alias
from reports import reproductions, waves, workflow
from reports.actors import NotAllowedError, NotReadyError
from reports.admin.choices import read_term, suggested_terms, terms
from reports.models import Activity, Case, Report
from reports.reproductions import clusters_of
from reports.track_record import track_record
from tests import factories
from tests.reports.test_console import case_page, messages_of, press_on_case, report_page, wording
from tests.reports.test_duplicates import NEAR, OTHER, TEXT
from tests.reports.test_redacting import WITH_DATA, case_with_data

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
STORIES = [
    TEXT,
    OTHER,
    "The adapter answers every question on elections with one party's slogans, in nine of ten runs.",
]


def reported(text=TEXT, ago=timedelta(0), **changes):
    report = factories.report(**{"text": text, "title": "", "links": (), "models": ("org/a",), **changes})
    Report.objects.filter(pk=report.pk).update(submitted_at=NOW - ago)
    report.refresh_from_db()
    return report


def case_of(*reports):
    case = workflow.accept(report=reports[0], by=factories.moderator())
    for report in reports[1:]:
        workflow.accept(report=report, by=factories.moderator(), case=case)
    return case


class TestWaves:
    def wave(self):
        return waves.wave_of(Alias.objects.get(name="org/a").model, NOW)

    def test_thirty_days_and_groups_of_alike_wording(self):
        copies = [reported(f"{TEXT} {number}", timedelta(days=2, hours=number)) for number in range(6)]
        reported(OTHER, timedelta(days=20))
        reported(STORIES[2], timedelta(days=31))
        reported(models=("org/b",))
        wave = self.wave()
        assert (len(wave.days), wave.total, len(wave.groups)) == (30, 7, 2)
        assert wave.largest.reports == tuple(report.pk for report in copies)
        assert (wave.busiest.on, wave.busiest.reports, wave.busiest.alike) == (date(2026, 6, 28), 6, 6)
        assert wave.unusual

    def test_what_is_usual_for_a_model_is_not_unusual(self):
        for day in range(31, 120):
            reported(ago=timedelta(days=day))
            reported(ago=timedelta(days=day))
        for number in range(5):
            reported(ago=timedelta(days=1, minutes=number))
        wave = self.wave()
        assert wave.usual == pytest.approx(2, abs=0.1)
        assert not wave.unusual

    def test_a_model_nobody_reports_on(self):
        reported(ago=timedelta(days=40))
        wave = self.wave()
        assert (wave.total, wave.groups, wave.largest, wave.unusual) == (0, (), None, False)


class TestReproductions:
    def test_independent_reports_count_each(self):
        case = case_of(*(reported(text, timedelta(hours=number)) for number, text in enumerate(STORIES)))
        assert [len(cluster.reports) for cluster in clusters_of(case)] == [1, 1, 1]

    @pytest.mark.parametrize(
        ("first", "second", "why"),
        [
            ({}, {"text": NEAR}, "the same wording"),
            ({"links": ("https://a.org/1",)}, {"text": OTHER, "links": ("http://a.org/1/",)}, "the same link, a.org/1"),
            ({}, {"text": OTHER, "ago": timedelta(minutes=12)}, "12 minutes apart"),
        ],
    )
    def test_copies_count_once_and_say_why(self, first, second, why):
        one, other = reported(**first), reported(**{"ago": timedelta(days=3), **second})
        [cluster] = clusters_of(case_of(one, other))
        assert cluster.reports == tuple(sorted((one, other), key=lambda report: report.submitted_at))
        assert why in cluster.reasons[0]

    def test_one_database_counts_once(self):
        sent = [
            workflow.submit(
                submission=factories.submission(text=text, links=()), source="avid", source_id=str(number)
            ).report
            for number, text in enumerate(STORIES[:2])
        ]
        Report.objects.filter(pk=sent[0].pk).update(submitted_at=NOW)
        [cluster] = clusters_of(case_of(*sent))
        assert cluster.reasons == (f"{sent[0].pk} and {sent[1].pk}: both imported from avid",)

    def test_the_number_is_the_moderators_recorded_with_what_was_seen_and_public(self):
        case, by = factories.worded_case(), factories.moderator()
        assert "reproductions" not in json.loads(bytes(workflow.publish(case=case, by=by).document))
        reproductions.confirm(case=case, by=by, number=2)
        note = Activity.objects.get(verb="count reproductions").note
        assert note == "2; at the time reports: 1, clusters: 1"
        document = json.loads(bytes(workflow.correct(case=case, by=by, notice="Two more saw it.").document))
        assert document["reproductions"] == 2

    def test_refuses_numbers_out_of_range_and_people_who_may_not(self):
        case = factories.worded_case()
        for number in (-1, 1001):
            with pytest.raises(NotReadyError):
                reproductions.confirm(case=case, by=factories.moderator(), number=number)
        with pytest.raises(NotAllowedError):
            reproductions.confirm(case=case, by=factories.operator(), number=1)

    def test_readers_see_the_count(self, client):
        case, by = factories.worded_case(), factories.moderator()
        reproductions.confirm(case=case, by=by, number=3)
        incident = workflow.publish(case=case, by=by).incident
        assert "<strong>3 times</strong>" in client.get(f"/incidents/{incident.public_id}/").content.decode()


class TestTrackRecord:
    def test_of_a_database_is_counted(self):
        sent = [
            workflow.submit(submission=factories.submission(), source="avid", source_id=str(number)).report
            for number in range(4)
        ]
        workflow.accept(report=sent[0], by=factories.moderator())
        workflow.reject(report=sent[1], by=factories.moderator(), reason=workflow.RejectReason.SPAM)
        found = track_record(sent[3])
        assert (found.known, found.accepted, found.rejected, found.undecided) == (True, 1, 1, 1)

    def test_of_an_anonymous_reporter_nothing_is_known(self):
        factories.report()
        assert not track_record(factories.report()).known


class TestTerms:
    def test_are_read_as_people_write_them(self):
        assert read_term("mitre-atlas AML.T0020") == "mitre-atlas AML.T0020"
        assert read_term(" aml.t0020 ") == "mitre-atlas AML.T0020"
        assert len({taxonomy.split(" ")[0] for taxonomy, _ in terms()}) == 4

    @pytest.mark.parametrize("text", ["no such term at all", "faultline backdoor", "phishing poisoning"])
    def test_others_are_refused(self, text):
        with pytest.raises(Exception, match="There is no one term"):
            read_term(text)

    def test_a_part_of_a_title_names_what_is_near(self):
        with pytest.raises(Exception, match="Near it: avid-sep S0600"):
            read_term("poison")

    def test_the_crosswalk_suggests_some_for_our_category(self):
        assert ("mit-risk 4.2", "mit-risk 4.2") in [(code, code) for code, _ in suggested_terms("misuse.cybercrime")]
        assert suggested_terms("") == []


class TestCasePage:
    def test_holds_everything_on_one_screen(self, signed_in):
        case = case_of(reported(contact="x@example.org"), reported(NEAR, timedelta(days=1)))
        other = reported(TEXT, timedelta(days=2))
        page = signed_in(factories.moderator()).get(case_page(case)).content.decode()
        for what in (
            *("2 reports in <strong>1</strong> cluster", "Likely duplicates, side by side", "org/a: ", "Lineage"),
            *("Openness", "Anonymous. A receipt is for one report only", "Personal data", f"Report {other.pk}"),
            "about 100% of the three-word runs are the same",
        ):
            assert what in page, what

    def test_saving_takes_out_what_was_pressed_and_loses_no_wording(self, signed_in):
        case, client = case_with_data(), signed_in(factories.moderator())
        key = client.get(case_page(case)).context["undecided"][0].key
        page = client.post(case_page(case), wording(client, case, title="A better title", redact=key), follow=True)
        assert messages_of(page)[0] == "Taken out."
        case.refresh_from_db()
        assert case.title == "A better title"
        assert "[redacted: email 1]" in case.description

    def test_leaving_wants_a_reason(self, signed_in):
        case, client = case_with_data(), signed_in(factories.moderator())
        key = client.get(case_page(case)).context["undecided"][0].key
        page = client.post(case_page(case), wording(client, case, leave=key), follow=True)
        assert messages_of(page)[0] == "Choose why it stays readable."
        answers = wording(client, case, leave=key, **{f"because-{key}": "example"})
        assert messages_of(client.post(case_page(case), answers, follow=True))[0] == "Left readable, with the reason."
        assert len(client.get(case_page(case)).context["undecided"]) == 1

    def test_all_at_once_then_publish(self, signed_in):
        case, client = case_with_data(), signed_in(factories.moderator())
        assert "Not ready to publish: 2" in press_on_case(client, case, "publish").content.decode()
        page = client.post(case_page(case), wording(client, case, redact_all="yes"), follow=True)
        assert messages_of(page)[0] == "Taken out: 2."
        assert "Done: public" in messages_of(press_on_case(client, case, "publish"))[0]
        document = json.loads(bytes(Case.objects.get(pk=case.pk).incident.document))
        assert document["description"].endswith("Write to [redacted: email]; [redacted: name] has the transcripts.")

    def test_a_passage_typed_or_pasted(self, signed_in):
        case, client = factories.worded_case(), signed_in(factories.moderator())
        typed = {"passage": "one  SHOP", "passage_category": "other", "redact_passage": "yes"}
        page = client.post(case_page(case), wording(client, case, **typed), follow=True)
        assert messages_of(page)[0] == "Taken out: other 1."
        case.refresh_from_db()
        assert case.title == "Chat model recommends [redacted: other 1]"
        page = client.post(case_page(case), wording(client, case, **{**typed, "passage": "not there"}), follow=True)
        assert "nowhere in the wording" in messages_of(page)[0]
        page = client.post(case_page(case), wording(client, case, **{**typed, "passage_category": "x"}), follow=True)
        assert "Choose what sort of thing" in messages_of(page)[0]

    def test_what_was_taken_out_is_shown_to_seniors_and_put_back_by_them(self, signed_in):
        case, client = case_with_data(), signed_in(factories.moderator())
        client.post(case_page(case), wording(client, case, redact_all="yes"))
        address = reverse("admin:reports_case_redacted", args=[case.pk])
        assert client.get(address).status_code == 404
        assert any("may not" in said for said in messages_of(client.post(address, follow=True)))
        senior = signed_in(factories.senior_moderator())
        assert "ana@example.org" not in senior.get(case_page(case)).content.decode()
        assert "ana@example.org" in senior.post(address).content.decode()
        senior.post(case_page(case), wording(senior, case, lift="1"))
        case.refresh_from_db()
        assert "Write to ana@example.org; [redacted: name 2]" in case.description

    def test_counts_reproductions_and_adds_the_terms_ticked(self, signed_in):
        case, client = factories.worded_case(category="misuse.cybercrime"), signed_in(factories.moderator())
        case.category = "misuse.cybercrime"
        case.save()
        answers = wording(client, case, reproductions="2", suggested=["mit-risk 4.2", "mitre-atlas AML.T0102"])
        client.post(case_page(case), {**answers, "classifications-0-chosen": "aml.t0020"})
        case.refresh_from_db()
        assert case.reproductions == 2
        given = sorted(f"{row.taxonomy} {row.term}" for row in case.classifications.all())
        assert given == ["mit-risk 4.2", "mitre-atlas AML.T0020", "mitre-atlas AML.T0102"]
        assert "mit-risk 4.2" not in dict(
            client.get(case_page(case)).context["adminform"].form.fields["suggested"].choices
        )


class TestReportPage:
    def test_masks_personal_data_and_shows_the_original_to_seniors_alone(self, signed_in):
        report = factories.report(title="From Ana", text=WITH_DATA, contact="Ana Alvarez <ana@example.org>")
        client, senior = signed_in(factories.moderator()), signed_in(factories.senior_moderator())
        address = reverse("admin:reports_report_original", args=[report.pk])
        for page in (client.get(report_page(report)), senior.get(report_page(report))):
            assert "ana@example.org" not in page.content.decode()
            assert "[redacted: email]" in page.content.decode()
        assert "Show as sent" not in client.get(report_page(report)).content.decode()
        assert "may not" in messages_of(client.post(address, follow=True))[0]
        assert "ana@example.org" in senior.post(address).content.decode()
        assert Activity.objects.get(verb="view original").actor_name == "olu"

    def test_explains_why_another_is_likely_the_same(self, signed_in):
        before, report = reported(), reported(NEAR, timedelta(days=1))
        page = signed_in(factories.moderator()).get(report_page(report)).content.decode()
        assert f"Report {before.pk}" in page
        assert "the same repository" in page
        assert "<mark>" in page
