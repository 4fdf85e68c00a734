"""Pages for what went wrong: what it is, why, and the next step."""

from __future__ import annotations

import sys

import psycopg
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from psycopg_pool import PoolTimeout

from zhike.kernel.errors import is_disk_full
from zhike.kernel.screens.web import is_fragment, toast
from zhike.kernel.tracing import request_id
from zhike.server.processes import ServerError

SECONDS_TO_WAIT = 5
# A database that restarts, is out of connections, or is gone; not a statement that took too long (57014).
LOST = ("08", "53", "57P")
LOST_KINDS = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

SHORT = {
    "database": _("数据库暂时连不上，过几秒再试"),
    "updating": _("正在更新，过几分钟再试"),
    "update_failed": _("更新没有完成，请找管理员"),
    "disk_full": _("服务器的磁盘满了，这次没有保存"),
    "too_large": _("内容太大，这次没有收下；把文件分成几份再传"),
    "no_company": _("这里还没有公司"),
    "500": _("这里出了错，过一会儿再试"),
}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400, or 413 for more than a request may carry."""
    if isinstance(exception, RequestDataTooBig):
        return unavailable(request, "too_large", status=413)
    return render(request, "kernel/error.html", {"code": "404"}, status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    del exception
    return render(request, "kernel/error.html", {"code": "403"}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    del exception
    return render(request, "kernel/error.html", {"code": "404"}, status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database is away or the disk is full; with the number that the log lines of this request carry."""
    error = sys.exception()
    if is_disk_full(error):
        return unavailable(request, "disk_full")
    if is_database_lost(error):
        return unavailable(request, "database")
    return render(request, "kernel/error.html", {"code": "500", "reference": request_id()}, status=500)


def too_many(request: HttpRequest) -> HttpResponse:
    """429: too many tries in a short time."""
    return render(request, "kernel/error.html", {"code": "429"}, status=429)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that waited too long, or a request from elsewhere."""
    del reason
    return render(request, "kernel/error.html", {"code": "csrf"}, status=403)


def unavailable(request: HttpRequest, code: str, status: int = 503) -> HttpResponse:
    """What went wrong in the reader's language, by default what passes by itself or waits for an administrator; asks nothing of the database."""
    language = translation.get_language_from_request(request)
    with translation.override(language):
        if wants_json(request):
            response: HttpResponse = JsonResponse({"status": status, "code": code, "reference": request_id()}, status=status)
        elif is_fragment(request):
            response = toast(HttpResponse(status=status), str(SHORT.get(code, SHORT["500"])), tone="bad")
        else:
            found = {"code": code, "reference": request_id(), "login_url": "/login/"}
            response = render(request, "kernel/error.html", found, status=status)
    if code in ("database", "updating"):
        response["Retry-After"] = str(SECONDS_TO_WAIT)
    return response


def wants_json(request: HttpRequest) -> bool:
    """True for programs that ask: they get the facts and no page."""
    return request.path.startswith("/api/") or request.accepts("text/html") is False


def is_database_lost(error: BaseException | None) -> bool:
    """Whether the cause of an error is that the database could not be reached or broke the connection off."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, PoolTimeout) or (isinstance(error, ServerError) and error.code == "database_unreachable"):
            return True
        if isinstance(error, LOST_KINDS):
            state = str(getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None) or "")
            return not state or state.startswith(LOST)
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False
