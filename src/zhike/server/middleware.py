"""Which company a request is for, and who acts in it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils import translation

from zhike.org.queries import actor_of
from zhike.server.companies import company_for_host, is_own_host, plain_host, use_company
from zhike.server.errors import is_database_lost, unavailable
from zhike.server.processes import ServerError

Answer = Callable[[HttpRequest], HttpResponse]
OPEN_PATHS = ("/login/", "/static/", "/i18n/")


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


class ActorMiddleware:
    """Put the actor on the request; everything but log-in needs one."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(OPEN_PATHS):
            return self.get_response(request)
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request"):
                return HttpResponse(status=401, headers={"HX-Redirect": f"/login/?next={request.headers.get('HX-Current-URL', '/')}"})
            return redirect_to_login(request.get_full_path())
        request.actor = actor_of(request.user)  # type: ignore[attr-defined]
        language = request.COOKIES.get("django_language") or request.user.language
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language() or language
        response = self.get_response(request)
        translation.deactivate()
        return response
