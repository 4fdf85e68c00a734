"""Search documents of many records at once: words made in Python, rows moved by COPY both ways.

`zhike.kernel.search.documents` does the same for a few records; here arrays of parameters would cost more than the index.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from zhike.kernel.history import kind_of
from zhike.kernel.later import Later
from zhike.kernel.models import Record, Tracked
from zhike.kernel.registry import objects
from zhike.kernel.search.own import own_words, searchable
from zhike.kernel.search.tokens import SearchParts, documents, tokens
from zhike.kernel.spec import SearchSource
from zhike.kernel.text.folding import fold_key

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

ROLES = ("title", "code", "phone", "person")
AHEAD = 8  # chunks of records that may wait for their documents
SQL_UPSERT = """
insert into kernel_searchdoc as d (id, kind, owner_id, team_id, updated_at, title, tsv)
select id, %s, owner_id, team_id, updated_at, title, tsv::tsvector from zhike_words
on conflict (id) do update set owner_id = excluded.owner_id, team_id = excluded.team_id,
  updated_at = excluded.updated_at, title = excluded.title, tsv = excluded.tsv
where (d.owner_id, d.team_id, d.updated_at, d.title, d.tsv)
  is distinct from (excluded.owner_id, excluded.team_id, excluded.updated_at, excluded.title, excluded.tsv)
"""


def refresh_selected(model: type[Tracked], ids: str, *, may_have_more: bool = True) -> None:
    """Write the documents of the records that the SQL `ids` selects, inside the caller's transaction.

    `may_have_more` False: the records are new, nothing else (contacts) can belong to their words yet.
    """
    if not (issubclass(model, Record) and objects.has(model._meta.label_lower)):
        return
    source = objects.of(model).search
    if source is None or source.by_prefix:
        return
    own = [field.key for field in searchable(model._meta.label_lower)]
    rows = _read(model, source, ids, own)
    if rows.height:
        _write(model, _documents(rows, source, own, may_have_more=may_have_more))


class WordsBeside:
    """Writes documents in a thread with a connection of its own, while the next records are written.

    A crash may lose what was not written yet: `stale` finds it. Errors are raised by `wait`.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import-words")
        self._waiting: list[Future[None]] = []
        # The company is chosen by a context variable, which a thread does not take over by itself.
        self._context = copy_context()

    def add(self, model: type[Tracked], ids: str, *, may_have_more: bool) -> None:
        """Have the documents of committed records written; errors of earlier ones are raised here."""
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= AHEAD):
            self._waiting.pop(0).result()
        self._waiting.append(self._pool.submit(self._context.run, _refresh_apart, model, ids, may_have_more))

    def wait(self) -> None:
        for one in self._waiting:
            one.result()
        self._waiting.clear()

    def close(self) -> None:
        self._pool.submit(self._context.run, _close_connection).result()
        self._pool.shutdown(cancel_futures=True)


def _close_connection() -> None:
    connection.close()


def _refresh_apart(model: type[Tracked], ids: str, may_have_more: bool) -> None:
    with transaction.atomic():
        refresh_selected(model, ids, may_have_more=may_have_more)


def stale(model: type[Tracked], change_id: str) -> str:
    """Records that a change wrote and whose documents are missing or older, as SQL; empty when nothing searches them."""
    if not (issubclass(model, Record) and objects.has(model._meta.label_lower)):
        return ""
    source = objects.of(model).search
    if source is None or source.by_prefix:
        return ""
    return (
        f"select t.id from {model._meta.db_table} t left join kernel_searchdoc d on d.id = t.id where d.updated_at is distinct from t.updated_at "
        f"and t.id in (select object_id from kernel_history where change_id = '{uuid.UUID(change_id)}' and kind = {int(kind_of(model))})"
    )


def drop_gone(model: type[Tracked], ids: str) -> None:
    """Remove the documents of records that the SQL `ids` selects and that are not there any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"delete from kernel_searchdoc d using ({ids}) x (id) where d.id = x.id and not exists (select 1 from {model._meta.db_table} t where t.id = x.id)"
        )


def _read(model: type[Record], source: SearchSource, ids: str, own: Sequence[str]) -> pl.DataFrame:
    named = {role: getattr(source, role) for role in ROLES if getattr(source, role)}
    listed = [*(f't."{column}" as {role}' for role, column in named.items()), *(f"t.custom ->> '{key}'" for key in own)]
    columns = ", ".join(listed)
    query = f"select t.id, t.owner_id, t.team_id, t.updated_at, {columns} from {model._meta.db_table} t where t.id in ({ids})"
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv)") as out:
        data = b"".join(bytes(part) for part in out)
    names = ["id", "owner_id", "team_id", "updated_at", *named, *(f"own_{key}" for key in own)]
    schema = dict.fromkeys(names, pl.String)
    frame = pl.read_csv(io.BytesIO(data), has_header=False, schema=schema) if data else pl.DataFrame(schema=schema)
    missing = [pl.lit("").alias(role) for role in ROLES if role not in named]
    return frame.with_columns(pl.col(*named).fill_null(""), *missing)


def _documents(rows: pl.DataFrame, source: SearchSource, own: Sequence[str], *, may_have_more: bool) -> pl.DataFrame:
    names = rows["title"].to_list()
    vectors = documents(names, rows["code"].to_list(), rows["phone"].to_list(), (rows["person"] == "person").to_list())
    titles = [fold_key(name) for name in names]
    if own:
        for place, texts in enumerate(rows.select(*(f"own_{key}" for key in own)).rows()):
            lexemes, folded = own_words([text for text in texts if text])
            vectors[place] += lexemes
            titles[place] += folded
    if source.also and may_have_more:
        keys = [uuid.UUID(pk) for pk in rows["id"].to_list()]
        _add_more(source.also(keys), {key: place for place, key in enumerate(keys)}, vectors, titles)
    return rows.select("id", "owner_id", "team_id", "updated_at").with_columns(
        title=pl.Series(titles, dtype=pl.String), tsv=pl.Series(vectors, dtype=pl.String)
    )


def _add_more(more: Mapping[Any, tuple[list[str], list[str]]], place_of: Mapping[Any, int], vectors: list[str], titles: list[str]) -> None:
    for key, (names, phones) in more.items():
        place = place_of[key]
        vectors[place] += " " + tokens(SearchParts(people=tuple(names), phones=tuple(phones)))
        titles[place] += "".join("\n" + fold_key(name) for name in names)


def _write(model: type[Tracked], rows: pl.DataFrame) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "create temp table if not exists zhike_words (id uuid, owner_id int, team_id int, updated_at timestamptz, title text, tsv text) on commit drop"
        )
        cursor.execute("truncate zhike_words")
        with cursor.copy("copy zhike_words from stdin (format csv, null '\\N')") as into:
            into.write(rows.write_csv(include_header=False, null_value="\\N").encode())
        cursor.execute(SQL_UPSERT, [kind_of(model)])
