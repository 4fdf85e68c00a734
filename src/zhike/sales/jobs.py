"""How touches turned out, counted every night."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from zhike.kernel.jobs import every

SQL_OUTCOMES = """
insert into sales_touchoutcome (rule, touches, bought, counted_at)
select a.rule, count(*), count(*) filter (where c.last_order_at > a.happened_at), %(now)s
from customers_activity a join customers_customer c on c.id = a.customer_id
where a.rule <> '' and a.happened_at between %(now)s - interval '395 days' and %(now)s - interval '30 days'
group by a.rule
on conflict (rule) do update set touches = excluded.touches, bought = excluded.bought, counted_at = excluded.counted_at
"""


@every("37 2 * * *")
def count_touch_outcomes() -> None:
    """Touches older than 30 days and younger than 13 months, and after how many of them the customer bought again."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_OUTCOMES, {"now": timezone.now()})
