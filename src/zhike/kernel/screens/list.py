"""The list of an object type: a page of rows, the next rows, the count, filters in words, columns to choose."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import directory
from ..actor import Actor
from ..addresses import url_of
from ..errors import Refused
from ..lists.conditions import Chip, chips
from ..lists.pages import Listing, Size, listing, rows, size_at_once, size_counted
from ..models import Preference, Record
from ..spec import Column, Filter, ObjectSpec
from ..templatetags.zhike_ui import wan
from .cells import NUMERIC, Reader, draw
from .web import actor_in, address_params, is_fragment, record_of, screen, spec_of, trigger, with_params

PLACE = ("after", "peek", "shown")
VERBS = ("create", "change", "delete", "export", "import", "transfer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A column's head: its label, its place, and the address that sorts by it."""

    path: str
    label: object
    css: str
    sort_url: str
    direction: str


@screen
def list_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The list; as a fragment only what filters and order change."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    params = address_params(request, *PLACE)
    wanted = listing(spec, actor_in(request), params)
    columns = spec.shown(chosen_columns(spec, request))
    context = _rows_context(request, wanted, columns, params) | {
        "spec": spec,
        "heads": [_head(column, wanted, params) for column in columns],
        "chips": chips_of(wanted),
        "params": params,
        "query": with_params(params),
        "filters": [item for item in spec.filters if item.in_menu],
        "sort_label": next(sort.label or _label(spec, sort.key) for sort in spec.sorts if sort.key == wanted.key),
        "tabs": tabs(spec, params, has_shared=spec.label in actor_in(request).shared),
        "may": {verb: actor_in(request).may(spec.policy.label, verb) for verb in VERBS},
        "colspan": len(columns) + 1,
        "export_kinds": (("csv", "CSV"), ("xlsx", "Excel"), ("parquet", "Parquet")),
    }
    whole = not (is_fragment(request) and request.headers.get("HX-Target") == "list")
    response = render(request, "kernel/list.html" if whole else "kernel/list_body.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])  # going back must not show the bare fragment
    return response


@screen
def list_rows(request: HttpRequest, slug: str) -> HttpResponse:
    """The next rows, appended to the table."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    params = address_params(request, *PLACE)
    wanted = listing(spec, actor_in(request), params)
    columns = spec.shown(chosen_columns(spec, request))
    return render(
        request, "kernel/list_rows.html", _rows_context(request, wanted, columns, params) | {"spec": spec, "colspan": len(columns) + 1}
    )


@screen
def list_count(request: HttpRequest, slug: str) -> HttpResponse:
    """How many rows match, counted up to the cap."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    wanted = listing(spec, actor_in(request), address_params(request, *PLACE))
    return HttpResponse(size_words(spec, size_counted(wanted)))


@screen
def list_row(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """One row again, after something in it changed."""
    spec = spec_of(slug, actor_in(request))
    record = record_of(spec, pk, actor_in(request))
    columns = spec.shown(chosen_columns(spec, request))
    row = _row(record, columns, spec, reader_for(request, [record], columns))
    return render(request, "kernel/list_rows.html", {"rows": [row], "spec": spec})


def _rows_context(request: HttpRequest, wanted: Listing, columns: Sequence[Column], params: dict[str, str]) -> dict[str, Any]:
    page = rows(wanted, columns=columns, after=request.GET.get("after", ""))
    size = size_at_once(wanted, len(page.records), bool(page.next))
    reader = reader_for(request, page.records, columns)
    more = f"/{wanted.spec.slug}/rows{with_params(params | {'after': page.next})}" if page.next else ""
    return {
        "rows": [_row(record, columns, wanted.spec, reader) for record in page.records],
        "more_url": more,
        "size_words": size_words(wanted.spec, size),
        "size_is_exact": size.is_exact,
        "size": size,
        "is_filtered": wanted.is_filtered,
    }


def reader_for(request: HttpRequest, records: Sequence[Record], columns: Sequence[Column]) -> Reader:
    """Names that the cells of these records need: two small queries at most."""
    actor = actor_in(request)
    kinds = {column.cell for column in columns}
    owners = {r.owner_id for r in records if r.owner_id} if "person" in kinds else set()
    team_ids = {r.team_id for r in records if r.team_id} if "team" in kinds else set()
    return Reader(
        user_id=actor.user_id,
        people=directory.people(owners) if owners else {},
        teams=directory.teams(team_ids) if team_ids else {},
    )


def _row(record: Record, columns: Sequence[Column], spec: ObjectSpec, reader: Reader) -> SafeString:
    """A row of the table. Made in Python: a template would spend half of the page's time on its 450 cells."""
    cells = "".join(f'<td class="{_css(column)}">{draw(record, column, spec, reader)}</td>' for column in columns)
    url, name = url_of(record), escape(str(record))
    return mark_safe(
        f'<tr data-row data-id="{record.pk}" data-peek="{url}peek" data-open="{url}" data-row-url="{url}row">'
        f'<td class="ck"><input class="form-check-input" type="checkbox" data-select value="{record.pk}" '
        f'aria-label="{_("选择")} {name}"></td>{cells}</tr>\n'
    )


def _css(column: Column) -> str:
    numeric = "num " if column.cell in NUMERIC else ""
    return f"{numeric}{column.phone}" if column.phone or numeric else "mut2"


def _head(column: Column, wanted: Listing, params: dict[str, str]) -> Head:
    sortable = column.path in {sort.key for sort in wanted.spec.sorts}
    current = wanted.key == column.path
    down = wanted.sort.startswith("-")
    turned = column.path if current and down else f"-{column.path}"
    return Head(
        path=column.path,
        label=column.label or _label(wanted.spec, column.path),
        css="num" if column.cell in NUMERIC else "",
        sort_url=f"/{wanted.spec.slug}/{with_params(params | {'sort': turned})}" if sortable else "",
        direction=("descending" if down else "ascending") if current else "",
    )


def _label(spec: ObjectSpec, path: str) -> object:
    column = spec.column(path)
    if column is not None and column.label:
        return column.label
    return getattr(spec.model._meta.get_field(path.split("__")[0]), "verbose_name", path)


def chips_of(wanted: Listing) -> list[Chip]:
    """The filters in words, with names of people, teams and choices."""
    return chips(wanted.chosen, partial(names_of, wanted.actor))


def names_of(actor: Actor, item: Filter, values: Sequence[str]) -> list[str]:
    """Stored values of a filter as a reader knows them."""
    if item.names:
        return item.names(actor, values)
    if item.kind == "person":
        ids = [int(v) for v in values if v.isdigit()]
        known = directory.teams(ids) if item.column == "team" else directory.people(ids)
        return [_("我") if v == "me" else known.get(int(v), v) if v.isdigit() else v for v in values]
    if item.choices:
        known_choices = {key: str(label) for key, label in item.choices()}
        return [known_choices.get(v, v) for v in values]
    if item.kind == "range":
        return [wan(v) for v in values]
    return list(values)


def size_words(spec: ObjectSpec, size: Size) -> str:
    """1,840 家, or 约 12.4万 家."""
    if size.is_exact:
        return _("%(count)s %(unit)s") % {"count": f"{size.count:,}", "unit": spec.unit}
    return _("约 %(count)s %(unit)s") % {"count": wan(size.count), "unit": spec.unit}


def tabs(spec: ObjectSpec, params: dict[str, str], *, has_shared: bool = False) -> list[tuple[str, str, bool]]:
    """Ready views as (label, address, is current)."""
    base = f"/{spec.slug}/"
    found = [(_("全部"), base, not any("." in key for key in params))]
    if spec.filter("owner"):
        found.append((_("我的"), f"{base}?owner.is=me", params.get("owner.is") == "me" and len(params) == 1))
    if has_shared and spec.filter("shared"):
        found.append((_("共享给我的"), f"{base}?shared.is=me", params.get("shared.is") == "me" and len(params) == 1))
    for label, query in spec.views:
        current = with_params(params) == f"?{query}"
        found.append((str(label), f"{base}?{query}", current))
    return found


def chosen_columns(spec: ObjectSpec, request: HttpRequest) -> list[str]:
    """The columns this person chose for this list."""
    kept = Preference.objects.filter(user_id=actor_in(request).user_id or 0, key=f"columns:{spec.label}").first()
    return list(kept.value) if kept else []


@screen
def columns_dialog(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose and order columns; kept for this person."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    if request.method == "POST":
        known = {column.path for column in spec.columns}
        picked = [path for path in request.POST.getlist("column") if path in known]
        key: dict[str, Any] = {"user_id": actor_in(request).user_id or 0, "key": f"columns:{spec.label}"}
        if picked and "reset" not in request.POST:
            Preference.objects.update_or_create(**key, defaults={"value": picked})
        else:
            Preference.objects.filter(**key).delete()
        return trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
    shown = [column.path for column in spec.shown(chosen_columns(spec, request))]
    order = [*shown, *(column.path for column in spec.columns if column.path not in shown)]
    items = [(path, _label(spec, path), path in shown) for path in order]
    return render(request, "kernel/columns.html", {"spec": spec, "items": items})


@screen
def filter_dialog(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Set one filter: the operators and values of its kind."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    item = spec.filter(name)
    if item is None:
        raise Refused("unknown_filter", name=name)
    params = address_params(request, *PLACE)
    current = next((c for c in listing(spec, actor_in(request), params).chosen if c.filter.name == item.name), None)
    others = {key: value for key, value in params.items() if key.partition(".")[0] != item.name}
    options: list[tuple[str, object]] = []
    if item.kind == "person":
        named = directory.teams() if item.column == "team" else directory.people()
        me: list[tuple[str, object]] = [] if item.column == "team" else [("me", _("我"))]
        options = [*me, *((str(pk), label) for pk, label in named.items())]
    elif item.choices:
        options = list(item.choices())
    context = {
        "spec": spec,
        "item": item,
        "others": others,
        "current": current,
        "options": options,
        "values": current.values if current else (),
        "op": current.op if current else "",
    }
    return render(request, "kernel/filter.html", context)


def count_words(count: int, unit: object) -> str:
    """A count with its unit, for toasts."""
    return ngettext("%(count)s %(unit)s", "%(count)s %(unit)s", count) % {"count": f"{count:,}", "unit": unit}
