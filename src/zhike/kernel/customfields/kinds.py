"""What a value of each kind looks like: as it is given, as JSON keeps it, as Python reads it.

Numbers and amounts are texts of plain digits (exact), days ISO texts, moments ISO texts in UTC with seconds, several
choices a sorted list of codes, a person his number, a record its id. An empty value is no key at all.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import CustomDef, FieldDef
from zhike.kernel.models import Record

from .working_out import number_text

LONGEST_TEXT = 200
LONGEST_LONG = 20_000
LARGEST = Decimal(10) ** 14
TRUE = ("true", "1", "on", "yes", "是")
FALSE = ("false", "0", "off", "no", "否")


def arranged(field: FieldDef) -> CustomDef:
    """What the company arranged for its own field."""
    assert field.own is not None
    return field.own


def wrong(field: FieldDef, why: str) -> Refused:
    """The refusal of a value: which field, and a stable word for what is wrong with it."""
    return Refused("invalid_value", field=field.name, title=str(field.label), why=why)


def checked(field: FieldDef, value: Any, by: Actor, before: Any = None) -> Any:
    """The value as JSON keeps it, None for empty; Refused("invalid_value") when it is not of the field's kind.

    `before` is what stands there: a choice that was retired or a record out of sight may stay, but not be given anew.
    """
    if value in (None, "", [], ()):
        return None
    found = _CHECKS[field.kind](field, value)
    if found == before:
        return found
    rule = _BY_READER.get(field.kind)
    if rule is not None:
        rule(field, found, by, before)
    return found


def _text(field: FieldDef, value: Any) -> str | None:
    text = str(value).strip()
    if "\x00" in text or len(text) > (LONGEST_LONG if field.kind == "long" else LONGEST_TEXT):
        raise wrong(field, "too_long" if "\x00" not in text else "text")
    return text or None


def _number(field: FieldDef, value: Any) -> str:
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip().replace(",", ""))
    except InvalidOperation as no:
        raise wrong(field, "number") from no
    own = arranged(field)
    if isinstance(value, bool) or not number.is_finite() or abs(number) >= LARGEST:
        raise wrong(field, "number")
    if number != round(number, own.decimals):
        raise wrong(field, "decimals")
    if (own.low is not None and number < own.low) or (own.high is not None and number > own.high):
        raise wrong(field, "range")
    return number_text(number)


def _date(field: FieldDef, value: Any) -> str:
    try:
        if isinstance(value, dt.datetime):
            value = timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
        return (value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))).isoformat()
    except ValueError as no:
        raise wrong(field, "date") from no


def _moment(field: FieldDef, value: Any) -> str:
    try:
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
        aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        utc = aware.astimezone(dt.UTC)
    except (ValueError, OverflowError) as no:
        raise wrong(field, "moment") from no
    return f"{utc:%Y-%m-%dT%H:%M:%S}Z" if utc.year >= 1000 else f"{utc.year:04d}{utc:-%m-%dT%H:%M:%S}Z"


def _choice(field: FieldDef, value: Any) -> str:
    if arranged(field).choice(str(value)) is None:
        raise wrong(field, "choice")
    return str(value)


def _choices(field: FieldDef, value: Any) -> list[str]:
    given = value.split(",") if isinstance(value, str) else list(value)
    return sorted({_choice(field, str(code).strip()) for code in given})


def _yes_no(field: FieldDef, value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in TRUE and word not in FALSE:
        raise wrong(field, "yes_no")
    return word in TRUE


def _person(field: FieldDef, value: Any) -> int:
    pk = getattr(value, "pk", value)
    try:
        return int(pk)
    except (TypeError, ValueError) as no:
        raise wrong(field, "person") from no


def _link(field: FieldDef, value: Any) -> str:
    pk = getattr(value, "pk", value)
    try:
        return str(uuid.UUID(str(pk)))
    except ValueError as no:
        raise wrong(field, "link") from no


def _formula(field: FieldDef, value: Any) -> Any:
    del value
    raise Refused("field_not_permitted", field=field.name, title=str(field.label))


_CHECKS: Mapping[str, Callable[[FieldDef, Any], Any]] = {
    "text": _text, "long": _text, "number": _number, "money": _number, "date": _date, "moment": _moment, "choice": _choice,
    "choices": _choices, "yes_no": _yes_no, "person": _person, "link": _link, "formula": _formula,
}  # fmt: skip


def _is_offered(field: FieldDef, found: Any, by: Actor, before: Any) -> None:
    del by
    kept = set(before if isinstance(before, list) else [before])
    for code in found if isinstance(found, list) else [found]:
        choice = arranged(field).choice(code)
        if choice is None or (choice.is_retired and code not in kept):
            raise wrong(field, "retired")


def _is_here(field: FieldDef, found: Any, by: Actor, before: Any) -> None:
    del by, before
    if not get_user_model()._default_manager.filter(pk=found, is_active=True).exists():
        raise wrong(field, "person")


def _is_seen(field: FieldDef, found: Any, by: Actor, before: Any) -> None:
    del before
    target = field.target
    if not (isinstance(target, type) and issubclass(target, Record)) or not target.objects.visible_to(by).filter(pk=found).exists():
        raise wrong(field, "link")


_BY_READER: Mapping[str, Callable[[FieldDef, Any, Actor, Any], None]] = {
    "choice": _is_offered, "choices": _is_offered, "person": _is_here, "link": _is_seen,
}  # fmt: skip


def in_python(kind: str, stored: Any) -> Any:
    """A stored value as Python counts with it: Decimal, date, datetime in UTC; None for what is not of the kind."""
    if stored is None:
        return None
    read = _READ.get(kind)
    if read is None:
        return stored
    try:
        return read(stored)
    except (ValueError, InvalidOperation, TypeError):
        return None


def _read_number(stored: Any) -> Decimal | None:
    number = Decimal(str(stored))
    return number if number.is_finite() else None


def _read_moment(stored: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(str(stored).replace("Z", "+00:00"))


_READ: Mapping[str, Callable[[Any], Any]] = {
    "number": _read_number,
    "money": _read_number,
    "date": lambda stored: dt.date.fromisoformat(str(stored)),
    "moment": _read_moment,
    "yes_no": lambda stored: stored if isinstance(stored, bool) else None,
    "person": int,
}
