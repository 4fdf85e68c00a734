"""The facts of the trade in the lake: order lines and customers, how they get there and how they are opened.

Money and quantities are whole ten-thousandths. `day` is the date in Asia/Shanghai. Cancelled orders are left out.
`gross` is what was sold; `sales` is net: lines below 0 (returns) subtract, and an order that was returned whole
counts 0. `first_sale` is 1 on one selling line of each order, so that orders are counted by a sum; `split_number` is
filled where several orders share one number, and then they count by it. `first_day` is a customer's first purchase.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhike.kernel.lake.engine import open_lake
from zhike.kernel.lake.export import ExportReport, LakeTable, Say, export_changes
from zhike.kernel.lake.source import ReadFrom

if TYPE_CHECKING:
    import ibis.expr.types as ir

ZONE = "Asia/Shanghai"
Columns = tuple[tuple[str, str], ...]

SALES_COLUMNS = (
    ("order_id", "string"),
    ("line_id", "string"),
    ("number", "string"),
    ("split_number", "string"),
    ("customer_id", "string"),
    ("product_id", "string"),
    ("ordered_at", "timestamp[us]"),
    ("day", "date32"),
    ("status", "string"),
    ("amount", "int64"),
    ("quantity", "int64"),
    ("profit", "int64"),
    ("region", "string"),
    ("province", "string"),
    ("city", "string"),
    ("country", "string"),
    ("channel", "string"),
    ("category", "string"),
    ("sub_category", "string"),
    ("product_name", "string"),
    ("owner_id", "int32"),
    ("team_id", "int32"),
)
CUSTOMER_COLUMNS = (
    ("customer_id", "string"),
    ("code", "string"),
    ("kind", "string"),
    ("grade", "string"),
    ("category", "string"),
    ("region", "string"),
    ("province", "string"),
    ("city", "string"),
    ("segment", "int16"),
    ("owner_id", "int32"),
    ("team_id", "int32"),
    ("created_day", "date32"),
    ("first_day", "date32"),
)

ORDER_COLUMNS = (
    ("own_order", "string"),
    ("customer_id", "string"),
    ("day", "date32"),
    ("region", "string"),
    ("province", "string"),
    ("city", "string"),
    ("country", "string"),
    ("channel", "string"),
    ("owner_id", "int32"),
    ("team_id", "int32"),
)

# Counting and joining by a number costs a quarter of what it costs by text; 63 bits keep customers apart.
KEY = "cast(md5_number_lower(customer_id) >> 1 as bigint)"

SALES_SQL = f"""
select o.id::text as order_id, l.id::text as line_id, o.number, case when o.part <> '' then o.number end as split_number, o.customer_id::text as customer_id,
  l.product_id::text as product_id, o.ordered_at at time zone '{ZONE}' as ordered_at,
  (o.ordered_at at time zone '{ZONE}')::date as day, o.status,
  (l.amount * 10000)::bigint as amount, (l.quantity * 10000)::bigint as quantity, (l.profit * 10000)::bigint as profit,
  o.region, o.province, o.city, o.country, o.channel,
  p.category, p.sub_category, coalesce(p.name, l.name) as product_name,
  o.owner_id::int as owner_id, o.team_id::int as team_id
from orders_orderline l join orders_order o on o.id = l.order_id left join catalog_product p on p.id = l.product_id
where o.status <> 'cancelled'
"""
SALES_FINISH = f"""
select order_id, line_id, number, split_number, customer_id, {KEY} as customer_key, product_id, ordered_at, day, status, amount,
  greatest(amount, 0) as gross,  case when status = 'returned' then 0 else amount end as sales, quantity, profit,
  cast(amount > 0 and row_number() over (partition by order_id order by amount <= 0, line_id) = 1 as tinyint)
    as first_sale,
  region, province, city, country, channel, category, sub_category, product_name, owner_id, team_id
from spool order by ordered_at, order_id, line_id
"""
CUSTOMERS_SQL = f"""
select id::text as customer_id, coalesce(code, '') as code, kind, grade, category, region, province, city,
  segment::smallint as segment, owner_id::int as owner_id, team_id::int as team_id,
  (created_at at time zone '{ZONE}')::date as created_day, (first_order_at at time zone '{ZONE}')::date as first_day{{own}}
from customers_customer
"""
# One row an order and one a product, each with the own fields that it has.
ORDERS_SQL = f"""
select o.id::text as own_order, o.customer_id::text as customer_id, (o.ordered_at at time zone '{ZONE}')::date as day,
  o.region, o.province, o.city, o.country, o.channel, o.owner_id::int as owner_id, o.team_id::int as team_id{{own}}
from orders_order o where o.status <> 'cancelled'
"""
PRODUCTS_SQL = "select id::text as own_product{own} from catalog_product"
PRINT = "select count(*)::text || ':' || coalesce(bit_xor(hashtextextended(c::text, 0)), 0)::text from ({rows}) c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The numbers under which history keeps changes of these tables."""

    order: int
    line: int
    product: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnColumn:
    """A company's own field as a column of the lake: its name there, its Arrow type, and its value in PostgreSQL."""

    name: str
    arrow: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The columns of own fields by the object types that have them."""

    customers: tuple[OwnColumn, ...] = ()
    orders: tuple[OwnColumn, ...] = ()
    products: tuple[OwnColumn, ...] = ()

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Own:
        """From what `dataclasses.asdict` gave, through JSON."""
        return cls(**{name: tuple(OwnColumn(**column) for column in columns) for name, columns in given.items()})


NOTHING_OWN = Own()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Tables of any Ibis engine: `sales` (one row an order line), `customers`; changes until `watermark` are in.

    `orders` (one row an order) and `products` are there while the company has own fields of them.
    """

    sales: ir.Table
    customers: ir.Table
    orders: ir.Table | None = None
    products: ir.Table | None = None
    watermark: dt.datetime | None = None


