"""Giving many records the same values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, models
from django.utils import timezone

from zhike.kernel.actions import prepared, require_fields
from zhike.kernel.bulk.verbs import BulkVerb, Outcome, Part, add_verb, note_changed, why_not
from zhike.kernel.customfields import values as own_values
from zhike.kernel.customfields.catalogue import catalogue
from zhike.kernel.customfields.kinds import arranged
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import is_custom_name
from zhike.kernel.fields import field_of
from zhike.kernel.models import Record

HANDING_OVER = {"owner_id", "team_id", "owner", "team"}


def right_for(values: Mapping[str, Any]) -> str:
    """Owner and team are handed over, everything else is changed."""
    return "transfer" if values and set(values) <= HANDING_OVER else "change"


def single_valued(model: type[Record], name: str) -> bool:
    """Whether a field must differ from record to record, so that many cannot have the same value."""
    if is_custom_name(name):
        return any(own.name == name and arranged(own).is_unique for own in catalogue(0).of(model._meta.label_lower))
    column = field_of(model, name).name
    alone = [c.fields for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    return field_of(model, name).unique or (column,) in alone


def set_values(part: Part) -> Outcome:
    """Write the values where they differ, within what the actor may change. Raises field_not_permitted, only_one, not_permitted."""
    needs = right_for(part.values)
    if needs == "change" and set(part.values) & HANDING_OVER:
        raise Refused("not_permitted", verb="transfer", label=part.model._meta.label_lower)
    require_fields(part.by, part.model._meta.label_lower, part.values)
    given = own_values.split(part.values)
    plain = {name: field_of(part.model, name).to_python(value) for name, value in given.plain.items()}
    patch = own_values.patch_of(part.model, given.own, {}, by=part.by, is_emptying=True)
    outcome = Outcome(fields=[*plain, *own_values.names_of(patch)])
    outcome.changed = note_changed(*_update(part, needs, prepared(part.model, plain) if plain else {}, patch))
    why_not(part, needs, outcome)
    return outcome


def _update(part: Part, needs: str, stored: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[str, list[Any]]:
    table = f'"{part.model._meta.db_table}"'
    columns: dict[str, Any] = {}
    if any(value is not None and single_valued(part.model, name) for name, value in part.values.items() if is_custom_name(name)):
        raise Refused("only_one", field=next(name for name in part.values if is_custom_name(name)))
    for name, value in stored.items():
        if single_valued(part.model, name) and value not in (None, ""):
            raise Refused("only_one", field=name)
        field = field_of(part.model, name)
        columns[str(field.column)] = field.get_db_prep_save(value, connection)
    reach, reach_params = part.reach(needs)
    values = [*columns.values(), *([json.dumps(dict(patch))] if patch else [])]
    merged = f'jsonb_strip_nulls({table}."custom" || %s::jsonb)'
    assigned = ", ".join([*(f'"{column}" = %s' for column in columns), *([f'"custom" = {merged}'] if patch else [])])
    differs = " or ".join(
        [
            *(f'{table}."{column}" is distinct from %s' for column in columns),
            *([f'{table}."custom" is distinct from {merged}'] if patch else []),
        ]
    )
    return (
        f'update {table} set {assigned}, "version" = {table}."version" + 1, "updated_at" = %s from ({part.ids}) w '
        f'where {table}."id" = w.id and ({differs}) and ({reach}) returning {table}."id"',
        [*values, timezone.now(), *values, *reach_params],
    )


SET = add_verb(BulkVerb(name="set", needs=right_for, apply=set_values))
