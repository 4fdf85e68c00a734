"""Log-in by SAML, stricter than allauth: an answer is signed, for us, of now, to a question of this browser, and counts once.

python3-saml checks signatures and form; what it lets pass when it is missing, or looks at only in part, is asked for here.
A system cannot log anybody out: such a request comes unsigned as often as not, and by a link in a mail.
"""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.base.utils import respond_to_login_on_get
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.socialaccount.sessions import LoginSession
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

LONGEST = 500_000  # signs of an answer
LONGEST_NAME = 150  # of a person
SECONDS_KEPT = 600  # an answer between the page it was posted to and the page that has our session
SECONDS_KNOWN = 1200  # an assertion that counted; the question it answers is forgotten long before
SECURITY = {
    "wantAssertionsSigned": True,
    "wantMessagesSigned": False,  # the signature that counts is that of what is said of the person
    "wantAttributeStatement": False,
    "wantNameId": False,  # a number may come as an attribute; one of them has to
    "requestedAuthnContext": False,
    "allowRepeatAttributeName": True,
    "allowSingleLabelDomains": True,  # a server in the house has a short name
    "rejectDeprecatedAlgorithm": True,
    "signatureAlgorithm": Names.RSA_SHA256,
    "digestAlgorithm": Names.SHA256,
}
# Whatever a hostile text makes the libraries say; every one of them means that there is no answer.
BROKEN = (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, SyntaxError, ValueError, TypeError, LookupError)
log = structlog.get_logger()


class NoAnswer(Exception):
    """What came back does not say who is there; `code` tells an administrator why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def login(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Send the browser to the system, with a question that this browser has to bring the answer to."""
    provider = _provider(request, organization_slug)
    page: HttpResponse | None = respond_to_login_on_get(request, provider)
    if page is not None:
        return page
    try:
        asking = OneLogin_Saml2_Auth(_told(request, organization_slug), _settings(request, provider.app))
        address = asking.login(return_to="")
    except BROKEN:
        return _failed(organization_slug, "set_up")
    provider.stash_redirect_state(request, AuthProcess.LOGIN, get_next_redirect_url(request), state_id=asking.get_last_request_id())
    return redirect(address)


@csrf_exempt
@require_POST
def acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """The answer, posted by a page of the system and so without our cookie: kept for the page that gets the cookie."""
    provider, text = _provider(request, organization_slug), request.POST.get("SAMLResponse", "")
    try:
        _read(request, provider, text)
    except NoAnswer as wrong:
        return _failed(organization_slug, wrong.code)
    response = redirect("saml_finish_acs", organization_slug)
    kept = LoginSession(request, "saml_acs_session", "saml-acs-session")
    kept.store["answer"] = text
    kept.store.set_expiry(SECONDS_KEPT)
    kept.save(response)
    response.cookies["saml-acs-session"]["httponly"] = True
    return response


@never_cache
@require_GET
def finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """The browser comes back with our cookie: whoever asked is logged in as the answer says."""
    provider = _provider(request, organization_slug)
    kept = LoginSession(request, "saml_acs_session", "saml-acs-session")
    text = str(kept.store.get("answer", ""))
    kept.delete()
    try:
        answer = _read(request, provider, text)
        state = _asked(request, provider, answer)
    except NoAnswer as wrong:
        return _failed(organization_slug, wrong.code)
    came = provider.sociallogin_from_response(request, answer)
    came.state = state
    done: HttpResponse = complete_social_login(request, came)
    return done


