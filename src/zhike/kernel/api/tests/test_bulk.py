"""Bulk upsert: each row its own answer, one change for all, the rights of each record."""

from __future__ import annotations

import uuid

from tests.made import customer
from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.api.tests.conftest import MakeProgram
from zhike.kernel.models import Change, HistoryEntry, OutboxEvent
from zhike.kernel.testing.proofs import queries
from zhike.kernel.undo import undo_change
from zhike.orders.models import Order


def results(reply_rows: list[dict[str, object]]) -> list[object]:
    return [row.get("code", row["result"]) for row in reply_rows]


def test_rows_are_made_changed_left_alone_or_refused_each_by_itself(lin_yue: Actor, chen_mo: Actor, program: MakeProgram) -> None:
    customer("旧名", lin_yue.user_id, lin_yue.home_team, code="C-1")
    customer("不变", lin_yue.user_id, lin_yue.home_team, code="C-2", city="无锡")
    customer("外人", chen_mo.user_id, chen_mo.home_team, code="C-3")
    rows = [
        {"code": " C-1 ", "name": "新名"}, {"code": "C-2", "city": "无锡"}, {"code": "C-3", "city": "偷看"}, {"code": "C-4", "name": "新的", "kind": "company"},
        {"code": "C-5", "kind": "company"}, {"name": "没有编号"}, {"code": "C-4", "name": "再来"}, {"code": "C-6", "name": "坏", "kind": "company", "sales": "1"},
        {"code": "C-1", "name": "又来"}, {"code": "C-7", "name": "太长" * 200, "kind": "company"},
    ]  # fmt: skip
    told = program("林悦").post("customers/bulk", {"key": "code", "rows": rows})
    assert told.status == 200, told.content
    assert results(told.data["rows"]) == [
        "changed", "unchanged", "taken", "created", "invalid", "key_missing", "key_twice", "invalid", "key_twice", "invalid_value",
    ]  # fmt: skip
    assert told.data["counts"] == {"created": 1, "changed": 1, "unchanged": 1, "refused": 7}
    assert told.data["rows"][7]["errors"][0] == {"field": "sales", "code": "read_only_field", "detail": "sales 不能改"}
    assert dict(Customer.objects.values_list("code", "name")) == {"C-1": "新名", "C-2": "不变", "C-3": "外人", "C-4": "新的"}
    assert Customer.objects.get(code="C-4").owner_id == lin_yue.user_id
    assert (Customer.objects.get(code="C-1").version, Customer.objects.get(code="C-2").version) == (2, 1)
    change = Change.objects.get(verb="upsert_many")
    assert (str(change.pk), HistoryEntry.objects.filter(change=change).count()) == (told.data["change"], 2)
    assert sorted(OutboxEvent.objects.values_list("payload__verb", flat=True)) == ["changed", "created"]


def test_undo_takes_all_of_it_back(lin_yue: Actor, guan_li: Actor, program: MakeProgram) -> None:
    customer("旧名", lin_yue.user_id, lin_yue.home_team, code="C-1")
    told = program("管理员").post(
        "customers/bulk", {"key": "code", "rows": [{"code": "C-1", "name": "新名"}, {"code": "C-2", "name": "x", "kind": "company"}]}
    )
    undo_change(uuid.UUID(told.data["change"]), by=guan_li)
    assert list(Customer.objects.values_list("code", "name")) == [("C-1", "旧名")]


def test_by_id_only_records_that_are_there_and_the_version_that_was_read(lin_yue: Actor, chen_mo: Actor, program: MakeProgram) -> None:
    mine = customer("甲", lin_yue.user_id, lin_yue.home_team)
    strange = customer("外人", chen_mo.user_id, chen_mo.home_team)
    rows = [{"id": str(mine.pk), "version": 9, "city": "无锡"}, {"id": str(strange.pk), "city": "无锡"}, {"id": "x"}]
    assert results(program("林悦").post("customers/bulk", {"rows": rows}).data["rows"]) == ["changed_meanwhile", "gone", "invalid_value"]
    assert set(Customer.objects.values_list("city", flat=True)) == {""}


def test_a_clash_that_only_the_database_sees_refuses_that_row_alone(guan_li: Actor, program: MakeProgram) -> None:
    Product.objects.create(code="P-1", name="旧", sort_key="j")
    by_id = str(Product.objects.create(code="P-2", name="另", sort_key="l").pk)
    rows = [{"id": by_id, "code": "P-1"}]
    assert results(program("管理员").post("products/bulk", {"key": "id", "rows": rows}).data["rows"]) == ["taken"]
    assert sorted(Product.objects.values_list("code", flat=True)) == ["P-1", "P-2"]


def test_orders_are_entered_by_their_own_action(lin_yue: Actor, program: MakeProgram) -> None:
    rows = [{"number": f"SO-{number}", "ordered_at": "2026-03-05T10:30:00+08:00"} for number in range(3)]
    client = program("林悦")
    assert results(client.post("orders/bulk", {"key": "number", "rows": rows}).data["rows"]) == ["created"] * 3
    changed = client.post("orders/bulk", {"key": "number", "rows": [{"number": "SO-1", "channel": "门店"}]})
    assert results(changed.data["rows"]) == ["changed"]
    assert Order.objects.get(number="SO-1").channel == "门店"


def test_what_is_asked_is_checked_first(db: None, program: MakeProgram) -> None:
    client = program("林悦")
    row = {"code": "C", "name": "x", "kind": "company"}
    assert client.post("customers/bulk", {"key": "phone", "rows": [row]}).wrong == {"key": "invalid_value"}
    assert client.post("customers/bulk", {"key": "code", "rows": []}).wrong == {"rows": "invalid_value"}
    assert client.post("customers/bulk", {"key": "code", "rows": [row] * 1001}).code == "too_many_rows"
    assert client.post("customers/bulk", {"key": "code", "rows": [row], "mode": "x"}).wrong == {"mode": "unknown_field"}
    assert program("审计").post("customers/bulk", {"key": "code", "rows": [row]}).code == "not_permitted"
    assert not Customer.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_rows(lin_yue: Actor, program: MakeProgram) -> None:
    client = program("林悦")

    def rows(count: int) -> dict[str, object]:
        return {"key": "code", "rows": [{"code": f"C-{number}", "name": f"甲{number}", "kind": "company"} for number in range(count)]}

    client.post("customers/bulk", rows(2))
    with queries() as few:
        client.post("customers/bulk", rows(10))
    with queries() as many:
        client.post("customers/bulk", rows(200))
    assert many.count == few.count
    assert Customer.objects.count() == 200
