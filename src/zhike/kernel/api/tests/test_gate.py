"""The gate: tokens, languages, limits, keys that make a repeat harmless, and every failure as a problem."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.cast import actor, user_of
from tests.made import customer
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.api import idempotency
from zhike.kernel.api.tests.conftest import MakeProgram
from zhike.kernel.links.integrations import switch_integration
from zhike.kernel.links.tables import ApiToken, Integration, KeptAnswer
from zhike.kernel.links.tokens import NewToken, make_token, revoke_token
from zhike.kernel.models import Change
from zhike.kernel.testing.api import Program
from zhike.kernel.testing.proofs import queries, refused
from zhike.kernel.testing.web import BACKEND
from zhike.org.models import User
from zhike.server.control import Company

NEW = {"name": "常州精工", "kind": "company"}


def test_a_token_is_stored_as_a_digest_only(lin_yue: Actor) -> None:
    token, text = make_token(NewToken(name="报表"), by=lin_yue)
    assert text.startswith(token.prefix)
    assert len(text) == 46
    with connection.cursor() as cursor:
        cursor.execute("select to_jsonb(t)::text from kernel_apitoken t")
        assert text[len(token.prefix) :] not in cursor.fetchone()[0]
    assert Change.objects.get(verb="make_token").actor_name == "林悦"


def test_without_a_living_token_nobody_gets_in(lin_yue: Actor, program: MakeProgram) -> None:
    assert Program(token="").get("customers").code == "token_missing"
    for text in ("zk_" + "a" * 43, "x", "zk_' or 1=1 --"):
        answer = Program(token=text).get("customers")
        assert (answer.status, answer.code, answer.headers["WWW-Authenticate"]) == (401, "token_invalid", "Bearer")
    client = program("林悦")
    assert client.get("customers").status == 200
    revoke_token(ApiToken.objects.get(), by=lin_yue)
    assert client.get("customers").code == "token_invalid"


def test_a_token_ends_with_its_day_and_with_its_holder(lin_yue: Actor, program: MakeProgram) -> None:
    client = program("林悦")
    ApiToken.objects.update(ends_on=timezone.localdate())
    assert client.get("customers").status == 200
    ApiToken.objects.update(ends_on=timezone.localdate() - dt.timedelta(days=1))
    assert client.get("customers").status == 401
    ApiToken.objects.update(ends_on=None)
    User.objects.filter(name="林悦").update(is_active=False)
    assert client.get("customers").status == 401


def test_a_session_opens_nothing_here_and_a_token_nothing_there(lin_yue: Actor) -> None:
    browser = Client()
    browser.force_login(user_of("林悦"), backend=BACKEND)
    assert browser.get("/api/v1/customers").status_code == 401
    _token, text = make_token(NewToken(name="x"), by=lin_yue)
    assert Client().get("/customers/", headers={"Authorization": f"Bearer {text}"}).status_code == 302


def test_scopes_narrow_what_the_holder_may(lin_yue: Actor, program: MakeProgram) -> None:
    made = customer("甲", lin_yue.user_id, lin_yue.home_team)
    client = program("林悦", customers_customer="read")
    assert client.get(f"customers/{made.pk}").status == 200
    assert client.get("orders").code == "not_permitted"
    assert client.patch(f"customers/{made.pk}", {"city": "无锡"}, 1).code == "not_permitted"
    assert client.post("customers", NEW).code == "not_permitted"
    assert Customer.objects.get().city == ""


def test_nobody_ends_or_makes_tokens_of_others(lin_yue: Actor, zhou_hang: Actor) -> None:
    token, _text = make_token(NewToken(name="x"), by=lin_yue)
    with refused("not_permitted"):
        revoke_token(token, by=zhou_hang)
    row = Integration.objects.create(name="仓库", role_id=1)
    with refused("not_permitted"):
        make_token(NewToken(name="x"), by=lin_yue, integration=row)
    with refused("end_in_past"):
        make_token(NewToken(name="x", ends_on=dt.date(2020, 1, 1)), by=lin_yue)


def test_an_integration_acts_under_its_own_name(lin_yue: Actor, system: MakeProgram) -> None:
    mine = customer("甲", lin_yue.user_id, lin_yue.home_team)
    nobodys = customer("公海")
    client = system("仓库系统", "sales", "上海组")
    assert [row["id"] for row in client.get("customers").data["data"]] == [str(mine.pk)]
    assert client.get(f"customers/{nobodys.pk}").status == 404
    made = client.post("customers", NEW)
    assert made.status == 201
    stored = Customer.objects.get(pk=made.data["id"])
    assert (stored.owner_id, stored.team_id) == (None, lin_yue.home_team)
    change = Change.objects.get(verb="create")
    assert (change.actor_kind, change.actor_id, change.actor_name) == ("integration", None, "仓库系统")
    switch_integration(Integration.objects.get(), is_on=False, by=actor("管理员"))
    assert client.get("customers").status == 401


def test_an_integration_without_a_team_has_nothing_of_its_own(db: None, system: MakeProgram) -> None:
    customer("公海")
    assert system("外人", "sales").get("customers").code == "not_permitted"


@pytest.mark.parametrize(
    ("header", "words"), [("en", "Nothing found"), ("zh-CN", "没有找到"), ("fr;q=1, en;q=0.5", "Nothing found"), ("", "没有找到")]
)
def test_words_are_in_the_callers_language_and_codes_never_change(header: str, words: str, program: MakeProgram, db: None) -> None:
    told = program("林悦").get("nowhere/at/all", **{"Accept-Language": header})
    assert (told.status, told.code, told.data["title"]) == (404, "no_such_address", words)
    assert told.data["request_id"] == told.headers["X-Request-ID"]
    assert told.headers["Content-Type"] == "application/problem+json"


def test_the_request_id_of_a_proxy_is_kept_when_it_is_safe(db: None, program: MakeProgram) -> None:
    client = program("林悦")
    assert client.get("x/y", **{"X-Request-ID": "abc-12345"}).data["request_id"] == "abc-12345"
    assert client.get("x/y", **{"X-Request-ID": "a\nb: c<script>"}).data["request_id"].isalnum()


def test_wrong_methods_say_which_are_right(db: None, program: MakeProgram) -> None:
    told = program("林悦").send("PUT", "customers", {})
    assert (told.status, told.code, told.headers["Allow"]) == (405, "method_not_allowed", "GET, POST")


def test_a_token_has_so_many_requests_a_minute(db: None, program: MakeProgram, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_010.0)
    settings.ZHIKE_API_PER_MINUTE = 3
    client, other = program("林悦"), program("周航")
    left = [client.get("").headers["RateLimit-Remaining"] for _request in range(3)]
    assert left == ["2", "1", "0"]
    told = client.get("")
    assert (told.status, told.code, told.headers["Retry-After"], told.headers["RateLimit-Limit"]) == (429, "too_many_requests", "50", "3")
    assert other.get("").status == 200
    monkeypatch.setattr("time.time", lambda: 1_800_000_060.0)
    assert client.get("").status == 200


def test_origins_are_closed_unless_named(db: None, program: MakeProgram, settings: Settings) -> None:
    client = program("林悦")
    assert "Access-Control-Allow-Origin" not in client.get("", Origin="https://evil.example").headers
    settings.ZHIKE_API_ORIGINS = ["https://crm.example"]
    assert client.get("", Origin="https://crm.example").headers["Access-Control-Allow-Origin"] == "https://crm.example"
    assert "Access-Control-Allow-Origin" not in client.get("", Origin="https://evil.example").headers
    asked = Client().options("/api/v1/customers", headers={"Origin": "https://crm.example", "Access-Control-Request-Method": "POST"})
    assert (asked.status_code, asked["Access-Control-Allow-Methods"]) == (204, "GET, POST")


def test_a_repeated_key_makes_one_and_answers_the_same(lin_yue: Actor, program: MakeProgram) -> None:
    client = program("林悦")
    first = client.post("customers", NEW, Idempotency_Key="order-1")
    again = client.post("customers", NEW, Idempotency_Key="order-1")
    assert (first.status, again.status) == (201, 201)
    assert again.content == first.content
    assert (again.etag, again.headers["Location"]) == (first.etag, first.headers["Location"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Customer.objects.count() == 1
    other = client.post("customers", NEW | {"city": "无锡"}, Idempotency_Key="order-1")
    assert (other.status, other.code) == (422, "key_used")
    assert program("周航").post("customers", NEW, Idempotency_Key="order-1").status == 201
    assert client.post("customers", NEW, Idempotency_Key="坏").code == "bad_key"


def test_a_refusal_is_repeated_too_and_the_key_is_free_after_a_day(db: None, program: MakeProgram) -> None:
    client = program("林悦")
    assert [client.post("customers", {"name": "x"}, Idempotency_Key="k").wrong for _ in range(2)] == [{"kind": "required"}] * 2
    KeptAnswer.objects.update(at=timezone.now() - dt.timedelta(hours=25))
    assert client.post("customers", NEW, Idempotency_Key="k").status == 201
    assert idempotency.forget() == 0
    KeptAnswer.objects.update(at=timezone.now() - dt.timedelta(hours=25))
    assert idempotency.forget() == 1


def test_twins_at_the_same_moment_make_one(committed: Company) -> None:
    """Forty threads with connections of their own send the same key; see benchmarks/api.py for five hundred over the wire."""
    _token, text = make_token(NewToken(name="x"), by=actor("林悦"))
    answers: list[tuple[int, bytes]] = []

    def send() -> None:
        try:
            reply = Program(token=text).post("customers", NEW, Idempotency_Key="twin")
            answers.append((reply.status, reply.content))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Customer.objects.count() == 1
    assert {status for status, _body in answers} == {201}
    assert len({body for _status, body in answers}) == 1


def test_a_list_costs_as_many_queries_for_fifty_as_for_one(lin_yue: Actor, program: MakeProgram) -> None:
    client = program("林悦")
    customer("甲", lin_yue.user_id, lin_yue.home_team)
    client.get("customers")
    with queries(at_most=7) as one:
        assert len(client.get("customers").data["data"]) == 1
    for number in range(49):
        customer(f"甲{number}", lin_yue.user_id, lin_yue.home_team)
    with queries() as fifty:
        assert len(client.get("customers").data["data"]) == 50
    assert fifty.count == one.count, "\n".join(fifty.statements)
