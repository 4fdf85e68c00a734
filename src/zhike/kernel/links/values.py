"""Values that other programs write: each of its kind, nothing unknown and nothing read-only, links only to what the writer may see."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from .. import directory
from ..actor import Actor
from ..errors import Refused
from .shapes import Shape

LONGEST_TEXT = 100_000
LARGEST = Decimal(10) ** 14
NUMBER = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,12})?")
Known = dict[tuple[str, Any], bool]  # links looked up already, for many rows of one request


class Wrong(Refused):
    """Several fields at once: `errors` is field -> refusal."""

    def __init__(self, errors: Mapping[str, Refused]) -> None:
        super().__init__("invalid", fields=", ".join(errors))
        self.errors = dict(errors)


def read_values(shapes: Sequence[Shape], given: Mapping[str, Any], actor: Actor, known: Known | None = None) -> dict[str, Any]:
    """Given values under the names that store them.

    Raises Wrong with, for each field: unknown_field, read_only_field, invalid_value, link_unknown.
    """
    by_name = {shape.name: shape for shape in shapes}
    values: dict[str, Any] = {}
    errors: dict[str, Refused] = {}
    for name, value in given.items():
        try:
            shape = _writable(by_name, name)
            values[_stored_as(shape)] = read_value(shape, value, actor, {} if known is None else known)
        except Refused as refusal:
            errors[name[:100]] = refusal
    if errors:
        raise Wrong(errors)
    return values


def _writable(by_name: Mapping[str, Shape], name: str) -> Shape:
    shape = by_name.get(name)
    if shape is None:
        raise Refused("unknown_field", field=name[:100])
    if not shape.is_writable:
        raise Refused("read_only_field", field=name)
    return shape


def _stored_as(shape: Shape) -> str:
    return shape.field.name if shape.field.is_custom else shape.field.column


def read_value(shape: Shape, value: Any, actor: Actor, known: Known) -> Any:
    """One value of a field. Raises Refused: invalid_value, link_unknown."""
    if value is None:
        if shape.kind in ("text", "choice") and not shape.field.may_be_null and not shape.field.is_custom:
            return ""
        if not shape.is_nullable:
            raise _wrong(shape.name, "null")
        return None
    if shape.kind in ("link", "person", "team"):
        return _link(shape, value, actor, known)
    if shape.kind == "choice":
        return _choice(shape, value)
    if shape.kind == "choices":
        return [_choice(shape, one) for one in _list(shape.name, value)]
    return plain(shape.name, shape.kind, value)


def plain(name: str, kind: str, value: Any) -> Any:
    """A value without choices and links, by its kind. Raises Refused("invalid_value")."""
    try:
        return _PLAIN[kind](value)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as wrong:
        raise _wrong(name, kind) from wrong


def _wrong(name: str, why: str) -> Refused:
    return Refused("invalid_value", field=name, why=why)


def _choice(shape: Shape, value: Any) -> Any:
    if isinstance(value, bool) or value not in [code for code, _label in shape.field.choices if code is not None]:
        if value == "" and isinstance(value, str) and not shape.is_required:
            return ""
        raise _wrong(shape.name, "choice")
    return value


def _link(shape: Shape, value: Any, actor: Actor, known: Known) -> Any:
    """An id, or the {"id": …} that reading gave. A record that the writer may not see is unknown to him."""
    given = value.get("id") if isinstance(value, dict) else value
    pk: Any = plain(shape.name, "id" if shape.kind == "link" else "integer", given)
    if (shape.name, pk) not in known:
        known[shape.name, pk] = _exists(shape, pk, actor)
    if not known[shape.name, pk]:
        raise Refused("link_unknown", field=shape.name)
    return str(pk) if shape.field.is_custom and shape.kind == "link" else pk


def _exists(shape: Shape, pk: Any, actor: Actor) -> bool:
    if shape.kind == "person":
        return pk in directory.people([pk])
    if shape.kind == "team":
        return pk in directory.teams([pk])
    target = shape.field.target
    assert target is not None
    return bool(target._default_manager.visible_to(actor).filter(pk=pk).exists())  # type: ignore[attr-defined]


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\x00" in value:
        raise ValueError(value)
    value.encode()  # half of a surrogate pair cannot be stored
    return value


def _decimal(value: Any) -> Decimal:
    """Text or a whole number: a JSON number with a fraction is a float to most programs, and money is never one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or (isinstance(value, str) and not NUMBER.fullmatch(value)):
        raise ValueError(value)
    found = Decimal(value)
    if abs(found) >= LARGEST:
        raise ValueError(value)
    return found


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
        raise ValueError(value)
    return int(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _date(value: Any) -> dt.date:
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError(value)
    return dt.date.fromisoformat(value)


def _time(value: Any) -> dt.datetime:
    """RFC 3339: a moment without its zone says nothing, so the zone is needed."""
    if not isinstance(value, str) or len(value) < 16:
        raise ValueError(value)
    found = dt.datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found.astimezone(dt.UTC)


def _id(value: Any) -> uuid.UUID:
    if not isinstance(value, str) or len(value) != 36:
        raise ValueError(value)
    return uuid.UUID(value)


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > 1000:
        raise _wrong(name, "list")
    return value


def _texts(value: Any) -> list[str]:
    return [_text(one) for one in _list("", value)]


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "decimal": _decimal,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "id": _id,
    "texts": _texts,
    "json": lambda value: value,
}
