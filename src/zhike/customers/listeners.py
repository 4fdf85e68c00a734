"""A changed contact is found through its customer; what belongs to a customer follows its owner."""

from __future__ import annotations

import uuid

from zhike.kernel.actions import RecordsChanged
from zhike.kernel.events import on
from zhike.kernel.search import documents

from .models import Contact, Customer


@on(RecordsChanged)
def find_customers_by_contacts(event: RecordsChanged) -> None:
    if event.label == "customers.contact":
        ids = [uuid.UUID(pk) for pk in event.ids]
        documents.refresh(Customer, set(Contact.objects.filter(pk__in=ids).values_list("customer_id", flat=True)))
