"""PostgreSQL 15 with a replica, PgBouncer, nginx with TLS, several web and worker processes: by the files of `deploy/`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.server.browsing import Answer, Person, undo_url
from tests.server.ground import DEPLOY, HOST, Ground, ground, missing, wait_for
from zhike.kernel.undo import _LOCK_SPACE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=f"needs {missing()}")]
SHEET = "订单号,日期,客户,手机,产品,数量,金额\nA-1,2026-03-01,苏州恒远,13800001111,轴承,2,120.50\nA-2,2026-04-02,无锡明诚,13900002222,阀门,1,99.99\n"


@pytest.fixture(scope="module")
def site() -> Iterator[Ground]:
    """Everything up, one company 甲公司 (jia) with two orders."""
    with ground() as found:
        found.start_primary()
        found.start_replica()
        found.start_pooler()
        made = found.zhike("company", "create", "甲公司", "--slug", "jia", "--json")
        assert made.returncode == 0, made.stderr
        assert json.loads(made.stdout)["link"].startswith("/login/join/")
        (found.folder / "admin.json").write_text(found.zhike("user", "password", "admin", "--json").stdout)
        sheet = found.folder / "orders.csv"
        sheet.write_text(SHEET)
        imported = found.zhike("import", str(sheet), "--as", "orders")
        assert imported.returncode == 0, imported.stderr
        found.start_zhike("web")
        found.start_zhike("worker")
        found.start_nginx()
        wait_for(lambda: "ready" in found.log("web"), "web did not start", 90)
        wait_for(lambda: Person("x", found.ports["web"]).get("/health/ready").status == 200, "worker is silent", 60)
        yield found


@pytest.fixture
def admin(site: Ground) -> Person:
    """The first administrator, logged in over TLS."""
    told = json.loads((site.folder / "admin.json").read_text())
    person = Person(HOST, site.ports["tls"], site.folder / "fullchain.pem")
    answer = person.log_in(told["username"], told["password"])
    assert answer.status == 302, answer.text[:500]
    return person


def _customer(site: Ground) -> str:
    with site.connect("primary", "zhike_jia") as session:
        row = session.execute("select id::text from customers_customer where name = '苏州恒远'").fetchone()
    assert row is not None
    return str(row[0])


def test_log_in_over_tls_with_cookies_that_never_travel_in_the_clear(site: Ground, admin: Person) -> None:
    assert admin.get("/customers/").status == 200
    for name, flags in admin.flags.items():
        assert "secure" in flags.lower(), name
    plain = Person(HOST, site.ports["plain"]).get("/customers/")
    assert (plain.status, plain.headers["location"]) == (308, f"https://{HOST}/customers/")
    assert admin.get("/metrics").status == 404
    assert "max-age" in admin.get("/customers/").headers["strict-transport-security"]
    forged = Person("evil.example", site.ports["web"]).get("/login/")
    assert forged.status == 400


def test_edit_and_undo_go_through_the_pooler(site: Ground, admin: Person) -> None:
    pk = _customer(site)
    for round_ in range(5):
        done = admin.post(f"/customers/{pk}/edit/name", {"name": f"苏州恒远 {round_}", "value": f"苏州恒远 {round_}"})
        assert done.status == 200, done.text[:300]
        undone = admin.post(undo_url(done), {})
        assert (undone.status, "已撤销" in _toast(undone)) == (204, True)
    assert _customer(site) == pk
    with site.connect("primary", "zhike_jia") as session:
        assert session.execute("select count(*) from kernel_change where verb = 'undo'").fetchone() == (5,)
        # Locks that outlive a transaction were taken past the pooler and given back: none is left with a pooled session.
        locks = "select count(*) from pg_locks where locktype = 'advisory' and classid = %s"
        assert session.execute(locks, [_LOCK_SPACE]).fetchone() == (0,)


def test_many_people_share_few_connections(site: Ground, admin: Person) -> None:
    for _ in range(30):
        assert admin.get("/customers/").status == 200
    with site.connect("primary") as session:
        row = session.execute("select count(*) from pg_stat_activity where datname = 'zhike_jia' and usename = 'zhike'").fetchone()
    assert row is not None
    assert row[0] <= 30


def test_a_job_runs_reads_the_replica_and_carries_the_number_of_its_request(site: Ground, admin: Person) -> None:
    before = site.log("replica").count("orders_orderline")
    answer = admin.ask("POST", "/analytics/value/compute", {}, {"HX-Request": "true"})
    number = answer.headers["x-request-id"]
    assert answer.status < 400, (answer.status, answer.headers)
    wait_for(lambda: _job_lines(site, number), "the job did not run", 90)
    [line] = [one for one in _job_lines(site, number) if one["logger"] == "zhike.job"]
    assert (line["event"], line["company"], line["task"]) == ("done", "jia", "analytics.jobs.refresh_value_later")
    assert [one["read"] for one in _job_lines(site, number) if one["event"] == "analytics_done"] == ["replica"]
    assert site.log("replica").count("orders_orderline") > before
    figure = site.zhike("metric", "orders.sales", "--json")
    assert figure.returncode == 0, figure.stderr
    assert "220.49" in figure.stdout


def _toast(answer: Answer) -> str:
    return str(json.loads(answer.headers["hx-trigger"])["zk:toast"]["text"])


def _job_lines(site: Ground, number: str) -> list[dict[str, object]]:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((site.home / "logs").glob("worker*.log")))
    return [json.loads(line) for line in text.splitlines() if line.startswith("{") and number in line]


def test_reports_read_the_primary_while_the_replica_is_away(site: Ground, admin: Person) -> None:
    site.stop("replica", signal.SIGINT)
    number = admin.ask("POST", "/analytics/value/compute", {}, {"HX-Request": "true"}).headers["x-request-id"]
    wait_for(lambda: [one for one in _job_lines(site, number) if one["event"] == "analytics_done"], "the job did not run", 90)
    assert [one["read"] for one in _job_lines(site, number) if one["event"] == "analytics_done"] == ["primary"]
    told = json.loads(site.zhike("doctor", "--json").stdout)
    assert [(one["verdict"], one["seen"]) for one in told["checks"] if one["check"] == "replica"] == [("warn", "away")]
    site.start_replica()
    wait_for(lambda: _replica(site) == "ok", "the replica does not come back")


def _replica(site: Ground) -> str:
    told = json.loads(site.zhike("doctor", "--json").stdout)
    return next(str(one["verdict"]) for one in told["checks"] if one["check"] == "replica")


def test_a_restart_of_the_database_under_load_heals_by_itself(site: Ground, admin: Person) -> None:
    seen: list[int] = []
    site.stop("primary", signal.SIGINT)
    for _ in range(3):
        answer = admin.get("/customers/", Accept_Language="zh")
        seen.append(answer.status)
        assert answer.headers.get("retry-after") == "5", (
            answer.status,
            answer.text[:300],
            (site.home / "logs" / "web.log").read_text()[-3000:],
        )
        assert "数据库暂时连不上" in answer.text
    fragment = admin.ask("GET", "/customers/rows", headers={"HX-Request": "true"})
    assert (fragment.status, "过几秒再试" in _toast(fragment)) == (503, True)
    assert admin.get("/health").status == 200
    assert seen == [503, 503, 503]
    site.start_primary()
    wait_for(lambda: admin.get("/customers/").status == 200, "web does not heal", 40)
    for _ in range(20):
        assert admin.get("/customers/").status == 200
    wait_for(lambda: Person("x", site.ports["web"]).get("/health/ready").status == 200, "worker does not heal", 60)


def test_backup_and_trial_restore_with_a_server_of_ones_own(site: Ground) -> None:
    folder = site.folder / "backups"
    done = site.zhike("backup", "--to", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    [path, home] = [Path(one["path"]) for one in json.loads(done.stdout)["backups"]]
    assert (path.stat().st_mode & 0o777, home.name.startswith("home-")) == (0o600, True)
    checked = site.zhike("backup", "--check-newest", "--to", str(folder), "--json")
    assert (checked.returncode, json.loads(checked.stdout)["equal"]) == (0, True), checked.stderr
    refused = site.zhike("backup", "--base")
    assert (refused.returncode, "pgBackRest" in refused.stderr) == (1, True)


def test_figures_of_all_processes_are_put_together(site: Ground, admin: Person) -> None:
    before = _figure(site)
    for _ in range(20):
        admin.get("/customers/")
    wait_for(lambda: _figure(site) == before + 20, "some requests were not counted", 10)
    text = Person("x", site.ports["web"]).get("/metrics").text
    assert re.search(r'zhike_jobs_run_total{outcome="done",task="[a-z._]+"} \d', text)
    assert re.search(r"zhike_replica_lag_seconds \d", text)
    assert 'zhike_company_up{company="jia"} 1.0' in text


def _figure(site: Ground) -> float:
    text = Person("x", site.ports["web"]).get("/metrics").text
    found = re.search(r'zhike_requests_total{method="GET",route="<slug:slug>/",status="200"} (\S+)', text)
    return float(found.group(1)) if found else 0.0


def test_nothing_personal_stands_in_any_log(site: Ground, admin: Person) -> None:
    admin.get("/search/?q=13800001111")
    admin.get(f"/customers/?q={quote('苏州恒远')}")
    time.sleep(0.5)
    text = "".join(path.read_text(encoding="utf-8") for path in (site.home / "logs").glob("*.log")) + site.log("primary")
    for word in ("13800001111", "苏州恒远", "无锡明诚", "甲公司"):
        assert word not in text, word


def test_the_units_are_sound() -> None:
    for unit in (DEPLOY / "systemd").glob("*.timer"):
        done = subprocess.run(["systemd-analyze", "calendar", _calendar(unit)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _calendar(unit: Path) -> str:
    found = re.search(r"OnCalendar=(.*)", unit.read_text())
    return found.group(1) if found else ""
