"""Import targets of object types that only declare which fields a file may fill and what tells a record apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import override

from zhike.kernel.declaring import is_phone
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import FieldDef, FieldKind
from zhike.kernel.imports.targets import Derive, Entity, ImportField, ImportTarget, Key, Lookup, add_target, all_targets, declared
from zhike.kernel.imports.values import FieldShape, Kind
from zhike.kernel.later import Later
from zhike.kernel.registry import objects
from zhike.kernel.spec import Importable, ObjectSpec, Words

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

KINDS: dict[FieldKind, Kind] = {
    "text": Kind.TEXT, "long": Kind.LONG_TEXT, "email": Kind.EMAIL, "number": Kind.DECIMAL, "money": Kind.DECIMAL, "date": Kind.DATE,
    "moment": Kind.DATETIME, "choice": Kind.CHOICE, "yes_no": Kind.BOOLEAN, "person": Kind.TEXT,
}  # fmt: skip
_lookups: dict[str, Lookup] = {}


def offer_lookup(kind: str, lookup: Lookup) -> Lookup:
    """Let fields of a kind ("person") be filled by words that stand for something in the database."""
    _lookups[kind] = lookup
    return lookup


def offer_declared() -> None:
    """A target for every object type that declares what files may bring and has no target of its own."""
    for spec in objects:
        if spec.importable is not None and declared(spec.slug) is None:
            add_target(declared_target(spec))


def declared_target(spec: ObjectSpec) -> ImportTarget:
    """What files bring as this object type, with the records that its links lead to. ValueError when it declares nothing."""
    entity = declared_entity(spec)
    above = [linked_entity(spec, column, name) for column, name in entity.links.items()]
    return ImportTarget(name=spec.slug, title=spec.title, main=entity.name, entities=(*above, entity), rank=_told(spec).rank)


def declared_entity(spec: ObjectSpec) -> Entity:
    """The records of an object type in a file's rows. ValueError when it declares nothing."""
    told = _told(spec)
    links = {field.column: _name_above(field) for name in told.fields if (field := spec.field(name)).kind == "link"}
    fields = tuple(_field(spec, told, name) for name in told.fields if spec.field(name).kind != "link")
    follows = spec.policy.link
    above = f"{follows}_id" if follows else next(iter(links), "")
    return Entity(
        name=spec.model._meta.model_name or spec.slug,
        model=spec.model,
        fields=fields,
        keys=tuple(_key(spec, names, is_last=place > 0) for place, names in enumerate(told.keys)),
        links=links,
        required=tuple(spec.field(name).column for name in spec.required if name in told.fields and name not in follows),
        derive=_derive(spec, told),
        owner_from=above if above in links else "",
        guard=links.get(f"{follows}_id", "") if follows else "",
    )


def linked_entity(spec: ObjectSpec, column: str, name: str) -> Entity:
    """What a row says about the record behind a link: enough to recognise it, or to make it. ValueError when files cannot bring it."""
    model = spec.model._meta.get_field(column.removesuffix("_id")).related_model
    known = [entity for target in all_targets() for entity in target.entities if entity.model is model]
    if not known:
        raise ValueError(f"{spec.label}: nothing can be brought in as {name}, to which {column} leads.")
    keys = {name for key in known[0].keys for name in key.columns} | set(known[0].required)
    fields = tuple(one for one in known[0].fields if one.db_column in keys or one.name in keys)
    return Entity(
        name=known[0].name, model=known[0].model, fields=fields, keys=known[0].keys, required=known[0].required, makes=known[0].makes,
        derive=known[0].derive, on_create=known[0].on_create, computed=known[0].computed,
    )  # fmt: skip


def _told(spec: ObjectSpec) -> Importable:
    if spec.importable is None:
        raise ValueError(f"{spec.label} declares nothing that files may bring.")
    return spec.importable


def _name_above(field: FieldDef) -> str:
    assert field.target is not None
    return str(field.target._meta.model_name)


def _field(spec: ObjectSpec, told: Importable, name: str) -> ImportField:
    field = spec.field(name)
    lookup = _lookups.get(field.kind)
    return ImportField(
        name=name,
        title=field.label,
        shape=_shape(spec, field),
        names=tuple(dict.fromkeys([*told.headings.get(name, ()), *in_all_languages(field.label), name.replace("_", " ")])),
        column="" if field.column == name else field.column,
        is_stored=lookup is None,
        lookup=lookup,
        weight=told.weights.get(name, 1.0),
    )


def _shape(spec: ObjectSpec, field: FieldDef) -> FieldShape:
    kind = KINDS[field.kind]
    is_key = spec.importable is not None and (field.name,) in spec.importable.keys
    if kind is Kind.TEXT and is_key and getattr(spec.model._meta.get_field(field.name), "unique", False):
        kind = Kind.CODE
    if kind is Kind.TEXT and is_phone(field.name):
        kind = Kind.PHONE
    if field.kind == "number" and "Integer" in type(spec.model._meta.get_field(field.name)).__name__:
        kind = Kind.INTEGER
    words = {word: str(value) for value, label in field.choices for word in in_all_languages(label)}
    return FieldShape(kind=kind, max_length=field.max_length or 0, choices=words)


def in_all_languages(words: Words) -> list[str]:
    """A text of the screens in each language of the product: files have headings in any of them."""
    found = []
    for language, _name in settings.LANGUAGES:
        with override(language):
            found.append(str(words))
    return list(dict.fromkeys(found))


def _key(spec: ObjectSpec, names: tuple[str, ...], *, is_last: bool) -> Key:
    columns = tuple(spec.field(name).column for name in names)
    is_unique = any(_same(names, group) for group in _unique_groups(spec))
    return Key(name=names[-1], columns=columns, is_unique=is_unique, is_last_resort=is_last and not is_unique)


def _unique_groups(spec: ObjectSpec) -> list[tuple[str, ...]]:
    single = [(field.name,) for field in spec.model._meta.concrete_fields if field.unique]
    return [*single, *(tuple(rule.fields) for rule in spec.model._meta.total_unique_constraints)]


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return sorted(one) == sorted(other)


def _derive(spec: ObjectSpec, told: Importable) -> Derive | None:
    """Columns that the type's `prepare` works out, row by row; a value that it refuses leaves them empty."""
    if not told.derived or spec.prepare is None:
        return None
    reads = tuple(dict.fromkeys(spec.field(name).column for names in told.derived.values() for name in names))
    return Derive(reads=reads, writes=tuple(told.derived), make=_maker(spec.prepare, tuple(told.derived)))


def _maker(prepare: Callable[[dict[str, object]], Mapping[str, object]], writes: tuple[str, ...]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def make(frame: pl.DataFrame) -> pl.DataFrame:
        rows = [_prepared(prepare, row) for row in frame.iter_rows(named=True)]
        return pl.DataFrame(
            {column: [str(row.get(column) or "") for row in rows] for column in writes}, schema=dict.fromkeys(writes, pl.String)
        )

    return make


def _prepared(prepare: Callable[[dict[str, object]], Mapping[str, object]], row: Mapping[str, object]) -> Mapping[str, object]:
    try:
        return prepare({name: value for name, value in row.items() if name != "seq"})
    except Refused:
        return {}
