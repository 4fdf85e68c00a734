"""Sample records of every object type, for contract tests: one maker a type, as small as the type allows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal

from zhike.catalog.models import Product
from zhike.customers.models import Contact, Customer
from zhike.kernel.actor import Actor
from zhike.kernel.models import Record
from zhike.kernel.registry import objects
from zhike.kernel.search import documents
from zhike.orders.models import Order, OrderLine

WHEN = dt.datetime(2026, 3, 5, 2, 30, tzinfo=dt.UTC)
Maker = Callable[[str, int | None, int | None], Record]


def customer(name: str, owner: int | None = None, team: int | None = None, **values: object) -> Customer:
    """A company; values of further fields by keyword."""
    facts: dict[str, object] = {"kind": "company", "name_key": name, "sort_key": name} | values
    return Customer.objects.create(name=name, owner_id=owner, team_id=team, **facts)


def contact(name: str, owner: int | None = None, team: int | None = None) -> Contact:
    """A person at a company of the same owner."""
    company = customer(f"{name}的单位", owner, team)
    return Contact.objects.create(customer=company, name=name, owner_id=owner, team_id=team, phone="+8613812340077")


def product(name: str, owner: int | None = None, team: int | None = None) -> Product:
    """A product; it belongs to all."""
    return Product.objects.create(code=f"P-{name}", name=name, sort_key=name, price=Decimal("12.5"), owner_id=owner, team_id=team)


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


MAKERS: dict[str, Maker] = {
    "customers.customer": customer,
    "customers.contact": contact,
    "catalog.product": product,
    "orders.order": order,
}

# What a form has to hold to make a record of a type, and one change of it: field, new value, how it is stored.
FORMS: dict[str, dict[str, str]] = {
    "customers.customer": {"name": "常州精工", "kind": "company", "phone": "13812345678"},
    "catalog.product": {"code": "C-9", "name": "减速机", "price": "1200"},
    "orders.order": {"number": "SO-9", "ordered_at": "2026-03-05T10:30"},
}
# The same as an action takes it, where that is not text.
VALUES: dict[str, dict[str, object]] = {"orders.order": {"ordered_at": WHEN}}
CHANGES: dict[str, tuple[str, str, object]] = {
    "customers.customer": ("city", "无锡", "无锡"),
    "customers.contact": ("title", "采购", "采购"),
    "catalog.product": ("category", "传动", "传动"),
    "orders.order": ("channel", "门店", "门店"),
}


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
