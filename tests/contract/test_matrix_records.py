"""Every object type x person x verb x record (own, team mate's, other branch's, nobody's, shared to look, to change, to a team, ended)
x role (the cast's and generated ones), over rows, counts, single checks, pickers, search and the page that explains it.

The expected answer comes from `reference`, which works it out in plain Python and asks no rule of the product.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from tests.cast import CAST, actor, user_of
from tests.contract.reference import BELOW, OPEN_TO_ALL, SHARED_BELOW, Reference, closed_fields
from tests.made import CHANGES, make
from zhike.kernel.actions import change_record, delete_record
from zhike.kernel.actor import Rule, Scope
from zhike.kernel.errors import Refused
from zhike.kernel.history import kind_of
from zhike.kernel.lists.pages import listing, rows, size_counted
from zhike.kernel.models import Record, Share
from zhike.kernel.policy import policy_of
from zhike.kernel.registry import objects
from zhike.kernel.search.finding import find
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import written
from zhike.kernel.testing.web import Web
from zhike.org.models import FieldRule, Grant, Role, User
from zhike.org.queries import actor_of
from zhike.org.roles.tables import StandsApart
from zhike.org.roles.who import explain, lock_of, people_who_may

LogIn = Callable[[str], Web]
VERBS = ("view", "change", "delete", "export", "share", "transfer", "reveal")
WORDS = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛")
# owner and how 陈默's record is shared with 林悦
CASES: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("林悦", None), ("周航", None), ("陈默", None), ("", None),
    ("陈默", {"user": "林悦"}), ("陈默", {"user": "林悦", "can_change": True}), ("陈默", {"team": "林悦", "can_change": True}),
    ("陈默", {"user": "林悦", "can_change": True, "is_over": True}),
)  # fmt: skip


def shared_record(spec: ObjectSpec, record: Record) -> Record:
    """What is shared so that a record opens: itself, or the one it follows."""
    return (
        getattr(record, BELOW[spec.label][1])
        if spec.label in BELOW and not StandsApart.objects.filter(label=spec.label).exists()
        else record
    )


def world(spec: ObjectSpec) -> list[Record]:
    """One record of each case; a generated role for each scope with every verb, worn by 访客 and by people with another role."""
    made = []
    for word, (owner, share) in zip(WORDS, CASES, strict=True):
        record = make(spec.label, f"{word}{word}", actor(owner) if owner else None)
        made.append(record)
        if share and not spec.policy.shared:
            opened = shared_record(spec, record)
            until = timezone.now() - dt.timedelta(minutes=1) if share.get("is_over") else timezone.now() + dt.timedelta(days=1)
            Share.objects.create(
                kind=kind_of(type(opened)), object_id=opened.pk, can_change=share.get("can_change", False), until=until,
                user_id=user_of(share["user"]).pk if "user" in share else None, team_id=actor(share["team"]).home_team if "team" in share else None,
            )  # fmt: skip
    return made


def dress() -> None:
    """Generated roles: each scope with all verbs for one more person of each team, and two that overlap."""
    for number, (scope, mate) in enumerate(itertools.product(Scope, ("林悦", "主管", "陈默"))):
        role = Role.objects.create(code=f"made-{number}", name=f"made-{number}")
        labels = {spec.policy.label for spec in objects}
        Grant.objects.bulk_create(Grant(role=role, label=label, verb=verb, scope=scope) for label in labels for verb in VERBS)
        user = User.objects.create(username=f"made{number}", name=f"生{number}", password="!")
        user.memberships.create(team=user_of(mate).memberships.get().team)
        user.roles.add(role)
        if scope is Scope.OWN:
            user.roles.add(Role.objects.get(code="team_sales"))
    User.objects.create(username="gone", name="离职", password="!", is_active=False).roles.add(Role.objects.get(code="admin"))


def everybody() -> list[User]:
    return list(User.objects.order_by("pk"))


def test_rows_counts_and_single_checks_are_those_of_the_reference(spec: ObjectSpec, db: None) -> None:
    dress()
    records, told = world(spec), Reference()
    for user in everybody():
        now = actor_of(user)
        for verb in VERBS:
            expected = {record.pk for record in records if told.may(user.pk, spec.label, verb, record)}
            rows_of = set(spec.model.objects.allowed(now, verb).values_list("pk", flat=True))
            assert rows_of == expected, (str(user), verb)
            single = {record.pk for record in records if policy_of(spec.model).allows(now, verb, spec.model.objects.get(pk=record.pk))}
            assert single == expected, (str(user), verb)
        expected = {record.pk for record in records if told.may(user.pk, spec.label, "view", record)}
        wanted = listing(spec, now, {})
        assert {record.pk for record in rows(wanted).records} == expected, str(user)
        assert size_counted(wanted).count == len(expected), str(user)
        if spec.search is not None:
            hits = {hit.pk for word in WORDS for group in find(now, word * 2) if group.spec.label == spec.label for hit in group.records}
            assert hits == expected, str(user)


def test_the_page_that_explains_says_what_the_rows_say(spec: ObjectSpec, db: None) -> None:
    dress()
    records, told = world(spec), Reference()
    for record in records:
        for verb in ("view", "change", "delete", "export"):
            expected = {user.pk for user in everybody() if user.is_active and told.may(user.pk, spec.label, verb, record)}
            assert {one.id for one in people_who_may(lock_of(record, verb), verb, size=500)} == expected, (record, verb)
    for record, user in itertools.product(records[::3], everybody()):
        for verb in ("view", "change", "delete"):
            answer = explain(record, user, verb)
            expected_one = user.is_active and told.may(user.pk, spec.label, verb, record)
            assert answer.may == expected_one, (record, str(user), verb)
            if user.is_active:
                assert any(step.holds for step in answer.steps[1:]) == expected_one or spec.label in OPEN_TO_ALL, (record, str(user), verb)


def test_people_are_paged_and_searched_by_name(spec: ObjectSpec, db: None) -> None:
    dress()
    record = world(spec)[0]
    lock = lock_of(record, "view")
    whole = people_who_may(lock, "view", size=500)
    paged, after = [], ("", 0)
    while page := people_who_may(lock, "view", after=after, size=3):
        paged += page
        after = (page[-1].name, page[-1].id)
    assert paged == whole
    assert {one.name for one in people_who_may(lock, "view", text="管理")} == {"管理员"}
    assert people_who_may(lock, "view", text="%") == []


def test_actions_do_what_the_reference_allows_and_refusals_write_nothing(spec: ObjectSpec, db: None) -> None:
    dress()
    records, told = world(spec), Reference()
    field, value, _stored = CHANGES[spec.label]
    for user in everybody()[::2]:
        now = actor_of(user)
        for record in records:
            for verb in ("change", "delete"):
                if told.may(user.pk, spec.label, verb, record):
                    continue
                before = written()
                with pytest.raises(Refused) as said:
                    change_record(record, {field: value}, by=now) if verb == "change" else delete_record(record, by=now)
                assert said.value.code == "not_permitted"
                assert written() == before


def test_screens_open_what_the_reference_allows(spec: ObjectSpec, db: None, web: LogIn) -> None:
    records, told = world(spec), Reference()
    for member in CAST:
        client, user = web(member.name), user_of(member.name)
        for record in records:
            expected = told.may(user.pk, spec.label, "view", record)
            for part in ("", "peek", "row", "timeline", "who"):
                answer = client.part(f"/{spec.slug}/{record.pk}/{part}")
                if part == "who" and member.name in ("管理员",):
                    continue  # who looks after roles may ask about any record
                assert (answer.status == 200) == expected, (member.name, str(record), part)
        picked = client.part(f"/{spec.slug}/pick").text
        seen = {record.pk for record in records if f'data-id="{record.pk}"' in picked}
        expected_all = {record.pk for record in records if told.may(user.pk, spec.label, "view", record)}
        assert seen == expected_all, member.name
        asked = client.client.get(f"/{spec.slug}/export?format=csv")
        if asked.status_code == 200:
            text = b"".join(asked.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
            assert {record.pk for record in records if str(record) in text} == {
                record.pk for record in records if told.may(user.pk, spec.label, "export", record)
            }, member.name


def test_a_type_that_stands_apart_is_seen_by_its_own_owner(db: None) -> None:
    """A contact of 林悦 at a customer of 陈默, and the other way round."""
    StandsApart.objects.create(label="customers.contact")
    dress()
    spec = objects.get("customers.contact")
    records = world(spec)
    for record, other in itertools.pairwise(records):
        spec.model.objects.filter(pk=record.pk).update(customer_id=other.customer_id)  # type: ignore[attr-defined]
    records, told = list(spec.model.objects.all()), Reference()
    for user in everybody():
        expected = {record.pk for record in records if told.may(user.pk, spec.label, "view", record)}
        assert set(spec.model.objects.visible_to(actor_of(user)).values_list("pk", flat=True)) == expected, str(user)
    for record in records:
        who = {user.pk for user in everybody() if user.is_active and told.may(user.pk, spec.label, "view", record)}
        assert {one.id for one in people_who_may(lock_of(record, "view"), "view", size=500)} == who


def test_field_rules_of_several_roles_are_those_of_the_reference(spec: ObjectSpec, db: None) -> None:
    names = [panel.fields[-1] for panel in spec.panels]
    codes = ("sales", "service", "team_sales", "admin")
    for (at, code), rule in itertools.product(enumerate(codes), Rule):
        if (at + int(rule)) % 3:
            name = names[(at + rule) % len(names)]
            FieldRule.objects.get_or_create(role=Role.objects.get(code=code), label=spec.label, field=name, defaults={"rule": rule})
    for worn in itertools.chain.from_iterable(itertools.combinations(codes, size) for size in (1, 2, 3)):
        user = user_of("访客")
        user.roles.set(Role.objects.filter(code__in=worn))
        assert dict(actor_of(user).rules(spec.label)) == closed_fields(user.pk, spec.label), worn


def test_the_reference_knows_every_type() -> None:
    """A new object type has to say here how it is reached, or it would be tested against a wrong answer."""
    for spec in objects:
        policy = spec.policy
        assert (spec.label in OPEN_TO_ALL) == policy.shared, spec.label
        assert (spec.label in BELOW) == (policy.parent is not None), spec.label
        assert (spec.label in SHARED_BELOW) == bool(policy.below), spec.label
