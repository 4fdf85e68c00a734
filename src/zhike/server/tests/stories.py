"""Small programs that the tests run as processes of their own: `python -m zhike.server.tests.stories NAME …`."""

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import django
import psycopg
from django.db import connection, transaction

from zhike.server.companies import Company, company_for_host, get_company, use_company
from zhike.server.connection import address
from zhike.server.embedded import Embedded, running
from zhike.server.founding import create_company, drop_company
from zhike.server.home import current_home
from zhike.server.processes import ServerError
from zhike.server.tests.site.tasks import note_database
from zhike.server.upgrading import outdated_companies


def hold() -> object:
    """Start the server and stay until killed."""
    server = Embedded(home=current_home())
    server.start()
    print(json.dumps({"pid": server.process.pid if server.process else 0}), flush=True)
    while True:
        time.sleep(1)


def use(seconds: str) -> object:
    """Use the server for a while, whoever started it."""
    with running(current_home()) as server:
        with psycopg.connect(address().conninfo("postgres")) as session:
            row = session.execute("SELECT pg_postmaster_start_time()::text").fetchone()
            time.sleep(float(seconds))
            session.execute("SELECT 1")
        return {"owned": server.is_owned, "started": row[0] if row else ""}


def fill() -> object:
    """Insert numbers, one transaction each, and print those that were committed, until the server is gone."""
    with psycopg.connect(address().conninfo("postgres"), autocommit=True) as session:
        session.execute("CREATE TABLE number (n int)")
        for n in range(1_000_000):
            session.execute("INSERT INTO number VALUES (%s)", [n])
            print(n, flush=True)
    return None


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return str(cursor.fetchone()[0])


def two_companies() -> object:
    """Two threads work in two companies at once, a nested switch comes back, a switch in a transaction is refused."""
    a, b = create_company("甲公司"), create_company("乙公司")
    seen: dict[str, set[str]] = {a.slug: set(), b.slug: set()}
    barrier = threading.Barrier(2)

    def work(company: Company) -> None:
        for _ in range(20):
            barrier.wait()
            with use_company(company):
                seen[company.slug].add(_database())

    threads = [threading.Thread(target=work, args=[company]) for company in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with use_company(a):
        path = [_database()]
        with use_company(b):
            path.append(_database())
        path.append(_database())
    path.append(_database())
    return {"seen": {slug: sorted(found) for slug, found in seen.items()}, "nested": path, "refused": _refused(a, b)}


def _refused(a: Company, b: Company) -> str:
    with use_company(a), transaction.atomic():
        try:
            with use_company(b):
                _database()
        except ServerError as error:
            return error.code
    return "nothing refused"


def founding() -> object:
    """Found, refuse doubles, choose by host, drop."""
    first = create_company("示例商贸", demo=True)
    second = create_company("恒砺机电")
    codes = []
    for name, slug in (("恒砺机电", None), ("别的", "hengli"), ("  ", None), ("坏", "Bad Slug")):
        try:
            create_company(name, slug)
        except ServerError as error:
            codes.append(error.code)
    hosts = [
        "127.0.0.1:8000",
        "localhost",
        "shilishangmao.localhost:8000",
        "hengli.localhost",
        "nobody.localhost",
        "[::1]:8000",
    ]
    chosen = [found.slug if (found := company_for_host(host)) else None for host in hosts]
    outdated = [item.slug for item in outdated_companies()]
    drop_company(first.slug)
    with psycopg.connect(address().conninfo()) as session:
        rows = session.execute("SELECT datname FROM pg_database WHERE datname LIKE 'zhike%' ORDER BY 1").fetchall()
    slugs = [first.slug, second.slug]
    return {"slugs": slugs, "codes": codes, "hosts": chosen, "outdated": outdated, "left": [row[0] for row in rows]}


def survive() -> object:
    """A connection cut by the server is replaced at the next query, pooled or not."""
    with use_company(create_company("甲公司")) as company:
        before = _database()
        with psycopg.connect(address().conninfo(), autocommit=True) as session:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            session.execute(query, [company.database])
        with suppress(django.db.OperationalError):
            _database()
        return {"before": before, "after": _database()}


def defer(slug: str, word: str) -> object:
    """Put one job into a company's queue."""
    with use_company(get_company(slug)):
        return {"job": note_database.defer(word=word)}


def place_in(slug: str) -> object:
    """Where the queries of a company go, and what they find."""
    with use_company(get_company(slug)), connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_setting('unix_socket_directories'), (SELECT count(*) FROM noted)")
        database, sockets, noted = cursor.fetchone()
    return {"database": database, "sockets": sockets, "noted": noted}


STORIES: dict[str, Callable[..., object]] = {
    story.__name__: story for story in (hold, use, fill, two_companies, founding, survive, defer, place_in)
}

if __name__ == "__main__":
    django.setup()
    print(json.dumps(STORIES[sys.argv[1]](*sys.argv[2:]), ensure_ascii=False), flush=True)
