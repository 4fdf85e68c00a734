"""Pickers: choose a record by typing a part of its name; searched on the server within the reader's reach."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from ..actor import Actor
from ..lists.pages import listing, rows
from ..models import Record
from ..registry import objects
from ..search.finding import find_ids
from ..spec import ObjectSpec
from .web import actor_in, screen, spec_of

CHOICES = 8


@screen
def pick(request: HttpRequest, slug: str) -> HttpResponse:
    """Records that match what was typed; the newest ones when nothing was."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    spec.policy.require_any(actor, "view")
    typed = request.GET.get("q", "").strip()
    found = _matching(spec, actor, typed) if typed and spec.search else rows(listing(spec, actor, {}), size=CHOICES).records
    note = spec.search.note if spec.search else None
    options = [(record, note(record) if note else "", getattr(record, "price", None)) for record in found]
    return render(request, "kernel/pick.html", {"options": options, "spec": spec})


def _matching(spec: ObjectSpec, actor: Actor, typed: str) -> list[Record]:
    ids = find_ids(spec, actor, typed, CHOICES).ids
    by_id = {record.pk: record for record in spec.model.objects.visible_to(actor).filter(pk__in=ids)}
    return [by_id[pk] for pk in ids if pk in by_id]


class PickWidget(forms.TextInput):
    """A hidden id beside a text field that asks the server."""

    def __init__(self, spec: ObjectSpec, actor: Actor) -> None:
        super().__init__()
        self.spec, self.actor = spec, actor

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        del renderer
        record = self._record(value)
        context = {"name": name, "value": value or "", "record": record, "spec": self.spec, "id": (attrs or {}).get("id", f"id_{name}")}
        return mark_safe(render_to_string("kernel/pick_field.html", context))

    def _record(self, value: Any) -> Record | None:
        """The record of an id that may come from an address: nobody learns a name from here that he may not see."""
        try:
            pk = uuid.UUID(str(value))
        except ValueError:
            return None
        return self.spec.model.objects.visible_to(self.actor).filter(pk=pk).first()


class PickField(forms.Field):
    """A record that the actor may see, as its id; None for an empty choice."""

    def __init__(self, model: type[Record], actor: Actor, **kwargs: Any) -> None:
        self.model, self.actor = model, actor
        super().__init__(widget=PickWidget(objects.of(model), actor), **kwargs)

    def to_python(self, value: Any) -> uuid.UUID | None:
        if not value:
            return None
        try:
            pk = uuid.UUID(str(value))
        except ValueError as wrong:
            raise ValidationError(_("从列表里选一个")) from wrong
        if not self.model.objects.visible_to(self.actor).filter(pk=pk).exists():
            raise ValidationError(_("没有这条记录，或不在你能看的范围里"))
        return pk
