"""Fields of an object type as other programs read and write them: typed, named, labelled, each as its reader may see it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models

from ..actor import Actor
from ..fields import field_of
from ..models import Record
from ..spec import ObjectSpec, Words

BASE = ("id", "version", "created_at", "updated_at")
NEVER_YEAR = 1970  # a moment in that year stands for "never": sort keys of lists are never null


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One field: its kind (text, integer, decimal, boolean, date, time, choice, link, person, team, id) and what may be done with it."""

    name: str
    kind: str
    label: Words
    attname: str
    is_nullable: bool = False
    is_writable: bool = False
    is_required: bool = False
    is_list: bool = False
    length: int | None = None
    choices: tuple[tuple[Any, Words], ...] = ()
    to: type[models.Model] | None = None


def shapes_of(spec: ObjectSpec) -> tuple[Shape, ...]:
    """All fields of an object type, those of every record first, in the order of its page."""
    editable = set(spec.editable())
    return tuple(_shape(spec, name, name in editable) for name in _names(spec))


def _names(spec: ObjectSpec) -> list[str]:
    panels = [name for panel in spec.panels for name in panel.fields]
    columns = [column.path for column in spec.columns if "__" not in column.path]
    whose = [] if spec.policy.parent is not None else ["owner", "team"]
    named = [*BASE, spec.name, *panels, *spec.form, *spec.form_more, *whose, *columns]
    return list(dict.fromkeys(named))


def _shape(spec: ObjectSpec, name: str, is_editable: bool) -> Shape:
    field = field_of(spec.model, name)
    return Shape(
        name=name,
        kind=_kind(field),
        label=getattr(field, "verbose_name", name),
        attname=field.attname,
        is_nullable=field.null or _may_be_never(field),
        is_writable=is_editable and name not in BASE,
        is_required=name in spec.required,
        length=field.max_length,
        choices=tuple((key, label) for key, label in (field.flatchoices or ()) if key not in ("", None)),
        to=field.related_model if isinstance(field.related_model, type) else None,
    )


def _may_be_never(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.DateTimeField) and field.has_default()


def _kind(field: models.Field[Any, Any]) -> str:
    if field.name in ("owner", "team"):
        return "person" if field.name == "owner" else "team"
    if field.is_relation:
        return "link"
    if field.choices:
        return "choice"
    kinds: tuple[tuple[type[Any], str], ...] = (
        (models.UUIDField, "id"),
        (models.DateTimeField, "time"),
        (models.DateField, "date"),
        (models.DecimalField, "decimal"),
        (models.BooleanField, "boolean"),
        (models.IntegerField, "integer"),
    )
    return next((kind for cls, kind in kinds if isinstance(field, cls)), "text")


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
        return None if value.year <= NEVER_YEAR else utc_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


def utc_text(moment: dt.datetime) -> str:
    """A moment as 2026-03-05T02:30:00Z, with fractions only where it has some."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names behind the ids of one page, as its reader may know them: field -> id -> name."""

    by_field: dict[str, dict[Any, str]]

    def of(self, shape: Shape, pk: Any) -> str | None:
        return self.by_field.get(shape.name, {}).get(pk)


def names_for(records: Sequence[Record], shapes: Sequence[Shape], actor: Actor, people: Any) -> Names:
    """Read the names that the links of these records need: one query a linking field, whatever the number of rows.

    `people` names persons and teams by id. A linked record that the reader may not see has no name.
    """
    found: dict[str, dict[Any, str]] = {}
    for shape in shapes:
        if shape.kind not in ("link", "person", "team"):
            continue
        ids = {pk for record in records if (pk := getattr(record, shape.attname)) is not None}
        if not ids:
            continue
        if shape.kind == "link":
            assert shape.to is not None
            found[shape.name] = {row.pk: str(row) for row in shape.to.objects.visible_to(actor).filter(pk__in=ids)}  # type: ignore[attr-defined]
        else:
            found[shape.name] = people.people(ids) if shape.kind == "person" else people.teams(ids)
    return Names(by_field=found)


def record_json(record: Record, shapes: Sequence[Shape], names: Names, *, with_labels: bool = False) -> dict[str, Any]:
    """One record as other programs read it."""
    found: dict[str, Any] = {}
    for shape in shapes:
        value = getattr(record, shape.attname)
        if shape.kind in ("link", "person", "team"):
            found[shape.name] = None if value is None else {"id": plain_value(value), "name": names.of(shape, value)}
        else:
            found[shape.name] = plain_value(value)
    if with_labels:
        found["labels"] = {
            shape.name: str(dict(shape.choices).get(found[shape.name], ""))
            for shape in shapes
            if shape.kind == "choice" and found[shape.name] not in ("", None)
        }
    return found
