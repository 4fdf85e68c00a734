"""Fields of an object type as other programs read and write them: typed, named, labelled, each as its reader may see it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext as _

from .. import directory
from ..actor import Actor
from ..fielddefs import FieldDef
from ..models import Record
from ..spec import ObjectSpec

BASE = ("id", "version", "created_at", "updated_at")
LINKS = ("link", "person", "team")
NEVER_YEAR = 1970  # a moment in that year stands for "never": sort keys of lists are never null
KINDS = {
    "long": "text", "email": "text", "money": "decimal", "moment": "time", "yes_no": "boolean", "formula": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One field: its kind (text, integer, decimal, boolean, date, time, choice, choices, link, person, team, id, json) and what may be done with it."""

    field: FieldDef
    kind: str
    is_nullable: bool = False
    is_writable: bool = False
    is_required: bool = False
    is_covered: bool = False

    @property
    def name(self) -> str:
        return self.field.name


def shapes_of(spec: ObjectSpec) -> tuple[Shape, ...]:
    """All fields of an object type, those of every record first, in the order of its page."""
    editable = set(spec.editable())
    return tuple(_shape(spec, name, name in editable) for name in _names(spec))


def shapes_for_new(spec: ObjectSpec) -> tuple[Shape, ...]:
    """The same for a record that is yet to be made: what its form asks may be given, also where it cannot be changed later."""
    asked = {*spec.form, *spec.form_more}
    return tuple(replace(shape, is_writable=True) if shape.name in asked else shape for shape in shapes_of(spec))


def _names(spec: ObjectSpec) -> list[str]:
    panels = [name for panel in spec.panels for name in panel.fields]
    columns = [column.path for column in spec.columns if "__" not in column.path]
    named = [
        *(name for name in BASE if name not in spec.hidden),
        spec.name,
        *panels,
        *spec.form,
        *spec.form_more,
        *columns,
        *(field.name for field in spec.custom),
    ]
    return [name for name in dict.fromkeys(named) if _is_field(spec, name)]


def _is_field(spec: ObjectSpec, name: str) -> bool:
    try:
        spec.field(name)
    except FieldDoesNotExist:
        return False
    return True


def _shape(spec: ObjectSpec, name: str, is_editable: bool) -> Shape:
    field = spec.field(name)
    stored = None if field.is_custom else spec.model._meta.get_field(name)
    return Shape(
        field=field,
        kind=_kind(field, stored),
        is_nullable=field.is_custom or field.may_be_null or _may_be_never(stored) or name in spec.covered,
        is_writable=is_editable and name not in BASE and name not in spec.covered and field.kind != "formula",
        is_required=name in spec.required,
        is_covered=name in spec.covered,
    )


def _may_be_never(stored: object) -> bool:
    return isinstance(stored, models.DateTimeField) and stored.has_default()


def _kind(field: FieldDef, stored: object) -> str:
    if isinstance(stored, models.UUIDField):
        return "id"
    if field.own is not None and field.kind == "formula":
        return KINDS.get(field.own.shown_as, field.own.shown_as) if field.own.shown_as != "number" else "decimal"
    if field.kind == "number":
        return "integer" if isinstance(stored, models.IntegerField) else "decimal"
    return KINDS.get(field.kind, field.kind)


def chosen_shapes(shapes: Sequence[Shape], names: Sequence[str]) -> tuple[Shape, ...]:
    """The named fields, id and version always first; all when none is named."""
    if not names:
        return tuple(shapes)
    wanted = {"id", "version", *names}
    return tuple(shape for shape in shapes if shape.name in wanted)


def plain_value(value: Any) -> Any:
    """A stored value as JSON holds it: exact decimals as text, moments in UTC, ids as text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return utc_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


def utc_text(moment: dt.datetime) -> str:
    """A moment as 2026-03-05T02:30:00Z, with fractions only where it has some."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


Names = Mapping[str, Mapping[Any, str]]  # field -> id -> name


def names_for(records: Sequence[Record], shapes: Sequence[Shape], actor: Actor) -> Names:
    """Read the names that the links of these records need: one query a linking field, whatever the number of rows.

    A linked record that the reader may not see has no name.
    """
    found: dict[str, Mapping[Any, str]] = {}
    for shape in shapes:
        if shape.kind not in LINKS:
            continue
        ids = {pk for record in records if (pk := shape.field.value(record)) not in (None, "")}
        if ids:
            found[shape.name] = _names_of(shape, ids, actor)
    return found


def _names_of(shape: Shape, ids: set[Any], actor: Actor) -> Mapping[Any, str]:
    if shape.kind == "person":
        return directory.people(ids)
    if shape.kind == "team":
        return directory.teams(ids)
    target = shape.field.target
    assert target is not None
    rows = target._default_manager.visible_to(actor).filter(pk__in=ids)  # type: ignore[attr-defined]
    return {key: str(row) for row in rows for key in (row.pk, str(row.pk))}


def record_json(record: Record, shapes: Sequence[Shape], names: Names, *, with_labels: bool = False) -> dict[str, Any]:
    """One record as other programs read it."""
    found: dict[str, Any] = {}
    for shape in shapes:
        value = shape.field.value(record)
        if shape.kind in LINKS and value not in (None, ""):
            found[shape.name] = {"id": plain_value(value), "name": names.get(shape.name, {}).get(value)}
        else:
            found[shape.name] = None if _is_never(shape, value) else plain_value(value)
    if with_labels:
        found["labels"] = {shape.name: label for shape in shapes if (label := _label(shape, found[shape.name]))}
    return found


def _is_never(shape: Shape, value: Any) -> bool:
    return shape.kind == "time" and shape.is_nullable and isinstance(value, dt.datetime) and value.year <= NEVER_YEAR


def _label(shape: Shape, value: Any) -> str:
    if shape.kind not in ("choice", "choices") or value in (None, "", []):
        return ""
    known = {key: str(label) for key, label in shape.field.choices}
    return _("、").join(known.get(one, str(one)) for one in (value if isinstance(value, list) else [value]))
