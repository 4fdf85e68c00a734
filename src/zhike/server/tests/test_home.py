"""The home folder, the signing key, and reading DATABASE_URL."""

import os
from pathlib import Path

import pytest

from zhike.server.connection import connection_settings, parse_url
from zhike.server.home import SYSTEM_HOME, Home, current_home
from zhike.server.processes import ServerError


def test_signing_key_is_made_once_and_closed(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home")
    key = home.secret_key()
    assert len(key) == 64
    assert home.secret_key() == key
    assert home.secret_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.root.glob("secret*")] == ["secret.key"]


def test_home_is_the_named_one_or_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path))
    assert current_home().root == tmp_path
    monkeypatch.delenv("ZHIKE_HOME")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(closed))
    assert current_home().root == (SYSTEM_HOME if os.geteuid() == 0 else closed / ".zhike")


def test_database_url_is_read_with_its_options() -> None:
    found = parse_url("postgresql://li%40x:p%2Fw@db.example:6432/crm?sslmode=require&connect_timeout=5")
    assert (found.user, found.password, found.host, found.port, found.name) == (
        "li@x",
        "p/w",
        "db.example",
        6432,
        "crm",
    )
    assert found.options == (("sslmode", "require"), ("connect_timeout", "5"))
    assert parse_url("postgres:///crm?host=/run/postgresql").host == "/run/postgresql"
    assert "dbname=other" in found.conninfo("other")


@pytest.mark.parametrize("url", ["mysql://a/b", "postgresql://host", "postgresql://host:x/db", "nonsense"])
def test_bad_database_url_is_refused(url: str) -> None:
    with pytest.raises(ServerError) as caught:
        parse_url(url)
    assert caught.value.code == "database_url_invalid"


def test_django_gets_a_small_pool_and_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/crm?sslmode=disable")
    found = connection_settings()
    assert (found["ENGINE"], found["NAME"], found["HOST"]) == ("zhike.server.postgres", "crm", "h")
    options = found["OPTIONS"]
    assert isinstance(options, dict)
    assert options["sslmode"] == "disable"
    assert options["pool"]["max_size"] == 8
