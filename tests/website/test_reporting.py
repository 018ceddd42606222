"""Reporting step by step, as plain pages."""

import re

import pytest
from altcha import Challenge, Payload, solve_challenge
from django.test import Client
from django.utils.html import escape

from reports import drafts, notices, workflow
from reports.abuse import limits
from reports.abuse.questions import QUESTIONS
from reports.models import Draft, Report
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.website import reporter
from tests.website.test_pages import problems_of

pytestmark = pytest.mark.django_db

STEPS = ("models", "problem", "account", "evidence", "impact", "disclosure")


def page(response) -> str:
    text = response.content.decode()
    assert problems_of(text) == [], problems_of(text)
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "same-origin"
    return text


class TestScreening:
    @pytest.mark.parametrize("concern", ["danger", "imagery"])
    def test_danger_and_images_of_abuse_lead_elsewhere_and_nothing_is_stored(self, client, concern):
        response = client.post("/report/", {"concerns": concern})
        assert response["Location"] == "/report/help/"
        assert not client.cookies.get("draft")
        assert not Draft.objects.exists()
        text = client.get("/report/help/").content.decode()
        for place in ("inhope.org", "report.iwf.org.uk", "report.cybertip.org", "findahelpline.com", "112"):
            assert place in text
        assert problems_of(text) == []

    def test_no_answer_is_asked_for_again(self, client):
        response = client.post("/report/", {})
        assert response.status_code == 400
        assert 'href="#id_concerns_0"' in page(response)

    def test_the_draft_is_in_a_cookie_for_these_pages_alone(self, client):
        reporter.begin(client)
        cookie = client.cookies["draft"]
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/report/", True, "Lax")
        assert cookie["max-age"] == 72 * 3600
        assert len(cookie.value) >= 43


