"""What a field is, whether the product's or a company's own: kind, label, choices, and where its value lies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from django.db import models

from .fields import MoneyField
from .veil import CUSTOM

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FieldKind = Literal[
    "text", "long", "email", "number", "money", "date", "moment", "choice", "choices", "yes_no", "person", "team", "link", "json", "formula"
]
KINDS: tuple[tuple[type[models.Field[Any, Any]], FieldKind], ...] = (
    (models.EmailField, "email"),
    (models.TextField, "long"),
    (models.CharField, "text"),
    (MoneyField, "money"),
    (models.DecimalField, "number"),
    (models.BooleanField, "yes_no"),
    (models.IntegerField, "number"),
    (models.DateTimeField, "moment"),
    (models.DateField, "date"),
    (models.JSONField, "json"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceDef:
    """One value of a company's own choice field: a stable code, its words, the colour of its badge; a retired one is kept but not offered."""

    code: str
    label: StrOrPromise
    tone: str = ""
    is_retired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDef:
    """What a company arranged for a field of its own.

    `required_roles` empty: required of everybody. `filter_sql` and `sort_sql` are expressions that are never null, with
    columns written as tokens (see `customfields.sql`); each is empty while no index serves it. `compute` works out a
    formula for one row.
    """

    id: uuid.UUID
    model: type[models.Model] | None = None
    is_required: bool = False
    required_roles: frozenset[int] = frozenset()
    is_unique: bool = False
    is_read_only: bool = False
    default: Any = None
    help: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    decimals: int = 2
    is_in_list: bool = False
    is_in_form: bool = False
    is_searchable: bool = False
    choices: tuple[ChoiceDef, ...] = ()
    shown_as: FieldKind = "text"
    formula: str = ""
    reads: frozenset[str] = frozenset()
    fixed_sql: str = ""  # a formula as an immutable expression, "" when it is none
    filter_sql: str = ""
    sort_sql: str = ""
    compute: Callable[[Any], Any] | None = None

    def requires(self, role_ids: frozenset[int]) -> bool:
        """Whether somebody with these roles has to fill the field."""
        return self.is_required and (not self.required_roles or bool(self.required_roles & role_ids))

    def choice(self, code: str) -> ChoiceDef | None:
        return next((choice for choice in self.choices if choice.code == code), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDef:
    """One field of an object type. `column` is the attribute that stores it; a company's own field lies in `custom` under `key`.

    `target` is the model behind a link (for a person or team too); choices are (stored value, words).
    """

    name: str
    label: StrOrPromise
    kind: FieldKind
    column: str = ""
    key: str = ""
    choices: tuple[tuple[Any, StrOrPromise], ...] = ()
    target: type[models.Model] | None = None
    max_length: int | None = None
    may_be_null: bool = False
    own: CustomDef | None = None

    @property
    def is_custom(self) -> bool:
        return bool(self.key)

    def value(self, record: Any) -> Any:
        """The stored value in a record: the id of a link, the code of a choice, the result of a formula."""
        if self.own is not None and self.own.compute is not None:
            return self.own.compute(record)
        return record.custom.get(self.key) if self.key else getattr(record, self.column)


def built_in(model: type[models.Model], name: str) -> FieldDef:
    """A field that the model declares; FieldDoesNotExist for none."""
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    target = field.related_model if field.is_relation else None
    return FieldDef(
        name=field.name,
        label=field.verbose_name,
        kind=_kind(field),
        column=field.attname,
        choices=tuple((value, words) for value, words in field.flatchoices),
        target=target if isinstance(target, type) else None,
        max_length=field.max_length,
        may_be_null=field.null,
    )


def _kind(field: models.Field[Any, Any]) -> FieldKind:
    if field.is_relation:
        return "person" if field.name == "owner" else "team" if field.name == "team" else "link"
    if field.choices:
        return "choice"
    return next((kind for base, kind in KINDS if isinstance(field, base)), "text")


def is_custom_name(name: str) -> bool:
    """Whether a name is that of a company's own field."""
    return name.startswith(CUSTOM)
