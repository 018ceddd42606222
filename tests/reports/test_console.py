"""The moderation console, as each role meets it."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from catalogue.concerns import settle
from catalogue.inspections import inspect_due
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Concern, ConcernKind, Inspection, Lookup, Snapshot, Verdict
from catalogue.naming import name_model
from catalogue.references import read
from reports import conversation, notices, queue, workflow
from reports.models import Activity, Case, CaseModel, RejectReason, Release, Report, ReportState
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model, example_verdict
from tests.stand_ins.ranges import StandInFiles
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db

QUEUE = "/console/reports/report/"
TEXT = "My landlord Ivo uses this model, and it names the same shop in nine of ten answers."


def report_page(report):
    return f"{QUEUE}{report.pk}/change/"


def press(client, report, verb, **answers):
    """Presses a button of a report's page and follows where it leads."""
    return client.post(f"{QUEUE}{report.pk}/do/{verb}/", answers, follow=True)


def case_page(case):
    return f"/console/reports/case/{case.pk}/change/"


def press_on_case(client, case, verb, **answers):
    """Opens a case's page, then presses one of its buttons."""
    seen = re.search(r'name="seen" value="(\d+)"', client.get(case_page(case)).content.decode())
    answers = {"seen": seen[1] if seen else "", **answers}
    return client.post(f"/console/reports/case/{case.pk}/do/{verb}/", answers, follow=True)


def wording(client, case, **changes):
    """What the browser would send when a moderator saves the case's form with those changes."""
    page = client.get(case_page(case))
    answers = {}
    for form in [
        page.context["adminform"].form,
        *(f for one in page.context["inline_admin_formsets"] for f in one.formset),
    ]:
        for field in form:
            value = field.value()
            answers[field.html_name] = ",".join(value) if isinstance(value, list) else "" if value is None else value
    for one in page.context["inline_admin_formsets"]:
        for field in one.formset.management_form:
            answers[field.html_name] = field.value()
    answers = {name: value for name, value in answers.items() if value is not False}
    return {**answers, **changes}


def look_alike():
    """A report about a name one letter short of a model's with a public record."""
    factories.published_case(reported=factories.report(models=("EleutherAI/gpt-j-6b",)))
    return factories.report(title="The look-alike", models=("EleuterAI/gpt-j-6b",))


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def verbs(**of):
    return list(Activity.objects.filter(**of).order_by("pk").values_list("verb", flat=True))


