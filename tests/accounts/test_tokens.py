"""API tokens: their form, their life, and the page where people make and revoke them."""

import re
import time
import zlib
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import tokens
from accounts.models import ApiToken, Scope
from accounts.tokens import TokenNotMadeError, TokenRefusedError
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/account/tokens/"
NEW = {"name": "our CI", "scopes": ["read", "report"], "days": "30"}


def made(**changes):
    given_fields = {"user": factories.account("rosa"), "name": "CI", "scopes": [Scope.READ], "days": 30}
    return tokens.create(**{**given_fields, **changes})


def refused(text):
    with pytest.raises(TokenRefusedError) as error:
        tokens.recognise(text)
    return error.value.kind


def aged(token, **columns):
    """The token as it would look had time passed: its trigger holds in front of tests as well."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_apitoken DISABLE TRIGGER token_is_fixed")
        ApiToken.objects.filter(pk=token.pk).update(**columns)
        cursor.execute("ALTER TABLE accounts_apitoken ENABLE TRIGGER token_is_fixed")


class TestForm:
    def test_a_token_has_the_published_pattern_and_its_checksum_is_the_crc_of_the_rest(self):
        token, text = made()
        assert re.fullmatch(tokens.PATTERN, text)
        assert text.startswith(f"fl_{token.prefix}_")
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        number = 0
        for character in text[-6:]:
            number = number * 62 + digits.index(character)
        assert number == zlib.crc32(text[:-6].encode())

    def test_the_database_holds_nothing_of_the_secret(self):
        token, text = made()
        with connection.cursor() as cursor:
            cursor.execute("SELECT accounts_apitoken::text FROM accounts_apitoken WHERE id = %s", [token.pk])
            (row,) = cursor.fetchone()
        assert token.prefix in row
        assert not any(text[12:-6][start : start + 8] in row for start in range(35))

    @given(st.integers(0, 60), st.characters(codec="latin-1"))
    def test_every_typing_error_is_told_apart_from_a_token_that_is_no_longer_good(self, place, character):
        text = tokens._new_text()
        mistyped = text[:place] + character + text[place + 1 :]
        if mistyped != text:
            assert refused(mistyped) == "malformed-token"

    @given(st.text(max_size=80))
    def test_nothing_else_is_a_token(self, text):
        assert refused(text) == "malformed-token"


class TestLife:
    def test_it_is_recognised_with_its_owner_and_the_day_is_noted_once(self, django_assert_num_queries):
        token, text = made()
        with django_assert_num_queries(2):
            assert tokens.recognise(text).user.username == "rosa"
        token.refresh_from_db()
        assert token.last_used_on == timezone.now().date()
        with django_assert_num_queries(1):
            tokens.recognise(text)

    def test_what_another_node_made_is_unknown_here_even_with_a_prefix_of_ours(self):
        token, text = made()
        _other, stranger = made(name="other")
        assert refused(tokens._new_text()) == "unknown-token"
        begun = f"fl_{token.prefix}_{stranger[12:-6]}"
        assert begun + tokens._checksum(begun) != text
        assert refused(begun + tokens._checksum(begun)) == "unknown-token"

    def test_revoked_it_opens_nothing_at_once_and_for_good(self):
        token, text = made()
        tokens.revoke(token)
        assert refused(text) == "revoked-token"
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.filter(pk=token.pk).update(revoked_at=None)

    def test_after_its_time_it_has_expired_and_its_name_is_free_again(self):
        token, text = made()
        past = timezone.now() - timedelta(days=31)
        aged(token, created_at=past, expires_at=past + timedelta(days=30))
        assert refused(text) == "expired-token"
        made()
        assert refused(text) == "expired-token"

    def test_an_account_that_was_closed_takes_its_tokens_along(self):
        token, text = made()
        token.user.is_active = False
        token.user.save()
        assert refused(text) == "revoked-token"

    def test_what_it_is_never_changes_and_it_has_known_scopes_only(self):
        token, _text = made()
        for change in ({"scopes": ["read", "report"]}, {"digest": "0" * 64}, {"name": "x"}, {"prefix": "12345678"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                ApiToken.objects.filter(pk=token.pk).update(**change)
        for scopes in ([], ["moderate"]):
            with pytest.raises((IntegrityError, TokenNotMadeError)), transaction.atomic():
                made(name="other", scopes=scopes)

    def test_an_account_has_so_many_and_each_name_once(self):
        with pytest.raises(TokenNotMadeError, match="of this name"):
            [made() for _ in range(2)]
        for number in range(tokens.MOST_TOKENS - 1):
            made(name=str(number))
        with pytest.raises(TokenNotMadeError, match="at most"):
            made(name="one more")

    def test_old_ones_are_forgotten_when_a_new_one_is_made(self):
        token, _text = made()
        past = timezone.now() - timedelta(days=200)
        aged(token, created_at=past, expires_at=past + timedelta(days=30))
        made()
        assert ApiToken.objects.count() == 1


class TestPage:
    def test_anybody_with_an_account_makes_one_and_sees_it_this_once(self, signed_in):
        client = signed_in(factories.account("rosa"))
        answer = client.post(PAGE, NEW)
        (text,) = re.findall(tokens.PATTERN, answer.content.decode())
        assert "no-store" in answer["Cache-Control"]
        assert tokens.recognise(text).scopes == ["read", "report"]
        later = client.get(PAGE).content.decode()
        assert text not in later
        assert f"fl_{text[3:11]}_…" in later

    def test_loading_the_answer_again_makes_no_second_token(self, signed_in):
        client = signed_in(factories.account("rosa"))
        client.post(PAGE, NEW)
        again = client.post(PAGE, NEW)
        assert again.status_code == 422
        assert "You have a token of this name" in again.content.decode()
        assert ApiToken.objects.count() == 1

    @pytest.mark.parametrize(
        "wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["moderate"]}, {"days": "9999"}, {"name": "a\x00b"}]
    )
    def test_what_is_wrong_is_said_and_nothing_is_made(self, signed_in, wrong):
        answer = signed_in(factories.account("rosa")).post(PAGE, {**NEW, **wrong})
        assert answer.status_code == 422
        assert "error-summary" in answer.content.decode()
        assert not ApiToken.objects.exists()

    def test_a_press_revokes_one_s_own_and_nobody_else_s(self, signed_in):
        token, text = made()
        address = f"{PAGE}{token.pk}/revoke/"
        assert signed_in(factories.moderator()).post(address).status_code == 404
        assert tokens.recognise(text)
        assert signed_in(token.user).post(address)["Location"] == PAGE
        assert refused(text) == "revoked-token"

    def test_nobody_is_asked_to_sign_in_first(self, client):
        for answer in (client.get(PAGE), client.post(PAGE, NEW), client.post(f"{PAGE}1/revoke/")):
            assert answer["Location"].startswith("/account/login/")

    def test_without_a_forgery_token_nothing_is_made(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(factories.account("rosa"))
        assert client.post(PAGE, NEW).status_code == 403
        assert not ApiToken.objects.exists()

    def test_an_operator_ends_anybody_s_in_the_console_and_can_do_nothing_else_with_it(self, signed_in):
        token, text = made()
        client, address = signed_in(factories.operator()), "/console/accounts/apitoken/"
        page = client.get(address).content.decode()
        assert f"fl_{token.prefix}_…" in page
        assert text[12:] not in page + client.get(f"{address}{token.pk}/change/").content.decode()
        assert client.post(f"{address}{token.pk}/change/", {"name": "x"}).status_code == 403
        assert client.post(f"{address}{token.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(address, {"action": "revoke", "_selected_action": [token.pk]})
        assert refused(text) == "revoked-token"

    def test_who_has_a_second_factor_shows_it_again_before_a_token_is_made(self, signed_in):
        mira = factories.moderator()
        Authenticator.objects.create(user=mira, type=Authenticator.Type.TOTP, data={"secret": "x"})
        client = signed_in(mira)
        session = client.session
        for record in session["account_authentication_methods"]:
            record["at"] = time.time() - 3600
        session.save()
        answer = client.post(PAGE, NEW)
        assert answer["Location"].startswith("/account/second-factor/reauthenticate/")
        assert not ApiToken.objects.exists()
