"""Many records at once, each with an answer of its own: found by a key, made or changed in one change that undo takes back."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from .. import history
from ..actions import RecordsChanged, check_shape, prepared, refused_by, require_fields
from ..actor import Actor
from ..customfields import values as own_values
from ..errors import Refused
from ..events import publish
from ..fielddefs import is_custom_name
from ..fields import field_of
from ..followups import settle
from ..models import Record
from ..spec import ObjectSpec
from .shapes import Shape, shapes_of
from .values import read_value

Given = Mapping[str, Any]
Read = Callable[[Given, Record | None], dict[str, Any]]  # a row's values as stored; the record is None for a new one
Make = Callable[[Given], Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row: created, changed, unchanged or refused."""

    result: str
    id: uuid.UUID | None = None
    version: int | None = None
    refusal: Refused | None = None


@dataclass(slots=True)
class _Work:
    """The rows of one request while they are worked off."""

    spec: ObjectSpec
    key: str
    read: Read
    make: Make | None
    by: Actor
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    found: dict[Any, list[Record]] = field(default_factory=dict)
    visible: set[uuid.UUID] = field(default_factory=set)
    changeable: set[uuid.UUID] = field(default_factory=set)
    new: list[tuple[int, Record]] = field(default_factory=list)
    changed: list[tuple[int, Record, list[str]]] = field(default_factory=list)

    def refuse(self, place: int, refusal: Refused) -> None:
        self.outcomes[place] = Outcome(result="refused", refusal=refusal)


def keys_of(spec: ObjectSpec) -> list[str]:
    """Fields by which rows may find their records: the id, what is unique by itself, and what the type declares."""
    unique = [field.name for field in spec.model._meta.concrete_fields if field.unique and not field.primary_key]
    unique += [c.fields[0] for c in spec.model._meta.constraints if isinstance(c, models.UniqueConstraint) and len(c.fields) == 1]
    shown = {shape.name for shape in shapes_of(spec) if not shape.is_covered}
    return [name for name in dict.fromkeys(["id", *unique, *spec.api_keys]) if name in shown]


def upsert(
    spec: ObjectSpec, key: str, given: Sequence[Given], read: Read, make: Make | None, *, by: Actor
) -> tuple[uuid.UUID, list[Outcome]]:
    """Make or change a record for each row; the answer is the change, and the outcomes in the order of the rows.

    `read` turns a row into stored values, `make` is the type's own way to make one. A refused row stops no other.
    """
    work = _Work(spec=spec, key=key, read=read, make=make, by=by)
    with transaction.atomic():
        change = history.begin_change(by, verb="upsert_many", label=spec.label)
        keyed = _keyed(work, given)
        _find(work, list(keyed.values()))
        for place, value in keyed.items():
            try:
                _sort(work, place, value, given[place])
            except Refused as refusal:
                work.refuse(place, refusal)
        _store_new(work)
        _store_changed(work)
        _tell(work)
        settle(str(change.pk), spec.label)
    return change.pk, [work.outcomes[place] for place in range(len(given))]


def _keyed(work: _Work, given: Sequence[Given]) -> dict[int, Any]:
    """The key of each row as it is stored; rows without one, or with one that came before, are refused."""
    shape = next(shape for shape in shapes_of(work.spec) if shape.name == work.key)
    seen: set[Any] = set()
    found: dict[int, Any] = {}
    for place, row in enumerate(given):
        try:
            value = _key_value(work, shape, row)
            if value in seen:
                raise Refused("key_twice", field=work.key)
        except Refused as refusal:
            work.refuse(place, refusal)
        else:
            seen.add(value)
            found[place] = value
    return found


def _key_value(work: _Work, shape: Shape, row: Given) -> Any:
    if row.get(shape.name) in (None, ""):
        raise Refused("key_missing", field=shape.name)
    value = read_value(shape, row[shape.name], work.by, {})
    return value if shape.name == "id" else prepared(work.spec.model, {shape.field.column: value})[shape.field.column]


def _find(work: _Work, values: Sequence[Any]) -> None:
    model = work.spec.model
    for record in model.objects.filter(**{f"{work.key}__in": values}).select_for_update(of=("self",)).order_by("pk"):
        work.found.setdefault(getattr(record, work.key), []).append(record)
    ids = [record.pk for records in work.found.values() for record in records]
    work.visible = set(model.objects.allowed(work.by, "view").filter(pk__in=ids).values_list("pk", flat=True))
    work.changeable = set(model.objects.allowed(work.by, "change").filter(pk__in=ids).values_list("pk", flat=True))