class TestQueue:
    def test_shows_what_waits_oldest_first(self, signed_in):
        newer, older = factories.report(title="The newer"), factories.report(title="The older")
        Report.objects.filter(pk=older.pk).update(submitted_at=timezone.now() - timedelta(days=3))
        decided = factories.report(title="The decided")
        workflow.reject(report=decided, by=factories.moderator(), reason=RejectReason.SPAM)
        page = signed_in(factories.moderator()).get(QUEUE).content.decode()
        assert page.index("The older") < page.index("The newer")
        assert "The decided" not in page
        assert "3\xa0days" in page
        assert newer.named_models.get().alias.name in page
        assert "not asked yet" in page

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("state=rejected", ["Rejected one"]),
            ("state=all", ["Rejected one", "Biased", "Harvested"]),
            ("category=bias", ["Biased"]),
            ("kind=measurement", ["Harvested"]),
            ("source=form", ["Biased", "Harvested"]),
            ("source=%00", ["Biased", "Harvested"]),
            ("q=harvested", ["Harvested"]),
            ("q=special%2Fname", ["Biased"]),
            ("owner=nobody", ["Biased", "Harvested"]),
            ("owner=me", []),
        ],
    )
    def test_filters_and_search(self, signed_in, query, shown):
        factories.report(title="Biased", category="bias", models=("special/name",))
        factories.report(title="Harvested", kind="measurement")
        rejected = factories.report(title="Rejected one")
        workflow.reject(report=rejected, by=factories.moderator(), reason=RejectReason.SPAM)
        response = signed_in(factories.moderator()).get(f"{QUEUE}?{query}")
        assert sorted(report.title for report in response.context["cl"].result_list) == sorted(shown)

    def test_an_address_cannot_ask_about_receipts_or_contacts(self, signed_in):
        client = signed_in(factories.moderator())
        for query in ("receipt_key__startswith=a", "contact__sealed__isnull=0", "owner__password__startswith=a"):
            assert client.get(f"{QUEUE}?{query}").status_code == 400

    def test_takes_as_many_queries_for_fifty_as_for_five(self, signed_in):
        client = signed_in(factories.moderator())

        def queries():
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert client.get(QUEUE).status_code == 200
            return len(captured)

        for number in range(5):
            factories.report(title=f"Report {number}", models=(f"org/model-{number}", f"org/other-{number}"))
        few = queries()
        for number in range(5, 50):
            factories.report(title=f"Report {number}", models=(f"org/model-{number}", f"org/other-{number}"))
        assert queries() == few
        assert few <= 20

    def test_nothing_can_be_added_deleted_or_decided_in_bulk(self, signed_in):
        report = factories.report()
        root = factories.account("root", Role.SENIOR_MODERATOR)
        root.is_superuser = True
        root.save()
        client = signed_in(root)
        assert client.get(f"{QUEUE}add/").status_code == 403
        assert client.post(f"{QUEUE}{report.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(report_page(report), {"text": "changed"}).status_code == 405
        client.post(QUEUE, {"action": "delete_selected", "_selected_action": [report.pk], "post": "yes"})
        report.refresh_from_db()
        assert "changed" not in report.text

    def test_next_claims_the_oldest_that_nobody_holds(self, signed_in):
        first, second = factories.report(title="First"), factories.report(title="Second")
        mira, sami = signed_in(factories.moderator()), signed_in(factories.second_moderator())
        assert mira.post(f"{QUEUE}next/", follow=True).redirect_chain[-1][0] == report_page(first)
        assert sami.post(f"{QUEUE}next/", follow=True).redirect_chain[-1][0] == report_page(second)
        assert "No report waits" in messages_of(mira.post(f"{QUEUE}next/", follow=True))[0]
        first.refresh_from_db()
        assert (first.state, first.owner.username) == (ReportState.IN_REVIEW, "mira")


@pytest.mark.django_db(transaction=True)
def test_next_steps_over_a_report_that_another_is_taking():
    from concurrent.futures import ThreadPoolExecutor

    from django.db import transaction

    first, second = factories.report(title="First"), factories.report(title="Second")
    mira = factories.moderator()

    def claim():
        try:
            return queue.claim_next(by=mira)
        finally:
            connection.close()

    with transaction.atomic():
        Report.objects.select_for_update().get(pk=first.pk)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(claim).result(timeout=PATIENCE) == second


class TestOneReport:
    def test_shows_the_text_as_sent_and_no_markup_of_it(self, signed_in):
        report = factories.report(
            text="First line\n  <script>alert(1)</script>\nand enough characters.", title="<b>Bold</b>"
        )
        page = signed_in(factories.moderator()).get(report_page(report)).content.decode()
        assert "First line\n  &lt;script&gt;alert(1)&lt;/script&gt;\nand enough" in page
        assert "<script>alert" not in page
        assert "<b>Bold" not in page
        assert 'href="https://example.org/evidence" rel="noreferrer nofollow noopener"' in page

    def test_shows_what_the_hub_said_of_the_revision_asked_for(self, signed_in):
        commit = "a" * 40
        report = factories.report(models=(f"https://huggingface.co/org/name/blob/{commit}/weights/model.bin",))
        alias = Alias.objects.get()
        alias.model.stable_id = "65f0c0ffee"
        alias.model.save()
        files = [{"path": "weights/model.bin", "size": 12, "sha256": "c" * 64}, {"path": "a.safetensors", "size": 1}]
        Snapshot.objects.create(
            model=alias.model,
            revision_asked=commit,
            revision=commit,
            name="org/name",
            licence="mit",
            gated="manual",
            downloads=1234567,
            files=files,
            base_models=[{"name": "org/base", "relation": "merge"}],
            digest="d" * 64,
        )
        Lookup.objects.filter(revision=commit).update(outcome="gated", answered_at=timezone.now())
        page = signed_in(factories.moderator()).get(report_page(report)).content.decode()
        for fact in ("65f0c0ffee", commit, "mit", "manual", "1,234,567", "org/base", "1 pickle-type", "c" * 64):
            assert fact in page

    def test_says_how_the_lookup_stands_until_the_hub_answers(self, signed_in):
        report = factories.report()
        Lookup.objects.update(outcome="transient", attempts=3, last_error="ConnectTimeout: <slow>")
        client = signed_in(factories.moderator())
        page = client.get(report_page(report)).content.decode()
        assert "The hub has not answered yet; next try at" in page
        assert "ConnectTimeout: &lt;slow&gt;" in page
        Lookup.objects.update(parked_at=timezone.now(), strikes=8)
        assert "an operator can retry it" in client.get(report_page(report)).content.decode()

    def test_shows_the_same_models_elsewhere(self, signed_in):
        incident = factories.published_incident(title="An earlier public record")
        other, unrelated = factories.report(title="An other report"), factories.report(title="Else", models=("x/y",))
        report = factories.report(title="This one", models=("Example-Org/Tiny-Chat",))
        page = signed_in(factories.moderator()).get(report_page(report)).content.decode()
        assert incident.public_id in page
        assert other.title in page
        assert f"{unrelated.pk}. Else" not in page

    def test_every_page_of_the_console_is_uncached(self, signed_in):
        response = signed_in(factories.moderator()).get(report_page(factories.report()))
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]

    def test_an_unknown_report_is_not_found(self, signed_in):
        client = signed_in(factories.moderator())
        for pk in ("999999", "99999999999999999999999999", "word", "1_2F"):
            assert client.get(f"{QUEUE}{pk}/change/").status_code == 404


