"""How orders are listed, shown and found, and what of them shows on a customer's page."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import NEVER, Customer
from zhike.kernel.actor import Actor, Scope
from zhike.kernel.declaring import filters
from zhike.kernel.lists.conditions import shared_filter
from zhike.kernel.policy import owned, part_of, set_policy
from zhike.kernel.registry import objects
from zhike.kernel.rights import Follower, add_follower
from zhike.kernel.screens.cells import badge
from zhike.kernel.spec import ApiAction, Column, ObjectSpec, Panel, Rail, SearchSource, SidePanel, Sort, TimelineEntry, TimelineSource
from zhike.kernel.templatetags.zhike_ui import money, num
from zhike.org.ready_roles import EVERY, LOOK, READ, VERBS

from .actions import enter_order, put_line, remove_line
from .models import Order, OrderLine, Status

NOT_SOLD = (Status.RETURNED, Status.CANCELLED)
TONE: dict[str, str] = {Status.RETURNED: "bad", Status.CANCELLED: "", Status.OPEN: "due", Status.DONE: "good"}
LINES = 200
FILTERS = ("owner", "status", "ordered_at", "amount", "customer", "region", "province", "city", "channel")
# Orders go with their customer: nobody hands them over by themselves, and sales people neither delete nor export them.
GRANTS = {
    "admin": EVERY | {"share": Scope.ALL},
    "manager": dict.fromkeys((*VERBS, "share"), Scope.BRANCH),
    "sales": dict.fromkeys(("view", "create", "change", "import", "share"), Scope.OWN),
    "service": LOOK,
    "auditor": READ,
    "analyst": READ,
}


def _status(order: Order, reader: Any) -> str:
    del reader
    return badge(order.get_status_display(), TONE.get(order.status, "")) if order.status else ""


objects.add(
    ObjectSpec(
        model=Order,
        policy=owned("orders.order", below="customer"),
        slug="orders",
        title=_("订单"),
        plural=_("订单"),
        icon="receipt-2",
        unit=_("单"),
        name="number",
        columns=(
            Column(path="number", cell="name", phone="name"),
            Column(path="customer", cell="record", join=("customer",), phone="seg"),
            Column(path="ordered_at", cell="date", phone="risk"),
            Column(path="amount", cell="money", phone="amt", label=_("金额（元）")),
            Column(path="quantity", cell="number"),
            Column(path="profit", cell="money"),
            Column(path="status", cell="status", phone="cls"),
            Column(path="lines_count", cell="number"),
            Column(path="owner", cell="person"),
            Column(path="team", cell="team"),
            Column(path="city"),
            Column(path="province"),
            Column(path="region"),
            Column(path="country"),
            Column(path="channel"),
            Column(path="ship_mode"),
            Column(path="shipped_at", cell="date"),
            Column(path="currency"),
        ),
        default_columns=("number", "customer", "ordered_at", "amount", "quantity", "status", "owner", "city"),
        sorts=(Sort(key="ordered_at"),),
        sums=("amount",),
        filters=(*filters(Order, *FILTERS, covered=("owner", "status")), shared_filter()),
        grants=GRANTS,
        rail=Rail(rank=30, hotkey="o"),
        panels=(
            Panel(title=_("资料"), fields=("number", "customer", "ordered_at", "shipped_at", "status", "channel", "ship_mode", "currency")),
            Panel(title=_("地址"), fields=("country", "region", "province", "city")),
            Panel(title=_("合计"), fields=("amount", "gross", "quantity", "profit", "lines_count")),
            Panel(title=_("备注"), fields=("remark",)),
        ),
        form=("number", "customer", "ordered_at"),
        read_only=("amount", "gross", "quantity", "profit", "lines_count"),
        required=("number", "ordered_at"),
        search=SearchSource(title="number", by_prefix=True, note=lambda order: f"{order.ordered_at:%Y-%m-%d}"),
        badges=lambda order: [(order.get_status_display(), TONE.get(order.status, ""))] if order.status else [],
        facts=lambda order: [order.city, money(order.amount)],
        cells={"status": _status},
        api_create=ApiAction(run=enter_order, label=_("录订单")),
        api_actions=(ApiAction(run=put_line, label=_("加一行")), ApiAction(run=remove_line, label=_("去掉一行"))),
        api_keys=("number",),
        views=((_("有退货"), "amount.le=-0.0001"), (_("最近 30 天"), "ordered_at.within=30")),
    )
)
add_follower(Follower(model=Order, title=_("订单"), link="customer", parent=Customer, is_copy=True))
set_policy(OrderLine, part_of("orders.order", "order", Order))


def _lines(actor: Actor, order: Order) -> dict[str, Any]:
    lines = list(OrderLine.objects.filter(order=order).veiled(actor).select_related("product").order_by("line_key")[: LINES + 1])
    return {
        "may_change": objects.of(Order).policy.allows(actor, "change", order),
        "lines": lines[:LINES],
        "more": max(0, (order.lines_count or LINES + 1) - LINES) if len(lines) > LINES else 0,
        "sees": {name: actor.sees(f"orders.order.{name}") for name in ("quantity", "amount", "profit")},
    }


def _bought(actor: Actor, customer: Customer) -> dict[str, Any] | None:
    if not actor.may("orders.order", "view"):
        return None
    recent = list(Order.objects.visible_to(actor).filter(customer=customer).order_by("-ordered_at", "-id")[:5])
    return {
        "orders": recent,
        "customer": customer,
        "has_bought": (_bought_at(customer) or NEVER) > NEVER or not actor.sees("customers.customer.last_order_at"),
        "average": _average(customer),
    }


def _bought_at(customer: Customer) -> dt.datetime | None:
    """The last purchase; None in a row whose reader may not see it."""
    return customer.last_order_at


def _average(customer: Customer) -> Decimal | None:
    return customer.sales / customer.orders_count if customer.orders_count and customer.sales is not None else None


TILES = {"all": ("sales", "orders_count"), "last": ("last_order_at",), "value": ("rfm", "segment")}


def _figures(actor: Actor, customer: Customer) -> dict[str, Any] | None:
    """What the customer bought in the last 12 months, and in the 12 before."""
    if not actor.may("orders.order", "view"):
        return None
    now = timezone.now()
    year, before = now - dt.timedelta(days=365), now - dt.timedelta(days=730)
    this = last = Decimal(0)
    if sees_amounts := actor.sees("orders.order.amount"):
        mine = Order.objects.visible_to(actor).filter(customer=customer, ordered_at__gte=before).exclude(status__in=NOT_SOLD)
        found = mine.aggregate(this=Sum("amount", filter=Q(ordered_at__gte=year)), last=Sum("amount", filter=Q(ordered_at__lt=year)))
        this, last = found["this"] or this, found["last"] or last
    at = _bought_at(customer)
    return {
        "this": this,
        "change": this - last,
        "last": last,
        "silent": (now - at).days if at is not None and at > NEVER else None,
        "rfm": "-".join(str(customer.rfm)) if customer.rfm else "",
        "segment": customer.get_segment_display() if customer.segment else "",
        "average": _average(customer),
        "sees": {"year": sees_amounts} | {
            tile: actor.sees(*(f"customers.customer.{name}" for name in names)) for tile, names in TILES.items()
        },
    }  # fmt: skip


def _told(actor: Actor, customer: Customer, before: dt.datetime, limit: int) -> list[TimelineEntry]:
    if not actor.may("orders.order", "view") or not actor.sees("orders.order.customer"):
        return []
    rows = Order.objects.visible_to(actor).filter(customer=customer, ordered_at__lte=before).order_by("-ordered_at", "-id")[:limit]
    return [
        TimelineEntry(
            at=row.ordered_at,
            key=str(row.pk),
            kind="order",
            icon="shopping-cart",
            title=_now("订单 %(number)s") % {"number": row.number},
            body="，".join(
                part
                for part in (
                    _now("%(amount)s 元") % {"amount": money(row.amount)} if row.amount is not None else "",
                    _now("%(quantity)s 件") % {"quantity": num(row.quantity)} if row.quantity is not None else "",
                )
                if part
            ),
            url=f"/orders/{row.pk}/",
            badge=row.get_status_display() if row.status != Status.DONE else "",
            tone="bad" if (row.amount or 0) < 0 else "",
        )
        for row in rows
    ]


LINK = ("orders.order.customer",)
objects.show_on("orders.order", SidePanel(key="lines", template="orders/panels/lines.html", load=_lines, place="main"))
objects.show_on(
    "customers.customer", SidePanel(key="bought", template="orders/panels/bought.html", load=_bought, place="side", rank=40, tells=LINK)
)
objects.show_on(
    "customers.customer", SidePanel(key="figures", template="orders/panels/figures.html", load=_figures, place="head", rank=10, tells=LINK)
)
objects.tell_on("customers.customer", TimelineSource(kind="order", label=_("订单"), entries=_told))
