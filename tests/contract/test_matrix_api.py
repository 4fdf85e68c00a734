"""The same two matrices over the interface for programs and over webhooks: records by the reference, fields by what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cast import CAST, actor, user_of
from tests.contract.reference import Reference
from tests.contract.test_matrix_fields import WHO, close, each_rule, fill, rulable
from tests.contract.test_matrix_records import world
from tests.made import CHANGES, make
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.hooks.bodies import body_of
from zhike.kernel.links.tables import Hook, HookMessage
from zhike.kernel.links.tokens import NewToken, make_token
from zhike.kernel.models import Record
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.api import Program
from zhike.kernel.testing.proofs import written


@pytest.fixture
def program(db: None) -> Callable[[str], Program]:
    """A program that acts as somebody of the cast."""
    return lambda name: Program(token=make_token(NewToken(name="试用"), by=actor(name))[1])


def test_programs_reach_what_the_reference_allows(spec: ObjectSpec, program: Callable[[str], Program]) -> None:
    records, told = world(spec), Reference()
    field, _text, stored = CHANGES[spec.label]
    for member in CAST:
        client, user = program(member.name), user_of(member.name)
        expected = {str(record.pk) for record in records if told.may(user.pk, spec.label, "view", record)}
        listed = client.get(spec.slug)
        assert listed.status == (200 if told.scope(user.pk, spec.label, "view") else 403), member.name
        if listed.status == 200:
            assert {row["id"] for row in listed.data["data"]} == expected, member.name
            assert client.get(f"{spec.slug}/count").data["count"] == len(expected), member.name
        for record in records:
            seen = str(record.pk) in expected
            for part in ("", "/history", "/files"):
                answer = client.get(f"{spec.slug}/{record.pk}{part}")
                assert (answer.status == 200) == seen, (member.name, str(record), part)
                assert seen or str(record) not in answer.content.decode()
            _refused_unless_allowed(client, told, record, (user.pk, spec, field, stored))


def _refused_unless_allowed(client: Program, told: Reference, record: Record, case: tuple[int, ObjectSpec, str, object]) -> None:
    """Whoever may not change or delete is refused, and nothing is written."""
    user, spec, field, stored = case
    for verb in ("change", "delete"):
        if told.may(user, spec.label, verb, record):
            continue
        before = written()
        path = f"{spec.slug}/{record.pk}"
        answer = client.patch(path, {field: stored}, If_Match="*") if verb == "change" else client.delete(path, If_Match="*")
        assert answer.status in (400, 403, 404), (verb, answer.status)
        assert written() == before


@each_rule
def test_programs_read_nothing_closed(rule: Rule, spec: ObjectSpec, program: Callable[[str], Program]) -> None:
    record = make(spec.label, "松江甲", actor("周航"))
    shown = fill(record, spec)
    close(spec.label, rulable(spec), rule)
    client = program(WHO)
    for path in (spec.slug, f"{spec.slug}?labels=1", f"{spec.slug}/{record.pk}", f"{spec.slug}/{record.pk}/history"):
        answer = client.get(path)
        text = answer.content.decode()
        assert answer.status in (200, 422), (path, text[:200])
        assert not [name for name, parts in shown.items() if any(part in text for part in parts)], path
    for name in rulable(spec):
        asked = client.get(f"{spec.slug}?fields={name}").content.decode()
        assert not [part for part in shown.get(name, ()) if part in asked], name
        before = written()
        assert client.patch(f"{spec.slug}/{record.pk}", {name: "1"}, If_Match="*").status in (400, 403, 422), name
        assert written() == before


@each_rule
def test_webhooks_carry_nothing_closed(rule: Rule, spec: ObjectSpec, db: None) -> None:
    record = make(spec.label, "松江甲", actor("周航"))
    shown = fill(record, spec)
    hook = Hook(fields={})
    message = HookMessage(
        event=f"{spec.slug}.changed",
        number=1,
        told={"label": spec.label, "ids": [str(record.pk)], "verb": "changed", "fields": rulable(spec)},
    )
    message.created_at = record.updated_at
    whole = body_of(message, hook, actor(WHO))
    assert any(part in whole for parts in shown.values() for part in parts)
    close(spec.label, rulable(spec), rule)
    body = body_of(message, hook, actor(WHO))
    assert not [name for name, parts in shown.items() if any(part in body for part in parts)]
    if rule is Rule.HIDDEN:
        assert not set(json.loads(body)["data"]["fields"]) & set(rulable(spec))


def test_webhooks_carry_only_records_in_reach(spec: ObjectSpec, db: None) -> None:
    records, told = world(spec), Reference()
    for member in CAST:
        by: Actor = actor(member.name)
        ids = [str(record.pk) for record in records]
        message = HookMessage(event="x", number=1, told={"label": spec.label, "ids": ids, "verb": "changed", "fields": []})
        message.created_at = records[0].updated_at
        body = body_of(message, Hook(fields={}), by)
        carried: list[dict[str, Any]] = json.loads(body)["data"]["records"] if body else []
        expected = {str(record.pk) for record in records if told.may(by.user_id or 0, spec.label, "view", record)}
        assert {row["id"] for row in carried} == expected, member.name
