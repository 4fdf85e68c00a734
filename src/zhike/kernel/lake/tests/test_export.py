"""Export by change: what is read again, what stays, and what a crash or a reader sees."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from zhike.kernel.errors import Refused
from zhike.kernel.lake import export
from zhike.kernel.lake.engine import KEEP, open_lake
from zhike.kernel.lake.export import ExportReport, LakeTable, export_changes
from zhike.kernel.lake.manifest import EMPTY, FILE, GRACE, read_manifest, sweep

Database = tuple[psycopg.Connection, str]


def visit_rows(months: tuple[str, ...] | None) -> str:
    chosen = "" if months is None else f" where to_char(day, 'YYYY-MM') in ({', '.join(repr(m) for m in months)})"
    return f"select id, day, guest, seconds from visit{chosen}"


VISITS = LakeTable(
    name="visits",
    columns=(("id", "int64"), ("day", "date32"), ("guest", "string"), ("seconds", "int64")),
    rows_sql=visit_rows,
    finish_sql="select *, seconds * 2 as doubled from spool order by day, id",
    month_of="day",
    touched_sql=lambda since: f"select to_char(day, 'YYYY-MM') from visit_log where at >= '{since.isoformat()}'",
)
GUESTS = LakeTable(
    name="guests",
    columns=(("name", "string"),),
    rows_sql=lambda months: "select name from guest",
    finish_sql="select * from spool order by name",
    print_sql="select count(*)::text || coalesce(max(name), '') from guest",
)
TABLES = (VISITS, GUESTS)


@pytest.fixture
def house(database: Database) -> Database:
    connection, uri = database
    connection.execute("""
        create table visit (id bigint primary key, day date not null, guest text, seconds bigint);
        create table visit_log (at timestamptz not null default now(), day date not null);
        create table guest (name text);
        insert into visit values
          (1, '2024-01-31', '林悦', 10), (2, '2024-02-01', null, null), (3, '2024-02-29', '周航', 30);
        insert into guest values ('林悦'), ('周航');
    """)
    return connection, uri


def rows(lake: Path, table: str = "visits") -> list[tuple[object, ...]]:
    found = open_lake(lake).tables[table]
    return [tuple(row.values()) for row in found.order_by(found.columns[0]).to_pyarrow().to_pylist()]


def run(house: Database, lake: Path, *, full: bool = False) -> ExportReport:
    return export_changes(house[1], lake, tables=TABLES, full=full)


def change(house: Database, sql: str, *days: str) -> None:
    with house[0].transaction():
        house[0].execute(sql)
        for day in days:
            house[0].execute("insert into visit_log(day) values (%s)", [day])


def test_the_first_export_is_full_and_readable(house: Database, tmp_path: Path) -> None:
    report = run(house, tmp_path)
    assert (report.full, report.months, report.rows, report.written) == (True, {"visits": ("2024-01", "2024-02")}, 5, 5)
    assert rows(tmp_path) == [
        (1, dt.date(2024, 1, 31), "林悦", 10, 20),
        (2, dt.date(2024, 2, 1), None, None, None),
        (3, dt.date(2024, 2, 29), "周航", 30, 60),
    ]
    assert rows(tmp_path, "guests") == [("周航",), ("林悦",)]
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert all(file.startswith(f"visits/month={m}/") for m, file in month_files(tmp_path).items() if m != EMPTY)
    assert manifest.rows("visits") == 3


def month_files(lake: Path) -> dict[str, str]:
    manifest = read_manifest(lake)
    assert manifest is not None
    return {month: part.file for month, part in manifest.tables["visits"].items()}


def test_an_empty_house_has_columns_and_no_rows(house: Database, tmp_path: Path) -> None:
    house[0].execute("truncate visit; truncate guest")
    run(house, tmp_path)
    assert rows(tmp_path) == rows(tmp_path, "guests") == []
    assert "doubled" in open_lake(tmp_path).tables["visits"].columns


def test_only_touched_months_are_read_again(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    before = month_files(tmp_path)
    change(house, "update visit set seconds = 11 where id = 1", "2024-01-31")
    report = run(house, tmp_path)
    assert (report.full, report.months, report.rows, report.written) == (False, {"visits": ("2024-01",)}, 1, 1)
    after = month_files(tmp_path)
    assert {month for month in after if after[month] != before[month]} == {"2024-01"}
    assert rows(tmp_path)[0][3] == 11


def test_a_second_export_without_changes_keeps_every_file(house: Database, tmp_path: Path) -> None:
    first = run(house, tmp_path)
    again = run(house, tmp_path)
    assert (again.rows, again.written, again.kept) == (0, 0, first.written)


def test_an_equal_full_export_gives_equal_files(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    house[0].execute("create table other as select * from visit order by id desc")
    house[0].execute("truncate visit; insert into visit select * from other")
    report = run(house, tmp_path, full=True)
    assert (report.full, report.removed) == (True, 0)
    assert len(list((tmp_path / "visits").rglob("*.parquet"))) == 3


def test_a_month_whose_rows_all_went_is_gone(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    change(house, "delete from visit where id = 1", "2024-01-31")
    run(house, tmp_path)
    assert set(month_files(tmp_path)) == {EMPTY, "2024-02"}
    assert [row[0] for row in rows(tmp_path)] == [2, 3]


def test_a_table_without_months_is_written_again_when_its_print_differs(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    house[0].execute("insert into guest values ('陈默')")
    assert run(house, tmp_path).written == 1
    assert rows(tmp_path, "guests") == [("周航",), ("林悦",), ("陈默",)]


def test_a_transaction_that_was_running_is_not_lost(house: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "OVERLAP", dt.timedelta(0))
    with psycopg.connect(house[1]) as slow:
        slow.execute("insert into visit values (4, '2024-03-01', '陈默', 40)")
        slow.execute("insert into visit_log(day) values ('2024-03-01')")
        run(house, tmp_path)
        assert len(rows(tmp_path)) == 3
        slow.commit()
    run(house, tmp_path)
    assert [row[0] for row in rows(tmp_path)] == [1, 2, 3, 4]


def test_readers_of_the_old_state_keep_their_files(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    old, files = open_lake(tmp_path), month_files(tmp_path)
    change(house, "update visit set seconds = 99 where id = 1", "2024-01-31")
    run(house, tmp_path)
    assert old.tables["visits"].seconds.sum().to_pyarrow().as_py() == 40
    assert rows(tmp_path)[0][3] == 99
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert list(manifest.retired) == [files["2024-01"]]
    assert sweep(tmp_path, manifest, now=manifest.made_at + GRACE / 2) == 0
    assert sweep(tmp_path, manifest, now=manifest.made_at + GRACE * 2) == 1
    assert not (tmp_path / files["2024-01"]).exists()


def die(uri: str, lake: Path) -> None:
    """An export killed while rows come in."""
    export_changes(uri, lake, tables=TABLES, say=lambda table, rows: os.kill(os.getpid(), signal.SIGKILL))


def test_a_killed_export_changes_nothing_and_the_next_one_makes_up_for_it(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    change(house, "update visit set seconds = 99 where id = 1", "2024-01-31")
    killed = multiprocessing.get_context("spawn").Process(target=die, args=(house[1], tmp_path))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert rows(tmp_path)[0][3] == 10
    assert run(house, tmp_path).months == {"visits": ("2024-01",)}
    assert rows(tmp_path)[0][3] == 99
    assert not (tmp_path / ".spool").exists()


@pytest.mark.parametrize("damage", ["{", "{}", '{"schema": 1}'])
def test_a_broken_manifest_is_named_and_the_next_export_heals_it(house: Database, tmp_path: Path, damage: str) -> None:
    run(house, tmp_path)
    (tmp_path / FILE).write_text(damage)
    with pytest.raises(Refused, match="lake_manifest_broken"):
        open_lake(tmp_path)
    assert run(house, tmp_path).full
    assert len(rows(tmp_path)) == 3


def test_a_missing_file_makes_the_next_export_full(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    (tmp_path / month_files(tmp_path)["2024-02"]).unlink()
    assert run(house, tmp_path).full
    assert len(rows(tmp_path)) == 3


def test_a_new_declaration_makes_its_table_new_and_no_other(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    other = LakeTable(
        name="guests",
        columns=GUESTS.columns,
        rows_sql=GUESTS.rows_sql,
        finish_sql="select name, 1 as one from spool",
        print_sql="select 1",
    )
    before = month_files(tmp_path)
    report = export_changes(house[1], tmp_path, tables=(VISITS, other))
    assert (report.full, report.months, report.rows, month_files(tmp_path)) == (False, {"visits": ()}, 2, before)
    assert rows(tmp_path, "guests")[0][1] == 1


def test_a_table_that_is_no_longer_declared_goes(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    export_changes(house[1], tmp_path, tables=(VISITS,))
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert list(open_lake(tmp_path).tables) == ["visits"]
    sweep(tmp_path, manifest, now=dt.datetime.now(dt.UTC) + 2 * GRACE)
    assert list((tmp_path / "guests").rglob("*.parquet")) == []


def test_a_lake_of_a_former_version_is_read_until_the_next_export(house: Database, tmp_path: Path) -> None:
    run(house, tmp_path)
    told = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({name: value for name, value in told.items() if name != "schemas"} | {"schema": "x"}))
    assert len(rows(tmp_path)) == 3
    assert run(house, tmp_path).full


def test_two_exports_of_one_lake_do_not_meet(house: Database, tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="lake_export_running"):
            run(house, tmp_path)
    assert not (tmp_path / FILE).exists()


def test_many_rows_pass_through_the_disk_in_order(house: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhike.kernel.lake.spool.BUFFER_BYTES", 100_000)
    house[0].execute("""
        truncate visit; insert into visit
        select n, date '2020-01-01' + (n * 7919 % 1500)::int, 'g' || n % 100, n from generate_series(1, 50000) n
    """)
    report = run(house, tmp_path)
    assert (report.rows, len(report.months["visits"])) == (50_002, 50)
    found = open_lake(tmp_path).tables["visits"]
    assert found.seconds.sum().to_pyarrow().as_py() == 50_000 * 50_001 // 2
    january = found.filter(found.day < dt.date(2020, 2, 1)).to_pyarrow()
    keys = list(zip(january["day"].to_pylist(), january["id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert not (tmp_path / ".spool").exists()


def test_threads_read_at_once_and_a_thread_forgets_what_it_read_long_ago(house: Database, tmp_path: Path) -> None:
    lakes = [tmp_path / str(n) for n in range(KEEP + 2)]
    for lake in lakes:
        run(house, lake)

    def seconds(lake: Path) -> int:
        return int(open_lake(lake).tables["visits"].seconds.sum().to_pyarrow().as_py())

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(seconds, lakes * 4)) == [40] * len(lakes) * 4


def test_before_the_first_export_there_is_no_lake(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="lake_missing"):
        open_lake(tmp_path)
    assert os.listdir(tmp_path) == []
