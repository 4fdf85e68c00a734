"""A field says what it is."""

from __future__ import annotations

import pytest
from django.core.exceptions import FieldDoesNotExist

from zhike.customers.models import Customer
from zhike.kernel.fielddefs import built_in
from zhike.kernel.registry import objects
from zhike.orders.models import Order


@pytest.mark.parametrize(
    ("model", "name", "kind"),
    [
        (Customer, "name", "text"), (Customer, "remark", "long"), (Customer, "grade", "choice"), (Customer, "segment", "choice"),
        (Customer, "birthday", "date"), (Customer, "created_at", "moment"), (Customer, "sales", "money"), (Customer, "owner", "person"),
        (Customer, "team", "team"), (Customer, "email", "email"), (Customer, "orders_count", "number"), (Order, "customer", "link"),
    ],
)  # fmt: skip
def test_kinds(model: type, name: str, kind: str) -> None:
    assert built_in(model, name).kind == kind


def test_a_link_is_stored_as_an_id_and_knows_its_target() -> None:
    field = objects.of(Order).field("customer")
    order = Order(number="SO-1")
    assert (field.column, field.target, field.value(order)) == ("customer_id", Customer, None)


def test_no_such_field() -> None:
    with pytest.raises(FieldDoesNotExist):
        objects.of(Customer).field("cf_nothing")
