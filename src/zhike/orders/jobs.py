"""Work over all orders."""

from __future__ import annotations

from django.db import connection, transaction

from zhike.kernel import history
from zhike.kernel.actor import SYSTEM
from zhike.kernel.jobs import job

CHUNK = 20_000
SQL_WANTED = """
select not exists (select 1 from org_standsapart where label = 'orders.order') and exists (
  select 1 from orders_order o join customers_customer c on c.id = o.customer_id
  where (o.owner_id, o.team_id) is distinct from (c.owner_id, c.team_id))
"""
SQL_ALIGN = """
with strayed as (select o.id, c.owner_id, c.team_id from orders_order o join customers_customer c on c.id = o.customer_id
  where (o.owner_id, o.team_id) is distinct from (c.owner_id, c.team_id) limit %s for update of o)
update orders_order o set owner_id = strayed.owner_id, team_id = strayed.team_id, version = o.version + 1, updated_at = now()
from strayed where o.id = strayed.id
"""


@job()
def align_owners() -> None:
    """Give orders the owner and team of their customer, some thousands at a time; safe to run again, and stops when they stand apart."""
    while align_some():
        pass


def align_some(size: int = CHUNK) -> int:
    """One chunk in one transaction, with history; how many orders changed hands."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL_WANTED)
        if not cursor.fetchone()[0]:
            return 0
        history.begin_change(SYSTEM, verb="align_owners", label="orders.order")
        cursor.execute(SQL_ALIGN, [size])
        return int(cursor.rowcount)
