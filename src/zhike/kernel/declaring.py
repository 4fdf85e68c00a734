"""Columns and filters of a plain object type, worked out from the fields of its model."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from .actor import Actor
from .errors import Refused
from .fielddefs import FieldDef, FieldKind, built_in
from .lists.conditions import batch_filter
from .models import Record
from .policy import policy_of
from .spec import Column, Filter, Words

CELLS: dict[FieldKind, str] = {
    "money": "money", "number": "number", "date": "date", "moment": "date", "yes_no": "boolean", "choice": "choice",
    "person": "person", "team": "team", "link": "record",
}  # fmt: skip
FILTERS: dict[FieldKind, str] = {
    "money": "range", "number": "range", "date": "dates", "moment": "dates", "person": "person", "team": "person",
}  # fmt: skip
ANSWERS = (("true", pgettext_lazy("answer", "是")), ("false", pgettext_lazy("answer", "否")))
SHOWN = 20  # records of a link that are called by name; above that only their number is told


def columns(model: type[Record], *names: str) -> tuple[Column, ...]:
    """Columns of the named fields. The first is the name that opens the record; on a phone the next ones make up its card."""
    free = {"amt", "risk", "cls", "seg"}
    found = [Column(path=names[0], cell="name", phone="name")]
    for name in names[1:]:
        field = built_in(model, name)
        place = _place_in_card(field.kind, free)
        free.discard(place)
        cell, join = "phone" if is_phone(name) else CELLS.get(field.kind, "text"), (name,) if field.kind == "link" else ()
        found.append(Column(path=name, cell=cell, phone=place, join=join))
    return tuple(found)


def is_phone(name: str) -> bool:
    """Whether a text field holds a phone number, by its name."""
    return name == "phone" or name.endswith("_phone")


def _place_in_card(kind: FieldKind, free: set[str]) -> str:
    """A card has one amount, one date, and two words beside the name."""
    wanted = {"money": ["amt"], "number": ["amt"], "date": ["risk"], "moment": ["risk"], "team": [], "yes_no": []}.get(kind, ["seg", "cls"])
    return next((place for place in wanted if place in free), "")


def filters(model: type[Record], *names: str, covered: Sequence[str] = ()) -> tuple[Filter, ...]:
    """Filters by the named fields, and by import; `covered` names those that the index families include."""
    return (*(_filter(built_in(model, name), is_covered=name in covered) for name in names), batch_filter())


def _filter(field: FieldDef, *, is_covered: bool) -> Filter:
    if field.kind == "yes_no":
        return Filter(
            name=field.name, label=field.label, choices=lambda: ANSWERS, where=partial(_yes_no, field.name),
            ops=("in", "not", "is", "any", "none"), unoffered=frozenset({"is", "any", "none"}),
        )  # fmt: skip
    if field.kind == "link" and isinstance(field.target, type) and issubclass(field.target, Record):
        return Filter(
            name=field.name, label=field.label, kind="link", path=field.column, where=partial(_link, field.column), model=field.target,
            names=partial(_names, field.target), ops=("in", "not", "any", "none", "is"), unoffered=frozenset({"is"}),
        )  # fmt: skip
    return Filter(
        name=field.name,
        label=field.label,
        kind=FILTERS.get(field.kind, "number" if field.choices and isinstance(field.choices[0][0], int) else "choice"),
        choices=partial(_choices, field) if field.choices else None,
        covered=is_covered,
    )


def _choices(field: FieldDef) -> list[tuple[str, Words]]:
    return [(str(value), words) for value, words in field.choices]


def _yes_no(path: str, op: str, values: tuple[str, ...], actor: Actor) -> Q:
    del actor
    if op in ("any", "none"):
        return Q(**{f"{path}__isnull": op == "none"})
    if not set(values) <= {"true", "false"}:
        raise Refused("filter_value", name=path, value=",".join(values))
    keep = Q(**{f"{path}__in": [value == "true" for value in values]})
    return ~keep if op == "not" else keep


def _link(path: str, op: str, values: tuple[str, ...], actor: Actor) -> Q:
    del actor
    if op in ("any", "none"):
        return Q(**{f"{path}__isnull": op == "none"})
    keep = Q(**{f"{path}__in": _ids(path, values)})
    return ~keep if op == "not" else keep


def _ids(name: str, values: Sequence[str]) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(value) for value in values]
    except ValueError as wrong:
        raise Refused("filter_value", name=name.removesuffix("_id"), value=",".join(values)) from wrong


def _names(target: type[models.Model], actor: Actor, values: Sequence[str]) -> list[str]:
    """Linked records by name, as far as this actor sees them."""
    ids = _ids(target.__name__.lower(), values[:SHOWN])
    rows = target._default_manager.filter(policy_of(target).rows(actor, "view"), pk__in=ids)
    known = {str(row.pk): str(row) for row in rows}
    return [known.get(value, "—") for value in values]
