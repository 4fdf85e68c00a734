"""A company's own fields in figures: columns of the lake, dimensions that divide, and sums and averages.

Texts, choices, yes or no, people and days (by their month) divide; numbers and money are added up. Long texts, several
choices and links to records do neither. Formulas count as what they give, unless they ask for today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import models
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.customfields.catalogue import Catalogue, catalogue
from zhike.kernel.customfields.kinds import arranged
from zhike.kernel.customfields.sql import bare, text_of
from zhike.kernel.fielddefs import FieldDef
from zhike.kernel.metrics import Dimension, Kind, Metric
from zhike.orders.models import Order

from .facts import Own, OwnColumn
from .periods import start_of

# By what a field gives: letter of its column, Arrow type, and how its text becomes a value.
TYPES: dict[str, tuple[str, str, str]] = {
    "text": ("t", "string", "{}"),
    "choice": ("t", "string", "{}"),
    "yes_no": ("b", "bool", "(case {} when 'true' then true when 'false' then false end)"),
    "person": ("p", "int32", "zhike_number({})::int"),
    "date": ("d", "date32", "zhike_day({})"),
    "moment": ("d", "date32", "zhike_moment_day({})"),
    "number": ("n", "int64", "zhike_number({})"),
    "money": ("n", "int64", "zhike_number({})"),
}
KINDS: dict[str, Kind] = {"text": "text", "choice": "choice", "yes_no": "yes_no", "person": "user", "date": "period", "moment": "period"}
# Whole ten-thousandths as everywhere in the lake; what a formula gives beyond that cannot be counted.
SCALED = "(case when abs({0}) < 100000000000000 then (round({0}, 4) * 10000)::bigint end)"
BY_ORDER = (
    "day", "week", "month", "quarter", "half_year", "year", "region", "province", "city", "country", "segment", "customer_category", "grade",
    "channel", "owner", "team", "known",
)  # fmt: skip
BY_CUSTOMER = ("day", "week", "month", "quarter", "half_year", "year", "segment", "customer_category", "grade")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An object type whose own fields count: the fact it is, which facts its fields divide, and what else they tell."""

    word: str
    fact: str
    model: type[models.Model]
    path: str
    divides: frozenset[str]
    sums_by: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    told_by_sums: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return str(self.model._meta.label_lower)

    def fields(self, known: Catalogue) -> list[FieldDef]:
        """Those that count."""
        return [field for field in known.of(self.label) if _counts(field)]

    def column(self, field: FieldDef) -> str:
        """Its name in the lake; another kind of value is another column."""
        return f"{self.word}_{field.key}_{TYPES[_gives(field)][0]}"


HOMES = (
    Home(
        word="customer", fact="customers", model=Customer, path="/customers/", divides=frozenset({"sales", "orders", "customers"}), sums_by=BY_CUSTOMER,
        tells=("orders.order.customer",), told_by_sums=("customers.customer.created_at",),
    ),
    Home(word="order", fact="orders", model=Order, path="/orders/", divides=frozenset({"sales", "orders"}), sums_by=BY_ORDER),
    Home(word="product", fact="products", model=Product, path="/products/", divides=frozenset({"sales"})),
)  # fmt: skip


def _gives(field: FieldDef) -> str:
    return arranged(field).shown_as if field.kind == "formula" else field.kind


def _counts(field: FieldDef) -> bool:
    return _gives(field) in TYPES and (field.kind != "formula" or bool(arranged(field).fixed_sql))


def columns_here() -> Own:
    """The own fields of the company at hand as columns of its lake."""
    known = catalogue()
    return Own(**{home.fact: tuple(_column(home, field) for field in home.fields(known)) for home in HOMES})


def _column(home: Home, field: FieldDef) -> OwnColumn:
    gives = _gives(field)
    _letter, arrow, read = TYPES[gives]
    sql = bare(arranged(field).fixed_sql or read.format(text_of(field.key)))
    return OwnColumn(name=home.column(field), arrow=arrow, sql=SCALED.format(sql) if arrow == "int64" else sql)


def declared_here() -> Iterator[Metric | Dimension]:
    """What the company's own fields add to metrics and dimensions."""
    known = catalogue()
    for home in HOMES:
        for field in home.fields(known):
            if _gives(field) in KINDS:
                yield _dimension(home, field)
            elif home.sums_by:
                yield from _sums(home, field)


def filtered_by(dimension: Dimension) -> tuple[str, str]:
    """Address of the list and name of the filter by which the records with a value are found; empty where there is none."""
    home = next(home for home in HOMES if home.fact == dimension.fact)
    field = (
        next((one for one in home.fields(catalogue()) if home.column(one) == dimension.column), None)
        if dimension.kind != "period"
        else None
    )
    return (home.path, field.name) if field is not None and arranged(field).filter_sql else ("", "")


def _tells(home: Home, field: FieldDef) -> tuple[str, ...]:
    return tuple(f"{home.label}.{name}" for name in (field.name, *sorted(arranged(field).reads)))


def _dimension(home: Home, field: FieldDef) -> Dimension:
    column, kind = home.column(field), KINDS[_gives(field)]
    is_period = kind == "period"
    return Dimension(
        name=f"{home.word}.{field.name}",
        title=_title("", home.word, field.label),
        fact=home.fact,
        column=column,
        key=partial(_month_of, column) if is_period else None,
        kind=kind,
        fine=home.fact == "products",
        tells=(*_tells(home, field), *home.tells),
        choices=field.choices,
        unit="month" if is_period else "",
        divides=home.divides,
    )


def _month_of(column: str, rows: Any) -> Any:
    return start_of(rows[column], "month")


def _sums(home: Home, field: FieldDef) -> Iterator[Metric]:
    column, name = home.column(field), f"{home.fact}.{field.name}"
    facts: dict[str, Any] = {
        "fact": home.fact, "column": column, "grain": home.word, "dimensions": home.sums_by, "tells": (*_tells(home, field), *home.told_by_sums),
    }  # fmt: skip
    is_money = _gives(field) == "money"
    unit: Any = {"unit": "money", "decimals": 2} if is_money else {"unit": "quantity", "decimals": arranged(field).decimals}
    yield Metric(
        name=f"{name}.sum", title=_title("sum", home.word, field.label), formula=lambda rows: rows[column].sum().fill_null(0),
        counted=lambda rows: rows[column].notnull(), formula_text=gettext_lazy("自己字段的值之和，空的不计"), **unit, **facts,
    )  # fmt: skip
    yield Metric(
        name=f"{name}.filled", title=_title("filled", home.word, field.label), unit="count", formula=lambda rows: rows[column].count(),
        counted=lambda rows: rows[column].notnull(), formula_text=gettext_lazy("填了这个字段的记录个数"), **facts,
    )  # fmt: skip
    yield Metric(
        name=f"{name}.average", title=_title("average", home.word, field.label), over=(f"{name}.sum", f"{name}.filled"),
        formula_text=gettext_lazy("值之和 ÷ 填了的记录个数"), **unit, **facts,
    )  # fmt: skip


def _words(what: str, word: str, label: Any) -> str:
    home = {"customer": _("客户"), "order": _("订单"), "product": _("产品")}[word]
    pattern = {
        "": _("%(home)s的%(field)s"), "sum": _("%(home)s的%(field)s合计"), "average": _("%(home)s的%(field)s平均"),
        "filled": _("填了%(field)s的%(home)s数"),
    }[what]  # fmt: skip
    return pattern % {"home": home, "field": str(label)}


_title = lazy(_words, str)
