"""What formulas may read of a record: the product's fields and the company's own, each as Python and as SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone, translation

from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import FieldDef, built_in

from .formula import Fields, Node, Ref, ValueKind, parse
from .kinds import arranged, in_python
from .sql import col, text_of
from .working_out import compute, to_sql

EARLY = "'1971-01-01 00:00:00+00'::timestamptz"  # earlier means: never
LEFT_OUT = ("id", "version", "custom", "batch", "batch_id", "owner", "team")
OWN_KINDS: Mapping[str, ValueKind] = {
    "text": "text", "long": "text", "number": "number", "money": "number", "date": "date", "moment": "date", "choice": "text", "yes_no": "yes_no",
}  # fmt: skip
OWN_SQL: Mapping[str, str] = {
    "number": "zhike_number({})", "money": "zhike_number({})", "date": "zhike_day({})", "moment": "zhike_moment_day({})", "yes_no": "{}::boolean",
}  # fmt: skip


def of_model(model: type[models.Model]) -> dict[str, Ref]:
    """The product's own fields that a formula may read."""
    found = {}
    with translation.override("zh-hans"):  # what a formula gives must not change with the reader's language
        for field in model._meta.concrete_fields:
            is_inner = not field.editable and isinstance(field, models.CharField | models.TextField)
            if field.name in LEFT_OUT or field.is_relation or is_inner:
                continue
            ref = _built_in(model, built_in(model, field.name))
            if ref is not None:
                found[ref.name] = replace(ref, **_in_english(built_in(model, field.name)))
    return found


def _in_english(field: FieldDef) -> dict[str, Any]:
    with translation.override("en"):
        return {"label_en": str(field.label), "words_en": {str(code): str(word) for code, word in field.choices} or None}


def _built_in(model: type[models.Model], field: FieldDef) -> Ref | None:
    stored = model._meta.get_field(field.name)
    name, label, column = field.name, str(field.label), col(str(getattr(stored, "column", "")))
    if isinstance(stored, models.DateTimeField):
        sql = f"(case when {column} >= {EARLY} then ({column} at time zone 'Asia/Shanghai')::date end)"
        return Ref(name=name, label=label, kind="date", sql=sql, read=lambda row: _day(getattr(row, name)))
    if isinstance(stored, models.DateField):
        return Ref(name=name, label=label, kind="date", sql=column, read=lambda row: getattr(row, name))
    if isinstance(stored, models.BooleanField):
        return Ref(name=name, label=label, kind="yes_no", sql=column, read=lambda row: getattr(row, name))
    if isinstance(stored, models.DecimalField | models.IntegerField) and not stored.choices:
        return Ref(name=name, label=label, kind="number", sql=f"{column}::numeric", read=lambda row: _number(getattr(row, name)))
    if isinstance(stored, models.CharField | models.TextField):
        words = {str(code): str(word) for code, word in field.choices} if field.choices else None
        return Ref(
            name=name, label=label, kind="text", sql=f"nullif({column}, '')", read=lambda row: getattr(row, name) or None, words=words
        )
    return None


def _day(moment: dt.datetime | None) -> dt.date | None:
    return None if moment is None or moment.year < 1971 else timezone.localtime(moment).date()


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def of_own(field: FieldDef, name: str, name_en: str = "") -> Ref | None:
    """A company's own field, called by its Chinese `name` or its English one; None for kinds that formulas do not read."""
    kind = OWN_KINDS.get(field.kind)
    if kind is None:
        return None
    choices = arranged(field).choices if field.kind == "choice" else None
    words, words_en = (
        {choice.code: _word(choice.label, language) for choice in choices} if choices is not None else None
        for language in ("zh-hans", "en")
    )
    sql = OWN_SQL.get(field.kind, "{}").format(text_of(field.key))
    return Ref(name=field.name, label=name, kind=kind, sql=sql, read=_reader(field), words=words, label_en=name_en, words_en=words_en)


def _word(label: Any, language: str) -> str:
    with translation.override(language):
        return str(label)


def _reader(field: FieldDef) -> Callable[[Any], Any]:
    key, kind = field.key, field.kind

    def read(row: Any) -> Any:
        value = in_python(kind, row.custom.get(key))
        return timezone.localtime(value).date() if kind == "moment" and value is not None else value

    return read


def of_formula(name: str, label: str, node: Node) -> Ref:
    """Another formula as something to read."""
    return Ref(
        name=name, label=label, kind=node.kind, sql=f"({to_sql(node)})", read=lambda row: compute(node, row), is_fixed=node.is_fixed,
        reads=node.reads,
    )  # fmt: skip


def solved(texts: Mapping[str, tuple[str, str]], plain: Fields) -> tuple[dict[str, Node], dict[str, Refused]]:
    """Formulas (name -> label, text) as trees, each after those it reads; and those that cannot be read, with why.

    A formula that reads itself, directly or through others, is refused with formula_cycle.
    """
    fields, nodes, bad = dict(plain), dict[str, Node](), dict[str, Refused]()
    waiting = dict(texts)
    while waiting:
        before = len(waiting)
        for name, (label, text) in list(waiting.items()):
            others = {other: Ref(name=other, label=about[0], kind="number", sql="", read=_nothing) for other, about in waiting.items()}
            try:
                node = parse(text, others | fields)
            except Refused as refusal:
                # It may only look wrong because the kind of another formula is not known yet.
                bad[name] = refusal
                continue
            if node.reads & waiting.keys():
                bad[name] = Refused("formula_cycle", formula=text)
                continue
            bad.pop(name, None)
            nodes[name], fields[name] = node, of_formula(name, label, node)
            del waiting[name]
        if len(waiting) == before:
            break
    return nodes, {name: refusal for name, refusal in bad.items() if name in waiting}


def _nothing(row: Any) -> None:
    del row
