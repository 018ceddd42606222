"""Signing in through the pages, as staff do: password, second factor, and fresh proof for what is delicate."""

import base64
import hmac
import re
import struct
import time

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import second_factor
from accounts.models import User
from lib.store import store
from tests import factories

pytestmark = pytest.mark.django_db

LOGIN, CONSOLE = "/account/login/", "/console/"
SET_UP = "/account/second-factor/totp/activate/"


def totp(secret, *, steps=0):
    """The code an authenticator app shows (RFC 6238: HMAC-SHA1, 30 s, 6 digits), `steps` steps from now."""
    counter = int(time.time()) // 30 + steps
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", counter), "sha1")
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def give_password(client, user, *, wanted="", password=factories.PASSWORD):
    return client.post(LOGIN, {"login": user.username, "password": password, "next": wanted})


def set_up_app(client):
    """Sets up an authenticator app; returns its secret."""
    page = client.get(SET_UP).content.decode()
    secret = re.search(r'value="([A-Z2-7]{16,})"', page)[1]
    answer = client.post(SET_UP, {"code": totp(secret, steps=-1)})
    assert answer.status_code == 302, answer.content
    return secret


@pytest.fixture
def enrolled(client):
    """A moderator with an authenticator app, and its secret; nobody is signed in."""
    user = factories.moderator()
    first = Client()
    give_password(first, user)
    return user, set_up_app(first)


def test_a_password_alone_opens_no_page_of_the_console(client):
    answer = give_password(client, factories.moderator(), wanted=CONSOLE)
    assert answer["Location"] == CONSOLE
    refused = client.get(CONSOLE, follow=True)
    assert refused.redirect_chain[-1][0] == reverse("mfa_index")
    assert "Set up a second factor" in refused.content.decode()


def test_setting_up_an_app_opens_the_console_at_once_and_shows_recovery_codes(client):
    give_password(client, factories.moderator())
    set_up_app(client)
    assert client.get(CONSOLE).status_code == 200
    codes = client.get("/account/second-factor/recovery-codes/").content.decode()
    assert len(re.findall(r"^\d{8}$|>\d{8}\n|\n\d{8}", codes, re.MULTILINE)) >= 9


def test_who_has_an_app_is_asked_for_its_code(client, enrolled):
    user, secret = enrolled
    asked = give_password(client, user, wanted="/console/reports/report/")
    assert asked["Location"] == "/account/second-factor/authenticate/"
    assert client.get(CONSOLE).status_code == 302
    wrong = client.post(asked["Location"], {"code": "000000" if totp(secret) != "000000" else "111111"})
    assert wrong.status_code == 200
    assert "Incorrect code" in wrong.content.decode()
    right = client.post(asked["Location"], {"code": totp(secret)})
    assert right["Location"] == "/console/reports/report/"
    assert client.get(right["Location"]).status_code == 200


def test_a_code_is_good_once(enrolled):
    user, secret = enrolled
    code, answers = totp(secret), []
    for client in (Client(), Client()):
        give_password(client, user)
        answers.append(client.post("/account/second-factor/authenticate/", {"code": code}).status_code)
    assert answers == [302, 200]


def test_a_recovery_code_stands_in_once_for_a_lost_app(enrolled):
    user, _secret = enrolled
    code = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()[0]
    answers = []
    for client in (Client(), Client()):
        give_password(client, user)
        client.post("/account/second-factor/authenticate/", {"code": code})
        answers.append(client.get(CONSOLE).status_code)
    assert answers == [200, 302]


def test_a_session_from_before_the_second_factor_stays_shut_out_and_can_add_none_of_its_own(client):
    user = factories.moderator()
    stale = Client()
    for one in (stale, client):
        give_password(one, user)
    set_up_app(client)
    assert client.get(CONSOLE).status_code == 200
    assert stale.get("/console/login/")["Location"].startswith(reverse("mfa_reauthenticate"))
    adding = stale.get("/account/second-factor/webauthn/add/")
    assert adding["Location"].startswith(reverse("mfa_reauthenticate"))


def test_the_secret_lies_sealed_in_the_database(enrolled):
    _user, secret = enrolled
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, '') FROM mfa_authenticator")
        assert secret not in cursor.fetchone()[0]


def test_the_last_factor_of_a_role_stays(client, enrolled):
    user, secret = enrolled
    give_password(client, user)
    client.post("/account/second-factor/authenticate/", {"code": totp(secret)})
    page = client.post("/account/second-factor/totp/deactivate/")
    assert "cannot deactivate" in page.content.decode()
    assert second_factor.is_enrolled(user)