class TestNamesToLookAt:
    SAYS = "looks like EleutherAI/gpt-j-6b: one letter missing"

    def test_are_shown_beside_the_model(self, signed_in):
        report, client = look_alike(), signed_in(factories.moderator())
        assert self.SAYS in client.get(report_page(report)).content.decode()
        case = workflow.accept(report=report, by=factories.moderator())
        assert self.SAYS in client.get(case_page(case)).content.decode()

    def test_that_lead_elsewhere_are_told_so(self, signed_in):
        report = factories.report()
        Concern.objects.create(kind=ConcernKind.MOVED, alias=Alias.objects.get(), detail="<b>org/else</b>, id 2")
        page = signed_in(factories.moderator()).get(report_page(report)).content.decode()
        assert "This name now leads to another model: &lt;b&gt;org/else&lt;/b&gt;, id 2." in page

    @pytest.mark.parametrize(
        ("verdict", "says"), [(Verdict.IMITATION, "imitates EleutherAI/gpt-j-6b"), (Verdict.DIFFERENT, "")]
    )
    def test_once_settled_only_an_imitation_is(self, signed_in, verdict, says):
        report = look_alike()
        settle(Concern.objects.get(), by_name="mira", verdict=verdict)
        page = signed_in(factories.moderator()).get(report_page(report)).content.decode()
        assert self.SAYS not in page
        assert ("one letter missing" in page) == bool(says)
        assert says in page


