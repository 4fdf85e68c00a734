"""Which company a request is for, and who acts in it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from zhike.org.queries import actor_of
from zhike.server.companies import company_for_host, use_company

Answer = Callable[[HttpRequest], HttpResponse]
OPEN_PATHS = ("/login/", "/static/", "/i18n/", "/health", "/api/v1/")


class CompanyMiddleware:
    """Bind the request to the database of the company that its host names."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        company = company_for_host(request.get_host())
        request.company = company  # type: ignore[attr-defined]
        if company is None:
            return no_company(request)
        with use_company(company):
            return self.get_response(request)


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


def no_company(request: HttpRequest) -> HttpResponse:
    """No company yet: say how to make one."""
    return render(request, "kernel/error.html", {"code": "no_company"}, status=503)
