"""Where the database server is: a DATABASE_URL, or the embedded server's socket.

DATABASE_DIRECT_URL goes past a pooler that stands in DATABASE_URL: only web processes use the pooler, and they too go past it
for locks that outlive a transaction. DATABASE_REPLICA_URL is a copy that reports may read.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg.conninfo import make_conninfo

from zhike.server.cluster import SUPERUSER, place_of
from zhike.server.home import Home, current_home
from zhike.server.processes import ServerError

CONTROL_DATABASE = "zhike"
_POOL: dict[str, object] = {"min_size": 0, "max_size": 8, "timeout": 15, "max_idle": 120, "num_workers": 1}
_SMALL_POOL: dict[str, object] = {**_POOL, "max_size": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One PostgreSQL server and the name of its control database."""

    host: str
    port: int
    user: str
    password: str
    name: str
    options: tuple[tuple[str, str], ...] = ()

    def conninfo(self, database: str | None = None) -> str:
        """libpq connection string to `database` (default: the control database)."""
        return make_conninfo("", **self.params(database))

    def params(self, database: str | None = None) -> dict[str, str | int]:
        """The same as single libpq parameters; what is not given is left out."""
        given = {"host": self.host, "user": self.user, "password": self.password}
        words = {key: value for key, value in given.items() if value}
        return {"dbname": database or self.name, "port": self.port, **words, **dict(self.options)}


def is_embedded(env: Mapping[str, str] = os.environ) -> bool:
    """True when no DATABASE_URL is set and we run the server ourselves."""
    return not env.get("DATABASE_URL")


def is_pooled(env: Mapping[str, str] = os.environ) -> bool:
    """True in a web process whose DATABASE_URL names a pooler, because another address goes past it."""
    return env.get("ZHIKE_ROLE") == "web" and not is_embedded(env) and bool(env.get("DATABASE_DIRECT_URL"))


def address(home: Home | None = None, env: Mapping[str, str] = os.environ) -> Address:
    """The server to talk to; raises `database_url_invalid`. Starts nothing."""
    if not is_embedded(env):
        return parse_url(env["DATABASE_URL"] if is_pooled(env) else env.get("DATABASE_DIRECT_URL") or env["DATABASE_URL"])
    place = place_of(home or current_home())
    return Address(host=str(place.sockets), port=5432, user=SUPERUSER, password="", name=CONTROL_DATABASE)


def parse_url(url: str) -> Address:
    """Read postgresql://user:password@host:port/name?sslmode=...; raises `database_url_invalid`."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    try:
        port = parts.port or int(options.pop("port", "5432"))
    except ValueError:
        raise ServerError("database_url_invalid") from None
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ServerError("database_url_invalid")
    return Address(
        host=unquote(parts.hostname or "") or options.pop("host", ""),
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=name,
        options=tuple(options.items()),
    )


def connection_settings() -> dict[str, object]:
    """Django's DATABASES["default"], complete; a pure function of environment and home."""
    return _settings_of(address(), _POOL) | ({"DISABLE_SERVER_SIDE_CURSORS": True} if is_pooled() else {})


def database_settings(env: Mapping[str, str] = os.environ) -> dict[str, dict[str, object]]:
    """Django's DATABASES: `default`, `direct` where a pooler is to be passed by, `replica` where there is one."""
    found = {"default": connection_settings()}
    if is_pooled(env):
        found["direct"] = _settings_of(parse_url(env["DATABASE_DIRECT_URL"]), _SMALL_POOL)
    if env.get("DATABASE_REPLICA_URL"):
        found["replica"] = _settings_of(parse_url(env["DATABASE_REPLICA_URL"]), _SMALL_POOL) | {"TEST": {"MIRROR": "default"}}
    return found


def _settings_of(where: Address, pool: Mapping[str, object]) -> dict[str, object]:
    return {
        "ENGINE": "zhike.server.postgres",
        "NAME": where.name,
        "USER": where.user,
        "PASSWORD": where.password,
        "HOST": where.host,
        "PORT": where.port,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**dict(where.options), "pool": dict(pool)},
    }
