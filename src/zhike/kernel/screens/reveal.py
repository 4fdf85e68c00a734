"""看全号: one covered value in full, by a button beside it."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from ..actor import Actor
from ..addresses import url_of
from ..errors import Refused
from ..models import Record
from ..registry import objects
from ..revealing import is_covered, may_reveal, reveal
from ..seen import seen
from .web import actor_in, record_of, screen, spec_of


def reveal_url(record: Record, name: str, by: Actor) -> str:
    """The address that shows a value in full; empty for who may not, or where there is none."""
    return f"{url_of(record)}reveal/{name}" if may_reveal(seen(objects.of(type(record)), by), record, name, by) else ""


@require_POST
@screen
def show_whole(request: HttpRequest, slug: str, pk: uuid.UUID, name: str) -> HttpResponse:
    """The value, and for a phone a link that dials it."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    record = record_of(spec, pk, actor, "reveal")
    if not is_covered(spec, name):
        raise Refused("not_permitted", verb="reveal", label=spec.label)
    value = reveal(record, name, by=actor)
    response = render(request, "kernel/revealed.html", {"value": value, "is_phone": value.lstrip("+").isdigit()})
    response["Cache-Control"] = "no-store"
    return response
