"""Django's PostgreSQL backend with the database chosen by the current company."""

import datetime as dt
import threading
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import ConnectionPool

from zhike.server.companies import current_company
from zhike.server.connection import parse_url
from zhike.server.processes import ServerError

# What another server says anew: the rest (time zone, character set, cursors) is the same everywhere.
SERVER_WORDS = ("host", "port", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey", "options", "connect_timeout")


class MomentLoader(TimestamptzLoader):
    """A moment as Django has it, read by the standard library's C: a page of 50 rows holds more than 200 of them."""

    timezone: dt.tzinfo | None = None  # asked for by Django's cursors too

    def load(self, data: Any) -> dt.datetime:
        """Raises psycopg.DataError for what Python has no moment for, as the loader that it stands in for."""
        try:
            found = dt.datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # infinity, before Christ, another DateStyle
            found = super().load(data)
        return found if found.tzinfo is self.timezone else found.replace(tzinfo=self.timezone)


@cache
def _quick_moments(context: AdaptersMap, zone: dt.tzinfo | None) -> AdaptersMap:
    own = AdaptersMap(context)
    own.register_loader("timestamptz", type("ZonedMomentLoader", (MomentLoader,), {"timezone": zone}))
    return own


_pools: dict[tuple[str, str, str], ConnectionPool[Connection]] = {}
_pools_lock = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection of one thread that follows `use_company`.

    A change of company between transactions reconnects by itself; one inside a transaction raises
    `company_switched_in_transaction`. Pools are kept by alias, server and database name.
    """

    bound_place: tuple[str, str] | None = None

    @property
    def wanted_place(self) -> tuple[str, str]:
        """The server (empty: the one of the settings) and the database the next query has to go to."""
        company = current_company()
        return (company.server, company.database) if company else ("", self.settings_dict["NAME"])

    @property
    def wanted_database(self) -> str:
        """Name of the database the next query has to go to."""
        return self.wanted_place[1]

    def get_connection_params(self) -> dict[str, Any]:
        """libpq parameters with the current company's server and database."""
        params: dict[str, Any] = super().get_connection_params()
        params["context"] = _quick_moments(params["context"], self.timezone)
        if self.alias == NO_DB_ALIAS:
            return params
        server, database = self.wanted_place
        if server:
            kept = {name: value for name, value in params.items() if name not in SERVER_WORDS}
            return {**kept, **parse_url(server).params(database)}
        return {**params, "dbname": database}

    def ensure_connection(self) -> None:
        """Connect; leave a connection of another company or one the server has cut."""
        if self.connection is not None:
            is_other = self.bound_place != self.wanted_place and self.alias != NO_DB_ALIAS
            if is_other and self.in_atomic_block:
                raise ServerError("company_switched_in_transaction", database=self.wanted_database)
            if is_other or (self.connection.closed and not self.in_atomic_block):
                self.close()
        super().ensure_connection()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect and remember to which database of which server."""
        wanted = self.wanted_place
        connection = super().get_new_connection(conn_params)
        self.bound_place = wanted
        return connection

    @property
    def pool(self) -> ConnectionPool[Connection] | None:
        """The pool of the current database, made at first use; None when pooling is off."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        key = (self.alias, *self.wanted_place)
        with _pools_lock:
            if key not in _pools:
                _pools[key] = self._make_pool({} if options is True else options)
            return _pools[key]

    def _make_pool(self, options: dict[str, Any]) -> ConnectionPool[Connection]:
        if self.settings_dict.get("CONN_MAX_AGE", 0) != 0:
            raise ImproperlyConfigured("pooling_needs_conn_max_age_0")
        return ConnectionPool(
            kwargs={**self.get_connection_params(), "autocommit": True},
            open=False,
            configure=self._configure_connection,  # type: ignore[attr-defined]
            # A restarted server leaves dead connections in the pool.
            check=ConnectionPool.check_connection,
            **options,
        )

    def close_pool(self) -> None:
        """Close the pool of the current database."""
        with _pools_lock:
            pool = _pools.pop((self.alias, *self.wanted_place), None)
        if pool is not None:
            pool.close()

    def _close(self) -> None:
        if self.connection is not None and (pool := getattr(self.connection, "_pool", None)) is not None:
            # Not self.pool: the company may have changed since the connection was taken.
            with self.wrap_database_errors:
                pool.putconn(self.connection)
                self.connection = None
            return
        super()._close()  # type: ignore[misc]


def close_pools(database: str) -> None:
    """Close all pools to `database` in this process."""
    with _pools_lock:
        found = [_pools.pop(key) for key in [key for key in _pools if key[2] == database]]
    for pool in found:
        pool.close()


def pool_numbers() -> dict[str, tuple[int, int, int]]:
    """Connections, connections at rest and requests that wait, by database, of this process."""
    found: dict[str, tuple[int, int, int]] = {}
    with _pools_lock:
        pools = list(_pools.items())
    for (_, _, database), pool in pools:
        told = pool.get_stats()
        size, rest, waiting = found.get(database, (0, 0, 0))
        found[database] = (size + told["pool_size"], rest + told["pool_available"], waiting + told["requests_waiting"])
    return found
