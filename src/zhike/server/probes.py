"""What machines ask: is it alive, is it ready, and its figures. Answered before a company is chosen."""

from __future__ import annotations

import hmac
import ipaddress
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from django.http import HttpRequest, HttpResponse, JsonResponse

from zhike.server import digests, measures
from zhike.server.control import Company, list_companies
from zhike.server.processes import ServerError

Answer = Callable[[HttpRequest], HttpResponse]
SECONDS_OF_SILENCE = 60
_SECONDS_KEPT = 2.0
_READY = """
SELECT shobj_description(d.oid, 'pg_database'),
    (SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers)
FROM pg_database d WHERE d.datname = current_database()
"""


@dataclass(slots=True)
class _Kept:
    """The last answer, so that many who ask cost no more than one."""

    answer: dict[str, str] = field(default_factory=dict)
    until: float = 0.0


_kept = _Kept()


class ProbeMiddleware:
    """Answers /health, /health/ready and /metrics; everything else goes on."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = _PROBES.get(request.path.rstrip("/"))
        if probe is None or request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        response = probe(request)
        response["Cache-Control"] = "no-store"
        return response


def alive(request: HttpRequest) -> HttpResponse:
    """This process answers; the database is not asked, so that its restart does not restart us."""
    del request
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> HttpResponse:
    """Whether people can be sent here: database, migrations, worker. Names no company: everybody may ask."""
    del request
    if time.monotonic() >= _kept.until:
        _kept.answer, _kept.until = readiness(), time.monotonic() + _SECONDS_KEPT
    is_ready = set(_kept.answer.values()) == {"ok"}
    return JsonResponse({"status": "ok" if is_ready else "not_ready", "checks": _kept.answer}, status=200 if is_ready else 503)


def readiness() -> dict[str, str]:
    """Each check with `ok` or what is wrong: unreachable, none, closed, outdated, silent."""
    try:
        companies = list_companies()
    except ServerError:
        return {"database": "unreachable"}
    if not companies:
        return {"database": "ok", "companies": "none"}
    found = {"database": "ok", "companies": "ok", "migrations": "ok", "worker": "ok"}
    digest = digests.migrations()
    for company in companies:
        found |= _of_company(company, digest)
    return found


def _of_company(company: Company, digest: str) -> dict[str, str]:
    """Only what is wrong with one company."""
    if not company.is_open:
        return {"companies": "closed"}
    try:
        with psycopg.connect(company.conninfo(), autocommit=True, connect_timeout=3) as connection:
            row = connection.execute(_READY).fetchone()
    except psycopg.errors.UndefinedTable:
        return {"migrations": "outdated"}
    except psycopg.Error:
        return {"database": "unreachable"}
    mark, silence = row or (None, None)
    wrong = {} if mark == f"zhike schema {digest}" else {"migrations": "outdated"}
    return wrong if silence is not None and silence < SECONDS_OF_SILENCE else {**wrong, "worker": "silent"}


def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: with the token ZHIKE_METRICS_TOKEN, or without one from this machine only."""
    if not may_measure(request):
        return HttpResponse(status=403)
    return HttpResponse(measures.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_measure(request: HttpRequest) -> bool:
    """Whether this request may read the figures; one that came through a proxy is not from this machine."""
    token = os.environ.get("ZHIKE_METRICS_TOKEN", "")
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


_PROBES: dict[str, Answer] = {"/health": alive, "/health/ready": ready, "/metrics": metrics}
