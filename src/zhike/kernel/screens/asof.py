"""A record or a list as it was at a past moment: read-only, with a bar that says so."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ..actor import Actor
from ..errors import Refused
from ..models import Record, rules_over
from ..past.deleted import is_within, readable
from ..past.lists import rows_at
from ..past.states import as_row, state_at
from ..spec import ObjectSpec
from ..veil import lay_veil, veil_of
from .asked import columns_of, listing_of, part_asked
from .cells import show
from .edit import label_of
from .list import chips_of
from .past_words import moment_in
from .rows import draw_rows, label_in, reader_for
from .web import actor_in, is_fragment, screen, spec_of, with_params


def moment_of(request: HttpRequest) -> dt.datetime:
    """The moment that is asked for, `now` for this one. Raises Refused("as_of_moment") for nonsense and for the future."""
    text = request.GET.get("at", "")
    found = timezone.now() if text == "now" else moment_in(text)
    if found is None or found > timezone.now() + dt.timedelta(minutes=1):
        raise Refused("as_of_moment", value=text[:40])
    return found


@screen
@require_GET
def record(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """A record as it was: deleted ones too; "gone" when it was not there yet."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    moment = moment_of(request)
    readable(spec, pk, actor)
    found = _record_at(spec, pk, moment, actor)
    reader = reader_for(request, [found], [column for column in spec.columns if column.cell in ("person", "team")], spec)
    untracked = set(spec.model.untracked)
    groups = [
        (panel.title, [(label_of(spec, name), show(found, name, spec, reader)) for name in panel.fields if name not in untracked])
        for panel in spec.panels
    ]
    context = {
        "spec": spec,
        "title": str(found) or _("未命名"),
        "url": f"/{slug}/{pk}/",
        "groups": [(title, facts) for title, facts in groups if facts],
        "moment": moment,
        "left_out": "、".join(str(label_of(spec, name)) for panel in spec.panels for name in panel.fields if name in untracked),
    }
    return render(request, "kernel/past/record_at.html", context)


def _record_at(spec: ObjectSpec, pk: uuid.UUID, moment: dt.datetime, actor: Actor) -> Record:
    state = state_at(spec.model, pk, moment)
    if state is None:
        raise Refused("as_of_not_there", label=spec.label)
    if pk not in is_within(spec.model, {pk: state}, actor):
        raise Refused("not_permitted", verb="view", label=spec.label)
    found: Record = as_row(spec.model, state)
    return _veiled(found, actor)


def _veiled(found: Record, actor: Actor) -> Record:
    veil = veil_of(rules_over(type(found), actor))
    if veil:
        lay_veil(found, veil)
    return found


@screen
@require_GET
def listed(request: HttpRequest, slug: str) -> HttpResponse:
    """A list as it was, with the filters and order of its address; further rows follow as a fragment."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    spec.policy.require_any(actor, "view")
    moment = moment_of(request)
    one = part_asked(request, spec, "at")
    wanted = listing_of(request, one)
    page = rows_at(wanted, moment, after=request.GET.get("after", ""))
    columns = [column for column in columns_of(request, one)[0] if column.path.partition("__")[0] not in spec.model.untracked]
    records = [_veiled(found, actor) for found in page.records]
    joins = sorted({path for column in columns for path in column.join})
    if joins and records:
        prefetch_related_objects(records, *joins)
    reader = reader_for(request, records, columns, spec)
    params = one.params | {"at": moment.isoformat()}
    context: dict[str, Any] = {
        "spec": spec,
        "rows": draw_rows(records, columns, spec, reader, ""),
        "heads": [label_in(spec, column.path) for column in columns],
        "chips": chips_of(one, wanted),
        "moment": moment,
        "now_url": f"/{slug}/{with_params(one.params)}",
        "params": one.params,
        "more_url": f"/{slug}/as-of{with_params(params | {'after': page.next})}" if page.next else "",
        "colspan": len(columns) + 1,
    }
    more = is_fragment(request) and bool(request.GET.get("after"))
    return render(request, "kernel/list_rows.html" if more else "kernel/past/list_at.html", context)
