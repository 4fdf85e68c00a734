"""What machines can see of the running product: health, figures, log lines, and the number that joins them."""

from __future__ import annotations

import json
import logging
import logging.config
import re
from collections.abc import Callable, Iterator
from io import StringIO

import psycopg
import pytest
import structlog
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.cast import actor, user_of
from tests.made import customer
from zhike.analytics.jobs import ask_for_value, refresh_value_later
from zhike.kernel.jobs import job
from zhike.kernel.testing.web import BACKEND, Web
from zhike.kernel.tracing import request_id, traced
from zhike.server.control import Company, control, mark_schema
from zhike.server.digests import migrations
from zhike.server.logs import logging_settings
from zhike.server.probes import _kept

Lines = Callable[[], list[dict[str, object]]]
SEEN: list[tuple[str, str]] = []
log = structlog.get_logger("zhike.test")
NUMBER = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log as JSON, as it would stand in a file."""
    logging.config.dictConfig(logging_settings({"ZHIKE_LOG_FORMAT": "json"}))
    [handler] = [found for found in logging.getLogger().handlers if type(found) is logging.StreamHandler]
    handler.stream = StringIO()
    yield lambda: [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    logging.config.dictConfig(logging_settings())


def test_each_request_has_a_number_that_stands_in_its_line_and_its_answer(db: None, web: Callable[[str], Web], lines: Lines) -> None:
    page = web("林悦")
    answer = page.get("/customers/?q=13812345678&sort=-sales")
    [line] = [one for one in lines() if one["event"] == "answered"]
    assert NUMBER.fullmatch(answer.headers["X-Request-ID"])
    assert line == {
        "event": "answered", "level": "info", "logger": "zhike.request", "time": line["time"], "method": "GET", "route": "<slug:slug>/",
        "status": 200, "ms": line["ms"], "queries": line["queries"], "company": "ceshi", "actor": user_of("林悦").pk,
        "request_id": answer.headers["X-Request-ID"],
    }  # fmt: skip
    assert 3 < int(str(line["queries"])) < 40
    assert request_id() == ""


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("proxy-7f3a91.01", True), ("short", False), ("a" * 65, False), ("x\nforged line here", False), ("<script>alert(1)</script>", False)],
)
def test_a_number_from_outside_is_taken_only_in_a_safe_shape(db: None, given: str, is_taken: bool) -> None:
    answer = Client().get("/login/", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_taken
    assert is_taken or NUMBER.fullmatch(answer.headers["X-Request-ID"])


@job()
def note_number(word: str) -> None:
    """Writes down which request it was asked for by."""
    SEEN.append((word, request_id()))
    log.error("noted", what=word)


def test_a_job_carries_the_number_of_the_request_that_asked_for_it(committed: Company, lines: Lines) -> None:
    with traced("request-4711"):
        assert ask_for_value()
        note_number.defer(word="first")
    note_number.defer(word="second")
    found = [(one.task_name, one.args) for one in ProcrastinateJob.objects.order_by("id")]
    assert found == [
        (refresh_value_later.name, {"trace": "request-4711"}),
        (note_number.name, {"word": "first", "trace": "request-4711"}),
        (note_number.name, {"word": "second"}),
    ]
    for _, values in found[1:]:
        note_number(**values)
    assert SEEN[0] == ("first", "request-4711")
    assert SEEN[1][0] == "second"
    assert NUMBER.fullmatch(SEEN[1][1])
    assert request_id() == ""
    assert [(one["what"], one["request_id"]) for one in lines() if one["event"] == "noted"] == SEEN
    del committed


def test_the_error_page_shows_the_number_that_the_log_has(committed: Company, lines: Lines) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(user_of("林悦"), backend=BACKEND)
    with psycopg.connect(committed.conninfo(), autocommit=True) as session:
        session.execute("alter table kernel_preference rename to lost")
    answer = client.get("/customers/?q=13812345678")
    number = answer.headers["X-Request-ID"]
    assert answer.status_code == 500
    assert f"<code>{number}</code>" in answer.content.decode()
    told = [(one["event"], one.get("error"), one.get("sqlstate")) for one in lines() if one.get("request_id") == number]
    assert [(error, state) for _, error, state in told if error] == [("ProgrammingError", "42P01")]
    assert [one["status"] for one in lines() if one["event"] == "answered"] == [500]


def test_personal_values_never_reach_the_log(db: None, web: Callable[[str], Web], lines: Lines) -> None:
    names = ("林小满", "13987654321", "xiaoman@example.com", "湖滨路88号", "warm-rain-27-bamboo")
    own = customer("林小满商行", user_of("林悦").pk)
    page = web("林悦")
    for path in (
        f"/customers/?q={names[1]}", f"/search/?q={names[0]}", f"/search/suggest?q={names[2]}", f"/customers/{own.pk}/", f"/{names[0]}/{names[1]}",
        f"/customers/?after={names[2]}", f"/customers/{own.pk}/edit/{names[0]}",
    ):  # fmt: skip
        page.get(path)
    page.post("/customers/new", {"name": names[0], "phone": names[1], "email": names[2], "address": names[3]})
    page.post("/contacts/new", {"name": names[0], "phone": names[1], "customer": str(own.pk)})
    Client().post("/login/", {"login": names[2], "password": names[4]})
    Client(headers={"user-agent": names[0].encode().hex()}).post("/login/?next=/" + names[3], {"login": names[0], "password": names[4]})
    library = logging.getLogger("some.library")
    try:
        raise ValueError(f"duplicate key: ({names[0]}, {names[1]})")
    except ValueError:
        library.exception("could not write %s for %s", names[0], names[2], extra={"phone": names[1], "what": names[0]})
    library.error(f"mail to {names[2]} failed, phone {names[1]}, 姓名 {names[0]}")
    text = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) >= 10
    for name in (*names, "xiaoman", "林悦"):
        assert name not in text, name
    [told] = [one for one in lines() if one["event"] == "could not write %s for %s"]
    assert (told["error"], told["what"]) == ("ValueError", "…")
    assert "test_watching.py" in str(told["frames"])


def test_health_says_alive_and_ready_says_what_is_missing(committed: Company) -> None:
    client = Client(headers={"host": "10.0.0.7"})
    assert client.get("/health").json() == {"status": "ok"}
    _kept.until = 0.0
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]) == (
        503, {"database": "ok", "companies": "ok", "migrations": "outdated", "worker": "silent"},
    )  # fmt: skip
    mark_schema(committed, migrations())
    with control() as session:
        session.execute("update company set state = 'updating'")
    _kept.until = 0.0
    assert client.get("/health/ready").json()["checks"]["companies"] == "closed"
    with control() as session:
        session.execute("update company set state = 'open'")
    with psycopg.connect(committed.conninfo(), autocommit=True) as session:
        session.execute("insert into procrastinate_workers default values")
    _kept.until = 0.0
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert "测试公司" not in answer.content.decode()


def test_figures_are_for_this_machine_or_for_who_has_the_token(committed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().get("/metrics").status_code == 200
    assert Client(headers={"X-Forwarded-For": "127.0.0.1"}).get("/metrics").status_code == 403
    assert Client(REMOTE_ADDR="10.0.0.9").get("/metrics").status_code == 403
    monkeypatch.setenv("ZHIKE_METRICS_TOKEN", "t0ken-for-prometheus")
    assert Client().get("/metrics").status_code == 403
    assert Client(headers={"Authorization": "Bearer wrong"}).get("/metrics").status_code == 403
    assert Client(REMOTE_ADDR="10.0.0.9", headers={"Authorization": "Bearer t0ken-for-prometheus"}).get("/metrics").status_code == 200
    del committed


def test_figures_count_requests_and_tell_the_state_of_each_company(committed: Company) -> None:
    page = Web(user=user_of("林悦"))
    customer("甲方", actor("林悦").user_id)
    before = _figure('zhike_requests_total{method="GET",route="<slug:slug>/",status="200"}')
    for _ in range(3):
        page.get("/customers/?q=13812345678")
    ask_for_value()
    text = Client().get("/metrics").content.decode()
    assert _figure('zhike_requests_total{method="GET",route="<slug:slug>/",status="200"}', text) == before + 3
    assert _figure('zhike_company_up{company="ceshi"}', text) == 1
    assert _figure('zhike_jobs{company="ceshi",state="todo"}', text) >= 1
    assert _figure('zhike_sessions{company="ceshi"}', text) >= 1
    assert _figure('zhike_database_bytes{company="ceshi"}', text) > 1e6
    for word in ("13812345678", "甲方", "林悦", "测试公司", committed.name):
        assert word not in text


def _figure(name: str, text: str = "") -> float:
    found = [line for line in (text or Client().get("/metrics").content.decode()).splitlines() if line.startswith(name + " ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0
