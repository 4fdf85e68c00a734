"""Which company a request is for, and who acts in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import quote

import psycopg
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.shortcuts import redirect
from django.utils import translation

from zhike.kernel.actor import Actor
from zhike.org.entry.account_screens import note_seen
from zhike.org.entry.policy import needs_factor
from zhike.org.models import User
from zhike.org.queries import actor_of
from zhike.server.companies import company_for_host, is_own_host, plain_host, use_company
from zhike.server.errors import bad_request, is_database_lost, unavailable
from zhike.server.processes import ServerError

Answer = Callable[[HttpRequest], HttpResponse]
FACTOR = "/account/security/"
# Only what setting up takes: a token made before would outlive the second factor that was asked for.
WITHOUT_FACTOR = (
    *tuple(f"/account/{part}/" for part in ("security", "again", "totp", "codes", "passkeys", "factors", "password")),
    "/logout/",
)
OPEN_PATHS = ("/login/", "/static/", "/i18n/", "/api/v1/")


class CompanyMiddleware:
    """Bind the request to the database of the company that its host names; a company that is not open says why."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host()
        try:
            if not is_host_allowed(host):
                raise DisallowedHost(f"Neither ZHIKE_HOSTS nor a company names the host {plain_host(host)[:80]!r}.")
            company = company_for_host(host)
        except (ServerError, psycopg.OperationalError) as error:
            return unavailable(request, "database" if is_database_lost(error) else "500")
        request.company = company  # type: ignore[attr-defined]
        if company is None:
            return unavailable(request, "no_company")
        if not company.is_open:
            return unavailable(request, "updating" if company.state != "failed" else "update_failed")
        with use_company(company):
            return self.get_response(request)


def is_host_allowed(host: str) -> bool:
    """Whether the installation answers to a host: it stands in ZHIKE_HOSTS, or a company has it for its own."""
    told = [*settings.ZHIKE_HOSTS, *(name for name in settings.ALLOWED_HOSTS if name != "*")]
    domain, _port = split_domain_port(host)
    return validate_host(domain, told) or is_own_host(host)


class PrivateMiddleware:
    """What a page shows is for one person: no cache between here and there keeps it, and a browser asks again before it shows it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/static/"):
            response.setdefault("Cache-Control", "private, no-cache")
        if request.path == "/logout/" and request.method == "POST":
            response["Clear-Site-Data"] = '"cache"'  # else the button back shows what was seen before
        return response


class WordsMiddleware:
    """No text of an address or a form holds a NUL: PostgreSQL keeps none, and nobody types one."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = [] if request.path.startswith("/api/v1/") else [request.GET, request.POST]  # programs are told by their own gate
        if "\0" in request.path or any("\0" in text for words in given for name, texts in words.lists() for text in (name, *texts)):
            return bad_request(request)
        return self.get_response(request)


class ActorMiddleware:
    """Put the actor on the request; everything but log-in needs one."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(OPEN_PATHS):
            with translation.override(translation.get_language_from_request(request)):
                request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
                return self.get_response(request)
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request"):
                return sent_to(f"/login/?next={quote(request.headers.get('HX-Current-URL', '/'))}")
            return redirect_to_login(request.get_full_path())
        request.actor = actor = actor_of(request.user)  # type: ignore[attr-defined]
        language = request.COOKIES.get("django_language") or request.user.language
        with translation.override(language):
            request.LANGUAGE_CODE = translation.get_language() or language
            if lacks_factor(request, actor) and not request.path.startswith(WITHOUT_FACTOR):
                return sent_to(FACTOR) if request.headers.get("HX-Request") else redirect(FACTOR)
            note_seen(request)
            return self.get_response(request)


def lacks_factor(request: HttpRequest, actor: Actor) -> bool:
    """Whether a person who has to log in with a second factor is here without one; who comes by another system was asked there."""
    user = cast("User", request.user)
    if not needs_factor(user, actor.role_ids):
        return False
    if any(record.get("method") == "socialaccount" for record in get_authentication_records(request, user)):
        return False
    return not Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def sent_to(url: str) -> HttpResponse:
    """An answer to a fragment that takes the whole page elsewhere."""
    return HttpResponse(status=401, headers={"HX-Redirect": url})