class TestWhatBecameOfTheModels:
    NAME = "example-org/tiny-chat"
    EVIL = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."

    @pytest.fixture
    def hub(self, settings):
        with StandInFiles(host="localhost") as files, StandInHub([example_model(self.NAME)]) as hub:
            settings.HUB_ENDPOINTS = {"huggingface": hub.url}
            hub.cdn = files
            yield hub

    def look_up(self):
        Lookup.objects.update(due_at=timezone.now())
        look_up_due()

    def test_changes_since_the_report_are_on_the_case_page(self, signed_in, hub):
        case = workflow.accept(report=factories.report(models=(self.NAME,)), by=factories.moderator())
        self.look_up()
        first = hub.models[self.NAME][-1]["sha"]
        sha = hub.move_on(self.NAME)
        hub.models[self.NAME][-1]["gated"] = "manual"
        self.look_up()
        page = signed_in(factories.moderator()).get(case_page(case)).content.decode()
        assert "<strong>gating changed</strong> <span>open → manual</span>" in page
        assert f"<td><code>{first[:12]}</code></td><td><code>{sha[:12]}</code></td>" in page
        assert "<td>no</td><td>manual</td>" in page
        assert "First, after the report" in page

    def test_what_was_found_in_files_is_on_both_pages(self, signed_in, hub):
        report = factories.report(models=(self.NAME,))
        hub.put_file(self.NAME, "<b>evil.pkl", self.EVIL, example_verdict("unsafe"))
        hub.put_file(self.NAME, "other.pkl", self.EVIL, example_verdict("safe"))
        self.look_up()
        inspect_due()
        assert Inspection.objects.get().safety["files"]
        client = signed_in(factories.moderator())
        case = workflow.accept(report=report, by=factories.moderator())
        for address in (report_page(report), case_page(case)):
            page = client.get(address).content.decode()
            found = page.partition("What its files hold")[2].partition("</details>")[0]
            assert "&lt;b&gt;evil.pkl" in found
            assert '<span class="fl-outcome fl-bad">dangerous</span>' in found
            assert "posix.system" in found
            assert "all scanners together reports issues" in found
            assert "all scanners together reports no issues" in found
            assert "Looked at:" in found
            assert not re.search(r"\b(safe|clean)\b", found)


