"""A list in groups: headings with counts and sums, the first rows of each, more groups, and a group opened."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString

from ..errors import Refused
from ..lists.grouped import ROWS, Group, groups, total
from ..lists.groups import Grouped, Grouping, Value, group_of
from ..lists.pages import Listing, Size, rows
from ..models import Record
from ..savedviews.asking import Asked
from ..spec import Column, ObjectSpec
from ..templatetags.zhike_ui import money, wan
from ..text.spans import whole
from .asked import columns_of, listing_of, part_asked
from .group_words import grouping_words, values_in_words
from .rows import draw_rows, reader_for, size_words
from .web import actor_in, screen, spec_of, with_params

NOTHING = "none"  # the group of those without a value, in an address
PATIENCE_MS = 400  # for the count and sums of one group
PATIENCE = 2.0  # seconds for those of a page of groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A group on the page. Without `size` its count follows; a pending one is asked for by itself at `rows_url`."""

    value: str
    label: str
    url: str
    rows_url: str
    size: str
    sums: list[tuple[object, str, str]]
    rows: list[SafeString]
    is_pending: bool
    has_more: bool


def grouped_context(request: HttpRequest, one: Asked, wanted: Listing, columns: Sequence[Column]) -> dict[str, Any]:
    """What the list shows in groups, from place `group_at` on; Refused("unknown_group")."""
    grouped = _grouped(one, wanted)
    at = request.GET.get("group_at", "")
    page = groups(grouped, int(at) if at.isdigit() else 0)
    records = _records(wanted, columns, [pk for group in page.groups for pk in group.ids])
    reader = reader_for(request, list(records.values()), columns, one.spec)
    suffix = with_params({"view": one.view.key}) if one.view.is_saved else ""
    named = values_in_words(wanted.actor, grouped.grouping, [group.value for group in page.groups])
    drawn = [
        _drawn(one, grouped, group, name, draw_rows([records[pk] for pk in group.ids if pk in records], columns, one.spec, reader, suffix))
        for group, name in zip(page.groups, named, strict=True)
    ]
    unsized = [group.value for group in drawn if not group.size and not group.is_pending]
    exact = page.is_exact and not page.next and not at
    size = Size(count=sum(group.count or 0 for group in page.groups), is_exact=exact)
    return {
        "groups": drawn,
        "rows": bool(drawn),
        "group_label": grouping_words(grouped.grouping),
        "more_groups_url": f"/{one.spec.slug}/groups{with_params(one.params | {'group_at': str(page.next)})}" if page.next else "",
        "totals_url": f"/{one.spec.slug}/groups/totals{with_params(one.params | {'values': ','.join(unsized)})}" if unsized else "",
        "size_words": size_words(one.spec, size) if exact else "…",
        "size_is_exact": exact,
        "is_filtered": wanted.is_filtered,
        "sort_key": grouped.listing.key,
        "colspan": len(columns) + 1,
    }


def _grouped(one: Asked, wanted: Listing) -> Grouped:
    grouping = group_of(one.spec, one.grouping)
    if grouping is None:
        raise Refused("unknown_group", name=one.grouping)
    return Grouped(wanted=wanted, grouping=grouping, sums=one.spec.sums)


def _records(wanted: Listing, columns: Sequence[Column], ids: Sequence[Any]) -> dict[Any, Record]:
    joins = sorted({path for column in columns for path in column.join})
    kept = wanted.spec.model.objects.filter(pk__in=ids).veiled(wanted.actor)
    return {record.pk: record for record in (kept.select_related(*joins) if joins else kept)}


def _drawn(one: Asked, grouped: Grouped, group: Group, name: str, drawn: list[SafeString]) -> Drawn:
    spec, value = one.spec, text_of(group.value)
    opened = one.address(filters=grouped.grouping.filters(group.value, one.filters), grouping="", sort=grouped.listing.sort)
    return Drawn(
        value=value,
        label=name,
        url=f"/{spec.slug}/{with_params(opened)}",
        rows_url=f"/{spec.slug}/groups/rows{with_params(one.params | {'values': value})}",
        size=size_words(spec, Size(count=group.count, is_exact=True)) if group.count is not None else "",
        sums=_sums(spec, group.sums),
        rows=drawn,
        is_pending=group.is_pending,
        has_more=len(group.ids) >= ROWS if group.count is None else group.count > ROWS,
    )


def _sums(spec: ObjectSpec, sums: Iterable[Decimal]) -> list[tuple[object, str, str]]:
    """Sums as (what, in short, in full)."""
    return [(spec.field(name).label, wan(value or 0), money(value or 0)) for name, value in zip(spec.sums, sums, strict=False)]


def text_of(value: Value) -> str:
    """A group as it stands in an address."""
    return NOTHING if value is None else str(value)


def value_of(grouping: Grouping, text: str) -> Value:
    """The group that an address names; Refused("filter_value")."""
    if text == NOTHING:
        return None
    try:
        if grouping.part:
            return whole(grouping.part, dt.date.fromisoformat(text))[0]
        return int(text) if grouping.filter.kind in ("person", "number") else text
    except ValueError as wrong:
        raise Refused("filter_value", name=grouping.filter.name, value=text) from wrong


@screen
def more(request: HttpRequest, slug: str) -> HttpResponse:
    """The groups that follow."""
    one = _part(request, slug)
    columns, _chosen = columns_of(request, one)
    context = grouped_context(request, one, listing_of(request, one), columns)
    return render(request, "kernel/list_groups.html", context | {"spec": one.spec})


@screen
def group_rows(request: HttpRequest, slug: str) -> HttpResponse:
    """One group by itself, or nothing when it is empty."""
    one = _part(request, slug)
    wanted = listing_of(request, one)
    grouped = _grouped(one, wanted)
    value = value_of(grouped.grouping, request.GET.get("values", ""))
    columns, _chosen = columns_of(request, one)
    found = rows(grouped.of(value), columns=columns, size=ROWS).records
    if not found:
        return HttpResponse("")
    reader = reader_for(request, found, columns, one.spec)
    suffix = with_params({"view": one.view.key}) if one.view.is_saved else ""
    sized = total(grouped, value, PATIENCE_MS)
    group = Group(
        value=value,
        ids=tuple(record.pk for record in found),
        count=sized.count if sized and sized.is_exact else None,
        sums=sized.sums if sized else (),
    )
    [name] = values_in_words(wanted.actor, grouped.grouping, [value])
    drawn = _drawn(one, grouped, group, name, draw_rows(found, columns, one.spec, reader, suffix))
    return render(request, "kernel/list_group.html", {"group": drawn, "spec": one.spec, "colspan": len(columns) + 1})


@screen
def totals(request: HttpRequest, slug: str) -> HttpResponse:
    """Counts and sums of the groups named, as far as there is time; asked after the page."""
    one = _part(request, slug)
    grouped = _grouped(one, listing_of(request, one))
    until, found = time.monotonic() + PATIENCE, []
    for text in request.GET.get("values", "").split(",")[:50]:
        if time.monotonic() > until:
            break
        sized = total(grouped, value_of(grouped.grouping, text), PATIENCE_MS)
        if sized is not None:
            found.append((text, size_words(one.spec, Size(count=sized.count, is_exact=sized.is_exact)), _sums(one.spec, sized.sums)))
    return render(request, "kernel/list_totals.html", {"found": found})


def _part(request: HttpRequest, slug: str) -> Asked:
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    return part_asked(request, spec, "values")
