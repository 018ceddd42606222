"""Who may call the API, how often, and what the answer says about it."""

import re
from datetime import timedelta

import pytest
import redis
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import lib.limits
from accounts import tokens
from accounts.models import ApiToken, Scope
from lib.limits import Budget, Limit
from lib.store import key, store
from reports.models import Activity, Report
from tests import factories
from tests.api.test_reports import ANSWERS

pytestmark = pytest.mark.django_db

LIST, CHECK, REPORTS = "/api/v1/incidents", "/api/v1/check", "/api/v1/reports"
POLICY = re.compile(r'"(address|token)";q=(\d+);w=(\d+)')
STANDING = re.compile(r'"(address|token)";r=(\d+);t=(\d+)')


def token(*scopes, user=None):
    return tokens.create(user=user or factories.account("rosa"), name=str(scopes), scopes=scopes, days=7)


def bearing(text):
    return {"HTTP_AUTHORIZATION": f"Bearer {text}"}


def left(answer):
    assert POLICY.fullmatch(answer["RateLimit-Policy"])
    return int(STANDING.fullmatch(answer["RateLimit"])[2])


def check(client, count, **headers):
    items = [f"org/name-{number}" for number in range(count)]
    return client.post(CHECK, {"items": items}, content_type="application/json", **headers)


class TestTokens:
    def test_nobody_needs_one_and_answers_are_then_the_same_for_everybody(self, client):
        answer = client.get(LIST)
        assert answer.status_code == 200
        assert "Authorization" not in answer.get("Vary", "")
        assert "public" in answer["Cache-Control"]

    def test_with_one_the_answer_is_the_same_but_no_shared_cache_keeps_it(self, client):
        _row, text = token(Scope.READ)
        answer = client.get(LIST, **bearing(text))
        assert answer.content == client.get(LIST).content
        assert "Authorization" in answer["Vary"]
        assert "private" in answer["Cache-Control"]
        assert "public" not in answer["Cache-Control"]

    def test_a_token_that_opens_nothing_is_a_401_that_says_why(self, client):
        row, text = token(Scope.READ)
        tokens.revoke(row)
        stranger = tokens._new_text()
        mistyped = text[:-1] + ("a" if text[-1] != "a" else "b")
        for header, kind in [
            (f"Bearer {text}", "revoked-token"),
            (f"bearer  {stranger}", "unknown-token"),
            (f"Bearer {mistyped}", "malformed-token"),
            ("Bearer", "malformed-token"),
            ("Basic dTpw", "malformed-token"),
            ("\xff\x00", "malformed-token"),
        ]:
            answer = client.get(LIST, HTTP_AUTHORIZATION=header)
            assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
            assert answer.json()["type"] == f"/api/problems/{kind}"
            assert answer["WWW-Authenticate"].startswith('Bearer realm="faultline", error="invalid_token"')
            assert answer["Cache-Control"] == "no-store"
            assert client.get(answer.json()["type"]).status_code == 200

    def test_an_expired_one_says_since_when(self, client):
        past = timezone.now() - timedelta(days=8)
        text = tokens._new_text()
        row = {"prefix": tokens._prefix_of(text), "digest": tokens._digest(text), "scopes": ["read"]}
        dates = {"created_at": past, "expires_at": past + timedelta(days=7)}
        ApiToken.objects.create(user=factories.account("rosa"), name="old", **row, **dates)
        answer = client.get(LIST, **bearing(text))
        assert answer.json()["type"] == "/api/problems/expired-token"
        assert f"{dates['expires_at']:%Y-%m-%d}" in answer.json()["detail"]

    def test_a_report_with_scope_report_is_its_account_s_which_then_decides_on_nothing_of_it(self, client, signed_in):
        mira = factories.moderator()
        _row, text = token(Scope.REPORT, user=mira)
        answer = client.post(REPORTS, ANSWERS, content_type="application/json", **bearing(text))
        assert answer.status_code == 201
        report = Report.objects.get()
        assert Activity.objects.get(report=report, verb="submit").actor == mira
        assert not any("proof of work" in reason for reason in report.spam_reasons)
        refused = signed_in(mira).post(reverse("admin:reports_report_act", args=[report.pk, "claim"]), follow=True)
        assert "You sent this report" in refused.content.decode()

    def test_without_a_token_a_report_is_nobody_s(self, client):
        client.post(REPORTS, ANSWERS, content_type="application/json")
        assert Activity.objects.get(verb="submit").actor is None

    def test_a_token_of_another_scope_reports_nothing_rather_than_anonymously(self, client):
        _row, text = token(Scope.READ)
        answer = client.post(REPORTS, ANSWERS, content_type="application/json", **bearing(text))
        assert (answer.status_code, answer.json()["type"]) == (403, "/api/problems/insufficient-scope")
        assert 'scope="report"' in answer["WWW-Authenticate"]
        assert not Report.objects.exists()

    def test_a_moderator_s_token_opens_no_page_of_the_console_nor_of_the_account(self, client):
        _row, text = token(*Scope, user=factories.senior_moderator())
        for page in ("/console/", "/console/reports/report/", "/account/tokens/"):
            answer = client.get(page, **bearing(text))
            assert answer.status_code == 302
            assert "login" in answer["Location"]

    def test_reports_in_a_token_s_name_are_counted_by_account_not_by_network(self, client, monkeypatch):
        from reports.abuse import limits

        monkeypatch.setitem(limits.LIMITS, limits.SUBMIT, limits.Limits(each=Limit(1, 60)))
        _row, text = token(Scope.REPORT)
        _other, theirs = token(Scope.REPORT, user=factories.account("omar"))
        sent = [
            client.post(REPORTS, {**ANSWERS, "title": str(number)}, content_type="application/json", **bearing(one))
            for number, one in enumerate((text, text, theirs))
        ]
        assert [answer.status_code for answer in sent] == [201, 429, 201]
        assert sent[1].json()["type"] == "/api/problems/throttled"
        assert 0 < int(sent[1]["Retry-After"]) <= 60


