"""Signing in, and one's own account. Only the pages we use: nothing here sends mail."""

from allauth.account import views
from django.urls import include, path

from accounts import token_pages
from accounts.enrolment import AddKey, RemoveKey, SetUpApp

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/", views.password_change, name="account_change_password"),
    path("tokens/", token_pages.own_tokens, name="account_tokens"),
    path("tokens/<int:pk>/revoke/", token_pages.revoke_own, name="account_token_revoke"),
    path("second-factor/totp/activate/", SetUpApp.as_view(), name="mfa_activate_totp"),
    path("second-factor/webauthn/add/", AddKey.as_view(), name="mfa_add_webauthn"),
    path("second-factor/webauthn/keys/<int:pk>/remove/", RemoveKey.as_view(), name="mfa_remove_webauthn"),
    path("second-factor/", include("allauth.mfa.urls")),
]
