"""Signing in with a security key in Chromium, whose DevTools hold a virtual one; and the account pages' looks."""

import pytest

from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = "/account/second-factor/webauthn/"


def sign_in(tab, user):
    page = tab.go("/account/login/?next=/console/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return page


def plug_in_key(page):
    """A virtual security key (Chrome DevTools Protocol, WebAuthn domain) that its owner always touches."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
    key = {**options, "automaticPresenceSimulation": True}
    return protocol, protocol.send("WebAuthn.addVirtualAuthenticator", {"options": key})["authenticatorId"]


def test_a_security_key_is_added_and_then_opens_the_console(visit):
    user = factories.moderator()
    tab = visit()
    plug_in_key(tab.page)
    page = sign_in(tab, user)
    page.get_by_text("Set up a second factor").wait_for()
    tab.go(f"{KEYS}add/")
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="Recovery Codes").wait_for()
    tab.go("/console/")
    page.get_by_role("heading", name="What needs doing").wait_for()

    page.context.clear_cookies()
    page = sign_in(tab, user)
    page.get_by_role("button", name="Use a security key").click()
    page.get_by_role("heading", name="What needs doing").wait_for()


def test_another_key_opens_nothing(visit):
    user = factories.moderator()
    tab = visit()
    protocol, key = plug_in_key(tab.page)
    page = sign_in(tab, user)
    tab.go(f"{KEYS}add/")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="Recovery Codes").wait_for()
    page.context.clear_cookies()
    sign_in(tab, user)
    page.get_by_role("heading", name="Two-Factor Authentication").wait_for()
    (credential,) = protocol.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    gone = {"authenticatorId": key, "credentialId": credential["credentialId"]}
    protocol.send("WebAuthn.removeCredential", gone)
    with page.expect_console_message(lambda message: "NotAllowedError" in message.text):
        page.get_by_role("button", name="Use a security key").click()
    tab.complaints.clear()
    tab.go("/console/")
    page.get_by_role("heading", name="Two-Factor Authentication").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_account_pages_keep_the_policy_in_light_and_dark(visit, scheme):
    tab = visit(color_scheme=scheme)
    page = sign_in(tab, factories.moderator())
    page.get_by_text("Set up a second factor").wait_for()
    for path in ("totp/activate/", "webauthn/", "webauthn/add/", ""):
        tab.go(f"/account/second-factor/{path}")
    tab.go("/account/password/")
    tab.go("/account/logout/")
