"""The company's own fields as definitions, read once for each state of the catalogue and kept in the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, cast

from django.apps import apps
from django.db import connection, models
from django.utils.functional import lazy
from django.utils.translation import get_language

from zhike.kernel.fielddefs import ChoiceDef, CustomDef, FieldDef, FieldKind
from zhike.kernel.veil import CUSTOM

from . import indexes, reading
from .formula import Node
from .indexes import IndexPlan
from .kinds import arranged
from .sql import choice_key, number_key, text_key, text_of
from .tables import CustomField, FieldCatalogue
from .working_out import compute, to_sql

KEPT = 64  # states of catalogues in one process: a few companies, each in one or two states
SHOWN_AS: Mapping[str, FieldKind] = {"number": "number", "text": "text", "date": "date", "yes_no": "yes_no"}
FILTERED = ("text", "number", "money", "date", "moment", "choice", "choices", "yes_no", "person", "link", "formula")
SORTED = ("text", "number", "money", "date", "moment", "choice", "yes_no", "formula")
FIRST_DAY = "0001-01-01"  # days of formulas are compared by their number from here
UNIQUE = ("text", "number", "date", "link", "person")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Fields of every object type at one moment: those in use by label, archived ones beside them."""

    version: int
    fields: Mapping[str, tuple[FieldDef, ...]]
    archived: Mapping[str, tuple[FieldDef, ...]]

    def of(self, label: str) -> tuple[FieldDef, ...]:
        return self.fields.get(label, ())

    def field(self, label: str, name: str) -> FieldDef | None:
        """A field in use or archived, by its name."""
        return next((one for one in (*self.of(label), *self.archived.get(label, ())) if one.name == name), None)


_kept: OrderedDict[tuple[str, int], Catalogue] = OrderedDict()


def current_version() -> int:
    """The number of the catalogue's state now."""
    return FieldCatalogue.objects.values_list("version", flat=True).first() or 1


def catalogue(version: int = 0) -> Catalogue:
    """The company's fields; `version` (of an actor read just now) spares a query, 0 asks for it."""
    state = version or current_version()
    key = (str(getattr(connection, "wanted_database", "") or connection.settings_dict.get("NAME")), state)
    found = _kept.get(key)
    if found is None:
        now = current_version() if version else state  # read anew: what is kept under a number is what that number stood for
        found = _load(now)
        _kept[(key[0], now)] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def _load(version: int) -> Catalogue:
    rows = list(CustomField.objects.order_by("label", "position", "id"))
    there = indexes.present() if any(row.is_filterable or row.is_sortable for row in rows) else {}
    fields: dict[str, tuple[FieldDef, ...]] = {}
    archived: dict[str, tuple[FieldDef, ...]] = {}
    for label in dict.fromkeys(row.label for row in rows):
        model = _model(label)
        if model is None:
            continue
        own = [row for row in rows if row.label == label]
        made = Definitions(model, own).made()
        fields[label] = tuple(_ready(model, row, made[row.pk], there) for row in own if not row.is_archived)
        archived[label] = tuple(made[row.pk] for row in own if row.is_archived)
    return Catalogue(version=version, fields=fields, archived=archived)


def _model(label: str) -> type[models.Model] | None:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        return None


def in_language(name: str, name_en: str) -> str:
    """The name for the reader of the moment."""
    return name_en if name_en and (get_language() or "").startswith("en") else name


_lazy_name = lazy(in_language, str)


class Definitions:
    """Definitions of one object type from its rows, formulas solved."""

    def __init__(self, model: type[models.Model], rows: Sequence[CustomField]) -> None:
        self.model, self.rows = model, rows
        plain = {row.pk: _plain(row) for row in rows if row.kind != "formula"}
        self.fields = reading.of_model(model)
        for row in rows:
            ref = reading.of_own(plain[row.pk], row.name, row.name_en) if row.pk in plain and not row.is_archived else None
            if ref is not None:
                self.fields[ref.name] = ref
        texts = {f"{CUSTOM}{row.key}": (row.name, row.formula) for row in rows if row.kind == "formula" and not row.is_archived}
        self.nodes, self.bad = reading.solved(texts, self.fields)
        english = {f"{CUSTOM}{row.key}": row.name_en for row in rows}
        for name, node in self.nodes.items():
            self.fields[name] = replace(reading.of_formula(name, texts[name][0], node), label_en=english[name])
        self.plain = plain

    def made(self) -> dict[Any, FieldDef]:
        """Field definitions by the id of their row."""
        return self.plain | {row.pk: _formula(row, self.nodes.get(f"{CUSTOM}{row.key}")) for row in self.rows if row.kind == "formula"}


