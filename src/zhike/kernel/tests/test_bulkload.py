"""Bulk load: what is put aside comes back, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from decimal import Decimal

import polars as pl
import psycopg
import pytest

from zhike.kernel.bulkload import bulk_load, copy_frame, left_aside, repair, truncate

MAKE = """
drop schema if exists load_story cascade;
create schema load_story;
set search_path = load_story;
create table house (id int primary key, name text unique, built date, price numeric(18, 4), seen timestamptz);
create index house_built on house (built desc) include (name) where built is not null;
create table door (id int primary key, house_id int references house (id) deferrable initially deferred);
create table log (what text);
create function note() returns trigger language plpgsql as $$begin insert into load_story.log values (tg_op); return null; end$$;
create trigger house_note after insert on house for each statement execute function note();
"""
SHAPE = """
select array(
  select indexdef from pg_indexes where schemaname = 'load_story' and tablename in ('house', 'door')
  union all select conname || pg_get_constraintdef(oid) from pg_constraint where conrelid in ('house'::regclass, 'door'::regclass)
    and contype in ('p', 'u', 'f')
  union all select tgname || tgenabled::text from pg_trigger where tgrelid = 'house'::regclass and not tgisinternal order by 1
)
"""
HOUSES = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "name": ['a "quoted", name\nover two lines', "", None],
        "built": [dt.date(2020, 2, 29), None, dt.date(1999, 12, 31)],
        "price": pl.Series([Decimal("1.0001"), Decimal("-3"), None], dtype=pl.Decimal(18, 4)),
        "seen": [dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC), None, None],
    }
)


@pytest.fixture
def session(django_db_setup: None) -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(MAKE)
        yield connection
        connection.execute("drop schema load_story cascade; drop table if exists kernel_bulkload_kept")


def _shape(session: psycopg.Connection) -> list[str]:
    row = session.execute(SHAPE).fetchone()
    assert row
    return list(row[0])


def test_copied_rows_arrive_as_they_were_without_history_and_everything_is_back(session: psycopg.Connection) -> None:
    before, told = _shape(session), []
    with bulk_load(session, ["house"], say=lambda name, done, total: told.append((done, total))):
        assert [line.split()[0] for line in _shape(session)] == ["CREATE", "door_pkeyPRIMARY", "house_noteD"]
        with session.transaction():
            truncate(session, ["house"])
            assert copy_frame(session, "house", HOUSES, freeze=True) == 3
    assert session.execute("select id, name, built, price, seen from house order by id").fetchall() == HOUSES.rows()
    assert _shape(session) == before
    assert session.execute("select count(*) from log").fetchone() == (0,)
    assert told[-1] == (5, 5)


def test_a_block_that_fails_still_gets_everything_back(session: psycopg.Connection) -> None:
    before = _shape(session)
    with pytest.raises(KeyError), bulk_load(session, ["house", "door"]):
        raise KeyError("stop")
    assert _shape(session) == before
    assert left_aside(session) == 0


def test_after_a_kill_repair_makes_it_again_once(session: psycopg.Connection) -> None:
    before = _shape(session)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as killed:
        killed.execute("set search_path = load_story")
        load = bulk_load(killed, ["house", "door"])
        load.__enter__()
        pid = killed.info.backend_pid
        assert repair(session) == []  # at work: hands off
        session.execute("select pg_terminate_backend(%s, 5000)", [pid])
        assert left_aside(session) == 6
        assert sorted(repair(session)) == ["door_house_id_fkey", "door_pkey", "house_built", "house_name_key", "house_note", "house_pkey"]
        assert repair(session) == []
        with pytest.raises(psycopg.OperationalError):
            load.__exit__(None, None, None)
    assert _shape(session) == before
