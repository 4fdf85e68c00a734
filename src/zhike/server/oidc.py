"""Log-in by OpenID Connect, stricter than allauth: the token's signature and nonce are looked at, and whose it is."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import salted_hmac

# Only keys that have a public half: a token signed with what everybody can read would be anybody's.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
NEEDED = ("exp", "iat", "iss", "aud", "sub")
LEEWAY = 60  # seconds that two clocks may differ
OURS = ("code_challenge", "code_challenge_method")


def nonce_of(state: str) -> str:
    """The nonce that goes with a state; the state itself counts once and in one session only."""
    return salted_hmac("zhike.oidc.nonce", state, algorithm="sha256").hexdigest()


class OidcClient(OAuth2Client):  # type: ignore[misc]
    """Asks with a nonce, and for nothing that the address of our own page could slip in."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: Mapping[str, str]) -> str:
        del scope
        told = {name: extra_params[name] for name in OURS if name in extra_params}
        found: str = super().get_redirect_url(
            authorization_url, ["openid", "profile", "email"], told | {"nonce": nonce_of(str(self.state))}
        )
        return found


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """One system as its discovery document describes it. Raises OAuth2Error for whatever is not as it must be."""

    client_class = OidcClient

    def get_provider(self) -> OpenIDConnectProvider:
        provider = super().get_provider()
        provider.oauth2_adapter_class = type(self)
        return provider

    @property
    def openid_config(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = super().openid_config
        except (requests.RequestException, ValueError) as wrong:
            raise OAuth2Error("no discovery document") from wrong
        if missing := {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"}.difference(found):
            raise OAuth2Error(f"discovery document without {sorted(missing)}")
        return found

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Who comes, from a token that is signed, for us, of now, and an answer to what we asked."""
        claims = self._verified(app, str(kwargs["response"].get("id_token", "")))
        if not hmac.compare_digest(str(claims.get("nonce", "")), nonce_of(request.GET.get("state", ""))):
            raise OAuth2Error("another nonce")
        told: dict[str, Any] = self._fetch_user_info(token.token) if self.openid_config.get("userinfo_endpoint") else {}
        if told and told.get("sub") != claims["sub"]:
            raise OAuth2Error("userinfo of somebody else")
        return self.get_provider().sociallogin_from_response(request, {"userinfo": _who(claims, told)})

    def _verified(self, app: SocialApp, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key=self._key(token), algorithms=SIGNATURES, audience=app.client_id, issuer=self.openid_config["issuer"],
                leeway=LEEWAY, options={"require": list(NEEDED)},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError) as wrong:
            raise OAuth2Error("invalid id_token") from wrong
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != app.client_id:
            raise OAuth2Error("id_token made out to another")
        return claims

    def _key(self, token: str) -> jwt.PyJWK:
        """The key that a token says it is signed with. Raises jwt.PyJWTError or OAuth2Error."""
        kid = jwt.get_unverified_header(token).get("kid")
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        keys = [key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if key.public_key_use in (None, "sig")]
        found = next((key for key in keys if key.key_id == kid), keys[0] if kid is None and len(keys) == 1 else None)
        if found is None:
            raise OAuth2Error("unknown key")
        return found


def _who(claims: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a person; whether a mail is verified is asked where the mail stands ("false" is a text that is true)."""
    source = told if told.get("email") else claims
    verified = source.get("email_verified") in (True, "true")
    return {**claims, **told, "email": source.get("email", ""), "email_verified": verified}


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the system."""
    return _answer(OAuth2LoginView, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The browser comes back."""
    return _answer(OAuth2CallbackView, request, provider_id)


def _answer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer: HttpResponse = view.adapter_view(OidcAdapter(request, provider_id))(request)
    except SocialApp.DoesNotExist as gone:
        raise Http404 from gone
    except OAuth2Error:
        return redirect("socialaccount_login_error")
    return answer
