"""What people do with the definitions of own fields: make, arrange, order, archive, bring back, remove."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from zhike.kernel import history
from zhike.kernel.actions import action, save_change, save_new
from zhike.kernel.actor import Actor
from zhike.kernel.customfields.tables import CustomField, FieldWork
from zhike.kernel.errors import Refused
from zhike.kernel.policy import policy_of
from zhike.kernel.registry import objects

from .checks import require_ready
from .conversion import converter_of, dry_run, require_convertible
from .definitions import PLAIN, Wish, readers_of, write_wish
from .jobs import have_indexes_made
from .works import begin, busy, have_words_found

STORED = (*PLAIN, "choices", "required_roles", "formula", "default")


def add_field(label: str, wish: Wish, *, by: Actor) -> CustomField:
    """A new field of an object type, last in the order; raises what `write_wish` raises, and not_permitted."""
    if not objects.has(label):
        raise Refused("gone", label=label)
    policy_of(CustomField).require_any(by, "change")
    with transaction.atomic():
        last = CustomField.objects.filter(label=label).aggregate(last=Max("position"))["last"]
        field = CustomField(label=label, kind=wish.kind, position=(last or 0) + 1)
        history.begin_change(by, verb="add_field", label="kernel.customfield", object_id=field.pk)
        write_wish(field, wish)
        save_new(field, by=by)
        if field.is_filterable or field.is_sortable or field.is_unique:
            have_indexes_made()
    return field


@action(needs="change")
def arrange_field(field: CustomField, wish: Wish, *, by: Actor) -> CustomField:
    """Change what a field is called and how it is used; its key and kind stay (see `conversion` for the kind).

    Raises what `write_wish` raises, and Refused("values_twice") or ("values_missing") when records stand against it.
    """
    before = {name: getattr(field, name) for name in STORED}
    write_wish(field, wish)
    require_ready(field, was_unique=before["is_unique"], was_required=before["is_required"])
    changed = [name for name in STORED if getattr(field, name) != before[name]]
    if changed:
        save_change(field, *changed)
        have_indexes_made()
    if "is_searchable" in changed:
        have_words_found(field, by=by)
    return field


def put_in_order(label: str, ids: Sequence[uuid.UUID], *, by: Actor) -> None:
    """Fields of an object type in the order given; those not named come after."""
    policy_of(CustomField).require_any(by, "change")
    with transaction.atomic():
        history.begin_change(by, verb="put_in_order", label="kernel.customfield")
        rows = {row.pk: row for row in CustomField.objects.select_for_update().filter(label=label).order_by("position", "id")}
        order = [*(pk for pk in ids if pk in rows), *(pk for pk in rows if pk not in ids)]
        for place, pk in enumerate(order, start=1):
            if rows[pk].position != place:
                CustomField.objects.filter(pk=pk).update(position=place)


@action(needs="change")
def archive_field(field: CustomField, *, by: Actor) -> CustomField:
    """Take a field out of use; its values stay, and come back with it. Refused("still_read") while a formula reads it."""
    _require_unread(field)
    field.is_archived = True
    save_change(field, "is_archived")
    have_indexes_made()
    if field.is_searchable:
        have_words_found(field, by=by)
    return field


@action(needs="change")
def restore_field(field: CustomField, *, by: Actor) -> CustomField:
    """Use an archived field again; Refused("taken") when another has its name by now, ("field_busy") while a job works on it."""
    if busy(field) is not None:
        raise Refused("field_busy")
    if CustomField.objects.filter(label=field.label, name=field.name, is_archived=False).exclude(pk=field.pk).exists():
        raise Refused("taken", field="name", title=field.name)
    field.is_archived = False
    save_change(field, "is_archived")
    have_indexes_made()
    if field.is_searchable:
        have_words_found(field, by=by)
    return field


@action(needs="change")
def remove_field(field: CustomField, *, by: Actor) -> FieldWork:
    """Remove a field with all its values: they are cleared by a job, in one change that can be taken back; then it is gone."""
    _require_unread(field)
    field.is_archived = True
    save_change(field, "is_archived")
    have_indexes_made()
    return begin(field, "clear", {}, by=by)


@action(needs="change")
def convert_field(field: CustomField, to: str, *, by: Actor, accept_loss: bool = False) -> FieldWork:
    """Give a field another kind: it is out of use while a job converts its values, all of it one change that can be taken back.

    Raises Refused: conversion_refused, still_read, field_busy, values_lost (count) unless the loss is accepted.
    """
    require_convertible(field, to)
    found = dry_run(field, to)
    if found.lost and not accept_loss:
        raise Refused("values_lost", count=found.lost)
    choices = converter_of(field, to, {}).choices
    field.is_archived = True
    save_change(field, "is_archived")
    return begin(field, "convert", {"to": to, "wish": {"choices": choices}}, by=by)


def _require_unread(field: CustomField) -> None:
    names = readers_of(field)
    if names:
        raise Refused("still_read", names="、".join(names))
