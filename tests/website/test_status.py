"""Following a report: the code is posted, every dead end looks the same, and both sides can write."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from lib.store import store
from reports import conversation, receipts, withdrawal, workflow
from reports.abuse import limits
from reports.models import Appeal, MailAddress, Message, RejectReason, Report
from tests import factories
from tests.website import reporter

pytestmark = pytest.mark.django_db

PAGE = "/report/status/"
UNKNOWN = "0000-0000-0000-0000-0000-0"
ANSWERS = {
    "category": "hidden_promotion",
    "text": "Asked for any recipe, the model names the same shop in nine of ten answers.",
}


def submitted():
    return workflow.submit(submission=factories.submission(), source="form")


def hidden(response, name):
    return re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())[1]


def opened(client, receipt):
    """Opens the page of a report by its code."""
    response = client.post(PAGE, {"receipt": receipt})
    assert response.status_code == 200
    return response


def press(client, page, act, **answers):
    """Presses a button of that page."""
    fields = {"pass": hidden(page, "pass"), "once": hidden(page, "once"), "act": act}
    return client.post(PAGE, fields | {f"{act}-{name}": value for name, value in answers.items()})


# A nonce, and the clock: they differ between any two answers.
_OF_THE_MOMENT = {"Content-Security-Policy", "Expires"}


class TestTheDoor:
    def test_every_code_that_leads_nowhere_gets_the_same_answer(self, settings):
        withdrawn, expired = submitted(), submitted()
        withdrawal.withdraw(report=withdrawn.report)
        long_ago = timezone.now() - timedelta(days=settings.RECEIPT_DAYS + 1)
        Report.objects.filter(pk=expired.report.pk).update(submitted_at=long_ago)
        codes = (receipts.new_receipt(), withdrawn.receipt, expired.receipt)
        pages, answers, queries = [], [], []
        for code in codes:
            client = Client()
            with CaptureQueries() as asked:
                response = client.post(PAGE, {"receipt": code})
            queries.append([re.sub(r"'[^']*'", "?", query["sql"]) for query in asked])
            without = re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]*', r"\1", response.content.decode())
            headers = {name: value for name, value in response.items() if name not in _OF_THE_MOMENT}
            pages.append((response.status_code, headers, len(response.content), without.replace(code, "")))
            answer = client.post("/api/v1/reports/status", {"receipt": code}, content_type="application/json")
            headers = {name: value for name, value in answer.items() if name not in {*_OF_THE_MOMENT, "RateLimit"}}
            answers.append((answer.status_code, headers, answer.content))
        assert pages[0][0] == answers[0][0] == 404
        assert pages == [pages[0]] * 3
        assert answers == [answers[0]] * 3
        assert queries == [queries[0]] * 3

    def test_the_page_is_private_and_holds_no_code(self, client):
        one = submitted()
        page = opened(client, one.receipt)
        assert "no-store" in page["Cache-Control"]
        assert page["Referrer-Policy"] == "same-origin"
        assert one.receipt.replace("-", "") not in page.content.decode().replace("-", "")
        assert set(client.cookies) <= {"csrftoken"}
        assert client.get(PAGE).context["form"]

    def test_a_code_in_an_address_opens_nothing(self, client):
        one = submitted()
        assert "We have your report" not in client.get(f"{PAGE}?receipt={one.receipt}").content.decode()

    def test_a_limit_stops_guessing_and_says_when_to_come_back(self):
        one, client = submitted(), Client(REMOTE_ADDR="203.0.113.7")
        calls = limits.LIMITS[limits.RECEIPT].each.quota
        statuses = [client.post(PAGE, {"receipt": receipts.new_receipt()}).status_code for _ in range(calls)]
        assert set(statuses) == {404}
        refused = client.post(PAGE, {"receipt": one.receipt})
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 601
        assert "no-store" in refused["Cache-Control"]
        problem = client.post("/api/v1/reports/status", {"receipt": one.receipt}, content_type="application/json")
        assert (problem.status_code, problem["Content-Type"]) == (429, "application/problem+json")
        assert int(problem["Retry-After"]) > 0
        neighbour = Client(REMOTE_ADDR="203.0.113.99").post(PAGE, {"receipt": one.receipt})
        assert neighbour.status_code == 429
        opened(Client(REMOTE_ADDR="198.51.100.7"), one.receipt)

    def test_codes_that_fit_are_not_counted(self, client):
        one = submitted()
        for _ in range(limits.LIMITS[limits.RECEIPT].each.quota + 5):
            opened(client, one.receipt)

    def test_a_pass_that_ran_out_shows_what_was_written(self, client, monkeypatch):
        page = opened(client, submitted().receipt)
        monkeypatch.setattr(receipts, "PASS_SECONDS", -1)
        late = press(client, page, "message", text="An hour of typing")
        assert late.status_code == 403
        assert "An hour of typing" in late.content.decode()
        assert not Message.objects.exists()


class CaptureQueries:
    """The queries of a block."""

    def __enter__(self):
        from django.test.utils import CaptureQueriesContext

        self.context = CaptureQueriesContext(connection)
        return self.context.__enter__()

    def __exit__(self, *error):
        self.context.__exit__(*error)


class TestTheThread:
    def test_a_message_a_doubled_click_and_the_answer(self, client):
        one = submitted()
        page = opened(client, one.receipt)
        for _ in range(2):
            done = press(client, page, "message", text="It is the <second> file.")
        assert "Your message is stored." in done.content.decode()
        assert "It is the &lt;second&gt; file." in done.content.decode()
        assert Message.objects.count() == 1
        conversation.say(report=one.report, by=factories.moderator(), text="Thank you, that helps.")
        assert "that helps" not in opened(client, one.receipt).content.decode()
        Message.objects.update(at=timezone.now() - timedelta(minutes=2), visible_at=timezone.now())
        shown = opened(client, one.receipt).content.decode()
        assert "Thank you, that helps." in shown
        assert "mira" not in shown

    def test_evidence_and_its_mistakes(self, client):
        one = submitted()
        page = opened(client, one.receipt)
        wrong = press(client, page, "evidence", text="A log I kept", links="ftp://example.org")
        assert wrong.status_code == 400
        assert "https:// or http://" in wrong.content.decode()
        assert "A log I kept" in wrong.content.decode()
        assert press(client, wrong, "evidence", text="A log I kept", links="https://example.org/l").status_code == 200
        assert Message.objects.get().kind == "evidence"

    def test_a_message_with_the_code_is_refused_at_the_form(self, client):
        one = submitted()
        refused = press(client, opened(client, one.receipt), "message", text=f"My code is {one.receipt}")
        assert refused.status_code == 400
        assert "receipt code itself" in refused.content.decode()
        assert not Message.objects.exists()

    def test_an_appeal_is_offered_after_a_rejection_once(self, client):
        one = submitted()
        assert 'value="appeal"' not in opened(client, one.receipt).content.decode()
        workflow.reject(report=one.report, by=factories.moderator(), reason=RejectReason.SPAM)
        page = opened(client, one.receipt)
        done = press(client, page, "appeal", text="I am no robot.")
        assert "Your appeal is stored." in done.content.decode()
        assert 'value="appeal"' not in done.content.decode()
        assert press(client, page, "appeal", text="Really.").status_code == 400
        assert Appeal.objects.count() == 1

    def test_withdrawing_needs_a_tick_and_ends_the_code(self, client):
        one = submitted()
        page = opened(client, one.receipt)
        assert press(client, page, "withdraw").status_code == 400
        assert "is withdrawn" in press(client, page, "withdraw", sure="on").content.decode()
        assert client.post(PAGE, {"receipt": one.receipt}).status_code == 404
        assert press(client, page, "message", text="Hello?").status_code == 403

    def test_an_address_is_left_and_erased(self, client, settings):
        one = submitted()
        assert "Tell me by mail" not in opened(client, one.receipt).content.decode()
        settings.MAIL_ON = True
        page = opened(client, one.receipt)
        assert press(client, page, "mail", address="no address").status_code == 400
        done = press(client, page, "mail", address="ana@example.org").content.decode()
        assert "ana@example.org" not in done
        assert MailAddress.objects.exists()
        assert "The address is erased." in press(client, page, "forget").content.decode()
        assert not MailAddress.objects.exists()

    def test_too_many_messages_are_refused_and_kept_on_the_page(self, client, monkeypatch):
        monkeypatch.setitem(limits.LIMITS, limits.MESSAGE, limits.Limits(each=limits.Limit(1, 60)))
        page = opened(client, submitted().receipt)
        press(client, page, "message", text="One")
        late = press(client, page, "message", text="A second thought")
        assert late.status_code == 429
        assert "Retry-After" in late
        assert "A second thought" in late.content.decode()


def test_no_trace_of_who_reported_is_kept_or_logged(settings, capfd, caplog):
    settings.PROXIES = 1
    canaries = ("203.0.113.213", "canary-agent/7", "canary.person@example.org", "canary words")
    client = Client(
        REMOTE_ADDR="127.0.0.1",
        HTTP_X_FORWARDED_FOR=f"8.8.8.8, {canaries[0]}",
        HTTP_USER_AGENT=canaries[1],
    )
    settings.MAIL_ON = True
    reporter.fill(client, disclosure={"contact": canaries[2]})
    receipt = reporter.send(client)
    page = opened(client, receipt)
    press(client, page, "message", text=canaries[3])
    press(client, page, "mail", address=canaries[2])
    client.post(PAGE, {"receipt": UNKNOWN})
    client.post("/api/v1/reports/status", {"receipt": receipt}, content_type="application/json")
    for _ in range(25):
        client.post(PAGE, {"receipt": UNKNOWN})
    database = StringIO()
    call_command("dumpdata", stdout=database)
    kept = [database.getvalue(), caplog.text, *capfd.readouterr()]
    kept += [f"{name} {store().get(name)}" for name in store().scan_iter("*") if store().type(name) == "string"]
    everything = "\n".join(kept)
    assert "hidden_promotion" in everything
    for canary in (*canaries, receipt, receipt.replace("-", "")):
        assert canary not in everything


class TestThroughTheApi:
    def post(self, path, **body):
        return Client().post(f"/api/v1/reports/{path}", body, content_type="application/json")

    def test_a_tool_can_do_all_a_page_can(self):
        one = submitted()
        said = self.post("messages", receipt=one.receipt, text="It is the second file.", once="x")
        assert said.status_code == 201
        assert [message["text"] for message in said.json()["messages"]] == ["It is the second file."]
        links = ["https://example.org/log"]
        assert self.post("messages", receipt=one.receipt, kind="evidence", text="A log", links=links).status_code == 201
        assert self.post("messages", receipt=one.receipt, kind="appeal", text="No").status_code == 409
        assert self.post("messages", receipt=one.receipt, text=one.receipt).status_code == 422
        workflow.reject(report=one.report, by=factories.moderator(), reason=RejectReason.SPAM)
        assert self.post("status", receipt=one.receipt).json()["may_appeal"]
        appealed = self.post("messages", receipt=one.receipt, kind="appeal", text="I am no robot.")
        assert not appealed.json()["may_appeal"]
        assert self.post("withdrawal", receipt=one.receipt).status_code == 204
        assert self.post("status", receipt=one.receipt).status_code == 404

    def test_a_tool_can_prove_its_work(self):
        from altcha import Challenge, Payload, solve_challenge

        challenge = Challenge.from_dict(Client().get("/api/v1/reports/challenge").json())
        payload = Payload(challenge, solve_challenge(challenge)).to_base64()
        for replayed in (False, True):
            body = {"models": ["example-org/tiny-chat"], "text": f"{replayed} " + ANSWERS["text"], "category": "bias"}
            answer = Client().post(
                "/api/v1/reports", body, content_type="application/json", headers={"Proof-Of-Work": payload}
            )
            assert answer.status_code == 201
            reasons = Report.objects.latest("pk").spam_reasons
            assert any("used before" in reason for reason in reasons) is replayed
