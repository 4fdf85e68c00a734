"""From one kind to another: which pairs are possible, what becomes of each value, and what would be lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from zhike.kernel.actor import SYSTEM
from zhike.kernel.customfields.catalogue import Definitions
from zhike.kernel.customfields.kinds import checked, in_python
from zhike.kernel.customfields.sql import bare, text_of
from zhike.kernel.customfields.tables import CustomField, Kind
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import FieldDef
from zhike.kernel.registry import objects

from .definitions import MOST_CHOICES, free_key, readers_of

LOOKED_AT = 100_000  # different values that a dry run looks at
EXAMPLES = 8
TEXTS = (Kind.TEXT, Kind.LONG)
NUMBERS = (Kind.NUMBER, Kind.MONEY)
# From each kind to those that its values can be read as; everything else is refused with the reason.
PAIRS: Mapping[str, tuple[str, ...]] = {
    "text": ("long", "number", "money", "date", "moment", "choice", "choices", "yes_no", "person"),
    "long": ("text",),
    "number": ("money", "text", "long"),
    "money": ("number", "text", "long"),
    "date": ("moment", "text", "long"),
    "moment": ("date", "text", "long"),
    "choice": ("choices", "text", "long"),
    "choices": ("choice", "text", "long"),
    "yes_no": ("text", "choice"),
    "person": ("text",),
    "link": (),
    "formula": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a conversion would do: values kept, values lost, the first lost ones with why and how often; is everything looked at."""

    kept: int
    lost: int
    examples: tuple[tuple[str, str, int], ...]
    is_whole: bool = True


@dataclass(slots=True, kw_only=True)
class Converter:
    """Turns stored values of one kind into another, and knows the definition that fits the new values."""

    row: CustomField
    old: FieldDef
    new: FieldDef
    choices: list[dict[str, Any]] = field(default_factory=list)
    people: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)

    def convert(self, value: Any) -> Any:
        """The new stored value, None when it cannot be kept."""
        key = repr(value)
        if key not in self.seen:
            if len(self.seen) > LOOKED_AT:
                self.seen.clear()
            try:
                self.seen[key] = self.tried(value)
            except Refused:
                self.seen[key] = None
        return self.seen[key]

    def tried(self, value: Any) -> Any:
        """The new stored value; Refused("invalid_value") with why it cannot be kept."""
        if self.new.kind in TEXTS:
            return checked(self.new, self._words(value), SYSTEM)
        if self.new.kind in ("choice", "choices"):
            return self._choice(value)
        if self.new.kind == "person":
            return self.people.get(str(value).strip()) or _lost(self.new, "person")
        return checked(self.new, self._given(value), SYSTEM)

    def _given(self, value: Any) -> Any:
        if self.old.kind == "date":
            return timezone.make_aware(dt.datetime.combine(dt.date.fromisoformat(value), dt.time.min))
        if self.old.kind == "moment":
            return in_python("moment", value)
        if self.new.kind in ("date", "moment"):
            return str(value).strip().replace("/", "-").replace(".", "-").replace("年", "-").replace("月", "-").rstrip("日")
        if self.new.kind in NUMBERS:
            return str(value).strip().lstrip("¥￥").removesuffix("元").strip()
        return value

    def _words(self, value: Any) -> str:
        if self.old.kind in ("choice", "choices"):
            return "、".join(self._label(code) for code in (value if isinstance(value, list) else [value]))
        if self.old.kind == "yes_no":
            return "是" if value else "否"
        if self.old.kind == "person":
            return self.names.get(value, str(value))
        if self.old.kind == "moment":
            found = in_python("moment", value)
            return f"{timezone.localtime(found):%Y-%m-%d %H:%M}" if found else str(value)
        return str(value)

    def _label(self, code: str) -> str:
        return next((one["name"] for one in self.row.choices if one["code"] == code), code)

    def _choice(self, value: Any) -> Any:
        if self.old.kind == "choices":
            return value[0] if len(value) == 1 else _lost(self.new, "several")
        if self.old.kind == "choice":
            return [value]
        if self.old.kind == "yes_no":
            return "yes" if value else "no"
        words = [str(value).strip()] if self.new.kind == "choice" else [part.strip() for part in _parts(str(value))]
        codes = {one["name"]: one["code"] for one in self.choices}
        found = sorted({codes[word] for word in words if word in codes})
        if len(found) < len(set(filter(None, words))):
            _lost(self.new, "choice")
        return found[0] if self.new.kind == "choice" else found

    def definition(self) -> dict[str, Any]:
        """Columns of the definition under its new kind."""
        found: dict[str, Any] = {"kind": self.new.kind, "default": None}
        if self.new.kind in ("choice", "choices"):
            found["choices"] = self.choices
        if self.new.kind not in NUMBERS:
            found |= {"low": None, "high": None}
        if self.new.kind not in TEXTS:
            found["is_searchable"] = False
        if self.new.kind in ("choice", "choices", "yes_no", "long", "money", "moment"):
            found["is_unique"] = False
        if self.new.kind in ("long", "choices", "person"):
            found["is_sortable"] = False
        return found | ({"is_filterable": False} if self.new.kind == "long" else {})


