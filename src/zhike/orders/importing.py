"""Orders from flat files of lines: customers, products, orders and lines in one pass."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.catalog.importing import product_entity
from zhike.customers.importing import customer_entity, text
from zhike.kernel.imports.targets import Chunk, Entity, ImportField, ImportTarget, Key, Names, add_target
from zhike.kernel.imports.values import FieldShape, Kind

from .models import Order, OrderLine
from .totals import refresh_totals

STATUSES = {
    "完成": "done", "已完成": "done", "交易成功": "done", "成交": "done", "已发货": "done", "completed": "done", "complete": "done", "shipped": "done",
    "delivered": "done", "进行中": "open", "待发货": "open", "待付款": "open", "处理中": "open", "pending": "open", "processing": "open",
    "已退货": "returned", "退货": "returned", "已退款": "returned", "退款": "returned", "refunded": "returned", "return": "returned",
    "已取消": "cancelled", "取消": "cancelled", "交易关闭": "cancelled", "canceled": "cancelled",
}  # fmt: skip
MONEY = FieldShape(kind=Kind.DECIMAL)
MOMENT = FieldShape(kind=Kind.DATETIME)

ORDER_FIELDS = (
    ImportField(
        name="number", title=_("订单编号"), shape=FieldShape(kind=Kind.CODE, max_length=80), weight=1.1,
        names=("订单编号", "订单 ID", "订单号", "单号", "销售单号", "交易号", "发票号", "order number", "order id", "order no", "invoice no", "invoice number",
               "invoice", "transaction id"),
    ),
    ImportField(
        name="date", column="ordered_at", title=_("下单时间"), shape=MOMENT, weight=1.1,
        names=("订单日期", "下单时间", "下单日期", "成交时间", "交易时间", "交易日期", "购买日期", "购买时间", "销售日期", "付款时间", "日期", "order date", "ordered at", "invoice date",
               "transaction date", "purchase date", "sale date", "date", "dt"),
    ),
    ImportField(
        name="shipped", column="shipped_at", title=_("发货时间"), shape=MOMENT,
        names=("发货日期", "发货时间", "出库日期", "ship date", "shipped at", "shipping date", "delivery date"),
    ),
    ImportField(
        name="status", title=_("状态"), shape=FieldShape(kind=Kind.CHOICE, choices=STATUSES), names=("订单状态", "状态", "order status", "status"),
    ),
    ImportField(
        name="returned", title=_("退回"), shape=FieldShape(kind=Kind.BOOLEAN), is_stored=False, names=("退回", "是否退货", "退货", "returned", "is returned"),
    ),
    ImportField(name="channel", title=_("渠道"), shape=text(60), names=("渠道", "销售渠道", "订单来源", "平台", "店铺", "channel", "sales channel")),
    ImportField(name="currency", title=_("币种"), shape=FieldShape(kind=Kind.CURRENCY), names=("币种", "货币", "币别", "currency", "currency code")),
    ImportField(name="country", title=_("国家"), shape=text(60), names=("国家", "国家/地区", "country")),
    ImportField(name="region", title=_("地区"), shape=text(60), names=("地区", "区域", "大区", "region")),
    ImportField(name="province", title=_("省份"), shape=text(60), names=("省/自治区", "省份", "省", "收货省", "province", "state")),
    ImportField(name="city", title=_("城市"), shape=text(60), names=("城市", "市", "收货城市", "city")),
    ImportField(
        name="ship_mode", title=_("配送方式"), shape=text(60), names=("邮寄方式", "配送方式", "发货方式", "快递", "ship mode", "shipping mode", "shipping method"),
    ),
    ImportField(
        name="remark", title=_("备注"), shape=FieldShape(kind=Kind.LONG_TEXT), names=("订单备注", "备注", "买家留言", "order remark", "remark", "notes"),
    ),
)  # fmt: skip

LINE_FIELDS = (
    ImportField(
        name="id", column="line_key", title=_("行编号"), shape=FieldShape(kind=Kind.CODE, max_length=120),
        names=("行 ID", "行号", "行编号", "明细编号", "子订单编号", "row id", "line id", "line number", "item id"),
    ),
    ImportField(name="name", title=_("名称"), shape=text(300), weight=0.8, names=("明细名称", "项目", "line name")),
    ImportField(
        name="quantity", title=_("数量"), shape=MONEY,
        names=("数量", "销售数量", "购买数量", "件数", "销量", "quantity", "qty", "units", "cds"),
    ),
    ImportField(
        name="unit_price", title=_("单价"), shape=MONEY, names=("单价", "成交单价", "销售单价", "价格", "unit price", "price", "item price"),
    ),
    ImportField(name="discount", title=_("折扣"), shape=FieldShape(kind=Kind.RATE), names=("折扣", "折扣率", "discount", "discount rate")),
    ImportField(
        name="amount", title=_("金额"), shape=MONEY,
        names=("销售额", "金额", "销售金额", "成交金额", "实付金额", "订单金额", "小计", "总价", "付款金额", "amount", "sales", "line total", "total", "revenue", "amt", "subtotal"),
    ),
    ImportField(name="profit", title=_("利润"), shape=MONEY, names=("利润", "毛利", "利润额", "profit", "margin", "gross profit")),
)  # fmt: skip


def _tells_lines(mapped: Names) -> bool:
    return bool({"line.quantity", "line.amount"} & mapped)


def _product_part(mapped: Names) -> str:
    told = [f's."{name}"' for name in ("product.code", "line.name", "product.name") if name in mapped]
    return f"left(coalesce({', '.join([*told, repr('')])}), 100)"


def _buyer_and_day(mapped: Names) -> str:
    """Whose order of which day a row is, as SQL text."""
    who = next((f's."{name}"' for name in ("customer.code", "customer.name", "customer.phone") if name in mapped), "null::text")
    day = "to_char(s.\"order.date\" at time zone 'Asia/Shanghai', 'YYYYMMDD')" if "order.date" in mapped else "null::text"
    return f"left(coalesce({who}, ''), 100) || '|' || coalesce({day}, '')"


def _part(mapped: Names) -> str:
    """Some sources use one number for several orders: where buyer or day differ, they tell the orders apart."""
    own = _buyer_and_day(mapped)
    within = 'over (partition by s."order.number")'
    split = "exists (select 1 from orders_order o where o.number = s.\"order.number\" and o.part <> '')"
    return f"case when min({own}) {within} <> max({own}) {within} or {split} then {own} else '' end"


def _numbering(mapped: Names) -> dict[str, str]:
    """Numbers of orders and lines where the file has none; made from the rows alone, so the same file gives the same."""
    found: dict[str, str] = {}
    if "order.number" not in mapped and "order.date" in mapped:
        who = "coalesce(s.\"customer.code\", '')" if "customer.code" in mapped else "''"
        day = "to_char(s.\"order.date\" at time zone 'Asia/Shanghai', 'YYYYMMDD')"
        found["order.number"] = f"{who} || '-' || {day} || '-' || row_number() over (partition by {who}, {day} order by s.row_no)"
        if _tells_lines(mapped):
            found["line.number"] = f"{_product_part(mapped)} || '#1'"
        return found
    if "order.number" in mapped and "order.date" in mapped:
        found["order.part"] = _part(mapped)
    if "line.id" not in mapped and _tells_lines(mapped):
        part, own = _product_part(mapped), _buyer_and_day(mapped)
        found["line.number"] = f"{part} || '#' || row_number() over (partition by s.\"order.number\", {own}, {part} order by s.row_no)"
    return found


def _order_columns(mapped: Names) -> dict[str, str]:
    found: dict[str, str] = {}
    if "order.number" in mapped:
        found["number"] = 's."order.number"'
        if "order.part" in mapped:
            found["part"] = 's."order.part"'
        elif _tells_lines(mapped):
            found["part"] = "''"
    if "order.returned" in mapped:
        status = ', s."order.status"' if "order.status" in mapped else ""
        found["status"] = f"coalesce(case when s.\"order.returned\" then 'returned' end{status})"
    return found


def _line_columns(mapped: Names) -> dict[str, str]:
    found: dict[str, str] = {}
    if "line.number" in mapped:
        found["line_key"] = 's."line.number"'
    parts = ['s."line.amount"'] if "line.amount" in mapped else []
    if {"line.quantity", "line.unit_price"} <= mapped:
        rate = ' * (1 - coalesce(s."line.discount", 0))' if "line.discount" in mapped else ""
        parts.append(f'round(s."line.quantity" * s."line.unit_price"{rate}, 4)')
    if parts and _tells_lines(mapped):
        found["amount"] = f"coalesce({', '.join(parts)})"
    names = [f's."{name}"' for name in ("line.name", "product.name") if name in mapped]
    if names and _tells_lines(mapped):
        found["name"] = f"coalesce({', '.join(names)})"
    return found


def _line_on_create(mapped: Names) -> dict[str, str]:
    if "line.quantity" in mapped or "line.amount" not in mapped:
        return {}
    return {"quantity": 'case when s."line.amount" < 0 then -1 else 1 end'}


def _after_lines(cursor: Any, chunk: Chunk) -> None:
    refresh_totals(cursor, f'select order_id from "{chunk.table}" where seq > {int(chunk.lo)} and seq <= {int(chunk.hi)}')


def order_entities() -> tuple[Entity, ...]:
    """Customer, product, order and line, lower ones first."""
    order = Entity(
        name="order",
        model=Order,
        fields=ORDER_FIELDS,
        keys=(
            Key(name="number", columns=("number", "part")),
            # A file that tells neither buyer nor day, such as a list of returns, means all orders with the number.
            Key(name="number", columns=("number",), is_unique=False, is_wide=True, is_last_resort=True),
        ),
        links={"customer_id": "customer"},
        computed=_order_columns,
        required=("number", "ordered_at"),
        owner_from="customer_id",
    )
    line = Entity(
        name="line",
        model=OrderLine,
        fields=LINE_FIELDS,
        keys=(Key(name="id", columns=("order_id", "line_key")),),
        links={"order_id": "order", "product_id": "product"},
        computed=_line_columns,
        on_create=_line_on_create,
        required=("line_key",),
        guard="order",
        cluster_by="order",
        after_chunk=_after_lines,
    )
    return (customer_entity(), product_entity(), order, line)


add_target(
    ImportTarget(
        name="orders",
        title=_("订单"),
        main="order",
        entities=order_entities(),
        numbering=_numbering,
        rank=20,
    )
)