class TestSteps:
    def test_the_whole_way_and_every_page_is_sound(self, client):
        assert page(client.get("/report/"))
        reporter.fill(client)
        for slug in STEPS:
            assert page(client.get(f"/report/{slug}/"))
        text = page(client.get("/report/review/"))
        assert "Not that I know: it is a flaw that could do harm" in text
        assert "A model on no hub" in text
        receipt = reporter.send(client)
        report = Report.objects.get()
        assert (report.kind, report.occurred, report.claimed_severity) == ("hazard", "2026-03", "low")
        assert report.links == ["https://example.org/a", "https://example.org/b"]
        assert report.consent == {"licence": "CC-BY-4.0"}
        assert report.details == {"type": "other"}
        assert [one.asked for one in report.named_models.order_by("pk")] == [
            "example-org/tiny-chat",
            "A model on no hub",
        ]
        status = client.post("/report/status/", {"receipt": f" {receipt.lower()} "}).content.decode()
        assert "We have your report." in status
        assert receipt not in status

    def test_without_a_draft_every_step_leads_to_the_beginning(self, client):
        for slug in (*STEPS, "review", "receipt"):
            assert client.get(f"/report/{slug}/")["Location"] == "/report/?gone"
            assert client.post(f"/report/{slug}/", {})["Location"] == "/report/?gone"
        assert "There is no draft in this browser" in page(client.get("/report/?gone"))
        assert client.get("/report/nothing/").status_code == 404

    def test_errors_stand_at_their_fields_and_what_was_typed_stays(self, client):
        reporter.begin(client)
        client.post("/report/problem/", {"kind": "incident", "type": "artefact"})
        wrong = {"category": "", "text": "too <short>", "occurred": "yesterday", "sha256": "xyz"}
        response = client.post("/report/account/", {**wrong, "category": "backdoor"})
        assert response.status_code == 400
        text = page(response)
        for field in ("text", "occurred", "sha256"):
            assert f'href="#id_{field}"' in text
            assert f'id="id_{field}_error"' in text
        assert "too &lt;short&gt;" in text
        assert "<title>Error: " in text
        # And it is kept, for whoever leaves and comes back.
        assert "too &lt;short&gt;" in page(client.get("/report/account/"))

    @pytest.mark.parametrize(
        ("slug", "answers", "field"),
        [
            ("models", {"models": ""}, "models"),
            ("models", {"models": "\n".join("abcdefghijklmnopqrstu")}, "models"),
            ("problem", {"kind": "incident"}, "type_0"),
            ("evidence", {"links": "javascript:alert(1)"}, "links"),
            ("evidence", {"succeeded": "3", "attempts": "2"}, "succeeded"),
            ("evidence", {"succeeded": "3"}, "succeeded"),
            ("evidence", {"turns": "4", "role1": "user", "turn1": "x" * 20_001}, "turn1"),
            ("evidence", {"temperature": "warm"}, "temperature"),
            ("impact", {"severity": "terrible"}, "severity_0"),
            ("disclosure", {"licence": "on", "embargo_until": "2020-01-01"}, "embargo_until"),
            ("disclosure", {"licence": "on", "embargo_until": "soon"}, "embargo_until"),
            ("disclosure", {"licence": "on", "share_contact": "on"}, "contact"),
            ("disclosure", {"licence": "on", "credit": "on"}, "credit_name"),
            ("disclosure", {}, "licence"),
        ],
    )
    def test_each_step_says_what_is_wrong_with_it(self, client, slug, answers, field):
        reporter.begin(client)
        response = client.post(f"/report/{slug}/", answers)
        assert response.status_code == 400
        assert f'href="#id_{field}"' in page(response)

    @pytest.mark.parametrize(
        ("kind", "asked", "likely"),
        [
            ("misuse", {"actor", "channel", "method"}, "misuse"),
            ("artefact", {"trigger", "file", "sha256", "loader", "scanner"}, "backdoor"),
            ("bias", {"groups", "task", "measure", "sample_size"}, "bias"),
            ("other", {"expected"}, "misuse"),
        ],
    )
    def test_the_two_questions_choose_what_else_is_asked(self, client, kind, asked, likely):
        reporter.begin(client)
        client.post("/report/problem/", {"kind": "incident", "type": kind})
        text = page(client.get("/report/account/"))
        names = set(re.findall(r'name="([a-z0-9_]+)"', text))
        everything = {"actor", "channel", "method", "trigger", "file", "sha256", "loader", "scanner"}
        everything |= {"groups", "task", "measure", "sample_size", "expected"}
        assert names & everything == asked
        assert re.search(r'<option value="([a-z_.]+)"', text)[1] == likely

    def test_details_of_a_type_are_stored_and_those_of_another_are_not(self, client):
        changes = {
            "problem": {"type": "bias"},
            "account": {"category": "bias", "groups": "women, compared with men", "sample_size": "200", "trigger": "x"},
        }
        reporter.fill(client, **changes)
        reporter.send(client)
        details = Report.objects.get().details
        assert details == {"type": "bias", "groups": "women, compared with men", "sample_size": 200}

    def test_a_transcript_grows_turn_by_turn_and_empty_turns_are_left_out(self, client):
        turns = {"role0": "user", "turn0": "Hello", "role1": "assistant", "turn1": "", "turns": "2"}
        reporter.fill(client)
        grown = client.post("/report/evidence/", {**turns, "action": "more:4"})
        assert grown["Location"] == "/report/evidence/#turns"
        text = page(client.get("/report/evidence/"))
        assert 'name="turn3"' in text
        assert 'name="turn4"' not in text
        more = {**turns, "turns": "4", "role3": "assistant", "turn3": "Buy it.", "succeeded": "9", "attempts": "10"}
        assert client.post("/report/evidence/", more).status_code == 302
        reporter.send(client)
        report = Report.objects.get()
        assert [turn["text"] for turn in report.transcript["turns"]] == ["Hello", "Buy it."]
        assert report.reproduction == {"succeeded": 9, "attempts": 10}

    def test_back_keeps_what_was_typed_and_checks_nothing(self, client):
        reporter.begin(client)
        response = client.post("/report/problem/", {"kind": "hazard", "action": "back"})
        assert response["Location"] == "/report/models/"
        assert re.search(r'value="hazard"[^>]*checked', page(client.get("/report/problem/")))

    def test_a_change_from_the_review_leads_back_to_it(self, client):
        reporter.fill(client)
        assert 'name="review"' in page(client.get("/report/impact/?review"))
        response = client.post("/report/impact/", {"severity": "high", "review": "yes"})
        assert response["Location"] == "/report/review/"
        assert "High: " in page(client.get("/report/review/"))

    def test_an_unfinished_report_cannot_be_sent_and_the_review_says_what_is_missing(self, client):
        reporter.begin(client)
        client.post("/report/models/", {"models": "org/name"})
        text = page(client.get("/report/review/"))
        assert "Say what happened." in text
        response = client.post("/report/review/", {"seal": reporter.seal_of(client)})
        assert response.status_code == 400
        assert "Choose the category that fits best." in page(response)
        assert not Report.objects.exists()

    def test_typing_is_kept_without_sending(self, client):
        reporter.begin(client)
        response = client.post("/report/account/keep/", {"text": "half a sen"})
        assert b"Draft saved" in response.content
        assert "half a sen" in page(client.get("/report/account/"))

    def test_the_draft_can_be_deleted(self, client):
        reporter.fill(client)
        assert client.post("/report/delete/")["Location"] == "/report/deleted/"
        assert not Draft.objects.exists()
        assert client.cookies["draft"].value == ""
        assert client.get("/report/models/")["Location"] == "/report/?gone"
        assert page(client.get("/report/deleted/"))

    def test_forged_requests_are_refused(self):
        client = Client(enforce_csrf_checks=True)
        for path in ("", "models/", "review/", "receipt/", "delete/", "cards/", "alike/", "account/keep/"):
            assert client.post(f"/report/{path}", {"concerns": "neither"}).status_code == 403

    @pytest.mark.parametrize("text", ["\u202e" * 40, "🙂" * 40, "\ufffe" * 40])
    def test_odd_characters_are_no_error_of_ours(self, client, text):
        reporter.fill(client, account={"text": text})
        reporter.send(client)
        assert Report.objects.get().text == text

    def test_what_no_database_can_hold_is_said_at_its_field(self, client):
        reporter.begin(client)
        response = client.post("/report/account/", {**reporter.ANSWERS["account"], "text": "\x00" * 40})
        assert response.status_code == 400
        assert 'href="#id_text"' in page(response)


