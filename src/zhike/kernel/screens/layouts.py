"""Settings of layouts: panels of the page and fields of the form, dragged or moved by keys, for everybody or for a role."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from .. import directory
from ..actor import Actor
from ..errors import Refused
from ..models import HistoryEntry
from ..registry import objects
from ..savedviews.layouts import Laid, LaidPanel, completed, keep_layout, key_of, laid_out, now, of_row, read, reset_layout
from ..savedviews.tables import Layout
from ..seen import seen
from ..spec import ObjectSpec
from .cells import show
from .edit import reader_of
from .settings import SettingPage, add_setting
from .web import actor_in, screen, toast, trigger

add_setting(
    SettingPage(
        key="layouts",
        label=gettext_lazy("布局"),
        hint=gettext_lazy("页面分几块、按什么次序，新建时先问哪些，可以按角色不同"),
        url="/settings/layouts/",
        icon="layout-list",
        group="data",
        needs=("org.fields", "view"),
        rank=20,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A panel in the editor: as it is laid out, what it is called by itself, and its fields with their labels."""

    laid: LaidPanel
    declared: object
    fields: list[tuple[str, object]]


@screen
def index(request: HttpRequest) -> HttpResponse:
    """The layout of the first object type."""
    _require(actor_in(request), "view")
    return _page(request, seen(next(iter(objects)), actor_in(request)), None)


@screen
def layout(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: the layout of a type, `?role=` for one role. POST: keep it."""
    actor = actor_in(request)
    _require(actor, "change" if request.method == "POST" else "view")
    spec, role_id = _spec(slug, actor), _role(request)
    if request.method != "POST":
        return _page(request, spec, role_id)
    row = keep_layout(spec.label, role_id, _given(request), by=actor)
    response = trigger(HttpResponse(status=204), {"zk:kept": {}})
    return toast(response, _("布局已存好"), undo=f"/changes/{_last_change(row)}/undo")


@require_POST
@screen
def reset(request: HttpRequest, slug: str) -> HttpResponse:
    """Give up the layout for everybody, or that of a role; the toast takes it back."""
    actor = actor_in(request)
    _require(actor, "change")
    spec, role_id = _spec(slug, actor), _role(request)
    row = Layout.objects.filter(label=spec.label, role_id=role_id).first()
    if row is None:
        raise Refused("gone", label="kernel.layout")
    pk = row.pk
    reset_layout(row, by=actor)
    response = HttpResponse(status=204)
    response["HX-Location"] = _address(spec, role_id)
    change = HistoryEntry.objects.filter(object_id=pk).order_by("-at", "-hid").values_list("change_id", flat=True).first()
    return toast(response, _("已恢复原样"), undo=f"/changes/{change}/undo")


@require_POST
@screen
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """How a record's facts and the form would look; nothing is kept."""
    actor = actor_in(request)
    _require(actor, "view")
    return render(request, "kernel/layouts/preview.html", _preview(request, _spec(slug, actor), _given(request)))


def _page(request: HttpRequest, spec: ObjectSpec, role_id: int | None) -> HttpResponse:
    actor = actor_in(request)
    rows = {row.role_id: row for row in Layout.objects.filter(label=spec.label)}
    row = rows.get(role_id)
    base = of_row(rows[None]) if row is None and None in rows else now(spec)
    laid = completed(spec, of_row(row) if row is not None else base)
    names = directory.roles()
    pieces = [_piece(spec, one) for one in laid.panels if one.key != UNUSED]
    unused = next((one.fields for one in laid.panels if one.key == UNUSED), ())
    context = {
        "spec": spec,
        "types": [(one.slug, one.plural, one.slug == spec.slug) for one in objects],
        "roles": [(pk, name, pk == role_id, pk in rows) for pk, name in names.items()],
        "role_id": role_id,
        "role_name": names.get(role_id or 0, ""),
        "is_laid": row is not None,
        "may_change": actor.may("org.fields", "change"),
        "pieces": pieces,
        "unused": _labelled(spec, unused),
        "form": [(key, words, _labelled(spec, fields)) for key, words, fields in _form_lists(laid)] if spec.form else [],
        "address": _address(spec, role_id),
        "query": f"?role={role_id}" if role_id else "",
        **_preview(request, spec, laid),
    }
    return render(request, "kernel/layouts/page.html", context)


UNUSED = "-"  # the key of the hidden panel that holds fields taken off the page


def _form_lists(laid: Laid) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        ("form", _("先问这些"), laid.form),
        ("form_more", _("折在“再填一些”里"), laid.form_more),
        ("form_off", _("新建时不问"), laid.form_off),
    ]


def _piece(spec: ObjectSpec, one: LaidPanel) -> Piece:
    declared = next((panel.title for panel in spec.panels if key_of(panel) == one.key), "")
    return Piece(laid=one, declared=declared, fields=_labelled(spec, one.fields))


def _labelled(spec: ObjectSpec, names: tuple[str, ...]) -> list[tuple[str, object]]:
    return [(name, spec.field(name).label) for name in names]


def _preview(request: HttpRequest, spec: ObjectSpec, laid: Laid) -> dict[str, Any]:
    """The newest record that the reader may see, under this layout; without one the fields stand empty."""
    arranged = laid_out(spec, laid)
    record = spec.model.objects.visible_to(actor_in(request)).order_by(f"-{spec.sorts[0].key}").first()
    reader = reader_of(request, record, spec) if record is not None else None

    def value(name: str) -> str:
        return show(record, name, spec, reader) if record is not None and reader is not None else ""

    groups = [
        (panel, [{"label": spec.field(name).label, "shown": value(name), "is_editable": False} for name in panel.fields])
        for panel in arranged.panels
    ]
    asked = [("first", _labelled(spec, arranged.form)), ("more", _labelled(spec, arranged.form_more))] if spec.form else []
    return {"groups": groups, "asked": asked, "shown_record": record, "required": spec.required}


def _given(request: HttpRequest) -> Laid:
    try:
        return read(json.loads(request.POST.get("layout", "")))
    except ValueError as wrong:
        raise Refused("layout_wrong") from wrong


def _spec(slug: str, actor: Actor) -> ObjectSpec:
    spec = objects.by_slug(slug)
    if spec is None:
        raise Http404(slug)
    return seen(spec, actor)


def _role(request: HttpRequest) -> int | None:
    text = request.GET.get("role", "")
    if not text:
        return None
    if not text.isdigit() or int(text) not in directory.roles():
        raise Refused("gone", label="org.role")
    return int(text)


def _address(spec: ObjectSpec, role_id: int | None) -> str:
    return f"/settings/layouts/{spec.slug}" + (f"?role={role_id}" if role_id else "")


def _require(actor: Actor, verb: str) -> None:
    if not actor.may("org.fields", verb):
        raise Refused("not_permitted", verb=verb, label="org.fields")


def _last_change(row: Layout) -> Any:
    return HistoryEntry.objects.filter(object_id=row.pk).order_by("-at", "-hid").values_list("change_id", flat=True).first()
