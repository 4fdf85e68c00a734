"""Change many records at once: tag, hand over, set a field, delete; one change, one undo."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import history
from ..actions import RecordsChanged, bump, prepared, refused_by, require_fields
from ..actor import Actor
from ..customfields import values as own_values
from ..errors import Refused
from ..events import publish
from ..fielddefs import is_custom_name
from ..followups import settle
from ..lists.pages import listing
from ..spec import ObjectSpec
from .asked import PLACE
from .edit import form_class, stored_values
from .list import count_words
from .web import actor_in, screen, spec_of, toast, trigger

LIMIT = 5_000


def chosen_ids(request: HttpRequest, spec: ObjectSpec, verb: str) -> list[uuid.UUID]:
    """Ids ticked, or all that match when the whole list was chosen; within the reach of `verb`.

    Raises Refused("nothing_selected") or ("too_many_selected").
    """
    given = QueryDict(mutable=True)
    given.update(request.GET)
    given.update(request.POST)
    actor = actor_in(request)
    if given.get("all") == "1":
        params = {name: str(value) for name, value in request.GET.items() if value and name not in (*PLACE, "all", "ids")}
        rows = spec.model.objects.filter(listing(spec, actor, params, verb).matching())
    else:
        rows = spec.model.objects.allowed(actor, verb).filter(pk__in=_ids(given))
    found = list(rows.values_list("pk", flat=True)[: LIMIT + 1])
    if not found:
        raise Refused("nothing_selected")
    if len(found) > LIMIT:
        raise Refused("too_many_selected", limit=LIMIT)
    return found


def _ids(given: QueryDict) -> list[uuid.UUID]:
    texts = [part for text in given.getlist("ids") for part in text.split(",") if part]
    try:
        return [uuid.UUID(text) for text in texts]
    except ValueError as wrong:
        raise Refused("gone") from wrong


def change_many(spec: ObjectSpec, ids: Sequence[uuid.UUID], values: dict[str, object], *, by: Actor, verb: str = "change") -> uuid.UUID:
    """Set the same values on many records in one change."""
    require_fields(by, spec.label, values)
    given = own_values.split(values)
    with transaction.atomic():
        change = history.begin_change(by, verb="change_many", label=spec.label)
        patch = own_values.patch_of(spec.model, given.own, {}, by=by, is_emptying=True)
        rows = spec.model.objects.allowed(by, verb).filter(pk__in=ids)
        locked = list(rows.select_for_update(of=("self",)).values_list("pk", flat=True).order_by("pk"))
        stored = prepared(spec.model, given.plain) if given.plain else {}
        fields = [*stored, *own_values.names_of(patch)]
        if patch:
            stored["custom"] = own_values.merging(patch)
        bump(spec.model.objects.filter(pk__in=locked))
        _store(spec, locked, stored)
        publish(RecordsChanged(label=spec.label, ids=[str(pk) for pk in locked], verb="changed", fields=fields))
        settle(str(change.pk), spec.label)
    return change.pk


def _store(spec: ObjectSpec, ids: Sequence[uuid.UUID], stored: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            spec.model.objects.filter(pk__in=ids).update(**stored)
    except IntegrityError as clash:
        raise refused_by(clash) from clash


def delete_many(spec: ObjectSpec, ids: Sequence[uuid.UUID], *, by: Actor) -> uuid.UUID:
    """Delete many records in one change."""
    with transaction.atomic():
        change = history.begin_change(by, verb="delete_many", label=spec.label)
        rows = spec.model.objects.allowed(by, "delete").filter(pk__in=ids)
        told = [str(pk) for pk in rows.values_list("pk", flat=True)]
        rows.delete()
        publish(RecordsChanged(label=spec.label, ids=told, verb="deleted", fields=[]))
        settle(str(change.pk), spec.label)
    return change.pk


@screen
def set_field(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """GET: ask for the value. POST: set it on all chosen records. The owner needs the right to hand over."""
    spec = spec_of(slug, actor_in(request))
    verb = "transfer" if name in ("owner", "team") else "change"
    if name not in spec.editable() or not actor_in(request).may(spec.policy.label, verb):
        raise Refused("not_permitted", verb=verb, label=spec.label)
    form = form_class(spec, (name,), request)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ids = chosen_ids(request, spec, verb)
        change = change_many(spec, ids, _values(stored_values(form)), by=actor_in(request), verb=verb)
        return _done(_("已改 %(count)s") % {"count": count_words(len(ids), spec.unit)}, change)
    context = {"spec": spec, "field": form[name], "name": name, "query": request.GET.urlencode()}
    return render(request, "kernel/bulk_field.html", context, status=422 if form.is_bound else 200)


def _values(values: dict[str, object]) -> dict[str, object]:
    return {
        name: "" if value is None and not name.endswith("_id") and not is_custom_name(name) else value for name, value in values.items()
    }


@require_POST
@screen
def delete_chosen(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete the chosen records; the toast takes it back."""
    spec = spec_of(slug, actor_in(request))
    ids = chosen_ids(request, spec, "delete")
    change = delete_many(spec, ids, by=actor_in(request))
    return _done(_("已删除 %(count)s") % {"count": count_words(len(ids), spec.unit)}, change)


def _done(text: str, change: uuid.UUID) -> HttpResponse:
    response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:clear": {}, "zk:changed": {}})
    return toast(response, text, undo=f"/changes/{change}/undo")