@require_GET
def metadata(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """What the administrator of the system needs to know of us."""
    config = _config(request, _provider(request, organization_slug).app)
    told = OneLogin_Saml2_Settings(config, sp_validation_only=True).get_sp_metadata()
    return HttpResponse(told, content_type="text/xml")


def _provider(request: HttpRequest, slug: str) -> SAMLProvider:
    try:
        return get_adapter().get_app(request, provider=SAMLProvider.id, client_id=slug).get_provider(request)
    except SocialApp.DoesNotExist as gone:
        raise Http404 from gone


def _failed(slug: str, code: str) -> HttpResponse:
    log.warning("saml_refused", what=slug, code=code)
    return redirect("socialaccount_login_error")


def _ours(request: HttpRequest, name: str, slug: str) -> str:
    return request.build_absolute_uri(reverse(name, args=[slug]))


def _config(request: HttpRequest, app: SocialApp) -> dict[str, Any]:
    told, slug = app.settings["idp"], app.client_id
    takes = {"url": _ours(request, "saml_acs", slug), "binding": Names.BINDING_HTTP_POST}
    asks = {"url": told["sso_url"], "binding": Names.BINDING_HTTP_REDIRECT}
    return {
        "strict": True,
        "security": SECURITY,
        "sp": {"entityId": _ours(request, "saml_metadata", slug), "assertionConsumerService": takes},
        "idp": {"entityId": told["entity_id"], "singleSignOnService": asks, "x509cert": told["x509cert"]},
    }


def _settings(request: HttpRequest, app: SocialApp) -> OneLogin_Saml2_Settings:
    return OneLogin_Saml2_Settings(_config(request, app))


def _told(request: HttpRequest, slug: str) -> dict[str, Any]:
    """The request as python3-saml wants it: as if made to the page that takes answers, on which both halves look at one."""
    secure = "on" if request.is_secure() else "off"
    path = reverse("saml_acs", args=[slug])
    return {"https": secure, "http_host": request.get_host(), "script_name": path, "get_data": {}, "post_data": {}}


def _read(request: HttpRequest, provider: SAMLProvider, text: str) -> OneLogin_Saml2_Response:
    """What the system says, when it is the system and says it to us and now. Raises NoAnswer."""
    if not 0 < len(text) <= LONGEST:
        raise NoAnswer("length")
    try:
        answer = OneLogin_Saml2_Response(_settings(request, provider.app), text)
        if not answer.is_valid(_told(request, provider.app.client_id)):
            raise NoAnswer("invalid")
        _require_for_us(request, provider.app, answer)
        name = provider.extract_uid(answer)
    except BROKEN as wrong:
        raise NoAnswer("broken") from wrong
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise NoAnswer("no_name")
    return answer


def _require_for_us(request: HttpRequest, app: SocialApp, answer: OneLogin_Saml2_Response) -> None:
    """Every fact that makes an assertion one for us has to be there, and whole. Raises NoAnswer."""
    us, here = _ours(request, "saml_metadata", app.client_id), _ours(request, "saml_acs", app.client_id)
    if answer.get_issuers() != [app.settings["idp"]["entity_id"]]:
        raise NoAnswer("issuer")
    if answer.document.get("Destination", here) != here:
        raise NoAnswer("destination")
    restrictions = answer._query_assertion("/saml:Conditions/saml:AudienceRestriction")
    if not restrictions or not all(us in _texts(one, "saml:Audience") for one in restrictions):
        raise NoAnswer("audience")
    confirmed = answer._query_assertion("/saml:Subject/saml:SubjectConfirmation")
    if not any(_confirms(one, here, answer.get_in_response_to()) for one in confirmed):
        raise NoAnswer("confirmation")


def _confirms(one: Any, here: str, question: str | None) -> bool:
    """Whether who bears the assertion may bring it here, now, for this question."""
    data = one.find("saml:SubjectConfirmationData", namespaces=Names.NSMAP)
    if one.get("Method") != Names.CM_BEARER or data is None or not question:
        return False
    end = data.get("NotOnOrAfter")
    in_time = bool(end) and OneLogin_Saml2_Utils.parse_SAML_to_time(end) > OneLogin_Saml2_Utils.now()
    return in_time and (data.get("Recipient"), data.get("InResponseTo")) == (here, question)


def _texts(one: Any, path: str) -> list[str]:
    return [(found.text or "").strip() for found in one.findall(path, namespaces=Names.NSMAP)]


def _asked(request: HttpRequest, provider: SAMLProvider, answer: OneLogin_Saml2_Response) -> dict[str, Any]:
    """What this browser wanted when it asked; question and assertion count once. Raises NoAnswer."""
    try:
        state: dict[str, Any] = provider.unstash_redirect_state(request, answer.get_in_response_to())
    except PermissionDenied as unknown:
        raise NoAnswer("not_asked") from unknown
    said = hashlib.sha256(answer.get_assertion_id().encode()).hexdigest()
    if not cache.add(f"saml:{provider.app.client_id}:{said}", 1, SECONDS_KNOWN):
        raise NoAnswer("said_before")
    return state
