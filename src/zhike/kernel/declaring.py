"""Columns and filters of a plain object type, worked out from the fields of its model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .fielddefs import FieldDef, FieldKind, built_in
from .models import Record
from .spec import Column, Filter, Words

CELLS: dict[FieldKind, str] = {
    "money": "money", "number": "number", "date": "date", "moment": "date", "yes_no": "boolean", "choice": "choice",
    "person": "person", "team": "team", "link": "record",
}  # fmt: skip
FILTERS: dict[FieldKind, str] = {
    "money": "range", "number": "range", "date": "dates", "moment": "dates", "yes_no": "yes_no", "person": "person", "team": "person",
    "link": "link",
}  # fmt: skip
BATCH = Filter(name="batch", label=Record._meta.get_field("batch_id").verbose_name, kind="link", path="batch_id", in_menu=False)


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
    found = (_filter(built_in(model, name), is_covered=name in covered) for name in names)
    return (*found, BATCH)


def _filter(field: FieldDef, *, is_covered: bool) -> Filter:
    return Filter(
        name=field.name,
        label=field.label,
        path=field.column if field.kind == "link" else "",
        kind=FILTERS.get(field.kind, "choice"),
        choices=partial(_choices, field) if field.choices else None,
        covered=is_covered,
        may_be_null=field.may_be_null,
        target=field.target if field.kind == "link" else None,
    )


def _choices(field: FieldDef) -> list[tuple[str, Words]]:
    return [(str(value), words) for value, words in field.choices]
