"""Reading what is around customers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from .models import Contact, Customer, CustomerTag, Tag


def tags_of(customer: Customer) -> list[str]:
    """Names of the customer's tags."""
    return list(CustomerTag.objects.filter(customer=customer).order_by("tag__name").values_list("tag__name", flat=True))


def all_tags() -> list[tuple[str, str]]:
    """Tags as choices of a filter, at most 500."""
    return [(str(pk), name) for pk, name in Tag.objects.order_by("name").values_list("pk", "name")[:500]]


def contacts_to_find(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[list[str], list[str]]]:
    """Names and phones of contacts by customer: they lead to the customer in search."""
    found: dict[uuid.UUID, tuple[list[str], list[str]]] = {}
    for pk, name, phone in Contact.objects.filter(customer_id__in=ids).values_list("customer_id", "name", "phone"):
        names, phones = found.setdefault(pk, ([], []))
        names.append(name)
        phones.append(phone)
    return found
