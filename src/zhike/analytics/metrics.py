"""The figures of the trade and what may divide them; see `facts` for the meaning of the columns."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Grade, Segment
from zhike.kernel.metrics import Dimension, Formula, Metric, metrics

from .own import declared_here
from .periods import PERIODS, start_of


def _period(name: str) -> Formula:
    return lambda rows: start_of(rows.day, name)


PERIOD_TITLES = {
    "day": _("日"),
    "week": _("周"),
    "month": _("月"),
    "quarter": _("季度"),
    "half_year": _("半年"),
    "year": _("年"),
}

metrics.add(
    *(Dimension(name=name, title=PERIOD_TITLES[name], fact="sales", key=_period(name), kind="period", unit=name) for name in PERIODS),
    Dimension(name="region", title=_("大区"), fact="sales", column="region", tells=("orders.order.region",)),
    Dimension(name="province", title=_("省份"), fact="sales", column="province", tells=("orders.order.province",)),
    Dimension(name="city", title=_("城市"), fact="sales", column="city", tells=("orders.order.city",)),
    Dimension(name="country", title=_("国家"), fact="sales", column="country", tells=("orders.order.country",)),
    Dimension(name="category", title=_("产品类别"), fact="sales", column="category", fine=True, tells=("catalog.product.category",)),
    Dimension(
        name="sub_category", title=_("产品子类别"), fact="sales", column="sub_category", fine=True, tells=("catalog.product.sub_category",)
    ),
    Dimension(
        name="product",
        title=_("产品"),
        fact="sales",
        column="product_id",
        label="product_name",
        kind="product",
        fine=True,
    ),
    Dimension(
        name="segment",
        title=_("客户价值分组"),
        fact="customers",
        column="segment",
        kind="choice",
        choices=((0, _("没有分组")), *Segment.choices),
        tells=(
            "customers.customer.segment",
            "orders.order.customer",
        ),
    ),
    Dimension(
        name="customer_category",
        title=_("客户细分"),
        fact="customers",
        column="customer_category",
        tells=(
            "customers.customer.category",
            "orders.order.customer",
        ),
    ),
    Dimension(
        name="grade",
        title=_("客户等级"),
        fact="customers",
        column="grade",
        kind="choice",
        choices=tuple(Grade.choices),
        tells=(
            "customers.customer.grade",
            "orders.order.customer",
        ),
    ),
    Dimension(name="channel", title=_("渠道"), fact="sales", column="channel", kind="choice", tells=("orders.order.channel",)),
    Dimension(name="owner", title=_("负责人"), fact="sales", column="owner_id", kind="user", tells=("orders.order.owner",)),
    Dimension(name="team", title=_("团队"), fact="sales", column="team_id", kind="team", tells=("orders.order.team",)),
    Dimension(
        name="known",
        title=_("客户已知"),
        fact="sales",
        key=lambda rows: rows.customer_id.notnull(),
        kind="yes_no",
        tells=("orders.order.customer",),
    ),
)

ALL = tuple(dimension.name for dimension in metrics.dimensions())


def _sold(rows: Any) -> Any:
    return rows.gross > 0


def _split_orders(rows: Any) -> Any:
    """Orders that share a number with others are one order to those who count."""
    return rows.split_number.nunique(where=_sold(rows))


def _orders(rows: Any) -> Any:
    return rows.order_id.nunique(where=_sold(rows) & rows.split_number.isnull()) + _split_orders(rows)


def _quick_orders(rows: Any) -> Any:
    return rows.first_sale.sum(where=rows.split_number.isnull()).fill_null(0) + _split_orders(rows)


def _purchases(rows: Any) -> Any:
    return rows.order_id.nunique(where=_sold(rows))


def _quick_purchases(rows: Any) -> Any:
    return rows.first_sale.sum()


def _known_sold(rows: Any) -> Any:
    return (rows.gross > 0) & rows.customer_id.notnull()


def _first_bought(rows: Any) -> Any:
    return (rows.gross > 0) & (rows.day == rows.first_day)


def _kept(rows: Any) -> Any:
    return rows.status != "returned"


metrics.add(
    Metric(
        name="orders.count",
        title=_("订单数"),
        unit="count",
        grain="order",
        fact="sales",
        dimensions=ALL,
        formula=_orders,
        quick=_quick_orders,
        counted=_sold,
        formula_text=_("至少有一行销售金额大于 0 的订单个数（不含已取消）；几张单子共用一个编号的，按编号计一次"),
    ),
    Metric(
        name="orders.sales",
        tells=("orders.order.amount",),
        title=_("销售额"),
        unit="money",
        grain="line",
        fact="sales",
        dimensions=ALL,
        decimals=2,
        formula=lambda rows: rows.sales.sum().fill_null(0),
        formula_text=_("订单行金额之和，减去退货；整单退货按 0 计（不含已取消）"),
    ),
    Metric(
        name="orders.gross",
        tells=("orders.order.gross", "orders.order.amount"),
        title=_("销售总额"),
        unit="money",
        grain="line",
        fact="sales",
        dimensions=ALL,
        decimals=2,
        formula=lambda rows: rows.gross.sum().fill_null(0),
        counted=_sold,
        formula_text=_("金额大于 0 的订单行之和，不减退货"),
    ),
    Metric(
        name="orders.returns",
        tells=("orders.order.amount",),
        title=_("退货额"),
        unit="money",
        grain="line",
        fact="sales",
        dimensions=ALL,
        decimals=2,
        formula=lambda rows: (rows.gross - rows.sales).sum().fill_null(0),
        counted=lambda rows: rows.gross != rows.sales,
        formula_text=_("销售总额减去销售额"),
    ),
    Metric(
        name="orders.quantity",
        tells=("orders.order.quantity",),
        title=_("销售数量"),
        unit="quantity",
        grain="line",
        fact="sales",
        dimensions=ALL,
        formula=lambda rows: rows.quantity.sum(where=_kept(rows)).fill_null(0),
        counted=_kept,
        formula_text=_("订单行数量之和，退货行相减；整单退货按 0 计"),
    ),
    Metric(
        name="orders.profit",
        tells=("orders.order.profit",),
        title=_("利润"),
        unit="money",
        grain="line",
        fact="sales",
        dimensions=ALL,
        decimals=2,
        formula=lambda rows: rows.profit.sum(where=_kept(rows)),
        counted=_kept,
        formula_text=_("订单行利润之和；整单退货按 0 计；没有成本的行不计，全部没有则无值"),
    ),
    Metric(
        name="orders.average",
        title=_("客单价"),
        unit="money",
        grain="order",
        fact="sales",
        dimensions=ALL,
        decimals=2,
        over=("orders.sales", "orders.count"),
        formula_text=_("销售额 ÷ 订单数"),
    ),
    Metric(
        name="customers.buyers",
        tells=("orders.order.customer",),
        title=_("购买客户数"),
        unit="count",
        grain="customer",
        fact="sales",
        dimensions=ALL,
        formula=lambda rows: rows.customer_key.nunique(where=_sold(rows)),
        counted=_known_sold,
        formula_text=_("有销售金额大于 0 的订单行的客户个数，同一客户只计一次"),
    ),
    Metric(
        name="customers.new_buyers",
        tells=(
            "orders.order.customer",
            "customers.customer.first_order_at",
        ),
        title=_("新购客户数"),
        unit="count",
        grain="customer",
        fact="sales",
        dimensions=ALL,
        joins=("customers",),
        formula=lambda rows: rows.customer_key.nunique(where=_first_bought(rows)),
        counted=_first_bought,
        formula_text=_("有史以来第一次购买落在这里的客户个数"),
    ),
    Metric(
        name="customers.returning_buyers",
        tells=(
            "orders.order.customer",
            "customers.customer.first_order_at",
        ),
        title=_("回购客户数"),
        unit="count",
        grain="customer",
        fact="sales",
        dimensions=ALL,
        joins=("customers",),
        formula=lambda rows: rows.customer_key.nunique(where=_sold(rows)) - rows.customer_key.nunique(where=_first_bought(rows)),
        formula_text=_("购买客户数减去新购客户数：第一次购买不在这里的客户"),
    ),
    Metric(
        name="customers.repeat_buyers",
        tells=("orders.order.customer",),
        title=_("多次购买客户数"),
        unit="count",
        grain="customer",
        fact="sales",
        dimensions=ALL,
        per=("customer_key",),
        each=_purchases,
        quick_each=_quick_purchases,
        formula=lambda groups: (groups.customer_key.notnull() & (groups.each >= 2)).sum(),
        formula_text=_("所选范围内订单数不少于 2 的客户个数"),
    ),
    Metric(
        name="customers.repeat_rate",
        title=_("复购率"),
        unit="ratio",
        grain="customer",
        fact="sales",
        dimensions=ALL,
        decimals=4,
        over=("customers.repeat_buyers", "customers.buyers"),
        formula_text=_("多次购买客户数 ÷ 购买客户数"),
    ),
)
metrics.offer(declared_here)