def _sort(work: _Work, place: int, value: Any, row: Given) -> None:
    """Decide what a row is: a change of the record it names, or a new one."""
    records = work.found.get(value, [])
    shown = [record for record in records if record.pk in work.visible]
    if len(shown) > 1:
        raise Refused("key_ambiguous", field=work.key)
    if not shown and work.key == "id":
        raise Refused("gone", label=work.spec.label)
    if records and not shown:
        raise Refused("taken", field=work.key)
    if shown:
        _change(work, place, shown[0], row)
    else:
        _make(work, place, row)


def _make(work: _Work, place: int, row: Given) -> None:
    work.spec.policy.require_any(work.by, "create")
    asked = {name: item for name, item in row.items() if name != "version"}
    if work.make is None:
        work.new.append((place, _built(work, work.read(asked, None))))
        return
    with transaction.atomic():
        made = work.make(asked)
    work.outcomes[place] = Outcome(result="created", id=made.pk, version=made.version)


def _built(work: _Work, values: dict[str, Any]) -> Record:
    require_fields(work.by, work.spec.label, values, is_new=True)
    model, given = work.spec.model, own_values.split(values)
    record = model(**prepared(model, given.plain))
    record.custom = own_values.merged({}, own_values.patch_of(model, given.own, {}, by=work.by))
    record.owner_id = record.owner_id or work.by.user_id
    record.team_id = record.team_id or work.by.home_team
    own_values.complete(record, by=work.by)
    check_shape(record)
    return record


def _change(work: _Work, place: int, record: Record, row: Given) -> None:
    if record.pk not in work.changeable:
        raise Refused("not_permitted", verb="change", label=work.spec.policy.label)
    if row.get("version") not in (None, record.version):
        raise Refused("changed_meanwhile", version=record.version)
    values = work.read({name: item for name, item in row.items() if name not in (work.key, "version")}, record)
    require_fields(work.by, work.spec.label, values)
    given = own_values.split(values)
    wanted = prepared(work.spec.model, given.plain)
    differing = [name for name, value in wanted.items() if getattr(record, field_of(record, name).attname) != value]
    for name in differing:
        setattr(record, name, wanted[name])
    patch = own_values.patch_of(work.spec.model, given.own, record.custom, by=work.by)
    record.custom = own_values.merged(record.custom, patch)
    differing += own_values.names_of(patch)
    if not differing:
        work.outcomes[place] = Outcome(result="unchanged", id=record.pk, version=record.version)
        return
    check_shape(record, only=tuple(_columns(record, differing)))
    record.version += 1
    record.updated_at = timezone.now()
    work.changed.append((place, record, differing))


def _columns(record: Record, names: Sequence[str]) -> set[str]:
    """The fields that store these values: all own fields lie in one."""
    return {"custom" if is_custom_name(name) else field_of(record, name).name for name in names}


def _store_new(work: _Work) -> None:
    """All at once; when one clashes, one by one, so that only that one is refused."""
    model = work.spec.model
    try:
        with transaction.atomic():
            model._default_manager.bulk_create([record for _place, record in work.new])
    except IntegrityError:
        work.new = [(place, record) for place, record in work.new if _stored(work, place, partial(record.save, force_insert=True))]
    for place, record in work.new:
        work.outcomes[place] = Outcome(result="created", id=record.pk, version=record.version)


def _store_changed(work: _Work) -> None:
    if not work.changed:
        return
    names = sorted({name for _place, record, differing in work.changed for name in _columns(record, differing)} | {"version", "updated_at"})
    try:
        with transaction.atomic():
            work.spec.model._default_manager.bulk_update([record for _place, record, _names in work.changed], names, batch_size=250)
    except IntegrityError:
        work.changed = [
            (place, record, differing)
            for place, record, differing in work.changed
            if _stored(work, place, partial(record.save, update_fields=names))
        ]
    for place, record, _differing in work.changed:
        work.outcomes[place] = Outcome(result="changed", id=record.pk, version=record.version)


def _stored(work: _Work, place: int, store: Callable[[], None]) -> bool:
    try:
        with transaction.atomic():
            store()
    except IntegrityError as clash:
        work.refuse(place, refused_by(clash))
        return False
    return True


def _tell(work: _Work) -> None:
    label = work.spec.label
    if work.new:
        publish(RecordsChanged(label=label, ids=[str(record.pk) for _place, record in work.new], verb="created", fields=[]))
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for _place, record, differing in work.changed:
        groups[tuple(sorted(differing))].append(str(record.pk))
    for fields, ids in groups.items():
        publish(RecordsChanged(label=label, ids=ids, verb="changed", fields=list(fields)))