class TestTheReceipt:
    def test_stays_for_a_while_in_this_browser_and_is_gone_at_a_press(self, client):
        reporter.fill(client)
        receipt = reporter.send(client)
        assert reporter.shown_receipt(client) == receipt  # a reload sends nothing again
        assert client.get("/report/account/")["Location"] == "/report/receipt/"
        assert Client().get("/report/receipt/")["Location"] == "/report/?gone"
        assert client.post("/report/receipt/")["Location"] == "/report/deleted/"
        assert client.get("/report/receipt/")["Location"] == "/report/?gone"
        assert Report.objects.count() == 1
        assert notices.status_for(receipt) is not None

    def test_is_the_same_for_who_sends_twice(self, client):
        reporter.fill(client)
        seal = reporter.seal_of(client)
        for _ in range(2):
            assert client.post("/report/review/", {"seal": seal})["Location"] == "/report/receipt/"
        assert Report.objects.count() == 1

    def test_what_another_tab_changed_is_shown_before_it_is_sent(self, client):
        reporter.fill(client)
        seal = reporter.seal_of(client)
        client.post("/report/account/keep/", {**reporter.ANSWERS["account"], "title": "Changed meanwhile"})
        response = client.post("/report/review/", {"seal": seal})
        assert response.status_code == 409
        assert "Changed meanwhile" in page(response)
        assert not Report.objects.exists()


def new_challenge():
    return Challenge.from_dict(Client().get("/report/challenge").json())