def test_a_session_ends_after_a_working_day_however_busy_it_was(client, enrolled, monkeypatch):
    user, secret = enrolled
    give_password(client, user)
    client.post("/account/second-factor/authenticate/", {"code": totp(secret)})
    assert client.get(CONSOLE).status_code == 200
    later = time.time() + settings.SESSION_COOKIE_AGE + 1
    monkeypatch.setattr("accounts.second_factor.time.time", lambda: later)
    assert client.get(CONSOLE).status_code == 302


class TestFreshProof:
    """Adding an account stands behind `second_factor.recently`."""

    ADD = "/console/accounts/user/add/"
    ANSWERS = {"username": "newcomer", "usable_password": "false", "role": "moderator"}

    def an_hour_later(self, client):
        session = client.session
        for record in session["account_authentication_methods"]:
            record["at"] -= 3600
        session.save()

    @pytest.fixture
    def operator(self, client):
        user = factories.operator()
        give_password(client, user)
        return user, set_up_app(client)

    @pytest.mark.usefixtures("operator")
    def test_a_fresh_login_is_proof(self, client):
        assert client.get(self.ADD).status_code == 200

    def test_an_hour_later_it_is_asked_for_and_then_does_what_was_asked(self, client, operator):
        _user, secret = operator
        self.an_hour_later(client)
        asked = client.post(self.ADD, self.ANSWERS)
        assert asked["Location"].startswith("/account/second-factor/reauthenticate/")
        assert not User.objects.filter(username="newcomer").exists()
        client.post(asked["Location"], {"code": totp(secret), "next": self.ADD})
        assert User.objects.get(username="newcomer").role == "moderator"

    @pytest.mark.usefixtures("operator")
    def test_the_password_is_no_fresh_proof_where_there_is_a_factor(self, client):
        self.an_hour_later(client)
        answer = client.get("/account/reauthenticate/")
        assert answer["Location"].startswith("/account/second-factor/reauthenticate/")


def test_many_wrong_passwords_are_slowed_down(client):
    user = factories.moderator()
    said = [give_password(client, user, password="wrong").content.decode() for _ in range(12)]
    assert "Too many failed" in said[-1]
    assert "Too many failed" not in said[0]
    assert "Too many failed" in give_password(client, user).content.decode()
    cache.clear()
    assert give_password(client, user).status_code == 302


def test_the_limits_keep_no_address():
    client = Client(REMOTE_ADDR="198.51.100.77")
    give_password(client, factories.moderator(), password="wrong")
    kept = [name for name in store().scan_iter(f"{settings.QUEUE}:*") if "allauth" in name]
    assert kept
    assert not any("198.51" in name for name in kept)


def test_nobody_signs_up_unless_the_node_says_so(client, settings):
    answers = {"username": "ana", "password1": factories.PASSWORD, "password2": factories.PASSWORD}
    client.post("/account/signup/", answers)
    assert not User.objects.filter(username="ana").exists()
    settings.SIGNUP = True
    client.post("/account/signup/", answers)
    assert User.objects.get(username="ana").role == ""
    assert client.get(CONSOLE, follow=True).status_code == 403


def test_the_demonstration_login_needs_no_second_factor(client, settings):
    settings.DEMO, settings.SECOND_FACTOR_FORCED = True, False
    call_command("demo_moderator")
    client.post(LOGIN, {"login": "moderator", "password": "open-weights"})
    assert client.get(CONSOLE).status_code == 200


def test_a_demonstration_has_two_people(settings, capsys):
    settings.DEMO, settings.SECOND_FACTOR_FORCED = True, False
    call_command("demo_moderator")
    assert capsys.readouterr().out.split("\n")[:2] == ["moderator / open-weights", "second / open-weights"]
    assert {user.role for user in User.objects.all()} == {"senior_moderator"}


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_the_login_leads_nowhere_else(client, elsewhere):
    assert "evil" not in give_password(client, factories.moderator(), wanted=elsewhere)["Location"]
    client.force_login(factories.moderator())
    assert client.get("/console/login/", {"next": elsewhere})["Location"] == CONSOLE


def test_an_operator_with_a_shell_takes_a_lost_factor_away_with_its_sessions(client, enrolled):
    user, secret = enrolled
    give_password(client, user)
    client.post("/account/second-factor/authenticate/", {"code": totp(secret)})
    call_command("reset_second_factor", user.username)
    assert not Authenticator.objects.filter(user=user).exists()
    assert client.get(CONSOLE).status_code == 302
    assert give_password(Client(), user)["Location"] == CONSOLE