class TestBudgets:
    def test_each_read_takes_one_and_the_headers_say_what_is_left(self, client, settings):
        settings.API_LIMIT_ADDRESS = (100, 1000)
        assert [left(client.get(LIST)) for _ in range(3)] == [99, 98, 97]
        assert client.get(LIST)["RateLimit-Policy"] == '"address";q=100;w=1000'

    def test_a_used_up_budget_is_a_429_with_when_to_come_back(self, client, settings):
        settings.API_LIMIT_ADDRESS = (2, 100)
        answers = [client.get(LIST) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        last = answers[-1]
        assert last.json()["type"] == "/api/problems/throttled"
        assert 0 < int(last["Retry-After"]) <= 50
        assert left(last) == 0
        assert last["Cache-Control"] == "no-store"
        assert Client(REMOTE_ADDR="198.51.100.7").get(LIST).status_code == 200

    def test_a_token_s_budget_is_its_own(self, client, settings):
        settings.API_LIMIT_ADDRESS, settings.API_LIMIT_TOKEN = (1, 100), (50, 100)
        _row, text = token(Scope.READ)
        assert [client.get(LIST).status_code for _ in range(2)] == [200, 429]
        answer = client.get(LIST, **bearing(text))
        assert (answer.status_code, left(answer)) == (200, 49)
        _report, without = token(Scope.REPORT)
        assert client.get(LIST, **bearing(without)).status_code == 429

    def test_a_check_of_a_thousand_costs_more_than_a_read(self, client, settings):
        settings.API_LIMIT_ADDRESS = (100, 100_000)
        assert left(check(client, 1)) == 99
        assert left(check(client, 1000)) == 78
        settings.API_LIMIT_ADDRESS = (10, 100_000)
        assert check(Client(REMOTE_ADDR="198.51.100.7"), 1000).status_code == 429

    def test_trying_tokens_costs_as_reading_does(self, client, settings):
        settings.API_LIMIT_ADDRESS = (3, 100)
        answers = [client.get(LIST, **bearing(tokens._new_text())) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]

    def test_without_a_limit_nothing_is_counted_and_nothing_said(self, client, settings):
        settings.API_LIMIT_ADDRESS = None
        answer = client.get(LIST)
        assert answer.status_code == 200
        assert "RateLimit" not in answer
        assert not list(store().scan_iter(key("limit", "api", "*")))

    def test_redis_learns_no_address_and_no_token(self, client):
        _row, text = token(Scope.READ)
        client.get(LIST, REMOTE_ADDR="203.0.113.77")
        client.get(LIST, **bearing(text))
        names = " ".join(store().scan_iter(key("*")))
        assert "203.0" not in names
        assert text[12:] not in names

    def test_a_read_is_one_round_trip_to_redis(self, client, monkeypatch):
        client.get(LIST)
        sent = []
        execute = redis.Redis.execute_command

        def counted(self, *command, **options):
            sent.append(command[0])
            return execute(self, *command, **options)

        monkeypatch.setattr(redis.Redis, "execute_command", counted)
        client.get(LIST)
        assert sent == ["EVALSHA"]

    def test_without_redis_everybody_is_let_in_and_the_log_says_so_once(self, client, monkeypatch, caplog):
        gone = redis.Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=1)
        monkeypatch.setattr("lib.limits.store", lambda: gone)
        lib.limits.forget()
        answers = [client.get(LIST) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert "RateLimit" not in answers[0]
        assert caplog.text.count("limits are off while Redis is away") == 1
        lib.limits.forget()


class TestTheRule:
    """`lib.limits`, by what it promises."""

    def test_units_come_back_evenly(self):
        budget = [Budget(key("limit", "t"), Limit(10, 1))]
        assert [lib.limits.take(budget, 5).wait for _ in range(2)] == [0, 0]
        refused = lib.limits.take(budget, 5)
        assert 0 < refused.wait <= 0.5
        assert 0 < lib.limits.take(budget, 1).wait <= 0.1

    def test_what_costs_more_than_a_whole_budget_takes_all_of_it(self):
        budget = [Budget(key("limit", "t"), Limit(10, 60))]
        assert lib.limits.take(budget, 1000).wait == 0
        assert lib.limits.take(budget, 1).wait > 0

    def test_what_is_given_back_can_be_taken_again(self):
        budget = [Budget(key("limit", "t"), Limit(1, 60))]
        lib.limits.take(budget)
        assert lib.limits.take(budget).wait > 0
        lib.limits.give_back(budget)
        assert lib.limits.take(budget).wait == 0

    def test_a_hundred_at_once_never_take_more_than_there_is(self):
        from concurrent.futures import ThreadPoolExecutor

        budget = [Budget(key("limit", "t"), Limit(20, 10_000))]
        with ThreadPoolExecutor(16) as pool:
            waits = list(pool.map(lambda _: lib.limits.take(budget).wait, range(100)))
        assert waits.count(0) == 20
