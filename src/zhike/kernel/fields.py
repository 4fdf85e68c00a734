"""Field kinds that the product needs beside Django's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models


class JSONDict(models.JSONField):
    """A JSON object, never null."""


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """An amount with four decimals, so that sums of imported lines stay exact; never a float."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(*args, **kwargs)


ZERO = Decimal(0)


def field_of(model: type[models.Model] | models.Model, name: str) -> models.Field[Any, Any]:
    """A stored field by its name or its column's name; FieldDoesNotExist for relations from elsewhere."""
    found = model._meta.get_field(name)
    if not isinstance(found, models.Field):
        raise FieldDoesNotExist(name)
    return found
