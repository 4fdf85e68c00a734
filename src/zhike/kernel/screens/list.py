"""The list of an object type: a page of rows, the next rows, the count, filters in words, views as tabs over it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import ngettext

from ..errors import Refused
from ..lists.conditions import Chosen, chips
from ..lists.pages import Listing, rows, size_at_once, size_counted
from ..savedviews.arranged import ALL, Columns
from ..savedviews.asking import Asked
from ..spec import Column
from .asked import asked_in, columns_of, listing_of, part_asked
from .cells import NUMERIC
from .groups import grouped_context
from .names import names_of
from .rows import draw_rows, label_in, label_of_name, reader_for, size_words
from .tabs import tabs_context
from .web import actor_in, is_fragment, record_of, screen, spec_of, with_params

VERBS = ("create", "change", "delete", "export", "import", "transfer")
EXPORT_KINDS = (("csv", "CSV"), ("xlsx", "Excel"), ("parquet", "Parquet"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A column's head: its label, its place and width in pixels (0: as wide as it needs), the address that sorts by it."""

    path: str
    label: object
    css: str
    sort_url: str
    direction: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter in words with the address of the list without it."""

    label: str
    verb: str
    value: str
    name: str
    without_url: str


@screen
def list_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The list; as a fragment only what filters and order change."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    try:
        one = asked_in(request, spec)
    except Refused as refusal:
        if refusal.code == "view_gone" and is_fragment(request):
            return HttpResponse(status=204, headers={"HX-Location": f"/{slug}/?view={ALL}"})  # it was just deleted: show all
        raise
    wanted = listing_of(request, one)
    columns, chosen = columns_of(request, one)
    drawn = grouped_context(request, one, wanted, columns) if one.grouping else _rows_context(request, one, wanted, columns)
    context = (
        drawn
        | _body_context(request, one, columns)
        | {
            "heads": [_head(column, wanted, one, chosen) for column in columns],
            "chips": chips_of(one, wanted),
            "filters": [item for item in spec.filters if item.in_menu],
            "sort_label": next(
                sort.label or label_in(spec, sort.key) for sort in spec.sorts if sort.key == drawn.get("sort_key", wanted.key)
            ),
            **tabs_context(request, one),
        }
    )
    whole = not (is_fragment(request) and request.headers.get("HX-Target") == "list")
    response = render(request, "kernel/list.html" if whole else "kernel/list_body.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])  # going back must not show the bare fragment
    return response


def _body_context(request: HttpRequest, one: Asked, columns: Sequence[Column]) -> dict[str, Any]:
    actor, spec = actor_in(request), one.spec
    return {
        "spec": spec,
        "params": one.params,
        "query": with_params(one.params),
        "address": with_params(one.address()),
        "past_query": with_params(one.params | {"at": "now"}),
        "may": {verb: actor.may(spec.policy.label, verb) for verb in VERBS},
        "colspan": len(columns) + 1,
        "export_kinds": EXPORT_KINDS,
        "left_out": "、".join(str(label_of_name(spec, name)) for name in one.left_out),
    }


@screen
def list_rows(request: HttpRequest, slug: str) -> HttpResponse:
    """The next rows, appended to the table."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    one = part_asked(request, spec)
    columns, _chosen = columns_of(request, one)
    context = _rows_context(request, one, listing_of(request, one), columns)
    return render(request, "kernel/list_rows.html", context | {"spec": spec, "colspan": len(columns) + 1})


@screen
def list_count(request: HttpRequest, slug: str) -> HttpResponse:
    """How many rows match, counted up to the cap."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    wanted = listing_of(request, part_asked(request, spec))
    return HttpResponse(size_words(spec, size_counted(wanted)))


@screen
def list_row(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """One row again, after something in it changed."""
    spec = spec_of(slug, actor_in(request))
    record = record_of(spec, pk, actor_in(request))
    columns, _chosen = columns_of(request, part_asked(request, spec))
    [row] = draw_rows([record], columns, spec, reader_for(request, [record], columns, spec), with_params(_view_alone(request)))
    return render(request, "kernel/list_rows.html", {"rows": [row], "spec": spec})


def _view_alone(request: HttpRequest) -> dict[str, str]:
    view = request.GET.get("view", "")
    return {"view": view} if view and view != "all" else {}


def _rows_context(request: HttpRequest, one: Asked, wanted: Listing, columns: Sequence[Column]) -> dict[str, Any]:
    page = rows(wanted, columns=columns, after=request.GET.get("after", ""))
    size = size_at_once(wanted, len(page.records), bool(page.next))
    reader = reader_for(request, page.records, columns, wanted.spec)
    more = f"/{wanted.spec.slug}/rows{with_params(one.params | {'after': page.next})}" if page.next else ""
    suffix = with_params({"view": one.view.key}) if one.view.is_saved else ""
    return {
        "rows": draw_rows(page.records, columns, wanted.spec, reader, suffix),
        "more_url": more,
        "size_words": size_words(wanted.spec, size),
        "size_is_exact": size.is_exact,
        "size": size,
        "is_filtered": wanted.is_filtered,
    }


def _head(column: Column, wanted: Listing, one: Asked, chosen: Columns) -> Head:
    sortable = column.path in {sort.key for sort in wanted.spec.sorts}
    current = wanted.key == column.path
    down = wanted.sort.startswith("-")
    turned = column.path if current and down else f"-{column.path}"
    return Head(
        path=column.path,
        label=column.label or label_in(wanted.spec, column.path),
        css="num" if column.cell in NUMERIC else "",
        sort_url=f"/{wanted.spec.slug}/{with_params(one.address(sort=turned))}" if sortable else "",
        direction=("descending" if down else "ascending") if current else "",
        width=chosen.widths.get(column.path, 0),
    )


def chips_of(one: Asked, wanted: Listing) -> list[Chip]:
    """The filters in words, with names of people, teams and choices."""
    worded = chips(wanted.chosen, partial(names_of, wanted.actor))
    return [
        Chip(label=chip.label, verb=chip.verb, value=chip.value, name=chosen.filter.name, without_url=_without(one, chosen))
        for chip, chosen in zip(worded, wanted.chosen, strict=True)
    ]


def _without(one: Asked, chosen: Chosen) -> str:
    filters = {name: value for name, value in one.filters.items() if name != chosen.param}
    return f"/{one.spec.slug}/{with_params(one.address(filters=filters))}"


def count_words(count: int, unit: object) -> str:
    """A count with its unit, for toasts."""
    return ngettext("%(count)s %(unit)s", "%(count)s %(unit)s", count) % {"count": f"{count:,}", "unit": unit}
