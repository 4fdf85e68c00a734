"""Search documents: written again for every record that changed, singly after commit and set-wise in bulk work."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from ..actor import Rule
from ..history import kind_of
from ..models import Record, SearchDoc
from ..registry import objects
from ..spec import ObjectSpec, SearchSource
from ..text.folding import fold_key
from ..text.phones import digits
from .own import own_words, searchable, texts_of
from .tokens import SearchParts, documents, tokens

CHUNK = 5_000
SHOWN_DIGITS = 4  # of a masked phone
COLUMNS = ("pk", "owner_id", "team_id", "updated_at")
UPSERT = """
insert into kernel_searchdoc (id, kind, owner_id, team_id, updated_at, title, tsv)
select u.id, %s, u.owner_id, u.team_id, u.updated_at, u.title, u.tsv::tsvector
from unnest(%s::uuid[], %s::int[], %s::int[], %s::timestamptz[], %s::text[], %s::text[])
  as u(id, owner_id, team_id, updated_at, title, tsv)
on conflict (id) do update set owner_id = excluded.owner_id, team_id = excluded.team_id,
  updated_at = excluded.updated_at, title = excluded.title, tsv = excluded.tsv
where (kernel_searchdoc.owner_id, kernel_searchdoc.team_id, kernel_searchdoc.updated_at, kernel_searchdoc.title, kernel_searchdoc.tsv)
  is distinct from (excluded.owner_id, excluded.team_id, excluded.updated_at, excluded.title, excluded.tsv)
"""


def refresh(model: type[Record], ids: Iterable[uuid.UUID]) -> None:
    """Write the documents of these records again and drop those of records that are gone."""
    spec = objects.of(model)
    if spec.search is None or spec.search.by_prefix:
        return
    waiting = list(ids)
    for start in range(0, len(waiting), CHUNK):
        _refresh(spec, spec.search, waiting[start : start + CHUNK])


def _rows(spec: ObjectSpec, source: SearchSource, ids: Sequence[uuid.UUID]) -> list[tuple[Any, ...]]:
    named = [name for name in (source.title, source.code, source.phone, source.person) if name]
    return list(spec.model._default_manager.filter(pk__in=ids).values_list(*COLUMNS, *named, "custom"))


def _refresh(spec: ObjectSpec, source: SearchSource, ids: Sequence[uuid.UUID]) -> None:
    rows = _rows(spec, source, ids)
    write_documents(spec, rows)
    gone = set(ids) - {row[0] for row in rows}
    if gone:
        SearchDoc.objects.filter(pk__in=gone).delete()


def write_documents(spec: ObjectSpec, rows: Sequence[tuple[Any, ...]]) -> None:
    """Upsert documents of rows: pk, owner, team, updated_at, the source's title, code, phone, person where named, own fields."""
    source = spec.search
    if source is None or not rows:
        return
    vectors, titles = _words(spec, rows, {})
    with connection.cursor() as cursor:
        ids, owners, teams, times = zip(*(row[:4] for row in rows), strict=True)
        cursor.execute(UPSERT, [kind_of(spec.model), list(ids), list(owners), list(teams), list(times), titles, vectors])


def _words(spec: ObjectSpec, rows: Sequence[tuple[Any, ...]], covers: Mapping[str, Rule]) -> tuple[list[str], list[str]]:
    """Vector and folded names of each row; what `covers` names (code, phone, also, an own field) is left out but for a masked
    phone's end."""
    source = spec.search
    assert source is not None
    extra = source.also([row[0] for row in rows]) if source.also else {}
    columns = _columns(source, rows)
    phones = [_uncovered(phone, covers.get("phone")) for phone in columns["phone"]]
    codes = columns["code"] if "code" not in covers else [""] * len(rows)
    vectors = documents(columns["title"], codes, phones, [who == "person" for who in columns["person"]])
    titles = [fold_key(title) for title in columns["title"]]
    for place, row in enumerate(rows):
        names, numbers = extra.get(row[0], ((), ()))
        if names or numbers:
            shown = tuple(_uncovered(number, covers.get("also")) for number in numbers)
            vectors[place] += " " + tokens(SearchParts(people=() if "names" in covers else tuple(names), phones=shown))
            titles[place] += "\n" + "\n".join(fold_key(name) for name in names)
    own = [field for field in searchable(spec.label) if field.name not in covers]
    for place, row in enumerate(rows) if own else ():
        lexemes, keys = own_words(texts_of(row[-1], own))
        vectors[place] += lexemes
        titles[place] += keys
    return vectors, titles


def _uncovered(phone: str, rule: Rule | None) -> str:
    """What a reader may find a number by: all of it, the end that a masked one shows, or nothing."""
    return phone if rule is None else digits(phone)[-SHOWN_DIGITS:] if rule is Rule.MASKED else ""


def held_openly(spec: ObjectSpec, ids: Sequence[uuid.UUID], tsquery: str, covers: Mapping[str, Rule]) -> list[uuid.UUID]:
    """Those of some hits that also match without what a reader may not see, in the order given."""
    assert spec.search is not None
    rows = _rows(spec, spec.search, ids)
    vectors, _titles = _words(spec, rows, covers)
    with connection.cursor() as cursor:
        cursor.execute(
            "select u.id from unnest(%s::uuid[], %s::text[]) as u(id, tsv) where u.tsv::tsvector @@ %s::tsquery",
            [[row[0] for row in rows], vectors, tsquery],
        )
        kept = {row[0] for row in cursor.fetchall()}
    return [pk for pk in ids if pk in kept]


def _columns(source: SearchSource, rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    place = len(COLUMNS)
    for role in ("title", "code", "phone", "person"):
        if getattr(source, role):
            found[role] = [row[place] or "" for row in rows]
            place += 1
        else:
            found[role] = [""] * len(rows)
    return found
