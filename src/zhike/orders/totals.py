"""Sums that follow from lines and orders: an order's totals, and on the customer what was bought in all.

An order counts for its customer when it is not cancelled and has a positive line; sales are net of negative lines,
and an order returned whole counts 0. The same rules as the metrics `orders.count` and `orders.sales`.
"""

from __future__ import annotations

from typing import Any

from zhike.customers.models import Customer
from zhike.kernel.followups import FollowUp, add_followup
from zhike.kernel.history import kind_of

from .models import Order, OrderLine

ORDERS = ("orders.order", "orders.orderline")
SQL_TOTALS = """
with ids as (select distinct order_id as id from ({ids}) x (order_id) where order_id is not null),
sums as (
  select i.id, count(l.id) as lines_count, coalesce(sum(l.quantity), 0) as quantity, coalesce(sum(l.amount), 0) as amount,
    coalesce(sum(l.amount) filter (where l.amount > 0), 0) as gross, sum(l.profit) as profit
  from ids i left join orders_orderline l on l.order_id = i.id group by i.id
)
update orders_order o set lines_count = s.lines_count, quantity = s.quantity, amount = s.amount, gross = s.gross, profit = s.profit
from sums s where o.id = s.id and (o.lines_count, o.quantity, o.amount, o.gross, o.profit)
  is distinct from (s.lines_count, s.quantity, s.amount, s.gross, s.profit)
"""
SQL_FACTS = """
with sums as (
  select i.id, count(o.id) filter (where o.gross > 0) as orders_count,
    coalesce(sum(o.amount) filter (where o.status <> 'returned'), 0) as sales,
    min(o.ordered_at) filter (where o.gross > 0) as first_at,
    coalesce(max(o.ordered_at) filter (where o.gross > 0), '1970-01-01 00:00:00+00') as last_at
  from ({ids}) i (id) left join orders_order o on o.customer_id = i.id and o.status <> 'cancelled' group by i.id
)
update customers_customer c set orders_count = s.orders_count, sales = s.sales, first_order_at = s.first_at, last_order_at = s.last_at
from sums s where c.id = s.id and (c.orders_count, c.sales, c.first_order_at, c.last_order_at)
  is distinct from (s.orders_count, s.sales, s.first_at, s.last_at)
"""
TOUCHED_ORDERS = """
select coalesce(l.order_id, (h.old->>'order_id')::uuid) as id from kernel_history h left join orders_orderline l on l.id = h.object_id
  where h.change_id = %(change)s and h.kind = {line}
union all select (h.old->>'order_id')::uuid from kernel_history h where h.change_id = %(change)s and h.kind = {line} and h.old ? 'order_id'
"""
TOUCHED_CUSTOMERS = """
select o.customer_id as id from kernel_history h join orders_order o on o.id = h.object_id
  where h.change_id = %(change)s and h.kind = {order}
union all select (h.old->>'customer_id')::uuid from kernel_history h where h.change_id = %(change)s and h.kind = {order} and h.old ? 'customer_id'
union all select h.object_id from kernel_history h where h.change_id = %(change)s and h.kind = {customer} and h.op = 'I'
union all select o.customer_id from ({orders}) t join orders_order o on o.id = t.id
"""


def refresh_totals(cursor: Any, ids: str) -> int:
    """Write the totals of the orders that the SQL `ids` selects, where they differ; answers how many."""
    cursor.execute(SQL_TOTALS.format(ids=ids))
    return int(cursor.rowcount)


def refresh_facts(cursor: Any, ids: str) -> int:
    """Write orders, sales, first and last purchase of the customers that the SQL `ids` selects, where they differ."""
    cursor.execute(SQL_FACTS.format(ids=ids))
    return int(cursor.rowcount)


def _range(table: str, lo: int, hi: int) -> str:
    return f'select id from "{table}" where n > {int(lo)} and n <= {int(hi)}'


def _touched_orders() -> str:
    return TOUCHED_ORDERS.format(line=kind_of(OrderLine))


def _touched_customers() -> str:
    return TOUCHED_CUSTOMERS.format(order=kind_of(Order), customer=kind_of(Customer), orders=_touched_orders())


TOUCHED_OWNERS = """
select o.id from kernel_history h join orders_order o on o.customer_id = h.object_id
  where h.change_id = %(change)s and h.kind = {customer} and h.op = 'U' and (h.old ? 'owner_id' or h.old ? 'team_id')
  and not exists (select 1 from org_standsapart where label = 'orders.order')
"""
SQL_OWNERS = """
update orders_order o set owner_id = c.owner_id, team_id = c.team_id, version = o.version + 1, updated_at = now()
from customers_customer c where c.id = o.customer_id and o.id in ({ids}) and (o.owner_id, o.team_id) is distinct from (c.owner_id, c.team_id)
"""


def _follow_owners(cursor: Any, table: str, lo: int, hi: int) -> int:
    """Orders belong to whoever has the customer, unless the company lets them stand apart; part of the same change, so that undo takes both back."""
    cursor.execute(SQL_OWNERS.format(ids=_range(table, lo, hi)))
    return int(cursor.rowcount)


add_followup(
    FollowUp(
        name="order_owners",
        labels=("customers.customer",),
        touched=lambda: TOUCHED_OWNERS.format(customer=kind_of(Customer)),
        apply=_follow_owners,
    )
)
add_followup(
    FollowUp(
        name="order_totals", touched=_touched_orders, done_by_import=True, labels=ORDERS,
        apply=lambda cursor, table, lo, hi: refresh_totals(cursor, _range(table, lo, hi)),
    )
)  # fmt: skip
add_followup(
    FollowUp(
        name="customer_facts", touched=_touched_customers, labels=ORDERS,
        apply=lambda cursor, table, lo, hi: refresh_facts(cursor, _range(table, lo, hi)),
    )
)  # fmt: skip
