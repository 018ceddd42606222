"""Before something becomes public or is taken back, the second factor is asked for anew; nothing is lost by that."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from reports import release
from reports.models import Case, Release
from tests import factories
from tests.accounts.test_login import give_password, set_up_app, totp

pytestmark = pytest.mark.django_db


def sign_in(user):
    """A client that went through the login pages, and the secret of its authenticator app."""
    client = Client()
    give_password(client, user)
    return client, set_up_app(client)


def six_minutes_later(client):
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 360
    session.save()


def page_of(case):
    return f"/console/reports/case/{case.pk}/change/"


def press(client, case, verb, **answers):
    seen = re.search(r'name="seen" value="(\d+)"', client.get(page_of(case)).content.decode())[1]
    return client.post(f"/console/reports/case/{case.pk}/do/{verb}/", {"seen": seen, **answers})


def prove(client, asked, secret, **changes):
    assert asked["Location"].startswith(reverse("mfa_reauthenticate"))
    wanted = client.get(asked["Location"]).context["redirect_field_value"]
    return client.post(asked["Location"], {"code": totp(secret), "next": wanted}, follow=True)


def test_fresh_proof_is_enough():
    case = factories.worded_case()
    client, _secret = sign_in(factories.moderator())
    assert press(client, case, "publish")["Location"] == page_of(case)
    assert Case.objects.get(pk=case.pk).incident is not None


def test_publishing_later_asks_comes_back_and_says_what_to_press():
    case = factories.worded_case()
    client, secret = sign_in(factories.moderator())
    six_minutes_later(client)
    asked = press(client, case, "publish")
    assert not Release.objects.exists()
    back = prove(client, asked, secret)
    assert back.redirect_chain[-1][0] == page_of(case)
    assert "press “Publish” again" in back.content.decode()
    assert not Release.objects.exists()
    press(client, case, "publish")
    assert Release.objects.get().publication is not None
    assert "again" not in re.findall(r'class="fl-again".*', client.get(page_of(case)).content.decode())


def test_the_reason_of_a_withdrawal_is_still_there():
    case = factories.published_case()
    client, secret = sign_in(factories.senior_moderator())
    six_minutes_later(client)
    back = prove(client, press(client, case, "withdraw", notice="It was <another> model."), secret).content.decode()
    assert "press “Withdraw” again; your reason is still there" in back
    assert "It was &lt;another&gt; model.</textarea>" in back


def test_the_second_person_proves_who_they_are_too():
    case = factories.worded_case(severity="critical")
    row = release.schedule(case=case, verb="publish", by=factories.moderator())
    client, secret = sign_in(factories.second_moderator())
    six_minutes_later(client)
    button = f"/console/reports/release/{row.pk}/do/approve/"
    asked = client.post(button, {"seen": row.approved_digest})
    back = prove(client, asked, secret)
    assert "Press “Approve as the second person” again" in back.content.decode()
    client.post(button, {"seen": row.approved_digest})
    row.refresh_from_db()
    assert row.publication is not None


def test_a_demonstration_where_no_factor_is_forced_asks_for_none(settings, signed_in):
    settings.SECOND_FACTOR_FORCED = False
    case = factories.worded_case()
    client = signed_in(factories.moderator())
    six_minutes_later(client)
    press(client, case, "publish")
    assert Case.objects.get(pk=case.pk).incident is not None
