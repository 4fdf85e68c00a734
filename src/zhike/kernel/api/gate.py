"""The gate of the interface: who calls, how often, in which language; every failure leaves as a problem."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt

from ..errors import Refused
from ..links.tokens import Caller, caller_of
from ..tracing import request_id
from . import limits
from .idempotency import once
from .problems import problem

log = logging.getLogger("zhike.api")
BEARER = re.compile(r"Bearer +(zk_[A-Za-z0-9_-]{20,80})", re.IGNORECASE)
SECONDS_TO_WAIT = 5  # while the database is away
TOO_SLOW = "57014"
Endpoint = Callable[..., HttpResponseBase]


def endpoint(*, without: Callable[..., str] | None = None, **by_method: Endpoint) -> Callable[..., HttpResponseBase]:
    """One address: a function for each method (`GET=…, PATCH=…`), each called with the request, the caller and the address' parts.

    `without` names a method that this very address does not have, from its parts; "" for none.
    """

    @csrf_exempt  # a bearer token is not sent by a browser on its own; session cookies open nothing here
    def view(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        with translation.override(_language(request) or settings.LANGUAGE_CODE):
            if request.method == "OPTIONS" and "Origin" in request.headers:
                response: HttpResponseBase = HttpResponse(status=204)
                response["Access-Control-Allow-Methods"] = ", ".join(by_method)
                response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-Match, Idempotency-Key, Accept-Language"
            else:
                missing = without(**parts) if without else ""
                response = _guarded(request, {name: run for name, run in by_method.items() if name != missing}, parts)
        return _finished(request, response)

    return view


def _guarded(request: HttpRequest, by_method: Mapping[str, Endpoint], parts: Mapping[str, Any]) -> HttpResponseBase:
    try:
        return _let_in(request, by_method, parts)
    except Refused as refusal:
        return problem(refusal)
    except RequestDataTooBig:
        return problem(Refused("too_large", limit="2 MB"))
    except (SuspiciousOperation, UnreadablePostError):
        return problem(Refused("bad_form"))
    except (OperationalError, InterfaceError) as lost:
        if getattr(lost.__cause__, "sqlstate", "") == TOO_SLOW:
            return problem(Refused("list_too_slow"))
        log.exception("api_unavailable", extra={"request_id": request_id()})
        return problem(Refused("unavailable", seconds=SECONDS_TO_WAIT))
    except DataError:
        return problem(Refused("parameter_value", name="?", value="?"))
    except Exception:
        log.exception("api_failed", extra={"request_id": request_id()})
        return problem(Refused("failed"))


def _let_in(request: HttpRequest, by_method: Mapping[str, Endpoint], parts: Mapping[str, Any]) -> HttpResponseBase:
    text = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if text is None:
        raise Refused("token_missing" if "Authorization" not in request.headers else "token_invalid")
    found = limits.find(text[1])
    if found is None:
        raise Refused("token_invalid")
    token, budget = found
    if budget.is_spent:
        response: HttpResponseBase = problem(Refused("too_many_requests", limit=budget.limit, seconds=budget.seconds))
    else:
        caller = caller_of(token, request.META.get("REMOTE_ADDR", ""))
        if caller is None:
            raise Refused("token_invalid")
        with translation.override(_language(request) or caller.language or settings.LANGUAGE_CODE):
            response = _answered(request, caller, by_method, parts)
    budget.put_on(response)
    return response


def _answered(request: HttpRequest, caller: Caller, by_method: Mapping[str, Endpoint], parts: Mapping[str, Any]) -> HttpResponseBase:
    """Run the method; refusals are answers as well, so that a repeated key repeats them."""
    run = by_method.get("GET" if request.method == "HEAD" else request.method or "")
    if run is None:
        return problem(Refused("method_not_allowed", allowed=", ".join(by_method)))
    try:
        if request.method == "POST":
            return once(request, caller.token, partial(_told, request, caller, run, parts))
        return _told(request, caller, run, parts)
    except Refused as refusal:
        return problem(refusal)


def _told(request: HttpRequest, caller: Caller, run: Endpoint, parts: Mapping[str, Any]) -> HttpResponse:
    try:
        return cast("HttpResponse", run(request, caller, **parts))
    except Refused as refusal:
        return problem(refusal)


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.method == "HEAD" and isinstance(response, HttpResponse):
        response["Content-Length"] = str(len(response.content))
        response.content = b""
    response["X-Request-ID"] = request_id()
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Authorization", "Accept-Language", "Origin"])
    origin = request.headers.get("Origin", "")
    if origin and origin in settings.ZHIKE_API_ORIGINS:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = (
            "ETag, Location, Link, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-ID"
        )
    return response


def _language(request: HttpRequest) -> str:
    """The first language of the header that we speak; empty for none."""
    for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if code != "*":
            try:
                return translation.get_supported_language_variant(code)
            except LookupError:
                continue
    return ""


def nowhere(request: HttpRequest, caller: Caller, **parts: Any) -> NoReturn:
    """An address that does not exist."""
    del request, caller, parts
    raise Refused("no_such_address")
