"""Edit where you read: one field at a time, saved by Enter, with undo and a look at what another just changed."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.translation import gettext as _

from .. import directory
from ..actions import change_record
from ..errors import Refused
from ..fielddefs import is_custom_name
from ..fields import field_of
from ..history import last_change_of
from ..models import Record
from ..revealing import requires_look, reveal
from ..spec import ObjectSpec
from .cells import Reader, show
from .meanwhile import meanwhile
from .own import for_form, form_field, names_for, own_of
from .pick import PickField
from .pick_person import PersonField
from .pick_team import NONE, TeamField
from .web import actor_in, record_of, screen, spec_of, toast, trigger
from .words import in_words

READ = "kernel/edit_value.html"
EDITOR = "kernel/edit_field.html"
CONFLICT = "kernel/edit_conflict.html"


@screen
def edit_field(request: HttpRequest, slug: str, pk: uuid.UUID, name: str) -> HttpResponse:
    """GET: the editor of one field. POST: save it; 422 with the reason, 409 with the difference."""
    spec = spec_of(slug, actor_in(request))
    record = record_of(spec, pk, actor_in(request), "change")
    if name not in spec.editable():
        raise Refused("not_permitted", verb="change", label=spec.label)
    if requires_look(spec, record, name):
        spec.policy.require(actor_in(request), "reveal", record)
    if request.method != "POST":
        if requires_look(spec, record, name):
            reveal(record, name, by=actor_in(request))  # the editor shows the whole value
        return render(request, EDITOR, _editor(request, spec, record, name))
    return _save(request, spec, record, name)


def _save(request: HttpRequest, spec: ObjectSpec, record: Record, name: str) -> HttpResponse:
    form = form_class(spec, (name,), request)(request.POST)
    if not form.is_valid():
        return render(request, EDITOR, _editor(request, spec, record, name, form), status=422)
    before = spec.field(name).value(record)
    try:
        fresh = change_record(record, stored_values(form), by=actor_in(request), expected=_version(request))
    except Refused as refusal:
        if refusal.code == "changed_meanwhile":
            return _conflict(request, spec, record, name, form)
        if refusal.code == "not_permitted":
            raise
        form.add_error(name, in_words(refusal))
        return render(request, EDITOR, _editor(request, spec, record, name, form), status=422)
    response = render(request, READ, value_context(request, spec, fresh, name))
    if spec.field(name).value(fresh) != before:
        toast(response, _("已保存"), undo=f"/changes/{last_change_of(fresh.pk)}/undo")
        trigger(response, {"zk:version": {"id": str(fresh.pk), "version": fresh.version}})
    return response


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() else None


def _conflict(request: HttpRequest, spec: ObjectSpec, record: Record, name: str, form: forms.Form) -> HttpResponse:
    """Another saved first. When that was another field, nothing is in dispute: save on top of it."""
    fresh = spec.model.objects.get(pk=record.pk)
    if was(spec, fresh, name) == request.POST.get("was", ""):
        change_record(fresh, stored_values(form), by=actor_in(request), expected=fresh.version)
        fresh.refresh_from_db()
        return toast(
            render(request, READ, value_context(request, spec, fresh, name)), _("已保存"), undo=f"/changes/{last_change_of(fresh.pk)}/undo"
        )
    mine = _with(spec, fresh, stored_values(form))
    context = _editor(request, spec, fresh, name, form) | {
        "theirs": show(fresh, name, spec, reader_of(request, fresh, spec)),
        "mine": show(mine, name, spec, reader_of(request, mine, spec)),
        "sent": request.POST.getlist(name),
        "meanwhile": meanwhile(spec, fresh, name, since=_version(request) or 0, by=actor_in(request)),
    }
    return render(request, CONFLICT, context, status=409)


def _with(spec: ObjectSpec, record: Record, values: dict[str, Any]) -> Record:
    """The record as it would be, to be shown and never stored."""
    found = spec.model(**{field.attname: getattr(record, field.attname) for field in spec.model._meta.concrete_fields})
    for name, value in values.items():
        if is_custom_name(name):
            plain = value if value is None or isinstance(value, bool | int | list) else str(value)
            found.custom = {**found.custom, spec.field(name).key: plain}
        else:
            setattr(found, name, value)
    return found


def _editor(request: HttpRequest, spec: ObjectSpec, record: Record, name: str, form: forms.Form | None = None) -> dict[str, Any]:
    bound = form or form_class(spec, (name,), request)(initial={name: _initial(spec, record, name)})
    return {
        "spec": spec,
        "record": record,
        "name": name,
        "field": bound[name],
        "url": f"/{spec.slug}/{record.pk}/edit/{name}",
        "was": was(spec, record, name),
        "label": label_of(spec, name),
    }


def was(spec: ObjectSpec, record: Record, name: str) -> str:
    """What the editor started from, as text: two are compared when somebody else was faster."""
    value = spec.field(name).value(record) if is_custom_name(name) else getattr(record, name)
    return str(value or "")


def _initial(spec: ObjectSpec, record: Record, name: str) -> Any:
    own = own_of(spec, name)
    return for_form(own, record) if own else getattr(record, field_of(record, name).attname)


def value_context(request: HttpRequest, spec: ObjectSpec, record: Record, name: str) -> dict[str, Any]:
    """What the read form of a field needs."""
    return {
        "shown": show(record, name, spec, reader_of(request, record, spec)),
        "label": label_of(spec, name),
        "url": f"/{spec.slug}/{record.pk}/edit/{name}",
        "is_editable": name in spec.editable(),
    }


def reader_of(request: HttpRequest, record: Any, spec: ObjectSpec) -> Reader:
    """Names needed to show one record."""
    actor = actor_in(request)
    owner, team = getattr(record, "owner_id", None), getattr(record, "team_id", None)
    return Reader(
        user_id=actor.user_id,
        people=directory.people([owner]) if owner else {},
        teams=directory.teams([team]) if team else {},
        own=names_for(actor, [one for one in spec.custom if one.name not in spec.covered], [record]),
    )


def label_of(spec: ObjectSpec, name: str) -> object:
    """A field's name as people read it."""
    return spec.field(name).label


