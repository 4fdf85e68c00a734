"""Set-wise changes of orders that follow from other facts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import connection, transaction

from zhike.kernel import history
from zhike.kernel.actor import SYSTEM

SQL_FOLLOW = """
update orders_order o set owner_id = c.owner_id, team_id = c.team_id, version = o.version + 1, updated_at = now()
from customers_customer c
where c.id = o.customer_id and c.id = any(%s) and (o.owner_id, o.team_id) is distinct from (c.owner_id, c.team_id)
"""


def follow_customers(customer_ids: Sequence[uuid.UUID]) -> int:
    """Give the orders of these customers to the customers' owners and teams; the number of orders changed."""
    with transaction.atomic():
        history.begin_change(SYSTEM.because("follows the customer"), verb="follow_customers", label="orders.order")
        with connection.cursor() as cursor:
            cursor.execute(SQL_FOLLOW, [list(customer_ids)])
            return int(cursor.rowcount)
