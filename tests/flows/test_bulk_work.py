"""Changing many records: a few at once, many as a job that skips what it may not touch, stops, goes on after a crash, and is undone."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import connection

from tests.cast import actor, user_of
from tests.made import customer, make
from zhike.customers.actions import tags_to_add
from zhike.customers.models import Contact, Customer, CustomerTag
from zhike.kernel import history
from zhike.kernel.actor import Actor
from zhike.kernel.bulk import engine, running
from zhike.kernel.bulk.choosing import Chosen
from zhike.kernel.bulk.tables import BulkRun, BulkState
from zhike.kernel.models import Change, HistoryEntry, OutboxEvent, SearchDoc
from zhike.kernel.registry import objects
from zhike.kernel.search.finding import find
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.orders.models import Order
from zhike.org.models import User
from zhike.server.control import Company

SPEC = objects.of(Customer)
LogIn = Callable[[str], Web]
ALL = Chosen(filters={})


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than two records make a job."""
    monkeypatch.setattr(running, "AT_ONCE", 2)


def seven(by: Actor, **values: object) -> list[Customer]:
    """Seven customers of somebody, in the order they were made."""
    return [customer(f"客户{number}", by.user_id, by.home_team, **values) for number in range(7)]


def cities() -> list[str]:
    return list(Customer.objects.order_by("name").values_list("city", flat=True))


def set_city(by: Actor, city: str = "苏州", chosen: Chosen = ALL) -> BulkRun:
    run = running.order(SPEC, chosen, "set", {"city": city}, by=by).run
    assert run is not None
    return run


def test_a_few_are_changed_at_once_and_what_holds_already_is_left(lin_yue: Actor) -> None:
    made = seven(lin_yue)
    Customer.objects.filter(pk=made[0].pk).update(city="苏州")
    done = running.order(SPEC, ALL, "set", {"city": "苏州"}, by=lin_yue)
    assert (done.run, done.count, BulkRun.objects.count()) == (None, 6, 0)
    assert cities() == ["苏州"] * 7
    assert list(Customer.objects.order_by("name").values_list("version", flat=True)) == [1, 2, 2, 2, 2, 2, 2]
    event = OutboxEvent.objects.latest("id").payload
    assert (event["verb"], event["fields"], len(event["ids"]), event["is_found"]) == ("changed", ["city"], 6, True)
    assert done.change is not None
    undo_change(done.change, by=lin_yue)
    assert cities() == ["苏州", *[""] * 6]


def test_many_are_changed_by_a_job_in_parts(few_at_once: None, lin_yue: Actor) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    assert (run.total, run.state, cities()) == (7, BulkState.WAITING, [""] * 7)
    running.work(run, chunk=3)
    run.refresh_from_db()
    assert (run.state, run.done, run.counts) == (BulkState.DONE, 7, {"changed": 7})
    assert cities() == ["苏州"] * 7
    assert Change.objects.filter(verb="set_many").count() == 1
    assert HistoryEntry.objects.filter(change_id=str(run.change_id), op="U").count() == 7
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s)", [run.table])
        assert cursor.fetchone() == (None,)


def test_what_matched_when_it_was_ordered_counts(few_at_once: None, lin_yue: Actor) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    late = customer("后来的", lin_yue.user_id, lin_yue.home_team)
    running.work(run)
    late.refresh_from_db()
    assert (late.city, run.total) == ("", 7)


def test_what_left_the_reach_meanwhile_or_is_gone_is_left_and_told(few_at_once: None, lin_yue: Actor, chen_mo: Actor) -> None:
    made = seven(lin_yue)
    run = set_city(lin_yue)
    Customer.objects.filter(pk=made[1].pk).update(owner_id=chen_mo.user_id, team_id=chen_mo.home_team)
    Customer.objects.filter(pk=made[2].pk).delete()
    Customer.objects.filter(pk=made[3].pk).update(city="苏州")
    running.work(run, chunk=4)
    run.refresh_from_db()
    assert run.counts == {"changed": 4, "not_permitted": 1, "gone": 1, "same": 1}
    assert sorted(run.skipped) == sorted([[str(made[1].pk), "not_permitted"], [str(made[2].pk), "gone"], [str(made[3].pk), "same"]])
    made[1].refresh_from_db()
    assert made[1].city == ""


def test_rights_taken_away_meanwhile_count_at_once(few_at_once: None, lin_yue: Actor) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    user_of("林悦").roles.clear()
    running.work(run)
    run.refresh_from_db()
    assert (run.state, run.counts, cities()) == (BulkState.DONE, {"changed": 0, "not_permitted": 7}, [""] * 7)