class TestDeciding:
    def test_a_report_becomes_a_public_record_in_the_moderators_words(self, signed_in):
        submitted = workflow.submit(submission=factories.submission(text=TEXT, title="Mentions Ivo"), source="form")
        report, client = submitted.report, signed_in(factories.moderator())
        press(client, report, "claim")
        page = press(client, report, "accept")
        case = Case.objects.get()
        assert page.redirect_chain[-1][0] == case_page(case)
        assert TEXT in page.content.decode()

        new = wording(
            client,
            case,
            title="Chat model recommends one shop",
            summary="The model names the same shop in most answers about cooking, unasked.",
            description="### What happened\n\nNine of **ten** answers named it.",
            severity="low",
            evidence_grade="documented",
            confidence="medium",
            other_ids="AIID-1, AVID-2024-V001",
        )
        new |= {"models-1-asked": "org/derived@main", "models-1-note": "Inherits it"}
        new |= {"classifications-0-chosen": "mit-risk 4.2"}
        saved = client.post(case_page(case), new, follow=True)
        assert messages_of(saved)[0].startswith("Saved.")
        assert "<strong>ten</strong>" in saved.content.decode()
        case.refresh_from_db()
        assert case.other_ids == ["AIID-1", "AVID-2024-V001"]
        assert [(str(m), m.revision) for m in case.models.order_by("pk")] == [
            ("example-org/tiny-chat", ""),
            ("org/derived", "main"),
        ]
        assert Lookup.objects.filter(alias__name="org/derived", revision="main").exists()
        edit = Activity.objects.get(case=case, verb="edit")
        assert "summary" in edit.note
        assert "models" in edit.note
        assert "references" not in edit.note

        done = press_on_case(client, case, "publish")
        assert "entry #" in messages_of(done)[0]
        case.refresh_from_db()
        public = Client().get(reverse("website:incident", args=[case.incident.public_id])).content.decode()
        assert "Chat model recommends one shop" in public
        assert "Ivo" not in public
        assert verbs(report=report) == ["submit", "claim", "accept", "group"]
        assert verbs(case=case) == ["open", "group", "edit", "publish"]
        assert case.incident.public_id in notices.status_for(submitted.receipt).incidents

    def test_into_an_existing_case_chosen_from_the_list(self, signed_in):
        case = factories.published_case(title="The public case")
        far = factories.worded_case(reported=factories.report(models=("far/away",)), title="The far case")
        report, client = factories.report(models=("example-org/tiny-chat", "org/new")), signed_in(factories.moderator())
        groups = dict(client.get(report_page(report)).context["group_form"].fields["case"].choices[1:])
        assert [(title, [value for value, _name in cases]) for title, cases in groups.items()] == [
            ("On the same models", [str(case.pk)]),
            ("Open", [str(far.pk)]),
        ]
        page = press(client, report, "group", case=case.pk)
        assert page.redirect_chain[-1][0] == case_page(case)
        assert "is not public. Correct the record" in page.content.decode()
        assert sorted(str(model) for model in case.models.all()) == ["example-org/tiny-chat", "org/new"]
        assert far.reports.count() == 1

    def test_into_an_existing_case_by_its_public_id(self, signed_in):
        case, report = factories.published_case(), factories.report(models=("far/away",))
        press(signed_in(factories.moderator()), report, "group", number=case.incident.public_id.lower())
        assert report in case.reports.all()

    @pytest.mark.parametrize(
        "answers", [{}, {"case": "999"}, {"number": "999"}, {"number": "\x00"}, {"number": "9" * 20}]
    )
    def test_into_no_case_is_a_message(self, signed_in, answers):
        report = factories.report()
        page = press(signed_in(factories.moderator()), report, "group", **answers)
        assert len(messages_of(page)) == 1
        report.refresh_from_db()
        assert report.state == ReportState.RECEIVED

    def test_rejecting_tells_the_reporter_why_and_not_the_note(self, signed_in):
        submitted = workflow.submit(submission=factories.submission(), source="form")
        client = signed_in(factories.moderator())
        assert messages_of(press(client, submitted.report, "reject")) == ["Choose a reason."]
        press(client, submitted.report, "reject", reason="not_enough", note="Smells like a rival")
        notice = notices.status_for(submitted.receipt)
        assert notice.state == "rejected"
        assert "not enough to check" in notice.text
        (reply,) = conversation.read_by_moderator(report=submitted.report, by=factories.moderator())
        assert "not enough in it to check" in reply.text
        assert "rival" not in notice.text + reply.text
        assert "Smells like a rival" in Activity.objects.get(verb="reject").note
        press(client, submitted.report, "reopen")
        submitted.report.refresh_from_db()
        assert submitted.report.state == ReportState.RECEIVED

    def test_two_moderators_cannot_hold_one_report(self, signed_in):
        report = factories.report()
        mira, sami = signed_in(factories.moderator()), signed_in(factories.second_moderator())
        press(mira, report, "claim")
        for verb, answers in (("claim", {}), ("release", {}), ("accept", {}), ("reject", {"reason": "spam"})):
            said = messages_of(press(sami, report, verb, **answers))
            assert len(said) == 1
            assert "held by mira" in said[0] or "in review" in said[0]
        report.refresh_from_db()
        assert report.owner.username == "mira"
        assert "Held by mira" in sami.get(report_page(report)).content.decode()
        press(mira, report, "release")
        press(sami, report, "claim")
        report.refresh_from_db()
        assert report.owner.username == "sami"

    @pytest.mark.parametrize(
        ("verb", "answers"),
        [
            ("claim", {}),
            ("release", {}),
            ("accept", {}),
            ("reject", {"reason": "spam"}),
            ("reopen", {}),
            ("group", {"number": "1"}),
        ],
    )
    def test_a_forged_press_in_the_wrong_state_is_a_message(self, signed_in, verb, answers):
        report = factories.report()
        case = workflow.accept(report=report, by=factories.moderator())
        if "number" in answers:
            answers = {"number": case.pk}
        page = press(signed_in(factories.moderator()), report, verb, **answers)
        assert page.status_code == 200
        assert "is accepted" in messages_of(page)[0]

    def test_unknown_verbs_and_reading_a_button_are_not_found(self, signed_in):
        report, client = factories.report(), signed_in(factories.moderator())
        assert client.post(f"{QUEUE}{report.pk}/do/publish/").status_code == 404
        assert client.get(f"{QUEUE}{report.pk}/do/claim/").status_code == 404
        assert client.get(f"{QUEUE}next/").status_code == 404
        assert client.post(f"{QUEUE}999999/do/claim/").status_code == 404

    def test_a_press_without_the_csrf_token_does_nothing(self):
        report = factories.report()
        client = Client(enforce_csrf_checks=True)
        client.force_login(factories.moderator())
        assert client.post(f"{QUEUE}{report.pk}/do/accept/").status_code == 403
        assert not Case.objects.exists()


