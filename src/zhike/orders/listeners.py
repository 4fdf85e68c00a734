"""Orders follow their customer: who may see the customer sees what it bought."""

from __future__ import annotations

import uuid

from zhike.kernel.actions import RecordsChanged
from zhike.kernel.events import on

from .actions import follow_customers
from .jobs import follow_customers_later

AT_ONCE = 50


@on(RecordsChanged)
def orders_follow_owner(event: RecordsChanged) -> None:
    if event.label != "customers.customer" or event.verb == "deleted" or not {"owner_id", "team_id"} & set(event.fields):
        return
    if len(event.ids) > AT_ONCE:
        follow_customers_later.defer(ids=event.ids)
    else:
        follow_customers([uuid.UUID(pk) for pk in event.ids])
