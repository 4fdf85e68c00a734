"""Companies renamed, moved, brought up to date and dropped by the command line, with nothing lost on the way."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from zhike.server.connection import address
from zhike.server.control import control, get_company, list_companies, list_drafts, list_kept, make_database, note_draft, set_state
from zhike.server.embedded import Embedded
from zhike.server.tests.conftest import Ground

pytestmark = pytest.mark.usefixtures("server")


def _made(ground: Ground, name: str, *arguments: str) -> str:
    code, out, err = ground.zhike("company", "create", name, "--json", *arguments)
    assert code == 0, err
    return str(json.loads(out)["database"])


def _rows(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address().conninfo(database), autocommit=True) as session:
        return session.execute(query).fetchall()


def _write(database: str, *words: str) -> None:
    with psycopg.connect(address().conninfo(database), autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS noted (word text, database text)")
        for word in words:
            session.execute("INSERT INTO noted VALUES (%s, 'x')", [word])


def test_rename_gives_name_short_name_and_hosts_and_moves_no_data(ground: Ground) -> None:
    database = _made(ground, "甲公司", "--host", "CRM.jia.example")
    _made(ground, "乙公司")
    code, out, _err = ground.zhike(
        "company", "rename", "甲公司", "--to", "甲集团", "--slug", "jia", "--host", "jia.example", "--no-host", "crm.jia.example", "--json"
    )
    told = json.loads(out)
    assert (code, told["name"], told["slug"], told["hosts"], told["database"]) == (0, "甲集团", "jia", ["jia.example"], database)
    for arguments, words in (
        (["乙公司", "--host", "jia.example"], "belongs to 甲集团"),
        (["乙公司", "--host", "no_host!"], "is no host name"),
        (["乙公司", "--slug", "jia"], "jia exists already"),
        (["乙公司", "--to", "甲集团"], "甲集团 exists already"),
        (["乙公司", "--no-host", "x.example"], "has no host x.example"),
    ):
        code, out, err = ground.zhike("company", "rename", *arguments)
        assert (code, out) == (1, "")
        assert words in err
    assert [(one.slug, one.name, one.hosts) for one in list_companies()] == [
        ("jia", "甲集团", ("jia.example",)),
        ("yigongsi", "乙公司", ()),
    ]


def test_a_new_company_never_takes_the_database_of_a_renamed_one(ground: Ground) -> None:
    first = _made(ground, "甲公司")
    _write(first, "旧")
    ground.zhike("company", "rename", "甲公司", "--to", "甲集团", "--slug", "jia")
    second = _made(ground, "甲公司")
    assert (first, second) == ("zhike_jiagongsi", "zhike_jiagongsi_2")
    assert _rows(first, "SELECT word FROM noted") == [("旧",)]


def test_a_draft_that_a_killed_command_left_is_thrown_away(ground: Ground) -> None:
    note_draft("zhike_jiagongsi")
    with control() as session:
        make_database(session, "zhike_jiagongsi")
    _write("zhike_jiagongsi", "半成")
    note_draft("zhike_never_made")
    assert _made(ground, "甲公司") == "zhike_jiagongsi"
    assert _rows("zhike_jiagongsi", "SELECT to_regclass('noted')") == [(None,)]
    assert list_drafts() == []


def test_move_compares_every_row_keeps_the_old_database_and_takes_files_along(ground: Ground) -> None:
    old = _made(ground, "甲公司")
    _write(old, "一", "二", "三")
    kept_file = ground.home.files / old / "attachments" / "ab" / "abc"
    kept_file.parent.mkdir(parents=True)
    kept_file.write_text("合同")
    code, out, err = ground.zhike("company", "move", "甲公司", "--database", "zhike_new_place", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["database"], told["kept"], told["state"]) == ("zhike_new_place", old, "open")
    tables = _rows(old, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")[0][0]
    assert (told["tables"], told["rows"] >= 3) == (tables, True)
    assert _rows("zhike_new_place", "SELECT word FROM noted ORDER BY word") == [("一",), ("三",), ("二",)]
    assert (ground.home.files / "zhike_new_place" / "attachments" / "ab" / "abc").read_text() == "合同"
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        _write(old, "迟到")
    [kept] = list_kept()
    assert (kept.database, kept.company, kept.why) == (old, "甲公司", "moved")
    code, _out, err = ground.zhike("company", "move", "甲公司", "--database", "zhike_new_place")
    assert (code, "is there already" in err) == (1, True)
    assert ground.zhike("company", "kept", "--drop", str(kept.id))[0] == 0
    assert list_kept() == []
    assert not kept_file.exists()
    with pytest.raises(psycopg.OperationalError):
        _rows(old, "SELECT 1")


def test_move_to_another_server_and_a_company_there_is_served_like_any_other(
    ground: Ground, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = _made(ground, "甲公司")
    _write(old, "一")
    other = Embedded(home=type(ground.home)(root=ground.home.root.parent / "other"))
    other.start()
    try:
        where = address(other.home)
        url = f"postgresql://{where.user}@/postgres?host={where.host}"
        code, out, err = ground.zhike("company", "move", "甲公司", "--server", url, "--json")
        assert code == 0, err
        assert json.loads(out)["server"] == f"{where.host}:5432"
        with psycopg.connect(where.conninfo(old)) as session:
            assert session.execute("SELECT word FROM noted").fetchall() == [("一",)]
        told = ground.tell("place_in", "jiagongsi")
        assert told == {"database": old, "sockets": where.host, "noted": 1}
        assert ground.zhike("company", "migrate", "--json")[0] == 0
    finally:
        other.stop()


def test_move_onto_a_database_that_is_there_changes_nothing(ground: Ground) -> None:
    old = _made(ground, "甲公司")
    taken = _made(ground, "乙公司")
    with control() as session:
        make_database(session, "somebody_else")
    for name in (taken, "somebody_else"):
        code, _out, err = ground.zhike("company", "move", "甲公司", "--database", name)
        assert (code, f"There is a database {name}" in err) == (1, True)
    company = get_company("甲公司")
    assert (company.database, company.state, list_kept()) == (old, "open", [])
    _write(old, "还能写")


def test_a_company_that_cannot_be_migrated_is_named_closed_and_stops_no_other(ground: Ground) -> None:
    for name in ("甲公司", "乙公司", "丙公司"):
        _made(ground, name)
    for database in ("zhike_jiagongsi", "zhike_yigongsi", "zhike_binggongsi"):
        _age(database)
    with psycopg.connect(address().conninfo("zhike_yigongsi"), autocommit=True) as session:
        session.execute("ALTER TABLE auth_user RENAME TO auth_user_lost")
    code, out, err = ground.zhike("company", "migrate", "--json")
    assert code == 1
    assert "乙公司" in err
    told = json.loads(out)
    assert [(one["slug"], bool(one["error"])) for one in told] == [("jiagongsi", False), ("yigongsi", True), ("binggongsi", False)]
    assert [(one.slug, one.state) for one in list_companies()] == [("jiagongsi", "open"), ("yigongsi", "failed"), ("binggongsi", "open")]
    with psycopg.connect(address().conninfo("zhike_yigongsi"), autocommit=True) as session:
        session.execute("ALTER TABLE auth_user_lost RENAME TO auth_user")
    code, out, _err = ground.zhike("company", "migrate", "--json")
    assert (code, [(one["slug"], one["error"]) for one in json.loads(out)]) == (0, [("yigongsi", "")])
    assert {one.state for one in list_companies()} == {"open"}


def _age(database: str) -> None:
    """As if the last two migrations of one app had not run yet."""
    with psycopg.connect(address().conninfo(database), autocommit=True) as session:
        session.execute(sql.SQL("COMMENT ON DATABASE {} IS 'zhike schema before'").format(sql.Identifier(database)))
        session.execute("DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0012%'")


def test_what_a_killed_migration_closed_is_opened_by_the_next_command(ground: Ground) -> None:
    _made(ground, "甲公司")
    set_state("jiagongsi", "updating")
    assert ground.zhike("company", "migrate")[0] == 0
    assert get_company("jiagongsi").state == "open"


def test_a_database_of_a_newer_version_is_refused_and_left_alone(ground: Ground) -> None:
    database = _made(ground, "甲公司")
    with psycopg.connect(address().conninfo(database), autocommit=True) as session:
        session.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('auth', '0099_from_the_future', now())")
        session.execute(sql.SQL("COMMENT ON DATABASE {} IS 'zhike schema future'").format(sql.Identifier(database)))
    code, out, err = ground.zhike("up", "--no-demo", "--port", "18999")
    assert (code, out) == (1, "")
    assert "The database of 甲公司 is of a newer version (it has auth.0099_from_the_future)" in err
    assert get_company("甲公司").state == "open"


def test_drop_asks_for_the_name_and_keeps_a_last_backup(ground: Ground) -> None:
    database = _made(ground, "甲公司")
    child = ground.spawn("-m", "zhike.server.cli", "company", "drop", "甲公司", "--no-backup")
    child.kill()
    assert [one.slug for one in list_companies()] == ["jiagongsi"]
    code, out, err = ground.zhike("company", "drop", "甲公司", "--yes", "--json")
    assert code == 0, err
    backup = Path(json.loads(out)["backup"])
    assert (backup.parent, backup.stat().st_mode & 0o777) == (ground.home.backups, 0o600)
    with pytest.raises(psycopg.OperationalError):
        _rows(database, "SELECT 1")
    code, out, err = ground.zhike("restore", str(backup), "--json")
    assert (code, json.loads(out)["equal"]) == (0, True), err
    assert [(one.slug, one.database) for one in list_companies()] == [("jiagongsi", database)]
