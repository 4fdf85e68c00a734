"""Addresses of the way in and of one's own log-in; names are those that allauth asks for."""

from __future__ import annotations

from allauth.account.views import AccountInactiveView, LogoutView, PasswordResetDoneView, PasswordResetView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
from allauth.mfa.recovery_codes.views import DownloadRecoveryCodesView, GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, EditWebAuthnView, ReauthenticateWebAuthnView, RemoveWebAuthnView
from django.urls import path, re_path
from django.views.generic import RedirectView

from . import login, oidc, saml

to_security = RedirectView.as_view(pattern_name="account_security")

way_in = [
    path("login/", login.LoginPage.as_view(), name="account_login"),
    path("login/factor/", AuthenticateView.as_view(), name="mfa_authenticate"),
    path("login/passkey/", login.PasskeyLogin.as_view(), name="mfa_login_webauthn"),
    path("login/inactive/", AccountInactiveView.as_view(), name="account_inactive"),
    path("login/join/", login.join_page, name="account_join"),
    path("login/join/<str:token>", login.join_by_link),
    path("login/strength", login.strength),
    path("login/forgot/", PasswordResetView.as_view(), name="account_reset_password"),
    path("login/forgot/sent/", PasswordResetDoneView.as_view(), name="account_reset_password_done"),
    re_path(r"^login/forgot/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", login.ResetPage.as_view(), name="account_reset_password_from_key"),
    path("login/forgot/done/", RedirectView.as_view(url="/login/?reset=done"), name="account_reset_password_from_key_done"),
    path("login/sso/cancelled/", login.sso_trouble, name="socialaccount_login_cancelled"),
    path("login/sso/failed/", login.sso_trouble, name="socialaccount_login_error"),
    path("login/sso/", login.sso_trouble, name="socialaccount_signup"),
    path("login/oidc/<slug:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("login/oidc/<slug:provider_id>/login/callback/", oidc.callback, name="openid_connect_callback"),
    path("login/saml/<slug:organization_slug>/login/", saml.login, name="saml_login"),
    path("login/saml/<slug:organization_slug>/acs/", saml.acs, name="saml_acs"),
    path("login/saml/<slug:organization_slug>/acs/finish/", saml.finish, name="saml_finish_acs"),
    path("login/saml/<slug:organization_slug>/metadata/", saml.metadata, name="saml_metadata"),
    path("logout/", LogoutView.as_view(), name="account_logout"),
]
own_account = [
    path("account/again/", ReauthenticateView.as_view(), name="account_reauthenticate"),
    path("account/again/code/", CodeAgainView.as_view(), name="mfa_reauthenticate"),
    path("account/again/passkey/", ReauthenticateWebAuthnView.as_view(), name="mfa_reauthenticate_webauthn"),
    path("account/totp/on/", ActivateTOTPView.as_view(), name="mfa_activate_totp"),
    path("account/totp/off/", DeactivateTOTPView.as_view(), name="mfa_deactivate_totp"),
    path("account/codes/", ViewRecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    path("account/codes/new/", GenerateRecoveryCodesView.as_view(), name="mfa_generate_recovery_codes"),
    path("account/codes/download/", DownloadRecoveryCodesView.as_view(), name="mfa_download_recovery_codes"),
    path("account/passkeys/add/", AddWebAuthnView.as_view(), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", RemoveWebAuthnView.as_view(), name="mfa_remove_webauthn"),
    path("account/passkeys/<int:pk>/edit/", EditWebAuthnView.as_view(), name="mfa_edit_webauthn"),
    # Names that allauth leads to; ours is one page for all of it.
    path("account/passkeys/", to_security, name="mfa_list_webauthn"),
    path("account/factors/", to_security, name="mfa_index"),
    path("account/connections/", to_security, name="socialaccount_connections"),
]
urlpatterns = [*way_in, *own_account]