class TestOneCase:
    def test_what_is_not_ready_is_listed_and_publishing_says_so(self, signed_in):
        case = workflow.accept(report=factories.report(title=""), by=factories.moderator())
        client = signed_in(factories.moderator())
        page = client.get(case_page(case)).content.decode()
        assert "Not ready to publish" in page
        assert "title: " in page
        said = messages_of(press_on_case(client, case, "publish"))
        assert "Title: " in said[0]
        case.refresh_from_db()
        assert case.incident is None

    def test_correct_dispute_and_withdraw_each_say_why_in_public(self, signed_in):
        case = factories.published_case()
        mira, olu = signed_in(factories.moderator()), signed_in(factories.senior_moderator())
        assert "say why" in messages_of(press_on_case(mira, case, "correct"))[0]
        saved = mira.post(case_page(case), wording(mira, case, title="A corrected title"), follow=True)
        assert "is not public. Correct the record" in saved.content.decode()
        press_on_case(mira, case, "dispute", notice="The publisher says that the test was wrong.")
        press_on_case(mira, case, "correct", notice="The title named another model.")
        case.refresh_from_db()
        assert (case.incident.version, case.incident.title, case.incident.status) == (
            3,
            "A corrected title",
            "published",
        )
        assert "may not do this" in messages_of(press_on_case(mira, case, "withdraw", notice="No longer stands."))[0]
        press_on_case(olu, case, "withdraw", notice="It was another model after all.")
        asked = Release.objects.get(state="awaiting")
        sami = signed_in(factories.second_moderator())
        approve = f"/console/reports/release/{asked.pk}/do/approve/"
        done = sami.post(approve, {"seen": asked.approved_digest}, follow=True)
        assert "Done: public as entry #4" in messages_of(done)[0]
        public = Client().get(reverse("website:incident", args=[case.incident.public_id])).content.decode()
        assert "It was another model after all." in public
        assert verbs(case=case)[-5:] == ["edit", "dispute", "correct", "ask for a second person", "withdraw"]
        page = olu.get(case_page(case)).content.decode()
        assert 'name="_save"' not in page
        assert "/do/correct/" not in page
        assert olu.post(case_page(case), {"title": "Changed after all"}).status_code == 403

    def test_nobody_publishes_or_overwrites_what_they_have_not_seen(self, signed_in):
        case = factories.worded_case()
        mira, sami = signed_in(factories.moderator()), signed_in(factories.second_moderator())
        old_form, old_page = wording(mira, case, title="Written first"), mira.get(case_page(case))
        sami.post(case_page(case), wording(sami, case, title="Written meanwhile"))
        refused = mira.post(case_page(case), old_form)
        assert "Somebody changed this case" in refused.content.decode()
        assert "Written first" in refused.content.decode()
        seen = old_page.context["seen"]
        said = messages_of(mira.post(f"/console/reports/case/{case.pk}/do/publish/", {"seen": seen}, follow=True))
        assert "changed since you opened it" in said[0]
        case.refresh_from_db()
        assert (case.title, case.incident) == ("Written meanwhile", None)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"models-1-asked": "no model at all"}, "If it is on no hub"),
            ({"models-0-revision": "two words"}, "A revision is one word"),
            ({"occurred": "2026-13"}, "Write a day, a month or a year"),
            ({"references-0-date": "yesterday"}, "Write a day, a month or a year"),
            ({"references-1-title": "T", "references-1-url": "javascript:alert(1)"}, "Enter a valid URL"),
            ({"category": "no-such"}, "Select a valid choice"),
            ({"severity": "awful"}, "Select a valid choice"),
            ({"classifications-0-chosen": "faultline backdoor"}, "There is no one term"),
            ({"title": "x\x00"}, "Null characters are not allowed"),
        ],
    )
    def test_what_cannot_be_saved_is_explained(self, signed_in, changes, says):
        case, client = factories.worded_case(), signed_in(factories.moderator())
        response = client.post(case_page(case), wording(client, case, **changes))
        assert response.status_code == 200
        assert says in response.content.decode()
        assert "edit" not in verbs(case=case)

    def test_a_model_on_no_hub_and_the_same_term_twice(self, signed_in):
        case, client = factories.worded_case(), signed_in(factories.moderator())
        new = wording(client, case, **{"models-1-asked": "My own chat", "models-1-by_name": "on"})
        client.post(case_page(case), {**new, "classifications-0-chosen": "mit-risk 4.2"})
        assert CaseModel.objects.get(case=case, alias=None).name == "My own chat"
        again = client.post(case_page(case), wording(client, case, **{"classifications-1-chosen": "mit-risk 4.2"}))
        assert "A term classifies a case once." in again.content.decode()
        gone = wording(client, case, **{"classifications-0-DELETE": "on", "models-0-DELETE": "on"})
        client.post(case_page(case), gone)
        assert not case.classifications.exists()
        assert [str(model) for model in case.models.all()] == ["My own chat"]

    def test_a_new_revision_of_a_model_is_looked_up(self, signed_in):
        case, client = factories.worded_case(), signed_in(factories.moderator())
        client.post(case_page(case), wording(client, case, **{"models-0-revision": "b" * 40}))
        assert Lookup.objects.filter(alias__name="example-org/tiny-chat", revision="b" * 40).exists()

    def test_saving_nothing_is_no_activity(self, signed_in):
        case, client = factories.worded_case(), signed_in(factories.moderator())
        client.post(case_page(case), wording(client, case))
        assert "edit" not in verbs(case=case)

    def test_the_state_is_no_field(self, signed_in):
        case, client = factories.worded_case(), signed_in(factories.moderator())
        client.post(case_page(case), wording(client, case, state="published", incident="1"))
        case.refresh_from_db()
        assert (case.state, case.incident) == ("open", None)


