"""The bin: deleted records by type, found by name, brought back one by one."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ..actor import Actor
from ..errors import Refused
from ..past.deleted import Deleted, in_bin, restore
from ..past.tables import retention
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec
from ..veil import lay_veil, veil_of
from .web import actor_in, is_fragment, screen, spec_of, toast, trigger, with_params


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A deleted record as the bin shows it."""

    pk: uuid.UUID
    name: str
    at: dt.datetime
    who: str
    change_id: uuid.UUID | None
    history_url: str
    may_restore: bool


def kinds_of(actor: Actor) -> list[ObjectSpec]:
    """The object types whose records this reader may see at all."""
    return [seen(spec, actor) for spec in objects if actor.may(spec.policy.label, "view")]


@screen
@require_GET
def first(request: HttpRequest) -> HttpResponse:
    """The bin of the first object type that the reader may see."""
    kinds = kinds_of(actor_in(request))
    if not kinds:
        raise Refused("not_permitted", verb="view", label="")
    return redirect(f"/bin/{kinds[0].slug}/")


@screen
@require_GET
def of_kind(request: HttpRequest, slug: str) -> HttpResponse:
    """Deleted records of one type; further ones follow as a fragment."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    spec.policy.require_any(actor, "view")
    name, before = request.GET.get("q", "").strip()[:100], request.GET.get("before", "")
    page = in_bin(spec, actor, name=name, before=before)
    context = {
        "spec": spec,
        "kinds": kinds_of(actor),
        "lines": [_line(one, spec, actor) for one in page.found],
        "q": name,
        "next": with_params({"q": name, "before": page.next}) if page.next else "",
        "days": retention().bin_days,
    }
    part = is_fragment(request) and bool(before)
    return render(request, "kernel/past/bin_rows.html" if part else "kernel/past/bin.html", context)


def _line(one: Deleted, spec: ObjectSpec, actor: Actor) -> Line:
    row: Any = one.row
    rules = actor.rules(spec.label)
    named = lay_veil(row, veil_of(rules)) if rules else row
    return Line(
        pk=one.pk,
        name=str(named) or _("未命名"),
        at=one.at,
        who=(one.change.actor_name or _("系统")) if one.change else _("直接在数据库里"),
        change_id=one.change.pk if one.change else None,
        history_url=f"/{spec.slug}/{one.pk}/history",
        may_restore=actor.may(spec.policy.label, "delete"),
    )


@require_POST
@screen
def bring_back(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Restore one record with what went with it."""
    spec = spec_of(slug, actor_in(request))
    change = restore(spec, pk, by=actor_in(request))
    if not is_fragment(request):
        return redirect(f"/{slug}/{pk}/")
    response = trigger(HttpResponse(""), {"zk:changed": {}})
    return toast(response, _("已找回"), undo=f"/changes/{change}/undo", link=f"/{slug}/{pk}/", link_text=_("打开"))
