"""Figures about the running product in Prometheus' format: counted by every process, put together when asked for.

Labels are routes, statuses, task names and short names of companies: nothing about a person.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from zhike.server.backups import notes_of
from zhike.server.clock import seconds_since
from zhike.server.control import Company, list_companies
from zhike.server.postgres.base import pool_numbers
from zhike.server.processes import ServerError
from zhike.server.replica import look_at_replica

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
NO_ROUTE = "(none)"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_QUERIES = (5, 10, 20, 40, 80, 160)
_JOB_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 1800)
_SECONDS_BETWEEN_LOOKS = 5.0
_STATE = """
SELECT status::text, count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1
UNION ALL SELECT 'outbox', count(*) FROM (SELECT 1 FROM kernel_outboxevent WHERE sent_at IS NULL LIMIT 100000) o
UNION ALL SELECT 'sessions', count(*) FROM (SELECT 1 FROM django_session WHERE expire_date > now() LIMIT 1000000) s
UNION ALL SELECT 'import_' || lower(state), count(*) FROM kernel_importrun WHERE finished_at IS NULL GROUP BY 1
UNION ALL SELECT 'bytes', pg_database_size(current_database())
UNION ALL SELECT 'beat', coalesce(extract(epoch FROM now() - max(last_heartbeat)), -1)::bigint FROM procrastinate_workers
"""

requests = Counter("zhike_requests", "Requests answered", ["method", "route", "status"])
request_seconds = Histogram("zhike_request_seconds", "Time to answer a request", ["route"], buckets=_SECONDS)
request_queries = Histogram("zhike_request_queries", "Queries of a request", ["route"], buckets=_QUERIES)
jobs = Counter("zhike_jobs_run", "Jobs that ended, by how", ["task", "outcome"])
job_seconds = Histogram("zhike_job_seconds", "Time a job ran", ["task"], buckets=_JOB_SECONDS)
pool = Gauge("zhike_pool_connections", "Connections of the pools of all processes", ["state"], multiprocess_mode="livesum")
_last_look = [0.0]


def look_at_pools() -> None:
    """Note how full this process' pools are; at most once in five seconds."""
    now = time.monotonic()
    if now - _last_look[0] < _SECONDS_BETWEEN_LOOKS:
        return
    _last_look[0] = now
    numbers = list(pool_numbers().values())
    for position, state in enumerate(("all", "at_rest", "waited_for")):
        pool.labels(state).set(sum(one[position] for one in numbers))


def exposition() -> bytes:
    """Everything that is known right now, of all processes that share a folder, and the state of every company."""
    folder = os.environ.get(FOLDER)
    registry = REGISTRY
    if folder:
        registry = CollectorRegistry()
        _forget_dead(Path(folder))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    states = CollectorRegistry()
    states.register(_Companies())
    return generate_latest(registry) + generate_latest(states)


def _forget_dead(folder: Path) -> None:
    """Levels of processes that are gone count no longer; what they counted up stays."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            path.unlink(missing_ok=True)


class _Companies:
    """The state of every company as its database tells it."""

    def collect(self) -> Iterable[Metric]:
        """One family after the other."""
        families = {
            "up": GaugeMetricFamily("zhike_company_up", "Whether the company's database answers and is open", labels=["company"]),
            "jobs": GaugeMetricFamily("zhike_jobs", "Jobs by state", labels=["company", "state"]),
            "outbox": GaugeMetricFamily("zhike_outbox_waiting", "Events that not everybody has heard", labels=["company"]),
            "sessions": GaugeMetricFamily("zhike_sessions", "Sessions that have not ended", labels=["company"]),
            "imports": GaugeMetricFamily("zhike_imports", "Imports that are not finished, by state", labels=["company", "state"]),
            "bytes": GaugeMetricFamily("zhike_database_bytes", "Size of the database", labels=["company"]),
            "beat": GaugeMetricFamily("zhike_worker_heartbeat_age_seconds", "Since a worker was heard of", labels=["company"]),
            "backup": GaugeMetricFamily("zhike_backup_age_seconds", "Since the last backup", labels=["company"]),
        }
        notes = notes_of()
        for company in list_companies():
            _tell(families, company)
            if company.slug in notes and notes[company.slug].at:
                families["backup"].add_metric([company.slug], seconds_since(notes[company.slug].at))
        replica = look_at_replica()
        if replica.problem != "none":
            told = GaugeMetricFamily("zhike_replica_lag_seconds", "How far the replica is behind; -1 when it cannot be used")
            told.add_metric([], replica.lag if not replica.problem else -1)
            return [*families.values(), told]
        return families.values()


def _tell(families: dict[str, GaugeMetricFamily], company: Company) -> None:
    try:
        with psycopg.connect(company.conninfo(), autocommit=True, connect_timeout=3) as connection:
            connection.execute("SET statement_timeout = '2s'")
            found = {str(name): int(number) for name, number in connection.execute(_STATE).fetchall()}
    except (psycopg.Error, ServerError):
        families["up"].add_metric([company.slug], 0)
        return
    families["up"].add_metric([company.slug], int(company.is_open))
    for state in ("todo", "doing", "failed"):
        families["jobs"].add_metric([company.slug, state], found.get(state, 0))
    for name in ("outbox", "sessions", "bytes"):
        families[name].add_metric([company.slug], found.get(name, 0))
    if found.get("beat", -1) >= 0:
        families["beat"].add_metric([company.slug], found["beat"])
    for name, number in found.items():
        if name.startswith("import_"):
            families["imports"].add_metric([company.slug, name.removeprefix("import_")], number)