def _lost(new: FieldDef, why: str) -> Any:
    raise Refused("invalid_value", field=new.name, title=str(new.label), why=why)


def _parts(text: str) -> list[str]:
    for sign in "，;；、|/":
        text = text.replace(sign, ",")
    return text.split(",")


def targets_of(kind: str) -> tuple[str, ...]:
    """The kinds that values of this kind may become."""
    return PAIRS.get(kind, ())


def converter_of(row: CustomField, to: str, wish: Mapping[str, Any]) -> Converter:
    """The converter for a pair; Refused("conversion_refused") for one that makes no sense.

    `wish["choices"]` are choices (as stored) for texts that shall become choices; without them each word becomes one.
    """
    if to not in targets_of(row.kind):
        raise Refused("conversion_refused", old=str(Kind(row.kind).label), new=str(Kind(to).label) if to in Kind.values else to)
    model = objects.get(row.label).model
    choices = list(wish.get("choices") or _choices_for(row, to))
    fresh = CustomField(
        id=row.pk,
        label=row.label,
        key=row.key,
        name=row.name,
        kind=to,
        choices=choices,
        decimals=row.decimals if row.kind in NUMBERS else 4,
    )
    definitions = [Definitions(model, [one]).made()[row.pk] for one in (row, fresh)]
    converter = Converter(row=row, old=definitions[0], new=definitions[1], choices=choices)
    if to == "person":
        users = get_user_model()._default_manager.filter(is_active=True)
        converter.people = {word: pk for pk, name, login in users.values_list("pk", "name", "username") for word in (login, name)}
    if row.kind == "person":
        converter.names = dict(get_user_model()._default_manager.values_list("pk", "name"))
    return converter


def _choices_for(row: CustomField, to: str) -> list[dict[str, Any]]:
    """Choices from what is there: those it has, yes and no, or the words found in the records (the most frequent ones)."""
    if to not in ("choice", "choices"):
        return []
    if row.kind in ("choice", "choices"):
        return list(row.choices)
    if row.kind == "yes_no":
        return [
            {"code": "yes", "name": "是", "name_en": "Yes", "tone": "", "retired": False},
            {"code": "no", "name": "否", "name_en": "No", "tone": "", "retired": False},
        ]
    counts: dict[str, int] = {}
    for text, count in _values(row, LOOKED_AT):
        for word in _parts(text) if to == "choices" else [text]:
            if 0 < len(word.strip()) <= 60:
                counts[word.strip()] = counts.get(word.strip(), 0) + count
    codes: set[str] = set()
    found = []
    for word in sorted(counts, key=lambda word: (-counts[word], word))[:MOST_CHOICES]:
        code = free_key(word, codes)
        codes.add(code)
        found.append({"code": code, "name": word, "name_en": "", "tone": "", "retired": False})
    return found


def _values(row: CustomField, limit: int) -> list[tuple[str, int]]:
    """Stored texts with how many records hold each, the most frequent first."""
    table = objects.get(row.label).model._meta.db_table
    value = bare(text_of(row.key))
    with connection.cursor() as cursor:
        cursor.execute(
            f'select {value}, count(*) from "{table}" where {value} is not null group by 1 order by 2 desc, 1 limit {int(limit)}'
        )
        return list(cursor.fetchall())


def dry_run(row: CustomField, to: str, wish: Mapping[str, Any] | None = None) -> DryRun:
    """What would become of the values that are there; nothing is written. Raises what `converter_of` raises."""
    converter = converter_of(row, to, wish or {})
    read = _json_of(row)
    kept = lost = 0
    examples: list[tuple[str, str, int]] = []
    values = _values(row, LOOKED_AT)
    for text, count in values:
        try:
            converter.tried(read(text))
            kept += count
        except Refused as refusal:
            lost += count
            if len(examples) < EXAMPLES:
                examples.append((text[:80], str(refusal.facts.get("why", "")), count))
    return DryRun(kept=kept, lost=lost, examples=tuple(examples), is_whole=len(values) < LOOKED_AT)


def _json_of(row: CustomField) -> Callable[[str], Any]:
    """From the text of a JSON value to the value."""
    readers: Mapping[str, Callable[[str], Any]] = {
        "choices": lambda text: [part.strip().strip('"') for part in text.strip("[]").split(",") if part.strip()],
        "yes_no": lambda text: text == "true",
        "person": int,
    }
    return readers.get(row.kind, str)


def require_convertible(row: CustomField, to: str) -> None:
    """Refused: conversion_refused, or still_read while a formula counts with the field."""
    converter_of(row, to, {"choices": [{"code": "x", "name": "x"}]})
    names = readers_of(row)
    if names:
        raise Refused("still_read", names="、".join(names))
