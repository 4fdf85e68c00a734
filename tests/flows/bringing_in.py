"""What the import stories share: files made of text, an import in one call, and a picture of all tables to compare."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.db import connection

from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.history import tracked_columns, tracked_models
from zhike.kernel.imports import running
from zhike.kernel.imports.plans import Options
from zhike.kernel.imports.tables import ImportRun

UNSTEADY = ("id", "created_at", "updated_at", "batch_id")


def shared_data() -> Path | None:
    """The folder of real data sets: ZHIKE_SHARED_DATA, or `shared/data` beside the repository."""
    given = os.environ.get("ZHIKE_SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder if folder.is_dir() else None


def bring_in(path: Path, target: str, *, by: Actor = SYSTEM, mapping: dict[str, str] | None = None, **options: Any) -> ImportRun:
    """Import a file with what is guessed, laid over by `mapping` (file column -> field)."""
    wanted = Options(**options)
    told = running.propose(path, target, wanted).mapping | (mapping or {})
    run = running.new_run(path, target=target, mapping={column: field for column, field in told.items() if field}, by=by, options=wanted)
    return running.work(run)


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    """A UTF-8 file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def one(sql: str, *values: Any) -> Any:
    """The first value of the first row."""
    return rows(sql, *values)[0][0]


def picture() -> dict[str, Any]:
    """Everything in the tracked tables and the search, with ids and times."""
    found: dict[str, Any] = {}
    for model in tracked_models():
        table = model._meta.db_table
        found[table] = rows(f"select * from {table} order by id")
    found["kernel_searchdoc"] = rows("select id, kind, owner_id, team_id, title, tsv::text from kernel_searchdoc order by id")
    return found


def steady_picture() -> dict[str, Any]:
    """Everything by natural keys, without ids and times, and how often each table was written: equal for equal imports."""
    links = {
        "orders_order": "left join customers_customer p on p.id = t.customer_id",
        "orders_orderline": "left join orders_order p on p.id = t.order_id left join catalog_product q on q.id = t.product_id",
    }
    names = {"orders_order": ["p.code"], "orders_orderline": ["p.number", "q.code"]}
    found: dict[str, Any] = {}
    for model in tracked_models():
        table = model._meta.db_table
        plain = [c for c in [*tracked_columns(model), *model.untracked] if c not in UNSTEADY and not c.endswith(("_id",))]
        columns = ", ".join([*(f't."{column}"' for column in plain), *names.get(table, [])]) or "1"
        found[table] = sorted(map(repr, rows(f"select {columns} from {table} t {links.get(table, '')}")))
    found["history"] = rows("select kind, op, count(*), count(distinct object_id) from kernel_history group by 1, 2 order by 1, 2")
    found["search"] = sorted(map(repr, rows("select title, tsv::text from kernel_searchdoc")))
    return found


def history_count() -> int:
    return int(one("select count(*) from kernel_history"))
