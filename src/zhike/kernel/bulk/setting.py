"""Giving many records the same values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection, models
from django.utils import timezone

from zhike.kernel.actions import prepared, require_fields
from zhike.kernel.bulk.verbs import BulkVerb, Outcome, Part, add_verb, note_changed, why_not
from zhike.kernel.errors import Refused
from zhike.kernel.fields import field_of
from zhike.kernel.models import Record

HANDING_OVER = {"owner_id", "team_id", "owner", "team"}


def right_for(values: Mapping[str, Any]) -> str:
    """Owner and team are handed over, everything else is changed."""
    return "transfer" if values and set(values) <= HANDING_OVER else "change"


def single_valued(model: type[Record], name: str) -> bool:
    """Whether a field must differ from record to record, so that many cannot have the same value."""
    column = field_of(model, name).name
    alone = [c.fields for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    return field_of(model, name).unique or (column,) in alone


def set_values(part: Part) -> Outcome:
    """Write the values where they differ, within what the actor may change. Raises field_not_permitted, only_one, not_permitted."""
    needs = right_for(part.values)
    if needs == "change" and set(part.values) & HANDING_OVER:
        raise Refused("not_permitted", verb="transfer", label=part.model._meta.label_lower)
    require_fields(part.by, part.model._meta.label_lower, part.values)
    given = {name: field_of(part.model, name).to_python(value) for name, value in part.values.items()}
    outcome = Outcome(fields=list(given))
    outcome.changed = note_changed(*_update(part, needs, prepared(part.model, given)))
    why_not(part, needs, outcome)
    return outcome


def _update(part: Part, needs: str, stored: Mapping[str, Any]) -> tuple[str, list[Any]]:
    table = f'"{part.model._meta.db_table}"'
    columns: dict[str, Any] = {}
    for name, value in stored.items():
        if single_valued(part.model, name) and value not in (None, ""):
            raise Refused("only_one", field=name)
        field = field_of(part.model, name)
        columns[str(field.column)] = field.get_db_prep_save(value, connection)
    reach, reach_params = part.reach(needs)
    values = list(columns.values())
    assigned = ", ".join(f'"{column}" = %s' for column in columns)
    differs = " or ".join(f'{table}."{column}" is distinct from %s' for column in columns)
    return (
        f'update {table} set {assigned}, "version" = {table}."version" + 1, "updated_at" = %s from ({part.ids}) w '
        f'where {table}."id" = w.id and ({differs}) and ({reach}) returning {table}."id"',
        [*values, timezone.now(), *values, *reach_params],
    )


SET = add_verb(BulkVerb(name="set", needs=right_for, apply=set_values))
