"""A formula worked out for one row in Python, and written as SQL that gives the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

from django.utils import timezone

from .formula import Node

PLACES = Decimal("1e-10")
FINE = "1." + "0" * 40  # makes the database carry forty places before it rounds
EXACT = Context(prec=120, rounding=ROUND_HALF_UP)


def compute(node: Node, row: Any) -> Any:
    """The value for a row: Decimal, text, date, bool, or None for empty. Exact to 120 digits."""
    with localcontext(EXACT):
        found = _value(node, row)
    return found if found != "" else None


def _value(node: Node, row: Any) -> Any:
    if node.op == "lit":
        return node.value
    if node.op == "field":
        assert node.ref is not None
        return node.ref.read(row)
    if node.op == "word":
        code = _value(node.args[0], row)
        return (node.value or {}).get(code, code)
    if node.op == "if":
        test, one, other = node.args
        return _value(one if _value(test, row) is True else other, row)
    return _COMPUTE[node.op](*(_value(part, row) for part in node.args))


def _strict(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Empty in, empty out."""
    return lambda *values: None if any(value is None for value in values) else rule(*values)


def _divide(one: Decimal, other: Decimal) -> Decimal | None:
    return (one / other).quantize(PLACES) if other else None


def _round(number: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-int(places)))


def _and(*values: bool | None) -> bool | None:
    return False if any(value is False for value in values) else None if None in values else True


def _or(*values: bool | None) -> bool | None:
    return True if any(value is True for value in values) else None if None in values else False


def number_text(number: Decimal) -> str:
    """Digits without an exponent and without needless zeros."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _join(*values: Any) -> str:
    return "".join("" if value is None else number_text(value) if isinstance(value, Decimal) else value for value in values)


_COMPUTE: Mapping[str, Callable[..., Any]] = {
    "+": _strict(lambda a, b: a + b),
    "-": _strict(lambda a, b: a - b),
    "*": _strict(lambda a, b: a * b),
    "/": _strict(_divide),
    "neg": _strict(lambda a: -a),
    "=": _strict(lambda a, b: a == b),
    "!=": _strict(lambda a, b: a != b),
    "<": _strict(lambda a, b: a < b),
    "<=": _strict(lambda a, b: a <= b),
    ">": _strict(lambda a, b: a > b),
    ">=": _strict(lambda a, b: a >= b),
    "and": _and,
    "or": _or,
    "not": _strict(lambda a: not a),
    "round": _strict(_round),
    "days": _strict(lambda start, end: Decimal((end - start).days)),
    "today": lambda: timezone.localdate(),
    "join": _join,
}


def to_sql(node: Node) -> str:
    """The same as an expression with tokens for columns; immutable unless the formula asks for today."""
    if node.op == "lit":
        return _literal_sql(node.value)
    if node.op == "field":
        assert node.ref is not None
        return node.ref.sql
    parts = [to_sql(part) for part in node.args]
    if node.op == "word":
        cases = " ".join(f"when {_literal_sql(code)} then {_literal_sql(word)}" for code, word in (node.value or {}).items())
        return f"(case {parts[0]} {cases} else {parts[0]} end)" if cases else parts[0]
    if node.op == "join":
        texts = [f"trim_scale({sql})::text" if part.kind == "number" else sql for sql, part in zip(parts, node.args, strict=True)]
        return "(" + " || ".join(f"coalesce({text}, '')" for text in texts) + ")"
    if node.op in _COMPARED and node.args[0].kind == "text":
        return f'({parts[0]} collate "C" {_COMPARED[node.op]} {parts[1]} collate "C")'
    return _SQL[node.op](*parts)


_COMPARED = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def _infix(sign: str) -> Callable[..., str]:
    return lambda *parts: "(" + f" {sign} ".join(parts) + ")"


_SQL: Mapping[str, Callable[..., str]] = {
    **{sign: _infix(sign) for sign in ("+", "-", "*", "and", "or")},
    **{op: _infix(sign) for op, sign in _COMPARED.items()},
    "/": lambda a, b: f"round({a} * {FINE} / nullif({b}, 0), 10)",
    "neg": lambda a: f"(- {a})",
    "not": lambda a: f"(not {a})",
    "if": lambda test, a, b: f"(case when {test} then {a} else {b} end)",
    "round": lambda a, places="0": f"round({a}, {int(places.strip('()').removesuffix('::numeric'))})",
    "days": lambda start, end: f"({end} - {start})::numeric",
    "today": lambda: "(now() at time zone 'Asia/Shanghai')::date",
}


def _literal_sql(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"({value:f}::numeric)"
    if isinstance(value, dt.date):
        return f"'{value.isoformat()}'::date"
    return "'" + str(value).replace("'", "''") + "'"