def open_facts(lake: Path) -> Facts:
    """The facts of a company's lake as they are now; Refused("lake_missing") before the first export."""
    opened = open_lake(lake)
    beside = {name: opened.tables.get(name) for name in ("orders", "products")}
    return Facts(sales=opened.tables["sales"], customers=opened.tables["customers"], watermark=opened.manifest.watermark, **beside)


def export_facts(
    uri: str | ReadFrom, lake: Path, *, kinds: Kinds, own: Own = NOTHING_OWN, full: bool = False, say: Say = lambda table, rows: None
) -> ExportReport:
    """Bring the lake up to date with a company's database; see `export_changes` for what is read and refused."""
    return export_changes(uri, lake, tables=lake_tables(kinds, own), full=full, say=say)


def lake_tables(kinds: Kinds, own: Own = NOTHING_OWN) -> tuple[LakeTable, ...]:
    """The declaration of all tables; a field that is made or changed makes its table new, and no other."""
    touched = _touched(kinds)
    sales = LakeTable(
        name="sales",
        columns=SALES_COLUMNS,
        rows_sql=_sales_rows,
        finish_sql=SALES_FINISH,
        month_of="day",
        touched_sql=touched,
    )
    tables = [sales, _printed("customers", CUSTOMER_COLUMNS, CUSTOMERS_SQL, own.customers, f"*, {KEY} as customer_key", "customer_id")]
    if own.orders:
        tables.append(_orders(own.orders, touched))
    if own.products:
        tables.append(_printed("products", (("own_product", "string"),), PRODUCTS_SQL, own.products, "*", "own_product"))
    return tuple(tables)


def _printed(name: str, columns: Columns, sql: str, own: tuple[OwnColumn, ...], finish: str, key: str) -> LakeTable:
    """A table in one file, written again when any row of it differs."""
    rows = sql.format(own="".join(f", {one.sql} as {one.name}" for one in own))
    return LakeTable(
        name=name,
        columns=(*columns, *((one.name, one.arrow) for one in own)),
        rows_sql=lambda months: rows,
        finish_sql=f"select {finish} from spool order by {key}",
        print_sql=PRINT.format(rows=rows),
    )


def _orders(own: tuple[OwnColumn, ...], touched: Callable[[dt.datetime], str]) -> LakeTable:
    rows = ORDERS_SQL.format(own="".join(f", {one.sql} as {one.name}" for one in own))
    return LakeTable(
        name="orders",
        columns=(*ORDER_COLUMNS, *((one.name, one.arrow) for one in own)),
        rows_sql=lambda months: _in_months(rows, months),
        finish_sql=f"select *, {KEY} as customer_key from spool order by day, own_order",
        month_of="day",
        touched_sql=touched,
    )


def _sales_rows(months: tuple[str, ...] | None) -> str:
    return _in_months(SALES_SQL, months)


def _in_months(sql: str, months: tuple[str, ...] | None) -> str:
    """A query over orders `o`, which ends in its conditions, for some months or all."""
    if months is None:
        return sql
    spans = (f"(o.ordered_at >= {_moment(start)} and o.ordered_at < {_moment(end)})" for start, end in _spans(months))
    return f"{sql} and ({' or '.join(spans)})"


def _spans(months: tuple[str, ...]) -> list[tuple[dt.date, dt.date]]:
    """Months that follow each other as one span, so that the planner sees few conditions."""
    spans: list[tuple[dt.date, dt.date]] = []
    for month in months:
        start = dt.date.fromisoformat(f"{month}-01")
        end = (start + dt.timedelta(days=31)).replace(day=1)
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _moment(day: dt.date) -> str:
    return f"(timestamp '{day.isoformat()}' at time zone '{ZONE}')"


def _touched(kinds: Kinds) -> Callable[[dt.datetime], str]:
    """Months of every order that was, or now is, concerned by a change of it, of its lines or of a product in them."""

    def sql(since: dt.datetime) -> str:
        return f"""
        with h as materialized (
          select kind, object_id, op, old from kernel_history
          where at >= '{since.isoformat()}' and kind in ({kinds.order}, {kinds.line}, {kinds.product})
        ), products as (
          select distinct object_id as id from h
          where kind = {kinds.product} and op = 'U' and old ?| array['name', 'category', 'sub_category']
        ), orders as (
          select object_id as id from h where kind = {kinds.order}
          union select l.order_id from h join orders_orderline l on l.id = h.object_id
            where h.kind = {kinds.line} and h.op <> 'D'
          union select (old->>'order_id')::uuid from h where kind = {kinds.line} and old ? 'order_id'
          union select l.order_id from products join orders_orderline l on l.product_id = products.id
        ), moments as (
          select o.ordered_at from orders join orders_order o on o.id = orders.id
          union all select (old->>'ordered_at')::timestamptz from h where kind = {kinds.order} and old ? 'ordered_at'
        )
        select distinct to_char(ordered_at at time zone '{ZONE}', 'YYYY-MM') from moments
        """

    return sql
