"""What a reader may not see of a field is gone from the row before anything shows it: pages, cells, notes, files, API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from .actor import NO_RULES, Rule

MASK = "***"


def veil_of(rules: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Those of some field rules that cover a value: masked or not seen at all."""
    return {name: rule for name, rule in rules.items() if rule >= Rule.MASKED} if rules else NO_RULES


def lay_veil(record: Any, veil: Mapping[str, Rule]) -> Any:
    """The same row with masked and empty values under the veil; it must not be stored.

    Whose it is stays known to the policy (`held_by`), whoever may read it.
    """
    if hasattr(record, "owner_id"):
        record.held_by = (record.owner_id, record.team_id)
    custom = dict(record.custom) if any(name.startswith(CUSTOM) for name in veil) else None
    for name, rule in veil.items():
        if name.startswith(CUSTOM) and custom is not None:
            key = name.removeprefix(CUSTOM)
            if key in custom:
                custom[key] = masked(custom[key]) if rule is Rule.MASKED else None
            continue
        _cover(record, name, rule)
    if custom is not None:
        record.custom = custom
    record.is_veiled = True
    return record


CUSTOM = "cf_"  # how a custom field is called beside the built-in ones


def _cover(record: Any, name: str, rule: Rule) -> None:
    try:
        field = record._meta.get_field(name)
    except FieldDoesNotExist:
        return
    if not isinstance(field, models.Field):
        return
    # Only free text has ends that may be shown: a choice, a number or a date would be told by them.
    is_free = isinstance(field, TEXT) and not field.choices
    setattr(record, field.attname, masked(getattr(record, field.attname)) if rule is Rule.MASKED and is_free else _empty(field))


TEXT = (models.CharField, models.TextField)


def _empty(field: models.Field[Any, Any]) -> Any:
    """Nothing at all: a default would look like a value."""
    return "" if isinstance(field, TEXT) and not field.null else None


def masked(value: Any) -> Any:
    """A text with its middle hidden; None for anything else, which shows as covered."""
    if not isinstance(value, str) or not value:
        return value if value == "" else None
    at, mark, place = value.partition("@")
    if mark:
        return f"{at[:1]}{MASK}@{place}"
    digits = sum(char.isdigit() for char in value)
    if digits >= 7:
        return f"{value[:-8]}****{value[-4:]}"
    return f"{value[:1]}{MASK}"