def test_who_has_left_changes_nothing_more(few_at_once: None, lin_yue: Actor) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    User.objects.filter(name="林悦").update(is_active=False)
    running.work(run)
    run.refresh_from_db()
    assert (run.state, run.error_code, cities()) == (BulkState.FAILED, "not_permitted", [""] * 7)


def test_stop_keeps_what_is_done_and_undo_takes_it_back(few_at_once: None, lin_yue: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    saved = running._save

    def stop_after_the_first(*args: object) -> None:
        saved(*args)  # type: ignore[arg-type]
        running.stop(run, by=lin_yue)

    monkeypatch.setattr(running, "_save", stop_after_the_first)
    running.work(run, chunk=3)
    run.refresh_from_db()
    assert (run.state, run.done, run.counts) == (BulkState.STOPPED, 3, {"changed": 3})
    assert cities() == ["苏州"] * 3 + [""] * 4
    running.begin_undo(run, by=lin_yue)
    running.undo_on(run_id=str(run.pk), actor=run.actor)
    run.refresh_from_db()
    assert (run.state, run.report["restored"], cities()) == (BulkState.UNDONE, 3, [""] * 7)


def test_a_stranger_cannot_stop_or_undo(few_at_once: None, lin_yue: Actor, chen_mo: Actor) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    with refused("not_permitted"):
        running.stop(run, by=chen_mo)
    running.work(run)
    with refused("not_permitted", verb="undo"):
        running.begin_undo(run, by=chen_mo)
    assert cities() == ["苏州"] * 7


def test_a_run_goes_on_where_a_crash_left_it(few_at_once: None, lin_yue: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    seven(lin_yue)
    run = set_city(lin_yue)
    applied = engine.apply
    calls = []

    def dies_in_the_second(*args: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise OSError("the process is gone")
        return applied(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "apply", dies_in_the_second)
    with pytest.raises(OSError, match="gone"):
        running.work(run, chunk=3)
    assert cities() == ["苏州"] * 3 + [""] * 4
    running.work(BulkRun.objects.get(pk=run.pk), chunk=3)
    run.refresh_from_db()
    assert (run.state, run.counts, cities()) == (BulkState.DONE, {"changed": 7}, ["苏州"] * 7)
    assert list(Customer.objects.values_list("version", flat=True)) == [2] * 7
    assert Change.objects.filter(verb="set_many").count() == 1


def test_handing_over_moves_the_team_and_search_follows(few_at_once: None, zhu_guan: Actor, lin_yue: Actor, zhou_hang: Actor) -> None:
    made = [make("customers.customer", f"恒远{number}", lin_yue) for number in range(4)]
    values = {"owner_id": zhou_hang.user_id, "team_id": zhou_hang.home_team}
    run = running.order(SPEC, ALL, "set", values, by=zhu_guan).run
    assert run is not None
    running.work(run)
    assert set(Customer.objects.values_list("owner_id", flat=True)) == {zhou_hang.user_id}
    assert set(SearchDoc.objects.values_list("owner_id", flat=True)) == {zhou_hang.user_id}
    assert len(find(zhou_hang, "恒远")[0].records) == 4
    assert find(lin_yue, "恒远") == []
    assert len(made) == 4


def test_who_may_change_but_not_hand_over_cannot_slip_an_owner_in(lin_yue: Actor, zhou_hang: Actor) -> None:
    seven(lin_yue)
    for values in ({"owner_id": zhou_hang.user_id}, {"city": "苏州", "owner_id": zhou_hang.user_id}):
        with refused("not_permitted", verb="transfer"):
            running.order(SPEC, ALL, "set", values, by=lin_yue)
    assert set(Customer.objects.values_list("owner_id", flat=True)) == {lin_yue.user_id}


def test_deleting_many_takes_along_what_belongs_to_them_and_undo_brings_all_back(few_at_once: None, lin_yue: Actor) -> None:
    made = seven(lin_yue)
    Contact.objects.create(customer=made[0], name="王建国")
    order = Order.objects.create(number="SO-1", customer=made[1], ordered_at="2026-03-05T02:00:00Z", owner_id=lin_yue.user_id)
    done = running.order(SPEC, Chosen(ids=[row.pk for row in made[:2]]), "tag", tags_to_add(["样品", "展会"]), by=lin_yue)
    assert (done.count, CustomerTag.objects.count()) == (2, 4)
    run = running.order(SPEC, ALL, "delete", {}, by=lin_yue).run
    assert run is not None
    running.work(run, chunk=4)
    order.refresh_from_db()
    assert (Customer.objects.count(), Contact.objects.count(), CustomerTag.objects.count(), order.customer_id) == (0, 0, 0, None)
    running.begin_undo(run, by=lin_yue)
    running.undo_on(run_id=str(run.pk), actor=run.actor)
    order.refresh_from_db()
    assert (Customer.objects.count(), Contact.objects.get().customer_id, CustomerTag.objects.count()) == (7, made[0].pk, 4)
    assert order.customer_id == made[1].pk


def test_products_that_lines_need_stay(few_at_once: None, guan_li: Actor) -> None:
    needed = make("catalog.product", "空压机")
    for name in ("滤芯", "油"):
        make("catalog.product", name)
    order = make("orders.order", "SO-1", guan_li)
    assert isinstance(order, Order)
    order.lines.update(product_id=needed.pk)
    run = running.order(objects.get("catalog.product"), ALL, "delete", {}, by=guan_li).run
    assert run is not None
    running.work(run)
    run.refresh_from_db()
    assert run.counts == {"changed": 2, "still_needed": 1}
    assert run.skipped == [[str(needed.pk), "still_needed"]]


def test_a_value_that_must_differ_cannot_be_given_to_many(lin_yue: Actor) -> None:
    seven(lin_yue)
    with refused("only_one", field="code"):
        running.order(SPEC, ALL, "set", {"code": "C-1"}, by=lin_yue)


def test_nothing_chosen_and_unknown_verbs_are_refused(lin_yue: Actor, fang_ke: Actor) -> None:
    seven(lin_yue)
    with refused("nothing_selected"):
        running.order(SPEC, Chosen(ids=[uuid.uuid4()]), "set", {"city": "苏州"}, by=lin_yue)
    with refused("verb_unknown"):
        running.order(SPEC, ALL, "paint", {}, by=lin_yue)
    with refused("not_permitted"):
        running.order(SPEC, ALL, "set", {"city": "苏州"}, by=fang_ke)


def test_the_screens_from_order_to_undo(few_at_once: None, lin_yue: Actor, web: LogIn) -> None:
    seven(lin_yue)
    client = web("林悦")
    assert "城市" in client.part("/customers/bulk/field").text
    answer = client.post("/customers/bulk/set/city?all=1", {"city": "苏州"})
    run = BulkRun.objects.get()
    assert answer.events["zk:toast"] == {"text": "正在改 7 家", "link_url": f"/work/{run.pk}/", "link_text": "看进度"}
    page = client.get(f"/work/{run.pk}/")
    assert "城市 改成 苏州" in page.text
    assert "停下" in page.text
    running.work(run, chunk=3)
    page = client.get(f"/work/{run.pk}/")
    assert "做完了" in page.text
    assert "撤销" in page.text
    assert "城市 改成 苏州" in client.get("/work/").text
    assert client.post(f"/changes/{run.change_id}/undo").events["zk:toast"]["link_url"] == f"/work/{run.pk}/"
    running.undo_on(run_id=str(run.pk), actor=run.actor)
    assert "还原 7 条" in client.get(f"/work/{run.pk}/").text
    assert web("陈默").get(f"/work/{run.pk}/").status == 403
    assert "城市 改成 苏州" not in web("陈默").get("/work/").text
    assert "城市 改成 苏州" in web("管理员").get("/work/").text


def test_the_transfer_dialog_lets_the_team_follow(zhu_guan: Actor, lin_yue: Actor, zhou_hang: Actor, web: LogIn) -> None:
    made = seven(lin_yue)
    answer = web("主管").post(f"/customers/bulk/transfer?ids={made[0].pk},{made[1].pk}", {"owner": zhou_hang.user_id, "team": "follow"})
    assert answer.toast == "已转交 2 家"
    made[0].refresh_from_db()
    assert (made[0].owner_id, made[0].team_id) == (zhou_hang.user_id, zhou_hang.home_team)
    assert web("林悦").post(f"/customers/bulk/transfer?ids={made[2].pk}", {"owner": zhou_hang.user_id}).status == 403


def test_a_real_worker_does_it_and_events_are_told_once(committed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 2)
    lin_yue = actor("林悦")
    seven(lin_yue)
    set_city(lin_yue)
    with connection.cursor() as cursor:
        cursor.execute("select task_name, args->>'run_id' from procrastinate_jobs")
        (task, run_id) = cursor.fetchone()
    assert task == "kernel.bulk.running.work_on"
    running.work_on(run_id=run_id)
    assert BulkRun.objects.get(pk=run_id).state == BulkState.DONE
    assert OutboxEvent.objects.filter(sent_at=None).count() == 0
    assert user_of("林悦").pk == lin_yue.user_id
    assert history.current_change() is None
