"""What a declared action takes, read from its signature: names, kinds, what may be left out."""

from __future__ import annotations

import datetime as dt
import inspect
import types
import typing
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from ..errors import Refused
from ..spec import ApiAction
from .values import Wrong, plain

KINDS: dict[Any, str] = {
    str: "text", Decimal: "decimal", int: "integer", bool: "boolean", dt.date: "date", dt.datetime: "time", uuid.UUID: "id",
    Sequence[str]: "texts", list[str]: "texts",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of an action."""

    name: str
    kind: str
    is_required: bool
    is_nullable: bool


@cache
def inputs_of(action: ApiAction) -> tuple[Input, ...]:
    """The inputs of an action; TypeError for one whose kind no program can send."""
    rule = inspect.unwrap(action.run)
    hints = typing.get_type_hints(rule)
    found = []
    for name, parameter in inspect.signature(rule).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or name == "by" or name in action.leave_out:
            continue
        kind, is_nullable = _kind(hints[name])
        if not kind:
            raise TypeError(f"{action.name}: no program can send `{name}`, {hints[name]}")
        found.append(Input(name=name, kind=kind, is_required=parameter.default is inspect.Parameter.empty, is_nullable=is_nullable))
    return tuple(found)


def _kind(hint: Any) -> tuple[str, bool]:
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = [KINDS.get(option, "") for option in options if option is not type(None)]
    return (kinds[0] if len(kinds) == 1 else ""), type(None) in options


def read_inputs(action: ApiAction, given: Mapping[str, Any]) -> dict[str, Any]:
    """Given inputs as the action takes them. Raises Wrong with, for each: unknown_field, required, invalid_value."""
    known = {item.name: item for item in inputs_of(action)}
    errors: dict[str, Refused] = {
        name: Refused("required", field=name) for name, item in known.items() if item.is_required and given.get(name) is None
    }
    values: dict[str, Any] = {}
    for name, value in given.items():
        item = known.get(name)
        try:
            if item is None:
                raise Refused("unknown_field", field=name[:100])
            if value is None and item.is_nullable:
                values[name] = None
            elif value is not None:
                values[name] = plain(name, item.kind, value)
            elif not item.is_required:
                raise Refused("invalid_value", field=name, why="null")
        except Refused as refusal:
            errors.setdefault(name[:100], refusal)
    if errors:
        raise Wrong(errors)
    return values