def form_class(spec: ObjectSpec, fields: tuple[str, ...], request: HttpRequest) -> type[forms.Form]:
    """A form over the named fields: shape only, meaning is the action's to check."""
    made: dict[str, forms.Field] = {}
    for name in fields:
        own = own_of(spec, name)
        made[name] = form_field(own, spec, actor_in(request)) if own else _form_field(spec, spec.model._meta.get_field(name), request)
    return type(f"{spec.model.__name__}Form", (forms.Form,), made)


def _form_field(spec: ObjectSpec, field: Any, request: HttpRequest) -> forms.Field:
    required = field.name in spec.required
    if field.name == "owner":
        return PersonField(nobody=None if required else "", required=required, label=field.verbose_name)
    if field.name == "team":
        return TeamField(*(() if required else (NONE,)), required=required, label=field.verbose_name)
    if field.is_relation:
        return PickField(field.related_model, actor_in(request), required=required, label=field.verbose_name)
    made: forms.Field = field.formfield()
    made.required = required
    if isinstance(made, forms.TypedChoiceField) and not required:
        made.choices = [("", "—"), *field.choices]
    if isinstance(field, models.DateField):
        kind = "datetime-local" if isinstance(field, models.DateTimeField) else "date"
        made.widget = (
            forms.DateTimeInput(attrs={"type": kind}, format="%Y-%m-%dT%H:%M")
            if kind != "date"
            else forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        )
    css = (
        "form-select"
        if isinstance(made.widget, forms.Select)
        else "form-check-input"
        if isinstance(made.widget, forms.CheckboxInput)
        else "form-control"
    )
    made.widget.attrs["class"] = css
    if isinstance(made.widget, forms.Textarea):
        made.widget.attrs["rows"] = 3
    return made


def stored_values(form: forms.Form) -> dict[str, Any]:
    """Cleaned values under the names of the columns that store them."""
    values = {}
    for name, value in form.cleaned_data.items():
        if name in ("owner", "team") or (isinstance(form.fields[name], PickField) and not is_custom_name(name)):
            values[f"{name}_id"] = value
        else:
            values[name] = value
    return values


def error_text(form: forms.Form) -> str:
    """The first problem of a form, for a toast."""
    return escape(next(iter(next(iter(form.errors.values()))), ""))
