"""Search documents: written again for every record that changed, singly after commit and set-wise in bulk work."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from ..history import kind_of
from ..models import Record, SearchDoc
from ..registry import objects
from ..spec import ObjectSpec, SearchSource
from ..text.folding import fold_key
from .tokens import SearchParts, documents, tokens

CHUNK = 5_000
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


def _refresh(spec: ObjectSpec, source: SearchSource, ids: Sequence[uuid.UUID]) -> None:
    named = [name for name in (source.title, source.code, source.phone, source.person) if name]
    rows = list(spec.model._default_manager.filter(pk__in=ids).values_list(*COLUMNS, *named))
    write_documents(spec, rows)
    gone = set(ids) - {row[0] for row in rows}
    if gone:
        SearchDoc.objects.filter(pk__in=gone).delete()


def write_documents(spec: ObjectSpec, rows: Sequence[tuple[Any, ...]]) -> None:
    """Upsert documents of rows (pk, owner, team, updated_at, then the source's title, code, phone, person where named)."""
    source = spec.search
    if source is None or not rows:
        return
    extra = source.also([row[0] for row in rows]) if source.also else {}
    columns = _columns(source, rows)
    vectors = documents(columns["title"], columns["code"], columns["phone"], [who == "person" for who in columns["person"]])
    titles = [fold_key(title) for title in columns["title"]]
    for place, row in enumerate(rows):
        names, phones = extra.get(row[0], ((), ()))
        if names or phones:
            vectors[place] += " " + tokens(SearchParts(people=tuple(names), phones=tuple(phones)))
            titles[place] += "\n" + "\n".join(fold_key(name) for name in names)
    with connection.cursor() as cursor:
        ids, owners, teams, times = zip(*(row[:4] for row in rows), strict=True)
        cursor.execute(UPSERT, [kind_of(spec.model), list(ids), list(owners), list(teams), list(times), titles, vectors])


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
