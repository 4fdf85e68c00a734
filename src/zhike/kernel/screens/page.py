"""A record's own page and its peek: facts edited where they are read, panels of all domains, one timeline."""

from __future__ import annotations

import datetime as dt
import heapq
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ..actor import Actor
from ..addresses import url_of
from ..errors import Refused
from ..models import Record
from ..registry import objects
from ..revealing import requires_look
from ..savedviews.layouts import laid_for
from ..sharing import shares_of_record
from ..spec import ObjectSpec, SidePanel, TimelineEntry
from .cells import show
from .edit import label_of, reader_of
from .files import attachments_of
from .web import actor_in, record_of, screen, spec_of

ENTRIES = 20


@screen
def page(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """The record's page; `?parts=` answers the parts that change with its facts."""
    spec = laid_for(spec_of(slug, actor_in(request)), actor_in(request))
    record = record_of(spec, pk, actor_in(request))
    context = _context(request, spec, record) | {
        "side": _panels(request, spec, record, "side"),
        "under_facts": _panels(request, spec, record, "facts"),
        "main": _panels(request, spec, record, "main"),
        "attachments": attachments_of(record),
        "shares": [] if spec.policy.shared else shares_of_record(record),
    }
    parts = request.GET.get("parts", "")
    if parts:
        return render(request, "kernel/record_parts.html", context | {"parts": parts, "has_timeline": bool(objects.sources(spec.label))})
    if objects.sources(spec.label):
        context |= _timeline_context(actor_in(request), spec, record, "", "")
    return render(request, "kernel/page.html", context)


@screen
def peek(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """The record over its list."""
    spec = laid_for(spec_of(slug, actor_in(request)), actor_in(request))
    record = record_of(spec, pk, actor_in(request))
    context = _context(request, spec, record) | {"side": _panels(request, spec, record, "side")}
    first, rest = context["groups"][:1], context["groups"][1:]
    known = [(panel, [fact for fact in facts if fact["shown"]]) for panel, facts in rest]
    context["groups"] = [*first, *((panel, facts) for panel, facts in known if facts)]
    if objects.sources(spec.label):
        context["recent"] = timeline(actor_in(request), spec, record, limit=4)[0]
    return render(request, "kernel/peek.html", context)


def _context(request: HttpRequest, spec: ObjectSpec, record: Record) -> dict[str, Any]:
    reader = reader_of(request, record, spec)
    actor = actor_in(request)
    may_change = spec.policy.allows(actor, "change", record)
    editable = set(spec.editable()) if may_change else set()
    covered = {name for panel in spec.panels for name in panel.fields if requires_look(spec, record, name)}
    may_look = bool(covered) and spec.policy.allows(actor, "reveal", record)
    editable -= set() if may_look else covered
    looks = covered if may_look else set()
    groups = [
        (panel, [_fact(spec, record, name, reader, is_editable=name in editable, may_look=name in looks) for name in panel.fields])
        for panel in spec.panels
    ]
    return {
        "spec": spec,
        "record": record,
        "title": str(record) or _("未命名"),
        "url": url_of(record),
        "badges": spec.badges(record) if spec.badges else [],
        "facts": [fact for fact in (spec.facts(record) if spec.facts else []) if fact],
        "groups": groups,
        "head": _panels(request, spec, record, "head"),
        "may_change": may_change,
        "may_share": spec.policy.allows(actor, "share", record),
        "may_delete": spec.policy.allows(actor, "delete", record),
        "owner_name": reader.people.get(record.owner_id or 0, ""),
    }


def _fact(spec: ObjectSpec, record: Record, name: str, reader: Any, *, is_editable: bool, may_look: bool) -> dict[str, Any]:
    return {
        "name": name,
        "label": label_of(spec, name),
        "shown": show(record, name, spec, reader),
        "is_editable": is_editable,
        "url": f"/{spec.slug}/{record.pk}/edit/{name}",
        "reveal_url": f"/{spec.slug}/{record.pk}/reveal/{name}" if may_look else "",
    }


def _panels(request: HttpRequest, spec: ObjectSpec, record: Record, place: str) -> list[SafeString]:
    return [html for panel in panels_for(spec, actor_in(request)) if panel.place == place and (html := _drawn(request, panel, record))]


def panels_for(spec: ObjectSpec, actor: Actor) -> list[SidePanel]:
    """The panels that tell this reader nothing he may not see."""
    return [panel for panel in objects.panels(spec.label) if actor.sees(*panel.tells)]


def _drawn(request: HttpRequest, panel: SidePanel, record: Record) -> SafeString:
    found = panel.load(actor_in(request), record)
    if found is None:
        return mark_safe("")
    return mark_safe(render_to_string(panel.template, {"record": record, **found}, request=request))


@screen
def panel(request: HttpRequest, slug: str, pk: uuid.UUID, key: str) -> HttpResponse:
    """One panel again, after something in it changed."""
    spec = spec_of(slug, actor_in(request))
    record = record_of(spec, pk, actor_in(request))
    return HttpResponse("".join(_drawn(request, item, record) for item in panels_for(spec, actor_in(request)) if item.key == key))


@screen
def timeline_part(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Older entries, or those of one kind."""
    spec = spec_of(slug, actor_in(request))
    record = record_of(spec, pk, actor_in(request))
    context = _timeline_context(actor_in(request), spec, record, request.GET.get("kind", ""), request.GET.get("before", ""))
    part = "kernel/timeline_entries.html" if request.GET.get("before") else "kernel/timeline.html"
    return render(request, part, context | {"spec": spec, "record": record, "url": url_of(record)})


def _timeline_context(actor: Actor, spec: ObjectSpec, record: Record, kind: str, before: str) -> dict[str, Any]:
    entries, next_before = timeline(actor, spec, record, kind=kind, before=before)
    return {
        "days": _by_day(entries),
        "kind": kind,
        "kinds": [(source.kind, source.label) for source in objects.sources(spec.label)],
        "next_before": next_before,
        "is_first": not before,
    }


def timeline(
    actor: Actor, spec: ObjectSpec, record: Record, *, kind: str = "", before: str = "", limit: int = ENTRIES
) -> tuple[list[TimelineEntry], str]:
    """Entries of all sources merged, newest first, and the key from which the next ones follow ("" at the end)."""
    moment, _tilde, key = before.partition("~")
    start = _moment(moment) if moment else timezone.now() + dt.timedelta(days=3660)
    sources = [source for source in objects.sources(spec.label) if not kind or source.kind == kind]
    # A source answers by time alone, so entries of the very moment where the last page ended are asked for again.
    streams = [source.entries(actor, record, start, limit + 1 + (20 if key else 0)) for source in sources]
    merged = heapq.merge(*streams, key=lambda entry: (entry.at, entry.key), reverse=True)
    found = [entry for entry in merged if not key or (entry.at, entry.key) < (start, key)][: limit + 1]
    more = found[limit - 1] if len(found) > limit else None
    return found[:limit], f"{more.at.isoformat()}~{more.key}" if more else ""


def _moment(text: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Refused("filter_value", name="before", value=text[:40]) from wrong
    return at if at.tzinfo else timezone.make_aware(at)


def _by_day(entries: list[TimelineEntry]) -> list[tuple[str, list[TimelineEntry]]]:
    """Entries under 今天, 昨天, 11月, 2025年3月."""
    today = timezone.localdate()
    groups: dict[str, list[TimelineEntry]] = {}
    for entry in entries:
        groups.setdefault(_heading(timezone.localtime(entry.at).date(), today), []).append(entry)
    return list(groups.items())


def _heading(day: dt.date, today: dt.date) -> str:
    if day >= today:
        return _("今天") if day == today else _("以后")
    if day == today - dt.timedelta(days=1):
        return _("昨天")
    if day.year == today.year:
        return _("%(month)s月") % {"month": day.month}
    return _("%(year)s年%(month)s月") % {"year": day.year, "month": day.month}
