"""Making, changing and deleting a record of any type leaves a history, and undo brings back what was there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.forms.models import model_to_dict

from tests.made import CHANGES, FORMS, VALUES, make
from zhike.kernel.actions import change_record, create_record, delete_record
from zhike.kernel.actor import Actor
from zhike.kernel.history import kind_of, last_change_of
from zhike.kernel.models import HistoryEntry, OutboxEvent, Record
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import refused, written
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change

LogIn = Callable[[str], Web]


def entries(record: Record) -> list[str]:
    """The history of a record: operations, oldest first."""
    kept = HistoryEntry.objects.filter(object_id=record.pk, kind=kind_of(type(record)))
    return list(kept.order_by("at", "hid").values_list("op", flat=True))


def old_values(record: Record) -> dict[str, object]:
    """What the newest history row of a record keeps."""
    old = HistoryEntry.objects.filter(object_id=record.pk).latest("hid").old
    assert isinstance(old, dict)
    return old


def plain(record: Record) -> dict[str, object]:
    """Everything stored of a record except its version and time of change, which undo moves on."""
    left_out = {"version", "updated_at"}
    names = [field.attname for field in type(record)._meta.concrete_fields if field.name not in left_out]
    return dict(type(record).objects.filter(pk=record.pk).values(*names).get())


def test_creating_by_the_form_belongs_to_who_did_it_and_is_told(spec: ObjectSpec, guan_li: Actor, web: LogIn) -> None:
    if spec.label not in FORMS:
        pytest.skip("not made by hand")
    before = written()
    answer = web("管理员").post(f"/{spec.slug}/new", FORMS[spec.label])
    assert answer.status == 204, answer.text
    made = spec.model.objects.get()
    assert (made.owner_id, made.version, entries(made)) == (guan_li.user_id, 1, ["I"])
    change = HistoryEntry.objects.get(object_id=made.pk).change
    assert change is not None
    assert (change.actor_id, change.actor_name, change.source) == (guan_li.user_id, "管理员", "web")
    assert change.verb in ("create", "enter_order")
    event = OutboxEvent.objects.latest("id")
    assert (event.name, event.payload["verb"], event.payload["ids"]) == ("kernel.records_changed", "created", [str(made.pk)])
    assert written().changes == before.changes + 1


def test_a_form_without_what_is_required_is_refused_and_keeps_nothing(spec: ObjectSpec, guan_li: Actor, web: LogIn) -> None:
    if spec.label not in FORMS:
        pytest.skip("not made by hand")
    before = written()
    answer = web("管理员").post(f"/{spec.slug}/new", {"again": "on"})
    assert answer.status == 422
    assert spec.model.objects.count() == 0
    assert written() == before


def test_editing_a_field_keeps_the_old_value_and_undo_brings_it_back(spec: ObjectSpec, guan_li: Actor, web: LogIn) -> None:
    record = make(spec.label, "松江甲", guan_li)
    before, (field, text, stored) = plain(record), CHANGES[spec.label]
    client = web("管理员")
    answer = client.post(f"/{spec.slug}/{record.pk}/edit/{field}", {field: text, "version": record.version})
    assert answer.status == 200, answer.text
    changed = type(record).objects.get(pk=record.pk)
    assert (getattr(changed, field), changed.version) == (stored, record.version + 1)
    assert old_values(record)[field] == before[field]
    assert client.post(answer.undo_url).status == 204
    assert plain(record) == before
    assert entries(record) == ["I", "U", "U"]


def test_the_same_value_again_writes_nothing(spec: ObjectSpec, guan_li: Actor) -> None:
    record = make(spec.label, "松江甲", guan_li)
    field, _text, stored = CHANGES[spec.label]
    change_record(record, {field: stored}, by=guan_li)
    before = len(entries(record))
    assert change_record(record, {field: stored}, by=guan_li).version == record.version + 1
    assert len(entries(record)) == before


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(spec: ObjectSpec, guan_li: Actor) -> None:
    record = make(spec.label, "松江甲", guan_li)
    field, _text, stored = CHANGES[spec.label]
    change_record(record, {field: stored}, by=guan_li, expected=record.version)
    with refused("changed_meanwhile", version=record.version + 1):
        change_record(record, {field: "别的"}, by=guan_li, expected=record.version)
    assert getattr(type(record).objects.get(pk=record.pk), field) == stored


def test_a_deleted_record_comes_back_with_all_that_belonged_to_it(spec: ObjectSpec, guan_li: Actor, web: LogIn) -> None:
    record = make(spec.label, "松江甲", guan_li)
    before = plain(record)
    client = web("管理员")
    answer = client.post(f"/{spec.slug}/{record.pk}/delete")
    assert answer.status == 204
    assert not type(record).objects.filter(pk=record.pk).exists()
    assert old_values(record)["id"] == str(record.pk)
    assert client.post(answer.undo_url).status == 204
    assert plain(record) == before


def test_deleting_what_is_gone_is_refused(spec: ObjectSpec, guan_li: Actor) -> None:
    record = make(spec.label, "松江甲", guan_li)
    delete_record(record, by=guan_li)
    with refused("gone"):
        delete_record(record, by=guan_li)


def test_a_bulk_change_is_one_change_and_one_undo(spec: ObjectSpec, guan_li: Actor, web: LogIn) -> None:
    records = [make(spec.label, name, guan_li) for name in ("松江甲", "虹口乙", "番禺丙")]
    before, (field, text, stored) = [plain(record) for record in records], CHANGES[spec.label]
    client, changes = web("管理员"), written().changes
    ids = ",".join(str(record.pk) for record in records)
    answer = client.post(f"/{spec.slug}/bulk/set/{field}?ids={ids}", {field: text})
    assert answer.status == 204
    assert written().changes == changes + 1
    assert [getattr(type(record).objects.get(pk=record.pk), field) for record in records] == [stored] * 3
    assert client.post(answer.undo_url).status == 204
    assert [plain(record) for record in records] == before


def test_undo_twice_is_refused(spec: ObjectSpec, guan_li: Actor) -> None:
    record = make(spec.label, "松江甲", guan_li)
    field, _text, stored = CHANGES[spec.label]
    change_record(record, {field: stored}, by=guan_li)
    change = last_change_of(record.pk)
    assert change is not None
    undo_change(change, by=guan_li)
    with refused("already_undone"):
        undo_change(change, by=guan_li)


def test_undo_keeps_what_somebody_changed_since(spec: ObjectSpec, guan_li: Actor) -> None:
    record = make(spec.label, "松江甲", guan_li)
    field, _text, stored = CHANGES[spec.label]
    change_record(record, {field: stored}, by=guan_li)
    change = last_change_of(record.pk)
    assert change is not None
    change_record(record, {field: "后来的"}, by=guan_li)
    report = undo_change(change, by=guan_li)
    assert report.kept_count == 1
    assert getattr(type(record).objects.get(pk=record.pk), field) == "后来的"


def test_the_history_says_nothing_of_worked_out_columns(spec: ObjectSpec, guan_li: Actor) -> None:
    record = make(spec.label, "松江甲", guan_li)
    before = len(entries(record))
    for name in record.untracked:
        column = getattr(type(record)._meta.get_field(name), "column", name)
        with connection.cursor() as cursor:
            cursor.execute(f'update {type(record)._meta.db_table} set "{column}" = "{column}" where id = %s', [record.pk])
    assert len(entries(record)) == before


def test_a_value_that_is_taken_is_refused(spec: ObjectSpec, guan_li: Actor) -> None:
    unique = [field.name for field in spec.model._meta.concrete_fields if field.unique and not field.primary_key]
    if not unique or spec.label not in FORMS:
        pytest.skip("nothing in it has to be unique")
    values = {**FORMS[spec.label], **VALUES.get(spec.label, {}), unique[0]: "A-1"}
    create_record(spec.model, values, by=guan_li)
    with refused("taken", field=unique[0]):
        create_record(spec.model, values, by=guan_li)
    assert model_to_dict(spec.model.objects.get(), [unique[0]]) == {unique[0]: "A-1"}
