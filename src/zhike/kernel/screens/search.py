"""Search as you type, for the palette and the search page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..addresses import url_of
from ..search.finding import Hits, find
from .web import actor_in, screen


@screen
def suggest(request: HttpRequest) -> HttpResponse:
    """Groups of hits for the palette."""
    groups = [_group(hits) for hits in find(actor_in(request), request.GET.get("q", ""))]
    return render(request, "kernel/suggest.html", {"groups": groups})


@screen
def results(request: HttpRequest) -> HttpResponse:
    """The search page: more hits of each type."""
    text = request.GET.get("q", "")
    groups = [_group(hits) for hits in find(actor_in(request), text, size=50)]
    return render(request, "kernel/search.html", {"groups": groups, "q": text})


def components(request: HttpRequest) -> HttpResponse:
    """The live component sheet: what screens are built from."""
    return render(request, "kernel/components.html")


def _group(hits: Hits) -> dict[str, object]:
    note = hits.spec.search.note if hits.spec.search else None
    return {
        "spec": hits.spec,
        "has_more": hits.has_more,
        "hits": [(str(record), url_of(record), note(record) if note else "") for record in hits.records],
    }
