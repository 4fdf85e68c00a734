"""What people do with orders: enter one, and change its lines. Totals follow in the same transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count
from django.utils import timezone

from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.actions import action, creation, require_fields, save_change, save_new
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.policy import policy_of

from .models import Order, OrderLine

STEP = Decimal("0.0001")
LARGEST = Decimal(10) ** 14


@creation(Order)
def enter_order(*, by: Actor, number: str, ordered_at: dt.datetime, customer: uuid.UUID | None = None, remark: str = "") -> Order:
    """A new order of a customer the actor may see (or of nobody known); it belongs to whoever has the customer."""
    bought_by = Customer.objects.visible_to(by).filter(pk=customer).first() if customer else None
    if customer and bought_by is None:
        raise Refused("not_permitted", verb="view", label="customers.customer")
    told = {"number": number, "ordered_at": ordered_at, "customer": bought_by, "remark": remark}
    require_fields(by, "orders.order", [name for name, value in told.items() if value], is_new=True)
    order = Order(number=number.strip() or next_number(), ordered_at=ordered_at, customer=bought_by, remark=remark)
    if bought_by is not None and "orders.order" not in by.apart:
        order.owner_id, order.team_id = bought_by.owner_id, bought_by.team_id
    return save_new(order, by=by)


def next_number() -> str:
    """A number nobody typed: day and the count of that day's, as SO-20261122-003."""
    day = timezone.localdate()
    start = f"SO-{day:%Y%m%d}-"
    taken = Order.objects.filter(number__startswith=start).aggregate(n=Count("pk"))["n"]
    return f"{start}{taken + 1:03d}"


def line_amount(quantity: Decimal, price: Decimal, discount: Decimal | None) -> Decimal:
    """Quantity x unit price x (1 - discount), four decimals, half up. Refused("invalid_value") beyond what an amount can hold."""
    exact = quantity * price * (1 - (discount or Decimal(0)))
    if abs(exact) >= LARGEST:
        raise Refused("invalid_value", field="amount", why="max_digits")
    return exact.quantize(STEP, rounding=ROUND_HALF_UP)


@action(needs="change")
def put_line(
    order: Order, *, by: Actor, product: uuid.UUID, quantity: Decimal, unit_price: Decimal, discount: Decimal | None = None
) -> OrderLine:
    """Add a line; a negative quantity is a return. Refused("gone") for an unknown product, ("required") for quantity 0."""
    sold = Product.objects.visible_to(by).filter(pk=product).first()
    if sold is None:
        raise Refused("gone", label="catalog.product")
    if not quantity:
        raise Refused("required", field="quantity")
    same = OrderLine.objects.filter(order=order, product=sold).count()
    cost = sold.cost
    line = OrderLine(
        order=order, line_key=f"{sold.code[:100]}#{same + 1}-{uuid.uuid4().hex[:6]}", product=sold, name=sold.name, quantity=quantity,
        unit_price=unit_price, discount=discount, amount=line_amount(quantity, unit_price, discount),
    )  # fmt: skip
    line.profit = line.amount - cost * quantity if cost is not None else None
    save_new(line, by=by)
    save_change(order)
    return line


@action(needs="change")
def remove_line(order: Order, *, by: Actor, line: uuid.UUID) -> None:
    """Take a line off its order; undo puts it back."""
    policy_of(Order).require(by, "change", order)
    if not OrderLine.objects.filter(order=order, pk=line).delete()[0]:
        raise Refused("gone", label="orders.orderline")
    save_change(order)