def _plain(row: CustomField) -> FieldDef:
    choices = tuple(
        ChoiceDef(
            code=one["code"], label=_lazy_name(one["name"], one.get("name_en", "")), tone=one.get("tone", ""), is_retired=bool(one.get("retired"))
        )
        for one in row.choices
    )  # fmt: skip
    return _field(row, CustomDef(**_facts(row), choices=choices, shown_as=cast("FieldKind", row.kind)))


def _formula(row: CustomField, node: Node | None) -> FieldDef:
    if node is None:
        return _field(row, CustomDef(**_facts(row), formula=row.formula, compute=lambda record: None, shown_as="text"))
    return _field(
        row, CustomDef(**_facts(row), formula=row.formula, compute=partial(compute, node), reads=node.reads, shown_as=SHOWN_AS[node.kind],
                       fixed_sql=to_sql(node) if node.is_fixed else "")
    )  # fmt: skip


def _facts(row: CustomField) -> dict[str, Any]:
    return {
        "id": row.pk, "model": _model(row.label), "is_required": row.is_required, "required_roles": frozenset(row.required_roles), "is_unique": row.is_unique,
        "is_read_only": row.is_read_only or row.kind == "formula", "default": row.default, "help": row.help, "low": _decimal(row.low),
        "high": _decimal(row.high), "decimals": row.decimals, "is_in_list": row.is_in_list, "is_in_form": row.is_in_form and row.kind != "formula",
        "is_searchable": row.is_searchable,
    }  # fmt: skip


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _field(row: CustomField, own: CustomDef) -> FieldDef:
    return FieldDef(
        name=f"{CUSTOM}{row.key}",
        label=_lazy_name(row.name, row.name_en),
        kind=cast("FieldKind", row.kind),
        key=row.key,
        choices=tuple((choice.code, choice.label) for choice in own.choices),
        target=_model(row.target) if row.target else None,
        may_be_null=True,
        own=own,
    )


def _ready(model: type[models.Model], row: CustomField, field: FieldDef, there: Mapping[str, bool]) -> FieldDef:
    """The field with the expressions that finished indexes serve."""
    wanted = wanted_indexes(model, row, field)
    filter_sql, sort_sql = expressions(row, field)
    filtered = filter_sql if row.is_filterable and indexes.are_ready(wanted, dict(there), "filter") else ""
    sorted_by = sort_sql if row.is_sortable and indexes.are_ready(wanted, dict(there), "sort") else ""
    return replace(field, own=replace(arranged(field), filter_sql=filtered, sort_sql=sorted_by)) if filtered or sorted_by else field


def wanted_indexes(model: type[models.Model], row: CustomField, field: FieldDef) -> list[IndexPlan]:
    """The indexes that a field asks for as it is arranged."""
    filter_sql, sort_sql = expressions(row, field)
    return indexes.plans(
        model,
        field,
        filter_sql=filter_sql if row.is_filterable and not row.is_archived else "",
        sort_sql=sort_sql if row.is_sortable and not row.is_archived else "",
        is_unique=row.is_unique and not row.is_archived and row.kind in UNIQUE,
    )


def expressions(row: CustomField, field: FieldDef) -> tuple[str, str]:
    """What a field is filtered and sorted by, "" where its kind is not; never null, and immutable so that an index can hold it."""
    if row.kind == "formula":
        return _formula_expressions(field)
    if row.kind in ("number", "money"):
        number = number_key(f"zhike_number({text_of(row.key)})")
        return number, number
    if row.kind == "choices":
        return indexes.several(row.key), ""
    if row.kind == "choice":
        return text_key(text_of(row.key)), choice_key(row.key, [one["code"] for one in row.choices])
    if row.kind in FILTERED:
        text = text_key(text_of(row.key))
        return text, text if row.kind in SORTED else ""
    return "", ""


def _formula_expressions(field: FieldDef) -> tuple[str, str]:
    own = arranged(field)
    if not own.fixed_sql:
        return "", ""
    if own.shown_as == "number":
        return number_key(own.fixed_sql), number_key(own.fixed_sql)
    if own.shown_as == "date":
        day = f"coalesce({own.fixed_sql} - '{FIRST_DAY}'::date, -1)"
        return day, day
    text = text_key(f"({own.fixed_sql})::text" if own.shown_as == "yes_no" else f"nullif({own.fixed_sql}, '')")
    return text, text
