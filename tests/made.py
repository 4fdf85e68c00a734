"""Sample records of every object type, for contract tests: worked out from the declaration, made by hand where that is not enough."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from django.db import models

from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.fielddefs import FieldDef
from zhike.kernel.models import Record
from zhike.kernel.registry import objects
from zhike.kernel.search import documents
from zhike.kernel.spec import ObjectSpec
from zhike.orders.models import Order, OrderLine

WHEN = dt.datetime(2026, 3, 5, 2, 30, tzinfo=dt.UTC)
Maker = Callable[[str, int | None, int | None], Record]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told(Mapping[str, T]):
    """Something of every object type: told by hand, or worked out from its declaration; `has` says for which types there is any."""

    by_hand: Mapping[str, T]
    work_out: Callable[[ObjectSpec], T]
    has: Callable[[ObjectSpec], bool] = lambda spec: True

    def __getitem__(self, label: str) -> T:
        return self.by_hand[label] if label in self.by_hand else self.work_out(objects.get(label))

    def __iter__(self) -> Iterator[str]:
        return (spec.label for spec in objects if self.has(spec))

    def __len__(self) -> int:
        return sum(1 for _label in self)

    def __contains__(self, label: object) -> bool:
        return label in list(self)


def customer(name: str, owner: int | None = None, team: int | None = None, **values: object) -> Customer:
    """A company; values of further fields by keyword."""
    facts: dict[str, object] = {"kind": "company", "name_key": name, "sort_key": name} | values
    return Customer.objects.create(name=name, owner_id=owner, team_id=team, **facts)


def order(name: str, owner: int | None = None, team: int | None = None) -> Order:
    """An order of one line, without a known customer."""
    made = Order.objects.create(
        number=name, ordered_at=WHEN, owner_id=owner, team_id=team, amount=Decimal("99.5"), gross=Decimal("99.5"), quantity=Decimal(2),
        lines_count=1,
    )  # fmt: skip
    OrderLine.objects.create(
        order=made, line_key="1", name="线缆", quantity=Decimal(2), unit_price=Decimal("49.75"), amount=Decimal("99.5")
    )
    return made


def _plain(spec: ObjectSpec, name: str, owner: int | None, team: int | None) -> Record:
    """A record with what it must have and the phone it may have; what it belongs to has the same owner."""
    phones = dict.fromkeys((column.path for column in spec.columns if column.cell == "phone"), "+8613812340077")
    values: dict[str, Any] = {"owner_id": owner, "team_id": team, spec.name: name} | phones
    for needed in {*spec.required, spec.policy.link} - {"", spec.name}:
        field = spec.field(needed)
        values[field.column] = _value(field, name, owner, team)
    made: Record = spec.model.objects.create(**values)
    return made


def _value(field: FieldDef, name: str, owner: int | None, team: int | None) -> Any:
    if field.kind == "link" and field.target is not None:
        return MAKERS[field.target._meta.label_lower](f"{name}的上级", owner, team).pk
    if field.choices:
        return field.choices[0][0]
    plain: dict[str, Any] = {"number": 1, "money": Decimal(1), "date": WHEN.date(), "moment": WHEN, "yes_no": True, "email": "a@b.cn"}
    return plain.get(field.kind, name)


def _form(spec: ObjectSpec) -> dict[str, str]:
    """What has to be typed to make a record."""
    typed = {name: str(_value(spec.field(name), "常州精工", None, None)) for name in spec.required}
    return typed | {spec.name: "常州精工"}


def _change(spec: ObjectSpec) -> tuple[str, str, object]:
    """A plain text that is neither the name nor a key."""
    free = (name for name in spec.editable() if name != spec.name and _is_free_text(spec.model._meta.get_field(name)))
    return next(free), "传动", "传动"


def _is_free_text(field: Any) -> bool:
    is_text = isinstance(field, models.CharField) and not isinstance(field, models.EmailField)
    return is_text and not field.choices and not field.unique and "phone" not in field.name


MAKERS: Mapping[str, Maker] = Told({"customers.customer": customer, "orders.order": order}, lambda spec: partial(_plain, spec))
# What a form has to hold to make a record of a type, and one change of it: field, new value, how it is stored.
FORMS: Mapping[str, dict[str, str]] = Told(
    {
        "customers.customer": {"name": "常州精工", "kind": "company", "phone": "13812345678"},
        "orders.order": {"number": "SO-9", "ordered_at": "2026-03-05T10:30"},
    },
    _form,
    lambda spec: bool(spec.form),
)
# The same as an action takes it, where that is not text.
VALUES: dict[str, dict[str, object]] = {"orders.order": {"ordered_at": WHEN}}
CHANGES: Mapping[str, tuple[str, str, object]] = Told(
    {"customers.customer": ("city", "无锡", "无锡"), "orders.order": ("channel", "门店", "门店")}, _change
)


def make(label: str, name: str, by: Actor | None = None) -> Record:
    """A record that belongs to somebody, or to nobody; it can be found by search."""
    record = MAKERS[label](name, by.user_id if by else None, by.home_team if by else None)
    findable([record])
    return record


def findable(records: Iterable[Record]) -> None:
    """Write the search documents that listeners write after a commit."""
    for record in records:
        if objects.of(type(record)).search:
            documents.refresh(type(record), [record.pk])
