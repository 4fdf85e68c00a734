"""Log-in by another system: which there are, and which person of the company one is who comes by them."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.http import HttpRequest
from django.shortcuts import redirect

from zhike.org.entry.providers import joined, may_make, person_by_mail, person_made, providers, secret_of
from zhike.org.entry.tables import SingleSignOn
from zhike.org.models import User


class SsoAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Systems are kept by the company; a person is found by the mail they vouch for, and strangers stay outside."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        """The systems that are on, as allauth wants them; nothing comes from its own table."""
        del request
        found = [app_of(one) for one in providers()]
        return [
            app
            for app in found
            if provider in (None, app.provider, app.provider_id) and client_id in (None, app.client_id, app.provider_id)
        ]

    def authenticate_by_email(self, sociallogin: SocialLogin) -> None:
        """Not allauth's way, which would wipe a password: `pre_social_login` decides."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        del request, sociallogin
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person of the company, or turn the stranger away with a reason."""
        if sociallogin.state.get("process") not in (None, "login"):
            raise ImmediateHttpResponse(redirect("account_security"))
        if sociallogin.is_existing:
            return
        user = _person_of(sociallogin)
        if isinstance(user, str):
            raise ImmediateHttpResponse(redirect(f"/login/?sso={user}"))
        if not user.is_active:
            raise ImmediateHttpResponse(redirect("account_inactive"))
        joined(user)
        # One account of a person in a system: the name it gives for one visit only must not pile up.
        SocialAccount.objects.filter(user=user, provider=sociallogin.account.provider).delete()
        sociallogin.connect(request, user)


def _person_of(sociallogin: SocialLogin) -> User | str:
    """The person who comes, or why nobody: "no_mail", "unknown"."""
    slug = sociallogin.account.provider
    kept = SingleSignOn.objects.filter(slug=slug, is_on=True).first()
    mails = [one.email for one in sociallogin.email_addresses if one.verified or (kept and kept.trusts_mail)]
    if kept is None or not mails:
        return "no_mail"
    known = next((user for mail in mails if (user := person_by_mail(mail))), None)
    if known:
        return known
    mail = next((mail for mail in mails if may_make(kept, mail)), "")
    return person_made(kept, mail, _name_of(sociallogin, mail)) if mail else "unknown"


def _name_of(sociallogin: SocialLogin, mail: str) -> str:
    told: dict[str, Any] = sociallogin.account.extra_data or {}
    claims = told.get("userinfo") or told.get("id_token") or told
    for key in (*ATTRIBUTES["name"], "nickname", "preferred_username"):
        value = claims.get(key) if isinstance(claims, dict) else None
        if value:
            return str(value[0] if isinstance(value, list) else value)
    return mail.partition("@")[0]


def app_of(one: SingleSignOn) -> SocialApp:
    """A system as allauth knows them, not stored."""
    app = SocialApp(provider=one.kind, provider_id=one.slug, name=one.name)
    if one.kind == SingleSignOn.Kind.OIDC:
        app.client_id, app.secret = one.client_id, secret_of(one)
        app.settings = {"server_url": one.server_url, "oauth_pkce_enabled": True, "fetch_userinfo": True}
        return app
    app.client_id = one.slug
    app.settings = {
        "idp": {"entity_id": one.entity_id, "sso_url": one.sso_url, "x509cert": one.certificate},
        "attribute_mapping": ATTRIBUTES,
        "use_nameid_for_email": True,
    }
    return app


_SHOWN = "http://schemas.microsoft.com/identity/claims/displayname"
_MAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
ATTRIBUTES = {
    "uid": ["uid", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "urn:oid:0.9.2342.19200300.100.1.1"],
    "email": ["email", "mail", "Email", _MAIL, "urn:oid:0.9.2342.19200300.100.1.3"],
    "email_verified": ["email_verified"],
    "name": ["name", "displayName", "cn", _SHOWN, "urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:2.5.4.3"],
}