class TestTheGuard:
    def review(self, client, **answers):
        return client.post("/report/review/", {"seal": reporter.seal_of(client), **answers})

    def test_a_filled_trap_is_stored_as_suspect(self, client):
        reporter.fill(client)
        reporter.linger()
        assert self.review(client, homepage="https://spam.example").status_code == 302
        report = Report.objects.get()
        assert report.suspected_spam
        assert any("do not see" in reason for reason in report.spam_reasons)

    def test_a_report_without_javascript_is_accepted_and_not_suspect(self, client):
        reporter.fill(client)
        reporter.send(client)
        report = Report.objects.get()
        assert not report.suspected_spam
        assert any("was not answered" in reason for reason in report.spam_reasons)

    def test_an_answered_question_counts(self, client):
        reporter.fill(client)
        reporter.linger()
        text = client.get("/report/review/").content.decode()
        fields = dict(re.findall(r'name="(asked|seal)" value="([^"]+)"', text))
        asked = re.search(r'<label for="id_answer">(.*?) <span', text)[1]
        answer = next(sorted(right)[0] for question, right in QUESTIONS if escape(question) == asked)
        assert client.post("/report/review/", {**fields, "answer": answer}).status_code == 302
        assert not any("was not answered" in reason for reason in Report.objects.get().spam_reasons)

    def test_the_time_is_that_of_the_whole_form(self, client):
        reporter.fill(client)
        self.review(client)
        assert Report.objects.get().suspected_spam
        assert any("within 3 seconds" in reason for reason in Report.objects.get().spam_reasons)

    def test_a_proof_counts_once_even_if_it_is_sent_twice(self, client):
        proof = Payload(challenge := new_challenge(), solve_challenge(challenge)).to_base64()
        reporter.fill(client)
        reporter.linger()
        seal = reporter.seal_of(client)
        for _ in range(2):
            client.post("/report/review/", {"seal": seal, "proof": proof})
        assert Report.objects.get().spam_reasons == []
        other = Client()
        reporter.fill(other, account={"text": "Another story, by the same sum, of a chat that sells shoes."})
        reporter.linger()
        assert self.review(other, proof=proof).status_code == 302
        assert any("used before" in reason for reason in Report.objects.latest("pk").spam_reasons)

    def test_a_flood_without_proof_is_refused_and_the_draft_is_kept(self, monkeypatch):
        few = limits.Limits(each=limits.Limit(2, 60), everybody=limits.Limit(100, 60))
        monkeypatch.setitem(limits.LIMITS, limits.UNPROVEN, few)
        for status in (302, 302, 429):
            client = reporter.fill(Client())
            refused = self.review(client)
            assert refused.status_code == status
        assert int(refused["Retry-After"]) > 0
        assert "Too many reports came from your network." in page(refused)
        assert reporter.ANSWERS["account"]["text"] in page(refused)
        assert Report.objects.count() == 2
        monkeypatch.setitem(limits.LIMITS, limits.UNPROVEN, limits.Limits())
        reporter.send(client)

    def test_drafts_are_started_within_a_limit(self, client, monkeypatch):
        monkeypatch.setitem(limits.LIMITS, limits.DRAFT, limits.Limits(each=limits.Limit(1, 60)))
        reporter.begin(client)
        late = client.post("/report/", {"concerns": "neither"})
        assert late.status_code == 429
        assert "Retry-After" in late
        assert page(late)
        assert Draft.objects.count() == 1

    def test_mail_is_offered_where_the_receipt_is_shown(self, client, settings):
        settings.MAIL_ON = True
        reporter.fill(client)
        reporter.send(client)
        text = page(client.get("/report/receipt/"))
        shown = re.search(r'name="pass" value="([^"]+)"', text)[1]
        done = client.post("/report/status/", {"pass": shown, "act": "mail", "mail-address": "ana@example.org"})
        assert "We will write to this address" in done.content.decode()


@pytest.mark.usefixtures("hub")
class TestCards:
    @pytest.fixture
    def hub(self, settings):
        models = [
            example_model("example-org/tiny-chat"),
            example_model("example-org/closed", gated="manual"),
            example_model("example-org/secret", private=True),
        ]
        with StandInHub(models) as hub:
            settings.HUB_ENDPOINTS = {"huggingface": hub.url}
            yield hub

    def cards(self, client, *models):
        return client.post("/report/cards/", {"models": "\n".join(models)}).content.decode()

    def test_a_card_says_what_the_hub_says_and_what_is_on_record(self, client, hub):
        factories.published_incident()
        reporter.begin(client)
        text = self.cards(client, "https://huggingface.co/example-org/tiny-chat", "example-org/closed", "My own chat")
        commit = hub.models["example-org/tiny-chat"][0]["sha"]
        for said in ("apache-2.0", commit[:12], "1 published incident<", "Access on request", "not on a hub we know"):
            assert said in text, said

    def test_a_press_names_the_exact_revision(self, client, hub):
        reporter.begin(client)
        text = self.cards(client, "My own chat", "example-org/tiny-chat")
        pin = re.search(r'value="(pin:1:[^"]+)"', text)[1]
        response = client.post("/report/models/", {"models": "My own chat\n\nexample-org/tiny-chat", "action": pin})
        assert response["Location"] == "/report/models/#cards"
        commit = hub.models["example-org/tiny-chat"][0]["sha"]
        shown = client.get("/report/models/").content.decode()
        assert f"My own chat\npkg:huggingface/example-org/tiny-chat@{commit}" in shown
        assert "This exact revision is reported." in shown

    def test_without_scripts_a_button_shows_them(self, client):
        reporter.begin(client)
        client.post("/report/models/", {"models": "example-org/tiny-chat", "action": "check"})
        assert "apache-2.0" in client.get("/report/models/").content.decode()

    def test_a_hub_that_does_not_answer_holds_nobody_up(self, client, hub):
        hub.fail("example-org/tiny-chat", "slow")
        reporter.begin(client)
        text = self.cards(client, "example-org/tiny-chat")
        assert "did not answer in time" in text
        assert client.post("/report/models/", {"models": "example-org/tiny-chat"}).status_code == 302

    def test_a_pending_report_changes_no_card_and_a_card_changes_no_catalogue(self, client):
        reporter.begin(client)
        before = self.cards(client, "example-org/tiny-chat")
        other = Client()
        reporter.begin(other)
        factories.report(models=("example-org/tiny-chat",))
        assert self.cards(other, "example-org/tiny-chat") == before

    def test_an_answer_is_remembered_for_this_browser_alone(self, client, hub):
        reporter.begin(client)
        self.cards(client, "example-org/tiny-chat")
        asked = len(hub.requests)
        self.cards(client, "example-org/tiny-chat")
        assert len(hub.requests) == asked
        other = Client()
        reporter.begin(other)
        self.cards(other, "example-org/tiny-chat")
        assert len(hub.requests) == asked + 1

    def test_what_only_the_operators_token_sees_is_on_no_card(self, client, hub, settings):
        settings.HUB_TOKENS = {"huggingface": "hf_operator"}
        hub.tokens.add("hf_operator")
        reporter.begin(client)
        assert "shows no such model" in self.cards(client, "example-org/secret")

    def test_playing_with_the_form_has_a_budget_of_its_own(self, client, monkeypatch):
        monkeypatch.setattr("website.reporting.cards.MOST_CALLS_A_MINUTE", 1)
        reporter.begin(client)
        text = self.cards(client, "example-org/tiny-chat", "example-org/closed")
        assert text.count("did not answer in time") == 1

    def test_without_a_draft_there_are_no_cards(self, client, hub):
        assert client.post("/report/cards/", {"models": "example-org/tiny-chat"}).status_code == 204
        assert hub.requests == []


