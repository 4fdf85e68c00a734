"""Roles are edited, undone and explained; nobody gives more than he holds, and somebody always looks after them."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.utils.translation import override

from tests.cast import actor, user_of
from tests.made import customer
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor, Rule, Scope
from zhike.kernel.registry import objects
from zhike.kernel.rights import Right, _pages, add_page_right, rights, ruled_fields
from zhike.kernel.testing.proofs import refused, written
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.org.models import FieldRule, Grant, Role
from zhike.org.ready_roles import ROLES, ready_grants, write_ready_roles
from zhike.org.roles.asking import impact_on_person, impact_on_role
from zhike.org.roles.editing import Wish, change_role, delete_role, make_role, mark, wish_of
from zhike.org.roles.sheets import sheet_of
from zhike.org.roles.told import history_of

LogIn = Callable[[str], Web]
SALES = "customers.customer"


def role(code: str) -> Role:
    return Role.objects.get(code=code)


def with_grant(code: str, verb: str, scope: Scope | None, label: str = SALES) -> Wish:
    """What a role holds now, with one grant otherwise."""
    now = wish_of(role(code))
    grants = {key: value for key, value in now.grants.items() if key != (label, verb)}
    return Wish(grants=grants | ({(label, verb): scope} if scope else {}), rules=now.rules)


def test_a_change_of_a_role_counts_at_once_and_is_undone(guan_li: Actor, lin_yue: Actor) -> None:
    customer("虹口乙", user_of("周航").pk, lin_yue.home_team)
    assert not Customer.objects.visible_to(actor("林悦")).exists()
    change_role(role("sales"), with_grant("sales", "view", Scope.TEAM), by=guan_li)
    assert [c.name for c in Customer.objects.visible_to(actor("林悦"))] == ["虹口乙"]
    deed = history_of(sheet_of(role("sales")), guan_li)[0]
    assert (deed.who, [(step.what, step.before, step.after, step.opens) for step in deed.steps]) == (
        "管理员", [("客户，查看", "本人", "本团队", True)],
    )  # fmt: skip
    undo_change(change_of("sales"), by=guan_li)
    assert not Customer.objects.visible_to(actor("林悦")).exists()
    assert Grant.objects.get(role__code="sales", label=SALES, verb="view").scope == Scope.OWN
    assert history_of(sheet_of(role("sales")), guan_li)[1].is_undone


def change_of(code: str) -> uuid.UUID:
    deeds = history_of(sheet_of(role(code)), actor("管理员"))
    return uuid.UUID(deeds[0].undo.split("/")[2])


def test_field_rules_are_part_of_a_role(guan_li: Actor) -> None:
    now = wish_of(role("sales"))
    change_role(role("sales"), Wish(grants=now.grants, rules={(SALES, "phone"): Rule.MASKED}), by=guan_li)
    assert actor("林悦").rule(SALES, "phone") is Rule.MASKED
    assert FieldRule.objects.get().role.code == "sales"
    change_role(role("sales"), now, by=guan_li)
    assert not FieldRule.objects.exists()


def test_nobody_gives_more_than_he_holds(db: None) -> None:
    user_of("主管").roles.add(keeper := Role.objects.create(code="keeper", name="管角色的"))
    Grant.objects.bulk_create(Grant(role=keeper, label="org.roles", verb=verb, scope=Scope.ALL) for verb in ("view", "change"))
    by = actor("主管")
    with refused("more_than_held", label=SALES, verb="view"):
        change_role(role("sales"), with_grant("sales", "view", Scope.ALL), by=by)
    with refused("more_than_held"):
        make_role("我的全部", by=by, like=role("admin"))
    change_role(role("sales"), with_grant("sales", "view", Scope.BRANCH), by=by)
    assert Grant.objects.get(role__code="sales", label=SALES, verb="view").scope == Scope.BRANCH
    change_role(role("service"), with_grant("service", "create", None), by=by)  # what is taken away need not be held
    with refused("more_than_held"):
        undo_change(change_of("service"), by=by)


def test_a_closed_field_is_opened_only_by_who_sees_it(guan_li: Actor) -> None:
    now = wish_of(role("admin"))
    change_role(role("sales"), Wish(grants=wish_of(role("sales")).grants, rules={(SALES, "phone"): Rule.HIDDEN}), by=guan_li)
    change_role(role("admin"), Wish(grants=now.grants, rules={(SALES, "phone"): Rule.HIDDEN}), by=guan_li)
    with refused("more_than_held", field="phone"):
        change_role(role("sales"), Wish(grants=wish_of(role("sales")).grants), by=actor("管理员"))


def test_somebody_always_looks_after_the_roles(guan_li: Actor) -> None:
    with refused("last_keeper"):
        change_role(role("admin"), with_grant("admin", "change", None, "org.roles"), by=guan_li)
    keeper = make_role("第二管理员", by=guan_li, like=role("admin"))
    with refused("last_keeper"):  # nobody has it yet
        change_role(role("admin"), with_grant("admin", "change", None, "org.roles"), by=guan_li)
    user_of("主管").roles.add(keeper)
    change_role(role("admin"), with_grant("admin", "change", None, "org.roles"), by=guan_li)
    assert not actor("管理员").may("org.roles", "change")


def test_who_may_not_change_roles_changes_nothing(lin_yue: Actor, web: LogIn) -> None:
    with refused("not_permitted"):
        change_role(role("sales"), with_grant("sales", "view", Scope.ALL), by=lin_yue)
    with refused("not_permitted"):
        make_role("我的", by=lin_yue)
    before = written()
    pk = role("sales").pk
    for path in (f"/settings/roles/{pk}/", f"/settings/roles/{pk}/rename", f"/settings/roles/{pk}/delete", "/settings/roles/new"):
        assert web("林悦").post(path, {"name": "x", f"g:{SALES}:view": "4"}).refused == "not_permitted", path
    assert written() == before


def test_two_who_edit_at_once_do_not_overwrite_each_other(guan_li: Actor) -> None:
    read = mark(wish_of(role("sales")))
    change_role(role("sales"), with_grant("sales", "export", None), by=guan_li, seen=read)
    with refused("changed_meanwhile"):
        change_role(role("sales"), with_grant("sales", "view", Scope.ALL), by=guan_li, seen=read)


def test_a_role_is_made_copied_renamed_and_deleted(guan_li: Actor) -> None:
    made = make_role("大客户销售", by=guan_li, like=role("sales"))
    assert wish_of(made) == wish_of(role("sales"))
    with refused("taken"):
        make_role("大客户销售", by=guan_li)
    with refused("required"):
        make_role("  ", by=guan_li)
    assert change_role(made, wish_of(made), by=guan_li, name="重点客户销售").name == "重点客户销售"
    user_of("访客").roles.add(made)
    with refused("role_in_use", count=1, names="访客"):
        delete_role(made, by=guan_li)
    user_of("访客").roles.remove(made)
    change = delete_role(made, by=guan_li)
    assert not Role.objects.filter(pk=made.pk).exists()
    undo_change(change, by=guan_li)
    back = Role.objects.get(pk=made.pk)
    assert (back.name, wish_of(back)) == ("重点客户销售", wish_of(role("sales")))
    with refused("ready_role"):
        delete_role(role("sales"), by=guan_li)


def test_ready_grants_taken_away_stay_away_and_new_ones_come(guan_li: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    change_role(role("sales"), with_grant("sales", "export", None), by=guan_li)
    change_role(role("sales"), wish_of(role("sales")), by=guan_li, name="业务员")
    ticket = Right(label="service.ticket", title="工单", grants={"sales": {"view": Scope.OWN}})
    monkeypatch.setattr("zhike.kernel.rights._pages", dict(_pages))
    add_page_right(ticket)
    write_ready_roles()
    held = wish_of(role("sales")).grants
    assert (SALES, "export") not in held
    assert held[("service.ticket", "view")] == Scope.OWN
    assert role("sales").name == "业务员"


def test_the_auditor_reads_everything_and_changes_nothing(db: None) -> None:
    held = wish_of(role("auditor")).grants
    assert {verb for (_label, verb) in held} == {"view", "export"}
    assert {spec.policy.label for spec in objects} <= {label for (label, _verb) in held}
    assert ("org.audit", "view") in held


def test_every_right_that_a_ready_role_holds_can_be_edited(db: None) -> None:
    offered = {(right.label, verb) for right in rights() for verb in right.verbs}
    for code in ROLES:
        held = {(label, verb) for label, verb, _scope in ready_grants(code)}
        assert held <= offered, code
    for spec in objects:
        assert spec.policy.label in {right.label for right in rights()}
        assert ruled_fields(spec)


def test_a_ready_role_is_called_in_the_readers_language_until_it_is_renamed(guan_li: Actor) -> None:
    with override("en"):
        assert [str(role(code)) for code in ("admin", "sales")] == ["Administrator", "Sales"]
        write_ready_roles()
    assert role("sales").name == "销售"
    change_role(role("sales"), wish_of(role("sales")), by=guan_li, name="门店销售")
    with override("en"):
        assert str(role("sales")) == "门店销售"


def test_what_if_counts_what_a_role_would_open_and_close(guan_li: Actor, lin_yue: Actor) -> None:
    team = lin_yue.home_team
    for at in range(3):
        customer(f"乙{at}", user_of("周航").pk, team)
    customer("甲", lin_yue.user_id, team)
    customer("丙", user_of("陈默").pk, actor("陈默").home_team)
    impact = impact_on_role(role("sales"), with_grant("sales", "view", Scope.TEAM))
    told = {str(person.user): [(d.spec.label, d.more, d.less) for d in person.deltas or ()] for person in impact.people}
    assert (impact.holders, impact.changed) == (3, 3)
    assert told == {"林悦": [(SALES, 3, 0)], "周航": [(SALES, 1, 0)], "陈默": []}
    impact = impact_on_role(role("sales"), with_grant("sales", "view", None))
    assert {str(p.user): [(d.more, d.less) for d in p.deltas or ()] for p in impact.people} == {
        "林悦": [(0, 1)], "周航": [(0, 3)], "陈默": [(0, 1)],
    }  # fmt: skip
    before = written()
    person = impact_on_person(user_of("林悦"), roles=[role("analyst").pk])
    assert [(d.spec.label, d.more, d.less) for d in person.people[0].deltas or ()] == [(SALES, 4, 0)]
    moved = impact_on_person(user_of("组员"), teams=[])
    assert [(d.more, d.less) for d in moved.people[0].deltas or ()] == [(0, 4)]
    assert written() == before


def test_the_editor_saves_what_its_form_says(guan_li: Actor, web: LogIn) -> None:
    client, sales = web("管理员"), role("sales")
    assert "自带" in client.get("/settings/roles/").text
    page = client.get(f"/settings/roles/{sales.pk}/")
    assert f'name="g:{SALES}:view"' in page.text
    assert f'name="f:{SALES}:phone"' in page.text
    before = written()
    told = client.post(f"/settings/roles/{sales.pk}/what-if", {f"g:{SALES}:view": "4"})
    assert "3 个人里 3 个会有变化" in told.text
    assert written() == before
    saved = client.post(f"/settings/roles/{sales.pk}/", {"mark": mark(wish_of(sales)), f"g:{SALES}:view": "4", f"f:{SALES}:phone": "2"})
    assert (saved.status, saved.toast) == (204, "已保存")
    assert wish_of(sales).grants[SALES, "view"] == Scope.ALL
    assert wish_of(sales).rules == {(SALES, "phone"): Rule.MASKED}
    assert client.post(saved.undo_url).status == 204
    assert (wish_of(sales).grants[SALES, "view"], wish_of(sales).rules) == (Scope.OWN, {})
    assert client.post("/settings/roles/new", {"name": "外包", "like": str(sales.pk)}).status == 204
    assert client.post("/settings/roles/new", {"name": "外包"}).status == 422
    made = Role.objects.get(name="外包")
    assert client.post(f"/settings/roles/{made.pk}/rename", {"name": "外包销售"}).status == 204
    gone = client.post(f"/settings/roles/{made.pk}/delete")
    assert gone.toast == "已删除 外包销售"
    assert not Role.objects.filter(pk=made.pk).exists()
    assert client.get("/settings/roles/person/1/what-if").status == 405
