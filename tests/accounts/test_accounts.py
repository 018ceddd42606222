"""Accounts in the console: operators run them, and cannot make themselves more than operators."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import Role, User
from accounts.roles import ROLES
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser():
    user = factories.account("root")
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    return user


def address(view, user):
    return reverse(f"admin:{view}", args=[user.pk])


def test_an_operator_cannot_touch_a_superuser(superuser, signed_in):
    operator = signed_in(factories.operator())
    before = User.objects.get(pk=superuser.pk).password
    answer = operator.post(
        address("auth_user_password_change", superuser),
        {"password1": "a new long password", "password2": "a new long password", "usable_password": "true"},
    )
    assert answer.status_code == 403
    assert User.objects.get(pk=superuser.pk).password == before


def test_an_operator_cannot_give_themselves_a_role(signed_in):
    user = factories.operator()
    signed_in(user).post(
        address("accounts_user_change", user), {"username": user.username, "role": Role.MODERATOR, "is_active": "on"}
    )
    assert User.objects.get(pk=user.pk).role == Role.OPERATOR


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.SENIOR_MODERATOR])
def test_an_operator_hands_out_only_roles_that_see_no_contacts(role, signed_in):
    other = factories.account("new")
    page = signed_in(factories.operator())
    page.post(address("accounts_user_change", other), {"username": "new", "role": role, "is_active": "on"})
    assert (User.objects.get(pk=other.pk).role == role) == ("reports.view_contact" not in ROLES[role])


def test_a_superuser_hands_out_any_role(superuser, signed_in):
    other = factories.account("new")
    signed_in(superuser).post(
        address("accounts_user_change", other), {"username": "new", "role": Role.SENIOR_MODERATOR, "is_active": "on"}
    )
    assert User.objects.get(pk=other.pk).role == Role.SENIOR_MODERATOR


def test_a_role_nobody_knows_may_do_nothing():
    user = factories.account("odd")
    User.objects.filter(pk=user.pk).update(role="emperor")
    assert User.objects.get(pk=user.pk).get_all_permissions() == set()


def test_the_demo_login_is_refused_on_a_real_node(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="FAULTLINE_DEMO"):
        call_command("demo_moderator")
