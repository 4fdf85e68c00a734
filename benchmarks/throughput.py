"""List pages a second from eight clients, over the real web server with two processes and a company of a million customers.

Three people ask for the customer list by turns, in changing orders and with changing filters; beside it, in the same run,
the same clients ask for a page that does nothing (`/health`), which shows what server, network and clients cost alone.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from lists import PEOPLE, _get, company_of
from measure import percentile, save, table, tell

from zhike.server.cli.context import ready_django
from zhike.server.supervisor import Web

PORT = 8766
CLIENTS = 8
PATHS = (
    "/customers/",
    "/customers/?sort=-sales",
    "/customers/?grade.in=key",
    f"/customers/?city.in={quote('苏州')}&sort=-sales",
    "/customers/?sort=-last_order_at",
    "/customers/?kind.in=company&grade.in=normal",
)
Job = tuple[tuple[str, ...], str, float]


@contextmanager
def web_server(workers: int) -> Iterator[None]:
    """The web server as `zhike up --workers` starts it."""
    server = subprocess.Popen(Web(port=PORT, workers=workers).argv())
    try:
        for _ in range(200):
            try:
                _get(http.client.HTTPConnection("127.0.0.1", PORT, timeout=10), "/health", {})
            except OSError:
                time.sleep(0.1)
            else:
                break
        yield
    finally:
        server.terminate()
        server.wait(20)


def client(job: Job) -> list[float]:
    """Ask for pages in turn until the time is over; milliseconds of each answer."""
    paths, cookie, seconds = job
    host, _, session = cookie.partition("|")
    headers = {"Host": f"{host}:{PORT}", "Cookie": session, "Accept-Encoding": "gzip"}
    connection, found, number = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60), [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        status = _get(connection, paths[number % len(paths)], headers)
        found.append((time.perf_counter() - began) * 1000)
        assert status == 200, (status, paths[number % len(paths)])
        number += 1
    return found


def cookies(company: Any) -> list[str]:
    """Host and session of each person."""
    from django.test import Client

    from zhike.org.models import User
    from zhike.server.companies import use_company

    host, found = f"{company.slug}.localhost", []
    with use_company(company):
        for username in PEOPLE:
            one = Client(HTTP_HOST=host)
            one.force_login(User.objects.get(username=username), backend="allauth.account.auth_backends.AuthenticationBackend")
            found.append(f"{host}|zhike_session={one.cookies['zhike_session'].value}")
    return found


def measure(paths: tuple[str, ...], sessions: list[str], seconds: float) -> dict[str, float]:
    """Answers a second and their times from all clients together."""
    jobs: list[Job] = [
        ((*paths[place % len(paths) :], *paths[: place % len(paths)]), sessions[place % len(sessions)], seconds) for place in range(CLIENTS)
    ]
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        pool.map(client, [(job[0], job[1], 1.5) for job in jobs], chunksize=1)  # caches and connections are warm
        walls = [ms for found in pool.map(client, jobs, chunksize=1) for ms in found]
    return {
        "requests": len(walls),
        "per_second": round(len(walls) / seconds, 1),
        "p50": round(percentile(walls, 0.5), 1),
        "p95": round(percentile(walls, 0.95), 1),
    }


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="customers")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        sessions = cookies(company_of(options.size))
        with web_server(options.workers):
            found = {
                "nothing (/health)": measure(("/health",), sessions, options.seconds / 3),
                "list pages": measure(PATHS, sessions, options.seconds),
            }
    ratio = found["list pages"]["per_second"] / found["nothing (/health)"]["per_second"]
    print(
        table(
            ("what", "answers a second", "p50 ms", "p95 ms"),
            [(name, one["per_second"], one["p50"], one["p95"]) for name, one in found.items()],
        )
    )
    print(f"\nratio {ratio:.3f}")
    tell(
        str(
            save(
                "throughput",
                {"customers": options.size, "clients": CLIENTS, "workers": options.workers, "measured": found, "ratio": round(ratio, 4)},
            )
        )
    )


if __name__ == "__main__":
    main()