class TestAlike:
    TEXT = "Asked about cooking, the chat unasked recommends one shop by name, every time."

    def test_published_incidents_are_offered_and_a_press_marks_the_report_as_evidence(self, client):
        incident = factories.published_incident()
        reporter.fill(client)
        text = client.post("/report/alike/", {"text": self.TEXT, "title": ""}).content.decode()
        assert incident.public_id in text
        assert "names the same model" in text
        chosen = {**reporter.ANSWERS["account"], "action": f"about:{incident.public_id}"}
        assert client.post("/report/account/", chosen)["Location"] == "/report/account/#alike"
        assert "You are adding evidence to" in page(client.get("/report/account/"))
        assert incident.public_id in page(client.get("/report/review/"))
        reporter.send(client)
        assert Report.objects.get(source="form", title="One shop in every recipe").about_incident == incident.public_id

    def test_the_mark_can_be_taken_back(self, client):
        incident = factories.published_incident()
        reporter.fill(client)
        for value in (incident.public_id, ""):
            client.post("/report/account/", {**reporter.ANSWERS["account"], "action": f"about:{value}"})
        assert "You are adding evidence to" not in page(client.get("/report/account/"))

    @pytest.mark.parametrize("value", ["FL-2026-00000000", "nonsense", "FL-2026-0000000\x00"])
    def test_only_an_incident_that_exists_can_be_marked(self, client, value):
        reporter.fill(client)
        client.post("/report/account/", {**reporter.ANSWERS["account"], "action": f"about:{value}"})
        reporter.send(client)
        assert Report.objects.get().about_incident == ""

    def test_nothing_unpublished_is_hinted_at(self, client):
        reporter.fill(client)
        empty = client.post("/report/alike/", {"text": self.TEXT}).content
        factories.report(text=self.TEXT)
        factories.worded_case(reported=factories.report(text=self.TEXT))
        assert client.post("/report/alike/", {"text": self.TEXT}).content == empty

    def test_a_withdrawn_incident_is_not_offered(self, client):
        case = factories.published_case()
        workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was another model.")
        reporter.fill(client)
        assert case.incident.public_id not in client.post("/report/alike/", {"text": self.TEXT}).content.decode()


def test_a_moderator_reads_every_part(client, signed_in):
    reporter.fill(
        client,
        evidence={"turn0": "Hello", "role0": "user", "turns": "2", "succeeded": "9", "attempts": "10", "seed": "42"},
        impact={"severity": "high", "harmed": ["users", "children"]},
        disclosure={"told": "no_way", "credit": "on", "credit_name": "Ana Nym", "contact": "x"},
    )
    reporter.send(client)
    report = Report.objects.get()
    text = signed_in(factories.moderator()).get(f"/console/reports/report/{report.pk}/change/").content.decode()
    for said in ("9 of 10 tries", "Hello", "42", "High: Serious harm", "Children", "Ana Nym", "no way to reach them"):
        assert said in text, said


def test_drafts_survive_nothing_but_their_browser(client):
    """Two reporters at once never see each other's words."""
    other = Client()
    reporter.fill(client)
    reporter.begin(other)
    assert "One shop in every recipe" not in page(other.get("/report/account/"))
    assert Draft.objects.count() == 2
    assert drafts.read(other.cookies["draft"].value).answers == {}
