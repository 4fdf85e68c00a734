"""Pages for what went wrong: what it is, why, and the next step."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    del exception
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
    """500, with a number to quote; the log line carries the same number through the request."""
    return render(request, "kernel/error.html", {"code": "500", "reference": uuid.uuid4().hex[:8]}, status=500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that waited too long, or a request from elsewhere."""
    del reason
    return render(request, "kernel/error.html", {"code": "csrf"}, status=403)
