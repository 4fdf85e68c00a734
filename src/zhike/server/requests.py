"""Around every request: its number, one log line, its figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connections
from django.http import HttpRequest, HttpResponse

from zhike.kernel.tracing import new_id, traced
from zhike.server import measures

Answer = Callable[[HttpRequest], HttpResponse]
QUIET = ("/static/", "/health", "/metrics")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
log = structlog.get_logger("zhike.request")


@dataclass(slots=True)
class Counted:
    """Counts the queries that pass."""

    queries: int = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += 1
        return execute(sql, params, many, context)


class RequestMiddleware:
    """Outermost: gives the request its number, says how it ended, and hands the number back as X-Request-ID."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began, counted = time.perf_counter(), Counted()
        with traced(new_id(request.headers.get("X-Request-ID", ""))) as number, ExitStack() as stack:
            for alias in connections:
                stack.enter_context(connections[alias].execute_wrapper(counted))
            response = self.get_response(request)
            response["X-Request-ID"] = number
            if not request.path.startswith(QUIET):
                _tell(request, response, time.perf_counter() - began, counted.queries)
        return response


def _tell(request: HttpRequest, response: HttpResponse, seconds: float, queries: int) -> None:
    """Route instead of path and no parameters: both may hold what somebody typed."""
    route = request.resolver_match.route if request.resolver_match else measures.NO_ROUTE
    method = request.method if request.method in METHODS else "other"
    measures.requests.labels(method, route, response.status_code).inc()
    measures.request_seconds.labels(route).observe(seconds)
    measures.request_queries.labels(route).observe(queries)
    measures.look_at_pools()
    company, actor = getattr(request, "company", None), getattr(request, "actor", None)
    log.info(
        "answered",
        method=method,
        route=route or "/",
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        queries=queries,
        company=company.slug if company else None,
        actor=actor.user_id if actor else None,
    )