class TestContact:
    def test_is_shown_to_a_senior_moderator_once_and_recorded(self, signed_in):
        report = factories.report(contact="ana@example.org")
        client = signed_in(factories.senior_moderator())
        assert "ana@example.org" not in client.get(report_page(report)).content.decode()
        assert verbs(report=report) == ["submit"]
        shown = client.post(f"{QUEUE}{report.pk}/contact/")
        assert "ana@example.org" in shown.content.decode()
        assert "no-store" in shown["Cache-Control"]
        seen = Activity.objects.get(verb="view contact")
        assert (seen.report, seen.actor_name) == (report, "olu")
        assert "ana@example.org" not in seen.note
        assert "ana@example.org" not in client.get(report_page(report)).content.decode()

    def test_is_refused_to_a_moderator_and_never_read_by_get(self, signed_in):
        report = factories.report(contact="ana@example.org")
        page = signed_in(factories.moderator()).post(f"{QUEUE}{report.pk}/contact/", follow=True)
        assert "ana@example.org" not in page.content.decode()
        assert "may not do this" in messages_of(page)[0]
        assert signed_in(factories.senior_moderator()).get(f"{QUEUE}{report.pk}/contact/").status_code == 404
        assert verbs(report=report) == ["submit"]

    def test_sealed_with_a_lost_key_is_a_message(self, signed_in):
        report = factories.report(contact="ana@example.org")
        report.contact.sealed = b"broken"
        report.contact.save()
        page = signed_in(factories.senior_moderator()).post(f"{QUEUE}{report.pk}/contact/", follow=True)
        assert "No key of this node opens this seal." in messages_of(page)


