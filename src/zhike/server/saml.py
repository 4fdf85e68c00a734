"""Log-in by SAML, stricter than allauth: what is signed names the request that this browser made, and nothing breaks the page."""

from __future__ import annotations

import binascii
import logging

from allauth.account.internal.decorators import login_not_required
from allauth.core.internal import httpkit
from allauth.socialaccount.helpers import complete_social_login, render_authentication_error
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.socialaccount.providers.saml.utils import build_auth, get_app_or_404
from allauth.socialaccount.sessions import LoginSession
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.errors import OneLogin_Saml2_Error

log = logging.getLogger("zhike.saml")

ANSWERS = "//*[local-name() = 'Assertion']//*[local-name() = 'SubjectConfirmationData']/@InResponseTo"
# What comes is read before its signature is: whatever it is, it must not break the page. ValueError: a document type or entity in it.
BROKEN = (OneLogin_Saml2_Error, etree.LxmlError, binascii.Error, ValueError)


@login_not_required  # type: ignore[untyped-decorator]
def finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Log in whom the response names; the system's response was put by at its own address, where the browser brings no cookies."""
    provider: SAMLProvider = get_app_or_404(request, organization_slug).get_provider(request)
    kept = LoginSession(request, "saml_acs_session", "saml-acs-session")
    brought = kept.store.get("request")
    kept.delete()
    if not brought:
        return _refused(request, provider, "no response")
    try:
        auth = build_auth(httpkit.deserialize_request(brought, HttpRequest()), provider)
        auth.process_response()
    except BROKEN as broken:
        return _refused(request, provider, type(broken).__name__)
    if auth.get_errors():
        return _refused(request, provider, ", ".join(auth.get_errors()))
    if not auth.is_authenticated():
        return _refused(request, provider, "cancelled", AuthError.CANCELLED)
    return _come_in(request, provider, auth)


def _come_in(request: HttpRequest, provider: SAMLProvider, auth: OneLogin_Saml2_Auth) -> HttpResponse:
    """Only an answer to what this browser asked counts, and once.

    The frame around a signed assertion may be anybody's: the request must stand in the assertion itself.
    """
    asked = auth.get_last_response_in_response_to()
    answers = etree.fromstring(auth.get_last_response_xml()).xpath(ANSWERS)
    if not asked or set(answers) != {asked}:
        return _refused(request, provider, "not asked for")
    login = provider.sociallogin_from_response(request, auth)
    try:
        login.state = provider.unstash_redirect_state(request, asked)
    except PermissionDenied:
        return _refused(request, provider, "another browser's, or a second time")
    done: HttpResponse = complete_social_login(request, login)
    return done


def _refused(request: HttpRequest, provider: SAMLProvider, why: str, error: str = AuthError.UNKNOWN) -> HttpResponse:
    log.warning("saml_refused", extra={"system": provider.app.client_id, "why": why})
    told: HttpResponse = render_authentication_error(request, provider, error=error)
    return told
