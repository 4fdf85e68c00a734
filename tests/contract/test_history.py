"""Nothing is written without a history, however it is written; and events are told until they are heard."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from django.db import connection, transaction

from tests.cast import actor
from tests.made import CHANGES, MAKERS
from zhike.customers.models import Customer
from zhike.kernel import events, history
from zhike.kernel.actions import create_record
from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.events import Event, publish, tell_waiting
from zhike.kernel.models import Change, HistoryEntry, OutboxEvent, TableKind
from zhike.kernel.search.finding import find
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import refused
from zhike.server.control import Company

FIELDS = "id, name, kind"


def ops(change: uuid.UUID | None = None) -> list[tuple[str, object]]:
    """Operations and old values of customers, oldest first."""
    kept = HistoryEntry.objects.filter(kind=history.kind_of(Customer))
    kept = kept.filter(change_id=change) if change else kept
    return [(op, old) for op, old in kept.order_by("hid").values_list("op", "old")]


def _rows(count: int) -> list[Customer]:
    return [Customer(name=f"客户{number}") for number in range(count)]


def test_copy_is_caught(db: None) -> None:
    with transaction.atomic():
        change = history.begin_change(SYSTEM, verb="copied")
        with connection.cursor() as cursor, cursor.copy(f"copy customers_customer ({FIELDS}) from stdin") as copy:
            for number in range(1000):
                copy.write_row((uuid.uuid4(), f"客户{number}", "company"))
    assert ops(change.pk) == [("I", None)] * 1000


def test_bulk_create_update_and_delete_are_caught(db: None) -> None:
    change = history.begin_change(SYSTEM, verb="bulk")
    Customer.objects.bulk_create(_rows(3))
    Customer.objects.update(city="苏州")
    Customer.objects.filter(name="客户1").delete()
    found = ops(change.pk)
    assert [op for op, _old in found] == ["I", "I", "I", "U", "U", "U", "D"]
    assert [old for op, old in found if op == "U"] == [{"city": ""}] * 3
    deleted = found[-1][1]
    assert isinstance(deleted, dict)
    assert (deleted["name"], deleted["city"]) == ("客户1", "苏州")


def test_upsert_keeps_old_values_of_changed_rows_only(db: None) -> None:
    Customer.objects.bulk_create([Customer(name="甲", code="1", city="苏州"), Customer(name="乙", code="2", city="无锡")])
    before = len(ops())
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into customers_customer (name, code, city) values ('甲', '1', '苏州'), ('乙', '2', '常州'), ('丙', '3', '') "
            "on conflict (code) do update set city = excluded.city"
        )
    assert sorted(ops()[before:], key=str) == sorted([("I", None), ("U", {"city": "无锡"})], key=str)


def test_raw_sql_without_a_change_is_kept_without_an_actor(committed: Company) -> None:
    with connection.cursor() as cursor:
        cursor.execute("insert into customers_customer (name) values ('甲')")
        cursor.execute("update customers_customer set remark = '改过'")
    kept: list[tuple[object, ...]] = list(HistoryEntry.objects.order_by("hid").values_list("op", "change_id", "old"))
    assert kept == [("I", None, None), ("U", None, {"remark": ""})]


def test_a_change_ends_with_its_transaction(committed: Company) -> None:
    made = create_record(Customer, {"name": "苏州恒远", "kind": "company"}, by=actor("林悦"))
    assert history.current_change() is None
    Customer.objects.filter(pk=made.pk).update(remark="脚本")
    assert list(HistoryEntry.objects.order_by("hid").values_list("op", "change__verb")) == [("I", "create"), ("U", None)]


def test_every_type_has_its_triggers(spec: ObjectSpec, db: None) -> None:
    record = MAKERS[spec.label]("松江甲", None, None)
    field, _text, stored = CHANGES[spec.label]
    type(record).objects.filter(pk=record.pk).update(**{field: stored})
    type(record).objects.filter(pk=record.pk).delete()
    kept = HistoryEntry.objects.filter(object_id=record.pk, kind=history.kind_of(type(record))).order_by("hid")
    assert list(kept.values_list("op", flat=True)) == ["I", "U", "D"]


def test_null_and_empty_and_quotes_come_back_as_they_were(db: None) -> None:
    nasty = "“\"'\\ \n\t{}[]|,;😀"
    made = Customer.objects.create(name=nasty, code=None, remark=nasty)
    Customer.objects.filter(pk=made.pk).update(name="甲", code="1", remark="")
    assert ops()[-1] == ("U", {"name": nasty, "code": None, "remark": nasty})


def test_history_lies_in_the_partition_of_its_month(db: None) -> None:
    Customer.objects.create(name="甲")
    with connection.cursor() as cursor:
        cursor.execute("select tableoid::regclass::text, to_char(at, 'YYYYMM') from kernel_history")
        table, month = cursor.fetchone()
        cursor.execute("select count(*) from kernel_history_rest")
        assert cursor.fetchone() == (0,)
    assert table == f"kernel_history_{month}"


def test_installing_again_changes_nothing(db: None) -> None:
    with connection.cursor() as cursor:
        asked = "select array_agg(oid || xmin::text order by oid) from pg_proc where proname like 'hist\\_%'"
        cursor.execute(asked)
        before = cursor.fetchone()
        history.install()
        cursor.execute(asked)
        assert cursor.fetchone() == before


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    """A fact for these tests."""

    name: ClassVar[str] = "tests.rang"

    times: int


@contextmanager
def listening(fails: int) -> Iterator[list[int]]:
    """A listener that fails so many times before it hears."""
    heard: list[int] = []
    left = [fails]

    def listen(event: Rang) -> None:
        if left[0]:
            left[0] -= 1
            raise ConnectionError("nobody at home")
        heard.append(event.times)

    events.on(Rang)(listen)
    yield heard
    events._listeners["tests.rang"].remove(listen)


def test_an_event_is_told_after_the_commit_and_not_before(committed: Company) -> None:
    with listening(fails=0) as heard:
        with transaction.atomic():
            publish(Rang(times=1))
            assert heard == []
        assert heard == [1]
    assert OutboxEvent.objects.get().sent_at is not None


def test_an_event_of_a_change_that_was_rolled_back_is_never_told(committed: Company) -> None:
    with listening(fails=0) as heard:
        with transaction.atomic():
            publish(Rang(times=1))
            transaction.set_rollback(True)
        assert tell_waiting() == 0
        assert heard == []
    assert OutboxEvent.objects.count() == 0


def test_a_failing_listener_breaks_nothing_and_is_told_again_until_it_hears(committed: Company) -> None:
    with listening(fails=2) as heard:
        with transaction.atomic():
            publish(Rang(times=3))
        waiting = OutboxEvent.objects.get()
        assert (waiting.sent_at, waiting.tries, waiting.error) == (None, 1, "ConnectionError('nobody at home')")
        assert tell_waiting() == 0
        assert tell_waiting() == 1
        assert heard == [3]
        assert tell_waiting() == 0
    assert OutboxEvent.objects.get().sent_at is not None


def test_an_event_nobody_hears_is_given_up_after_twenty_times(committed: Company) -> None:
    with listening(fails=99):
        with transaction.atomic():
            publish(Rang(times=1))
        for _ in range(30):
            tell_waiting()
    assert OutboxEvent.objects.get().tries == events.MAX_TRIES


def test_a_new_record_is_found_right_after_the_commit(committed: Company) -> None:
    lin_yue = actor("林悦")
    create_record(Customer, {"name": "苏州恒远机电", "kind": "company", "phone": "13812345678"}, by=lin_yue)
    for text in ("恒远", "hengyuan", "szhy", "5678"):
        assert [str(record) for hits in find(lin_yue, text) for record in hits.records] == ["苏州恒远机电"], text
        assert find(actor("陈默"), text) == []


def test_a_refused_creation_leaves_nothing(fang_ke: Actor) -> None:
    with refused("not_permitted", verb="create"):
        create_record(Customer, {"name": "苏州恒远", "kind": "company"}, by=fang_ke)
    assert (Customer.objects.count(), Change.objects.count()) == (0, 0)


def test_the_numbers_of_tables_belong_to_the_database_in_use(db: None) -> None:
    number = history.kind_of(Customer)
    assert number == TableKind.objects.get(table="customers_customer").kind
    assert str(connection.settings_dict["NAME"]) in history._kind_cache