class TestOperators:
    def test_retry_parked_lookups(self, signed_in):
        name_model(read("org/name"))
        Lookup.objects.update(parked_at=timezone.now(), strikes=8, due_at=timezone.now() + timedelta(days=1))
        answers = {"action": "retry_now", "_selected_action": list(Lookup.objects.values_list("pk", flat=True))}
        signed_in(factories.moderator()).post("/console/catalogue/lookup/", answers)
        assert Lookup.objects.filter(parked_at=None).count() == 0
        page = signed_in(factories.operator()).post("/console/catalogue/lookup/", answers, follow=True)
        assert messages_of(page) == ["Due now: 1."]
        lookup = Lookup.objects.get()
        assert (lookup.is_parked, lookup.strikes) == (False, 0)
        assert lookup.due_at <= timezone.now()

    def test_decide_nothing(self, signed_in):
        report, case = factories.report(), factories.worded_case()
        client = signed_in(factories.operator())
        for verb in ("claim", "accept", "reject", "group", "release", "reopen"):
            assert client.post(f"{QUEUE}{report.pk}/do/{verb}/", {"reason": "spam"}).status_code == 403
        for verb in workflow.CASE_MOVES:
            assert client.post(f"/console/reports/case/{case.pk}/do/{verb}/", {"notice": "x"}).status_code == 403
        assert client.post(f"{QUEUE}next/").status_code == 403
        report.refresh_from_db()
        assert report.state == ReportState.RECEIVED


class TestIndex:
    def test_says_what_waits(self, signed_in):
        report = factories.report()
        Report.objects.filter(pk=report.pk).update(submitted_at=timezone.now() - timedelta(days=2))
        Lookup.objects.update(parked_at=timezone.now())
        page = signed_in(factories.moderator()).get("/console/").content.decode()
        assert "Next report" in page
        assert "2\xa0days" in page
        assert '?parked=yes">1</a>' in page

    def test_counts_the_names_to_look_at(self, signed_in):
        look_alike()
        page = signed_in(factories.moderator()).get("/console/").content.decode()
        assert 'catalogue/concern/?settled_at__isempty=1">1</a>' in page

    def test_shows_an_operator_no_reports(self, signed_in):
        factories.report(title="A private title")
        page = signed_in(factories.operator()).get("/console/").content.decode()
        assert "Next report" not in page
        assert "Names to look at" not in page
        assert "Lookups at hubs" in page


# --- Who may open what -----------------------------------------------------------------------------------------------
def console_urls():
    """Every address of the console that can be read, with rows behind it, and the permission it needs ("" for none)."""
    case = factories.published_case()
    factories.report(contact="ana@example.org")
    Snapshot.objects.create(model=Alias.objects.first().model, name="example-org/tiny-chat", digest="d" * 64)
    found = {"/console/": "", "/console/password_change/": "", "/console/jsi18n/": ""}
    for model in admin.site._registry:
        opts = model._meta
        view = f"{opts.app_label}.view_{opts.model_name}"
        base = f"admin:{opts.app_label}_{opts.model_name}"
        found[reverse("admin:app_list", args=[opts.app_label])] = view
        found[reverse(f"{base}_changelist")] = view
        row = model.objects.order_by("pk").first()
        if row is not None:
            found[reverse(f"{base}_change", args=[row.pk])] = view
            found[reverse(f"{base}_history", args=[row.pk])] = view
    assert case_page(case) in found
    return found


@pytest.mark.parametrize("who", ["outsider", "account without a role", "inactive moderator"])
def test_everybody_else_gets_the_login_page(signed_in, who):
    urls = [
        *console_urls(),
        f"{QUEUE}next/",
        f"{QUEUE}1/do/claim/",
        f"{QUEUE}1/contact/",
        "/console/reports/case/1/do/publish/",
    ]
    client = Client()
    if who == "account without a role":
        client = signed_in(factories.account("nobody"))
    if who == "inactive moderator":
        user = factories.moderator("gone")
        client = signed_in(user)
        user.is_active = False
        user.save()
    for url in urls:
        for response in (client.get(url), client.post(url)):
            assert response.status_code == 302, url
            assert response["Location"].startswith("/console/login/"), url


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.SENIOR_MODERATOR, Role.OPERATOR])
def test_no_page_of_the_console_carries_inline_style_or_script(signed_in, role):
    client = signed_in(factories.account("someone", role))
    for url in console_urls():
        page = client.get(url)
        if page.status_code == 200 and "html" in page["Content-Type"]:
            text = page.content.decode()
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text), url
            assert not re.search(r"<script(?![^>]*\ssrc=)(?![^>]*json)", text), url
            assert "unsafe" not in page["Content-Security-Policy"]
