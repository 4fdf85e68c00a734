"""A company's own fields as columns of files: offered by every target, checked by kind, merged into `custom` key by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils import translation

from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.customfields.catalogue import catalogue
from zhike.kernel.customfields.kinds import LONGEST_LONG, LONGEST_TEXT, arranged
from zhike.kernel.fielddefs import FieldDef, is_custom_name
from zhike.kernel.imports.targets import Entity, ImportField, ImportTarget, Lookup, declared
from zhike.kernel.imports.values import FieldShape, Kind
from zhike.kernel.later import Later
from zhike.kernel.models import Record
from zhike.kernel.registry import objects

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

LINKED_MOST = 200_000  # records of which names are known to a file; above that only ids are
ID = "__id"
KINDS: Mapping[str, Kind] = {
    "text": Kind.TEXT, "long": Kind.LONG_TEXT, "number": Kind.DECIMAL, "money": Kind.DECIMAL, "date": Kind.DATE, "moment": Kind.DATETIME,
    "choice": Kind.CHOICE, "choices": Kind.CHOICES, "yes_no": Kind.BOOLEAN, "person": Kind.TEXT, "link": Kind.TEXT,
}  # fmt: skip
# The staged value as JSON keeps it, with {} for the staged column.
JSON: Mapping[str, str] = {
    "number": "to_jsonb(trim_scale({})::text)", "money": "to_jsonb(trim_scale({})::text)", "date": "to_jsonb(to_char({}, 'YYYY-MM-DD'))",
    "moment": "to_jsonb(to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))", "choices": "to_jsonb(string_to_array({}, ','))",
}  # fmt: skip


def with_own(target: ImportTarget) -> ImportTarget:
    """The target with the company's own fields in each of its entities."""
    known = catalogue()
    if not any(known.of(entity.model._meta.label_lower) for entity in target.entities):
        return target
    return replace(target, entities=tuple(_with(entity, known.of(entity.model._meta.label_lower)) for entity in target.entities))


def find_target(name: str) -> ImportTarget | None:
    """The target of a name with the company's own fields; None when there is none."""
    found = declared(name)
    return with_own(found) if found else None


def _with(entity: Entity, fields: Iterable[FieldDef]) -> Entity:
    # An entity of few columns (the customer of an order) is left as short as it is declared.
    if not issubclass(entity.model, Record) or entity.is_short:
        return entity
    offered = tuple(_field(own) for own in fields if own.kind in KINDS)
    return replace(entity, fields=(*entity.fields, *offered)) if offered else entity


def required_of(entity: Entity, actor: Actor) -> list[FieldDef]:
    """Own fields that a new record of an import must have: required of this actor, and without a default."""
    if not issubclass(entity.model, Record):
        return []
    fields = catalogue().of(entity.model._meta.label_lower)
    return [own for own in fields if arranged(own).requires(actor.role_ids) and arranged(own).default is None]


def defaults_of(entity: Entity) -> dict[str, Any]:
    """Defaults of own fields, by key."""
    if not issubclass(entity.model, Record):
        return {}
    return {own.key: arranged(own).default for own in catalogue().of(entity.model._meta.label_lower) if arranged(own).default is not None}


def _field(own: FieldDef) -> ImportField:
    with translation.override("en"):
        english = str(own.label)
    with translation.override("zh-hans"):
        chinese = str(own.label)
    return ImportField(
        name=own.name,
        title=own.label,
        shape=_shape(own),
        names=tuple(dict.fromkeys((chinese, english, own.name))),
        lookup=_lookup(own),
        json=JSON.get(own.kind, "to_jsonb({})"),
        weight=0.9,
    )


def _shape(own: FieldDef) -> FieldShape:
    facts = arranged(own)
    is_number = own.kind in ("number", "money")
    return FieldShape(
        kind=KINDS[own.kind],
        max_length={"text": LONGEST_TEXT, "long": LONGEST_LONG}.get(own.kind, 0),
        choices=_words(own) if own.kind in ("choice", "choices") else {},
        places=facts.decimals if is_number else None,
        low=facts.low if is_number else None,
        high=facts.high if is_number else None,
    )


def _words(own: FieldDef) -> dict[str, str]:
    """What may be written for each choice: its names in both languages, and its code."""
    words: dict[str, str] = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            words |= {str(choice.label): choice.code for choice in arranged(own).choices if not choice.is_retired}
    return words | {choice.code: choice.code for choice in arranged(own).choices if not choice.is_retired}


def _lookup(own: FieldDef) -> Lookup | None:
    if own.kind == "person":
        return Lookup(make=lambda actor: _people(own.name), writes={f"{own.name}{ID}": "integer"}, code="owner_unknown", takes_actor=True)
    target = own.target
    if own.kind == "link" and isinstance(target, type) and issubclass(target, Record):
        return Lookup(make=_linker(own.name, target), writes={f"{own.name}{ID}": "text"}, code="link_unknown", takes_actor=True)
    return None


def _people(name: str) -> pl.DataFrame:
    """People by user name and by name; a name that two have stands for neither."""
    found: dict[str, int | None] = {}
    for pk, login, called in get_user_model()._default_manager.filter(is_active=True).values_list("pk", "username", "name"):
        found[login] = pk
        if called and called != login:
            found[called] = None if called in found else pk
    return _frame(name, {word: str(pk) for word, pk in found.items() if pk})


def _linker(name: str, target: type[Record]) -> Callable[[Actor], pl.DataFrame]:
    def make(actor: Actor) -> pl.DataFrame:
        """Records that the actor sees, by id, and by the title or code that only one of them has."""
        spec = objects.get(target._meta.label_lower)
        columns = [spec.name, *([spec.search.code] if spec.search and spec.search.code and spec.search.code != spec.name else [])]
        found: dict[str, str] = {}
        twice: set[str] = set()
        for pk, *words in target.objects.allowed(actor, "view").values_list("pk", *columns)[:LINKED_MOST]:
            found[str(pk)] = str(pk)
            for word in filter(None, map(str, words)):
                if word in found and found[word] != str(pk):
                    twice.add(word)
                found[word] = str(pk)
        return _frame(name, {word: pk for word, pk in found.items() if word not in twice})

    return make


def _frame(name: str, found: Mapping[str, str]) -> pl.DataFrame:
    column = f"{name}{ID}"
    return pl.DataFrame({"word": list(found), column: list(found.values())}, schema={"word": pl.String, column: pl.String})


def lookup_frame(lookup: Lookup, actor: Actor | None) -> pl.DataFrame:
    """The words of a lookup, for an actor where they differ by who asks."""
    return lookup.make(actor or SYSTEM) if lookup.takes_actor else lookup.make()


# SQL ----------------------------------------------------------------------------------------------------------------


def is_own(column: str) -> bool:
    """Whether a written column is an own field: a value to merge, not a column of the table."""
    return is_custom_name(column)


def stored_sql(column: str) -> str:
    """What the stored record `t` has for it."""
    return f"(t.custom -> '{column.removeprefix('cf_')}')"


def merged_sql(base: str, values: Mapping[str, str]) -> str:
    """`custom` with own fields put over it; a null takes its key away."""
    pairs = ", ".join(f"'{column.removeprefix('cf_')}', {sql}" for column, sql in values.items())
    return f"jsonb_strip_nulls({base} || jsonb_build_object({pairs}))"
