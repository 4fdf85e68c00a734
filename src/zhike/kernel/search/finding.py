"""Find records by part of a name, pinyin, initials, code or the end of a phone, within what the reader may see."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import Lookup, Q

from ..actor import Actor, Rule
from ..history import kind_of
from ..lists import engine
from ..models import Record, SearchDoc
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec
from .documents import held_openly
from .own import searchable
from .tokens import query

LONGEST = 80
CANDIDATES, ROUNDS = 200, 5


@SearchVectorField.register_lookup
class Matches(Lookup):  # type: ignore[type-arg]
    """`tsv @@ '…'::tsquery`: our lexemes are ready-made and must not pass a text-search parser."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} @@ %s::tsquery", [*left_params, self.rhs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Records of one type that match, newest first, and whether there are more."""

    spec: ObjectSpec
    records: list[Record]
    has_more: bool


def find(actor: Actor, text: str, *, size: int = 6) -> list[Hits]:
    """Hits of every object type the actor may see; nothing for a blank text."""
    wanted = text.strip()[:LONGEST]
    if not wanted:
        return []
    types = (seen(spec, actor) for spec in objects if spec.search and actor.may(spec.policy.label, "view"))
    found = [_find(spec, actor, wanted, size) for spec in types]
    return [hits for hits in found if hits.records]


def find_ids(spec: ObjectSpec, actor: Actor, text: str, size: int) -> engine.Found:
    """Ids of one object type."""
    source = spec.search
    assert source is not None
    reach = spec.policy.reach(actor, "view")
    if source.by_prefix:
        starts = Q(**{f"{source.title}__startswith": text}) | Q(**{f"{source.title}__startswith": text.upper()})
        return engine.find(engine.Wanted(model=spec.model, reach=reach, key=spec.sorts[0].key, rest=starts, size=size))
    asked = query(text)
    if not asked.tsquery:
        return engine.Found(ids=[], next=None, shape="none")
    kind, rest = Q(kind=kind_of(spec.model)), Q(tsv__holds=asked.tsquery)
    for part in asked.substrings:
        rest &= Q(title__contains=part)
    wanted = engine.Wanted(model=SearchDoc, reach=reach, key="updated_at", walk=kind, rest=rest, size=size)  # type: ignore[arg-type]
    covers = _covers(spec, actor)
    return _find_openly(spec, wanted, asked.tsquery, covers) if covers else engine.find(wanted)


def _covers(spec: ObjectSpec, actor: Actor) -> dict[str, Rule]:
    """Which words of a record's document stand for values that the actor may not see."""
    source = spec.search
    assert source is not None
    asked = {"code": (spec.label, source.code), "phone": (spec.label, source.phone), "also": (source.also_of, "phone")}
    found = {role: actor.rule(label, field) for role, (label, field) in asked.items()}
    covers = {role: rule for role, rule in found.items() if rule is not None and rule >= Rule.MASKED}
    for own in searchable(spec.label, actor.schema):
        rule = actor.rule(spec.label, own.name)
        if rule is not None and rule >= Rule.MASKED:
            covers[own.name] = rule
    if source.also_of in actor.apart:  # whose words they are is not who sees the record
        covers |= {"also": Rule.HIDDEN, "names": Rule.HIDDEN}
    return covers


def _find_openly(spec: ObjectSpec, wanted: engine.Wanted, tsquery: str, covers: Mapping[str, Rule]) -> engine.Found:
    """Hits that do not rest on a covered value: a hit would tell what it holds. Looks through at most `ROUNDS` x `CANDIDATES`."""
    ids: list[uuid.UUID] = []
    asked = replace(wanted, size=CANDIDATES)
    for _round in range(ROUNDS):
        found = engine.find(asked)
        ids += held_openly(spec, found.ids, tsquery, covers)
        if found.next is None or len(ids) > wanted.size:
            break
        asked = replace(asked, after=found.next)
    more = ids[wanted.size - 1] if len(ids) > wanted.size else None
    return engine.Found(ids=ids[: wanted.size], next=("", str(more)) if more else None, shape="openly")


def _find(spec: ObjectSpec, actor: Actor, text: str, size: int) -> Hits:
    found = find_ids(spec, actor, text, size)
    return Hits(spec=spec, records=_records(spec, actor, found.ids), has_more=found.next is not None)


def _records(spec: ObjectSpec, actor: Actor, ids: list[uuid.UUID]) -> list[Record]:
    # The document's owner may lag behind the record's by one event: the record decides who sees it.
    by_id = {record.pk: record for record in spec.model.objects.visible_to(actor).filter(pk__in=ids)}
    return [by_id[pk] for pk in ids if pk in by_id]
