"""An import is taken back whole: what it overwrote is restored, what it made goes, what others did since stays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone

from tests.flows.bringing_in import bring_in, one, picture, rows, written
from zhike.customers.models import Activity, Customer
from zhike.kernel.actions import change_record, delete_record
from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.errors import Refused
from zhike.kernel.imports import running
from zhike.kernel.models import Change
from zhike.kernel.undo import undo_change
from zhike.orders.models import Order

FIRST = "客户编号,客户名称,城市\nK1,甲,南京\nK2,乙,\n"
SECOND = "客户编号,客户名称,城市\nK1,甲公司,苏州\nK2,乙,\nK3,丙,北京\n"


def test_overwritten_values_versions_and_times_come_back(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, FIRST), "customers")
    before = picture()
    run = bring_in(written(tmp_path, SECOND), "customers")
    report = running.undo(run, SYSTEM)
    assert (report.restored, report.removed, report.kept_count) == (1, 1, 0)
    assert picture() == before
    run.refresh_from_db()
    assert run.state == "undone"
    with pytest.raises(Refused, match="already_undone"):
        running.undo(run, SYSTEM)


def test_what_was_changed_since_stays_and_is_told(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, FIRST), "customers")
    run = bring_in(written(tmp_path, SECOND), "customers")
    changed = Customer.objects.get(code="K1")
    change_record(changed, {"city": "无锡"}, by=SYSTEM)
    fresh = Customer.objects.get(code="K3")
    Activity.objects.create(customer=fresh, body="来电", happened_at=timezone.now())
    report = running.undo(run, SYSTEM)
    assert rows("select code, name, city from customers_customer order by 1") == [
        ("K1", "甲", "无锡"),
        ("K2", "乙", ""),
        ("K3", "丙", "北京"),
    ]
    assert sorted((kept["why"], kept["object_id"]) for kept in report.kept) == [
        ("changed_later", str(changed.pk)),
        ("still_needed", str(fresh.pk)),
    ]
    assert one("select version from customers_customer where code = 'K1'") == 4


def test_a_deleted_customer_comes_back_with_all_that_belonged_to_it(db: None, tmp_path: Path) -> None:
    text = "客户编号,客户名称,标签,联系人\nK1,甲公司,老客户,王五\n"
    bring_in(written(tmp_path, text), "customers")
    bring_in(written(tmp_path, "订单编号,订单日期,客户编号,金额\nS1,2026-01-05,K1,10\n"), "orders")
    before = picture()
    change = delete_record(Customer.objects.get(code="K1"), by=SYSTEM)
    assert one("select count(*) from customers_contact") == 0
    report = undo_change(change, by=SYSTEM)
    assert (report.brought_back, report.restored, report.kept_count) == (3, 1, 0)
    after = picture()
    assert after == before


def test_a_key_that_was_given_away_keeps_the_record_away(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "客户编号,客户名称\nK1,甲\nK2,乙\n"), "customers")
    change = delete_record(Customer.objects.get(code="K1"), by=SYSTEM)
    bring_in(written(tmp_path, "客户编号,客户名称\nK1,新甲\n"), "customers")
    report = undo_change(change, by=SYSTEM)
    assert [kept["why"] for kept in report.kept] == ["taken"]
    assert rows("select code, name from customers_customer order by 1") == [("K1", "新甲"), ("K2", "乙")]


def test_a_single_edit_is_taken_back(lin_yue: Actor, tmp_path: Path) -> None:
    bring_in(written(tmp_path, FIRST), "customers", by=lin_yue)
    before = picture()
    changed = change_record(Customer.objects.get(code="K1"), {"city": "无锡", "name": "某"}, by=lin_yue)
    undo_change(Change.objects.get(object_id=changed.pk).pk, by=lin_yue)
    after = picture()
    assert after["customers_customer"] == before["customers_customer"]


def test_undo_is_for_who_did_it_or_who_may_do_all(lin_yue: Actor, zhou_hang: Actor, guan_li: Actor, tmp_path: Path) -> None:
    run = bring_in(written(tmp_path, FIRST), "customers", by=lin_yue)
    with pytest.raises(Refused, match="not_permitted"):
        running.undo(run, zhou_hang)
    assert one("select count(*) from customers_customer") == 2
    run.refresh_from_db()
    assert run.state == "done"
    assert running.undo(run, guan_li).removed == 2


def test_after_thirty_days_it_stays(db: None, tmp_path: Path) -> None:
    run = bring_in(written(tmp_path, FIRST), "customers")
    Change.objects.filter(pk=str(run.change_id)).update(at=timezone.now() - dt.timedelta(days=31))
    with pytest.raises(Refused, match="undo_too_old"):
        running.undo(run, SYSTEM)
    assert one("select count(*) from customers_customer") == 2


def test_sums_on_the_customer_follow_an_undo(db: None, tmp_path: Path) -> None:
    bring_in(written(tmp_path, "订单编号,订单日期,客户编号,金额\nS1,2026-01-05,K1,10\n"), "orders")
    run = bring_in(written(tmp_path, "订单编号,订单日期,客户编号,金额\nS1,2026-01-05,K1,12\nS2,2026-01-06,K1,5\n"), "orders")
    facts = "select orders_count, sales::text from customers_customer"
    assert rows(facts) == [(2, "17.0000")]
    running.undo(run, SYSTEM)
    assert rows(facts) == [(1, "10.0000")]
    assert [str(order.amount) for order in Order.objects.all()] == ["10.0000"]
