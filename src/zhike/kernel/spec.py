"""The declaration of an object type: what its list, peek, page, form, export, search and import need, said once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise

from .actor import Actor, Scope
from .fielddefs import FieldDef, built_in
from .models import Record
from .policy import Policy

Words = str | Promise
RoleGrants = Mapping[str, Mapping[str, Scope]]  # code of a ready role -> verb -> scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a list: a field path, how its cell is drawn, and the joins it costs."""

    path: str
    label: Words = ""
    cell: str = "text"
    join: tuple[str, ...] = ()
    phone: str = ""  # css class of its place in the phone card: name, amt, cls, seg, risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """An order that index families serve: `key` is a column that is never null.

    An own field's order has an expression (`sql`, with tokens for columns), and `read` makes a key of its text again.
    """

    key: str
    label: Words = ""
    sql: str = ""
    read: Callable[[str], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A condition offered in words. `kind`: choice, number, person, range, dates, text, link; `build` makes the rows of others."""

    name: str
    label: Words
    kind: str = "choice"
    path: str = ""
    choices: Callable[[], Sequence[tuple[str, Words]]] | None = None
    covered: bool = False  # the column is included in every index family of the sorts
    unit: Words = ""
    build: Callable[[str, tuple[str, ...]], Q] | None = None
    where: Callable[[str, tuple[str, ...], Actor], Q] | None = None  # the same for who asks
    ops: tuple[str, ...] = ()  # the operators it knows in the order they are offered, all when empty
    unoffered: frozenset[str] = frozenset()  # of these the ones that only links use
    model: type[Record] | None = None  # whose records its values are
    names: Callable[[Actor, Sequence[str]], list[str]] | None = None  # stored values in words
    in_menu: bool = True

    @property
    def column(self) -> str:
        return self.path or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Fields shown and edited together on page and peek."""

    title: Words
    fields: tuple[str, ...]
    is_two: bool = False  # in two columns where there is room
    is_folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SidePanel:
    """Something a domain shows on a page: a template with what `load` found for this reader (None: not shown)."""

    key: str
    template: str
    load: Callable[[Actor, Any], Mapping[str, Any] | None]
    place: str = "side"  # facts, side, head, peek
    rank: int = 50
    tells: tuple[str, ...] = ()  # fields ("label.field") without which there is nothing to show: not drawn for who may not see one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """The place of an object type in the rail: lower ranks come first; `hotkey` goes there after g."""

    rank: int
    hotkey: str = ""
    starts: tuple[str, ...] = ()  # further addresses at which the place is the current one


@dataclass(frozen=True, slots=True, kw_only=True)
class Importable:
    """What files may bring of an object type, and how they are recognised; the headings guessed come from the fields' names.

    Each of `keys` names the fields that tell a record apart together; of several the first one that a file has counts.
    `headings` are further names people give a column; `derived` are columns that `prepare` works out, with the fields it needs.
    """

    fields: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    headings: Mapping[str, tuple[str, ...]] = made_by(default_factory=dict)
    weights: Mapping[str, float] = made_by(default_factory=dict)
    derived: Mapping[str, tuple[str, ...]] = made_by(default_factory=dict)
    rank: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAction:
    """A button that opens a dialog: on a record's page and peek, or over the chosen rows of a list."""

    path: str
    label: Words
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened, as the timeline shows it."""

    at: dt.datetime
    key: str
    kind: str
    icon: str
    title: Words
    body: str = ""
    url: str = ""
    badge: Words = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineSource:
    """Entries of one kind, newest first, strictly before a moment; each source has an index that serves it."""

    kind: str
    label: Words
    entries: Callable[[Actor, Any, dt.datetime, int], list[TimelineEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSource:
    """Which columns make a record findable. `by_prefix`: only by the beginning of its title (numbers of millions)."""

    title: str
    code: str = ""
    phone: str = ""
    person: str = ""  # column that says by "person" that a name starts with a surname
    also: Callable[[Sequence[Any]], Mapping[Any, tuple[list[str], list[str]]]] | None = None  # ids -> people's names, phones
    also_of: str = ""  # the object type whose `phone` those phones are
    note: Callable[[Any], Words] | None = None
    by_prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAction:
    """An action that other programs may call; its keyword arguments but `by` are the inputs, but for those in `leave_out`."""

    run: Callable[..., Any]
    label: Words
    leave_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.run.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSpec:
    """Everything about an object type that is not a rule.

    `grants` are what the ready roles may do with it; `rail` gives it a place of its own, `importable` lets files bring it.
    """

    model: type[Record]
    policy: Policy
    slug: str
    title: Words
    plural: Words
    icon: str
    unit: Words
    name: str = "name"
    columns: tuple[Column, ...]
    default_columns: tuple[str, ...]
    sorts: tuple[Sort, ...]
    filters: tuple[Filter, ...] = ()
    sums: tuple[str, ...] = ()  # columns that groups are added up by
    panels: tuple[Panel, ...] = ()
    form: tuple[str, ...] = ()
    form_more: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    search: SearchSource | None = None
    importable: Importable | None = None
    grants: RoleGrants = made_by(default_factory=dict)
    rail: Rail | None = None
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    badges: Callable[[Any], list[tuple[Words, str]]] | None = None
    facts: Callable[[Any], list[Words]] | None = None
    cells: Mapping[str, Callable[[Any, Any], str]] | None = None
    in_menu: bool = True
    bulk: tuple[PageAction, ...] = ()
    page_actions: tuple[PageAction, ...] = ()
    views: tuple[tuple[Words, str], ...] = ()  # ready views: label and the query part of the address
    api_create: ApiAction | None = None  # how other programs make a record; None: by its form, if it has one
    api_actions: tuple[ApiAction, ...] = ()
    api_keys: tuple[str, ...] = ()  # fields by which a bulk finds its records, beside those that are unique
    custom: tuple[FieldDef, ...] = ()  # the company's own fields that this reader sees
    covered: frozenset[str] = frozenset()  # fields that this reader sees masked
    hidden: frozenset[str] = frozenset()  # fields that are not there for this reader

    @property
    def label(self) -> str:
        return self.model._meta.label_lower

    def column(self, path: str) -> Column | None:
        return next((column for column in self.columns if column.path == path), None)

    def field(self, name: str) -> FieldDef:
        """What a field is, the model's or the company's own; FieldDoesNotExist for none."""
        return next((field for field in self.custom if field.name == name), None) or built_in(self.model, name)

    def shown(self, paths: Sequence[str]) -> list[Column]:
        """The named columns that exist, in the order given; the default ones when none does."""
        found = [column for path in paths if (column := self.column(path))]
        return found or [column for path in self.default_columns if (column := self.column(path))]

    def sort(self, key: str) -> Sort | None:
        return next((sort for sort in self.sorts if sort.key == key), None)

    def filter(self, name: str) -> Filter | None:
        return next((item for item in self.filters if item.name == name), None)

    def editable(self) -> list[str]:
        """Fields that a person may change in place."""
        named = [field for panel in self.panels for field in panel.fields]
        return [field for field in dict.fromkeys([*named, *self.form, *self.form_more]) if field not in self.read_only]

    def paths(self) -> Iterator[str]:
        yield from (column.path for column in self.columns)
        yield from (sort.key for sort in self.sorts)
        yield from (item.column for item in self.filters if item.build is None)
        yield from (*self.form, *self.form_more, *self.required, *self.read_only, *self.sums)
        for panel in self.panels:
            yield from panel.fields
        if self.importable:
            yield from self.importable.fields
            yield from (name for key in self.importable.keys for name in key)
            yield from self.importable.derived
        if self.search:
            yield from filter(None, (self.search.title, self.search.code, self.search.phone, self.search.person))

    def unknown_paths(self) -> list[str]:
        return sorted({path for path in self.paths() if not exists(self.model, path)})


def exists(model: type[models.Model], path: str) -> bool:
    """Whether a dotted-by-underscores path leads through real fields."""
    head, _, rest = path.partition("__")
    try:
        found = model._meta.get_field(head)
    except FieldDoesNotExist:
        return False
    if not rest:
        return True
    target = found.related_model
    return isinstance(target, type) and exists(target, rest)
