"""Values of own fields through the gates: checked, required, defaulted, merged into what a record holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import F, Func, Value

from zhike.kernel.actor import Actor, Rule
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import FieldDef, is_custom_name
from zhike.kernel.models import Record

from .catalogue import Catalogue, catalogue
from .kinds import arranged, checked

Patch = Mapping[str, Any]  # key -> stored value, None empties it


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values that somebody gave, the product's own fields apart from the company's."""

    plain: dict[str, Any]
    own: dict[str, Any]


def split(values: Mapping[str, Any]) -> Given:
    """The values of built-in fields, and those of own fields by their names."""
    own = {name: value for name, value in values.items() if is_custom_name(name)}
    return Given(plain={name: value for name, value in values.items() if not is_custom_name(name)}, own=own)


def fields_for(by: Actor) -> Catalogue:
    """The catalogue as it is for this actor's request; read fresh for a job, which lives longer."""
    return catalogue(by.schema if by.kind in ("person", "integration") else 0)


def patch_of(
    model: type[models.Model], given: Mapping[str, Any], before: Mapping[str, Any], *, by: Actor, is_emptying: bool = False
) -> dict[str, Any]:
    """What the given values change in `before` (a record's `custom`), by key; what already holds is left out.

    For many records at once `before` is empty, and `is_emptying` lets empty values through.

    Raises Refused: field_unknown, invalid_value, required (emptied), field_not_permitted (a formula, or read-only for people).
    """
    if not given:
        return {}
    label = model._meta.label_lower
    known = {field.name: field for field in fields_for(by).of(label)}
    changed: dict[str, Any] = {}
    for name, value in given.items():
        field = known.get(name)
        if field is None:
            raise Refused("field_unknown", field=name, label=label)
        value = checked(field, value, by, before.get(field.key))
        if value == before.get(field.key) and not is_emptying:
            continue
        _require_permitted(field, value, by)
        changed[field.key] = value
    return changed


def _require_permitted(field: FieldDef, value: Any, by: Actor) -> None:
    own = arranged(field)
    if own.is_read_only and by.kind == "person":
        raise Refused("field_not_permitted", field=field.name, title=str(field.label))
    if value is None and own.requires(by.role_ids):
        raise Refused("required", field=field.name, title=str(field.label))


def complete(record: Record, *, by: Actor) -> None:
    """Give a new record the defaults of what it does not hold; Refused("required") for what is still missing."""
    label = record._meta.label_lower
    for field in fields_for(by).of(label):
        own = arranged(field)
        if field.key not in record.custom and own.default is not None:
            record.custom[field.key] = own.default
        if field.key not in record.custom and own.requires(by.role_ids) and by.rule(label, field.name) is not Rule.HIDDEN:
            raise Refused("required", field=field.name, title=str(field.label))


def merged(custom: Mapping[str, Any], patch: Patch) -> dict[str, Any]:
    """What a record holds after a patch."""
    return {key: value for key, value in {**custom, **patch}.items() if value is not None}


def merging(patch: Patch) -> Func:
    """The same for many rows in SQL: put the patch over what each row holds."""
    return Func(
        F("custom"), Value(json.dumps(dict(patch))), template="jsonb_strip_nulls(%(expressions)s::jsonb)", arg_joiner=" || ",
        output_field=models.JSONField(),
    )  # fmt: skip


def names_of(patch: Iterable[str]) -> list[str]:
    """Keys as field names."""
    return [f"cf_{key}" for key in patch]
