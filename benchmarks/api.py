"""The interface over the real web server with two processes: lists of fifty and single creates from eight clients, bulk
upserts, and five hundred clients that create with the same key at the same moment.

Beside each, in the same run, the same clients ask for a page that does nothing (`/health`).
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from lists import company_of
from measure import percentile, save, table, tell
from throughput import PORT, web_server

from zhike.server.cli.context import ready_django

CLIENTS = 8
LISTS = (
    "/api/v1/customers",
    "/api/v1/customers?sort=-sales",
    "/api/v1/customers?grade.in=key",
    "/api/v1/customers?kind.in=company&grade.in=normal",
    "/api/v1/customers?sort=-last_order_at&fields=name,city,sales",
)
TWINS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one client does for so many seconds."""

    kind: str
    host: str
    token: str
    seconds: float
    number: int


def call(connection: http.client.HTTPConnection, job: Job, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    """One request; status and body."""
    given = {"Host": f"{job.host}:{PORT}", "Authorization": f"Bearer {job.token}", "Content-Type": "application/json", **headers}
    connection.request(method, path, body=None if body is None else json.dumps(body), headers=given)
    response = connection.getresponse()
    return response.status, response.read()


def client(job: Job) -> list[float]:
    """Milliseconds of each answer until the time is over."""
    connection, found, turn = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120), [], 0
    end = time.monotonic() + job.seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        if job.kind == "nothing":
            status, _body = call(connection, job, "GET", "/health")
        elif job.kind == "list":
            status, _body = call(connection, job, "GET", LISTS[(turn + job.number) % len(LISTS)])
        else:
            facts = {"name": f"压测 {job.number}-{turn}", "kind": "company", "city": "苏州", "phone": "13812345678"}
            status, _body = call(connection, job, "POST", "/api/v1/customers", facts, **{"Idempotency-Key": uuid.uuid4().hex})
        found.append((time.perf_counter() - began) * 1000)
        assert status in (200, 201), (status, _body[:300])
        turn += 1
    return found


def measure(kind: str, host: str, token: str, seconds: float) -> dict[str, float]:
    """Answers a second and their times from all clients together."""

    def jobs(for_seconds: float) -> list[Job]:
        return [Job(kind=kind, host=host, token=token, seconds=for_seconds, number=number) for number in range(CLIENTS)]

    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        pool.map(client, jobs(1.5), chunksize=1)
        walls = [ms for found in pool.map(client, jobs(seconds), chunksize=1) for ms in found]
    found = {
        "requests": len(walls), "per_second": round(len(walls) / seconds, 1), "p50": round(percentile(walls, 0.5), 1),
        "p95": round(percentile(walls, 0.95), 1),
    }  # fmt: skip
    tell(f"{kind}: {found}")
    return found


def bulk(host: str, token: str, rounds: int) -> dict[str, float]:
    """Rows a second of upserts of a thousand rows: new ones, then the same again, then all changed."""
    job = Job(kind="bulk", host=host, token=token, seconds=0, number=0)
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)
    mark, found = uuid.uuid4().hex[:8], {}
    for name, city in (("new", "无锡"), ("unchanged", "无锡"), ("changed", "苏州")):
        began = time.perf_counter()
        for turn in range(rounds):
            rows = [{"code": f"{mark}-{turn}-{n}", "name": f"批量 {turn}-{n}", "kind": "company", "city": city} for n in range(1000)]
            status, body = call(connection, job, "POST", "/api/v1/customers/bulk", {"key": "code", "rows": rows})
            assert status == 200, body[:300]
            counts = json.loads(body)["counts"]
            assert counts["created" if name == "new" else name] == 1000, counts
        found[name] = round(rounds * 1000 / (time.perf_counter() - began))
        tell(f"bulk {name}: {found[name]} rows a second")
    return found


def twins(host: str, token: str) -> dict[str, int]:
    """Five hundred clients create with one key at once: how many records, how many different answers."""
    gate, answers = threading.Barrier(TWINS), []
    name, key = f"同一键 {uuid.uuid4().hex[:8]}", uuid.uuid4().hex

    def send(number: int) -> None:
        job = Job(kind="twin", host=host, token=token, seconds=0, number=number)
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        gate.wait()
        answers.append(call(connection, job, "POST", "/api/v1/customers", {"name": name, "kind": "company"}, **{"Idempotency-Key": key}))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(TWINS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    from zhike.customers.models import Customer

    statuses = [status for status, _body in answers]
    found = {
        "clients": TWINS, "records": Customer.objects.filter(name=name).count(), "answers_201": statuses.count(201), "answers_409": statuses.count(409),
        "others": len([status for status in statuses if status not in (201, 409)]), "different_201": len({body for status, body in answers if status == 201}),
    }  # fmt: skip
    tell(f"twins: {found}")
    return found


def summary(facts: dict[str, Any]) -> str:
    """For results.md."""
    rows = [(name, one["per_second"], one["p50"], one["p95"]) for name, one in facts["measured"].items()]
    told = table(("what, from 8 clients", "a second", "p50 ms", "p95 ms"), rows)
    rates = ", ".join(f"{name} {rate:,}" for name, rate in facts["bulk_rows_a_second"].items())
    same = facts["twins"]
    return (
        f"{facts['customers']:,} customers, {facts['workers']} web processes.\n\n{told}\n\nBulk upsert, rows a second (one client, 1,000 a request): {rates}.\n\n"
        f"{same['clients']} clients with one Idempotency-Key at once: {same['records']} record, {same['different_201']} answer."
    )


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="customers")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    os.environ["ZHIKE_API_PER_MINUTE"] = "100000000"
    with ready_django():
        company = company_of(options.size)
        from zhike.kernel.links.tokens import NewToken, make_token
        from zhike.org.models import User
        from zhike.org.queries import actor_of
        from zhike.server.companies import use_company

        with use_company(company):
            _row, token = make_token(NewToken(name="bench"), by=actor_of(User.objects.get(username="admin")))
            host = f"{company.slug}.localhost"
            with web_server(options.workers):
                found = {
                    "nothing (/health)": measure("nothing", host, token, options.seconds / 3),
                    "list of 50": measure("list", host, token, options.seconds),
                    "single create": measure("create", host, token, options.seconds),
                }
                rates, same = bulk(host, token, 10), twins(host, token)
    facts = {
        "customers": options.size,
        "clients": CLIENTS,
        "workers": options.workers,
        "measured": found,
        "bulk_rows_a_second": rates,
        "twins": same,
    }
    print(summary(facts))
    tell(str(save("api", facts)))


if __name__ == "__main__":
    main()
