"""People are invited, changed and let go; nobody gives more than he holds, and somebody always looks after the house."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connections
from django.test import Client

from tests.cast import actor, user_of
from tests.flows.login.phone import GOOD, is_in, log_in, person, with_phone
from tests.made import customer
from zhike.kernel.actor import Actor, Scope
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.org.models import Grant, Membership, Role, Team, User
from zhike.org.people.editing import Wish, change_person, deactivate, invite, mark, reactivate, require_not_above, wish_of
from zhike.org.people.sheets import person_sheet
from zhike.org.people.tables import JoinLink
from zhike.org.people.told import history_of
from zhike.server.control import Company

LogIn = Callable[[str], Web]
LINK = re.compile(r"http://testserver(/login/join/[\w-]+)")


def role(code: str) -> int:
    return Role.objects.get(code=code).pk


def team(name: str) -> int:
    return Team.objects.get(name=name).pk


def zhao_min() -> Wish:
    return Wish(
        username="zhaomin",
        name="赵敏",
        email="zhaomin@hengli.example",
        roles=(role("sales"),),
        teams=(team("上海组"),),
        home=team("上海组"),
    )


def keeper_of_people(name: str) -> Actor:
    """Somebody who looks after people, and holds nothing else but what his role has."""
    given = Role.objects.create(code="people", name="管人的")
    Grant.objects.bulk_create(Grant(role=given, label="org.people", verb=verb, scope=Scope.ALL) for verb in ("view", "change"))
    user_of(name).roles.add(given)
    return actor(name)


def undo_last(user: User, by: Actor) -> None:
    change = last_change_of(person_sheet(user).pk)
    assert change is not None
    undo_change(change, by=by)


def test_an_invited_person_joins_by_the_link(db: None, web: LogIn) -> None:
    admin = web("管理员")
    answer = admin.post(
        "/settings/people/new", {"name": "赵敏", "email": "zhaomin@hengli.example", "roles": role("sales"), "teams": team("上海组")}
    )
    assert answer.status == 200
    found = LINK.search(answer.text)
    assert found
    user = User.objects.get(username="zhaomin")
    assert (user.invited_at is not None, user.has_usable_password()) == (True, False)
    assert found[1].rpartition("/")[2] not in str(JoinLink.objects.values())  # the table alone opens nothing
    browser = Client()
    assert browser.get(found[1]).headers["location"] == "/login/join/"
    assert "至少 10 个字" in browser.post("/login/join/", {"name": "赵敏", "password": "短"}).content.decode()
    assert not User.objects.get(pk=user.pk).has_usable_password()
    done = browser.post("/login/join/", {"name": "赵小敏", "password": GOOD})
    assert (done.headers["location"], is_in(browser)) == ("/", True)
    user.refresh_from_db()
    assert (user.name, user.invited_at, Membership.objects.get(user=user).team.name) == ("赵小敏", None, "上海组")
    again = Client()
    again.get(found[1])
    assert "链接已经失效" in again.get("/login/join/").content.decode()
    assert is_in(log_in(user))


def test_a_newer_link_ends_the_older_and_all_end_some_day(db: None, web: LogIn) -> None:
    user = invite(zhao_min(), by=actor("管理员"))
    first, second = (LINK.search(web("管理员").post(f"/settings/people/{user.pk}/link").text) for _ in range(2))
    assert first
    assert second
    for link, works in ((first[1], False), (second[1], True)):
        browser = Client()
        browser.get(link)
        assert ("join-name" in browser.get("/login/join/").content.decode()) is works
    link = JoinLink.objects.get(user_id=user.pk)
    JoinLink.objects.update(until=link.made_at)
    browser = Client()
    browser.get(second[1])
    assert "链接已经失效" in browser.get("/login/join/").content.decode()


def test_what_is_arranged_counts_at_once_and_is_undone(db: None, guan_li: Actor) -> None:
    user = user_of("林悦")
    before = wish_of(user)
    wish = replace(
        before,
        roles=(role("manager"),),
        teams=(team("华东区"), team("上海组")),
        home=team("华东区"),
        must_mfa=True,
        email="ly@hengli.example",
    )
    change_person(user, wish, by=guan_li)
    now = actor("林悦")
    assert (now.scope("customers.customer", "view"), now.home_team) == (Scope.BRANCH, team("华东区"))
    user.refresh_from_db()
    assert (user.must_mfa, user.email) == (True, "ly@hengli.example")
    deed = history_of(person_sheet(user), guan_li)[0]
    assert (deed.who, [(str(s.what), s.before, s.after) for s in deed.steps]) == (
        "管理员",
        [
            ("邮箱", "—", "ly@hengli.example"), ("必须两步验证", "否", "是"), ("角色", "销售", "销售经理"),
            ("团队", "上海组", "华东区、上海组"), ("新记录归", "上海组", "华东区"),
        ],
    )  # fmt: skip
    undo_last(user, guan_li)
    user.refresh_from_db()
    assert (wish_of(user), actor("林悦").scope("customers.customer", "view")) == (before, Scope.OWN)
    assert history_of(person_sheet(user), guan_li)[1].is_undone


def test_two_administrators_do_not_overwrite_each_other(db: None, guan_li: Actor) -> None:
    user = user_of("林悦")
    seen = mark(wish_of(user))
    change_person(user, replace(wish_of(user), name="林月"), by=guan_li, seen=seen)
    with refused("changed_meanwhile"):
        change_person(user, replace(wish_of(user), name="林越"), by=guan_li, seen=seen)


@pytest.mark.parametrize("name", ["林悦", "主管", "审计", "访客"])
def test_only_who_looks_after_people_changes_them(name: str, db: None) -> None:
    by, user = actor(name), user_of("周航")
    with refused("not_permitted"):
        change_person(user, replace(wish_of(user), name="周"), by=by)
    with refused("not_permitted"):
        deactivate(user, by=by)
    with refused("not_permitted"):
        invite(zhao_min(), by=by)
    user.refresh_from_db()
    assert (user.name, user.is_active) == ("周航", True)


def test_nobody_gives_a_role_that_holds_more_than_he(db: None) -> None:
    by = keeper_of_people("主管")
    with refused("more_than_held"):
        invite(replace(zhao_min(), roles=(role("admin"),)), by=by)
    with refused("more_than_held"):
        change_person(user_of("林悦"), replace(wish_of(user_of("林悦")), roles=(role("admin"),)), by=by)
    with refused("more_than_held"):
        change_person(user_of("主管"), replace(wish_of(user_of("主管")), roles=(role("admin"), role("manager"))), by=by)
    assert invite(zhao_min(), by=by).roles.get().code == "sales"


def test_nobody_gets_hold_of_the_log_in_of_one_above_him(db: None, web: LogIn) -> None:
    by, admin = keeper_of_people("主管"), user_of("管理员")
    with refused("more_than_held"):
        change_person(admin, replace(wish_of(admin), email="zhuguan@hengli.example"), by=by)
    with refused("more_than_held"):
        change_person(admin, replace(wish_of(admin), username="boss"), by=by)
    with refused("more_than_held"):
        require_not_above(by, admin)
    assert web("主管").post(f"/settings/people/{admin.pk}/link").refused == "more_than_held"
    assert web("主管").post(f"/settings/people/{admin.pk}/lost-phone").refused == "more_than_held"
    assert not JoinLink.objects.exists()


def test_the_house_is_never_without_somebody_who_looks_after_it(db: None, guan_li: Actor) -> None:
    admin = user_of("管理员")
    with refused("not_yourself"):
        deactivate(admin, by=guan_li)
    with refused("last_keeper_of", label="org.people"):
        change_person(admin, replace(wish_of(admin), roles=()), by=guan_li)
    waiting = invite(replace(zhao_min(), roles=(role("admin"),)), by=guan_li)
    with refused("last_keeper_of"):  # one who has not come yet looks after nothing
        change_person(admin, replace(wish_of(admin), roles=()), by=guan_li)
    User.objects.filter(pk=waiting.pk).update(invited_at=None)
    change_person(admin, replace(wish_of(admin), roles=()), by=guan_li)
    assert not actor("管理员").may("org.people", "change")


def test_an_undo_follows_the_same_rules(db: None, guan_li: Actor) -> None:
    second = invite(replace(zhao_min(), roles=(role("admin"),)), by=guan_li)
    User.objects.filter(pk=second.pk).update(invited_at=None)
    admin = user_of("管理员")
    change_person(admin, replace(wish_of(admin), roles=()), by=actor("赵敏"))
    by = keeper_of_people("主管")
    change = last_change_of(person_sheet(admin).pk)
    assert change
    with pytest.raises(Refused) as said:  # giving the role back is giving it
        undo_change(change, by=by)
    assert said.value.code == "more_than_held"
    assert not actor("管理员").may("org.people", "change")


def test_two_administrators_cannot_let_each_other_go_at_once(committed: Company) -> None:
    second = invite(replace(zhao_min(), roles=(role("admin"),)), by=actor("管理员"))
    User.objects.filter(pk=second.pk).update(invited_at=None)
    pairs = [(user_of("管理员"), actor("赵敏")), (user_of("赵敏"), actor("管理员"))]
    codes: list[str] = []

    def go(user: User, by: Actor) -> None:
        try:
            deactivate(user, by=by)
            codes.append("done")
        except Refused as refusal:
            codes.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["done", "last_keeper_of"]
    assert User.objects.filter(is_active=True, roles__code="admin").count() == 1


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"name": "  "}, "required", "name"), ({"username": "a b"}, "invalid_value", "username"), ({"email": "nobody"}, "invalid_value", "email"),
        ({"username": "LINYUE"}, "taken", "username"), ({"home": 1, "teams": ()}, "invalid_value", "home"), ({"language": "fr"}, "invalid_value", "language"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(change: dict[str, object], code: str, field: str, db: None, guan_li: Actor) -> None:
    with refused(code, field=field):
        invite(replace(zhao_min(), **change), by=guan_li)  # type: ignore[arg-type]


def test_one_mail_belongs_to_one_person(db: None, guan_li: Actor) -> None:
    invite(zhao_min(), by=guan_li)
    with refused("taken", field="email"):
        invite(replace(zhao_min(), username="other", email="ZhaoMin@Hengli.example"), by=guan_li)


def test_letting_go_says_what_is_left_and_coming_back_brings_all(db: None, guan_li: Actor, lin_yue: Actor, web: LogIn) -> None:
    for number in range(3):
        customer(f"虹口{number}", lin_yue.user_id, lin_yue.home_team)
    user = user_of("林悦")
    asked = web("管理员").part(f"/settings/people/{user.pk}/let-go").text
    assert f'href="/customers/?owner.is={user.pk}"' in asked
    assert "客户 3 家" in asked
    before = wish_of(user)
    assert web("管理员").post(f"/settings/people/{user.pk}/let-go").status == 204
    assert not User.objects.get(pk=user.pk).is_active
    reactivate(user, by=guan_li)
    assert wish_of(user) == before


def test_a_lost_phone_is_taken_away_by_an_administrator(db: None, web: LogIn) -> None:
    user = person("林悦")
    browser = log_in(user)
    with_phone(browser)
    assert web("管理员").post(f"/settings/people/{user.pk}/lost-phone").status == 204
    assert not is_in(browser), "whoever holds the phone is out too"
    assert is_in(log_in(user))


def test_people_are_found_by_name_pinyin_user_name_and_mail(db: None, guan_li: Actor, web: LogIn) -> None:
    user = invite(zhao_min(), by=guan_li)
    for typed in ("赵敏", "zhaomin", "zm", "min@hengli", "趙敏"):
        page = web("管理员").get(f"/settings/people/?state=all&q={typed}").text
        assert f"/settings/people/{user.pk}/" in page, typed
        assert "林悦" not in page.partition("<tbody>")[2]
    assert f"/settings/people/{user.pk}/" not in web("管理员").get("/settings/people/").text  # has not joined


def test_the_list_goes_on_by_pages(db: None, web: LogIn) -> None:
    User.objects.bulk_create(User(username=f"u{number:03}", name=f"同名{number % 3}") for number in range(120))
    seen, path = [], "/settings/people/?q=同名"
    while path:
        page = web("管理员").part(path).text
        seen += re.findall(r"/settings/people/(\d+)/", page)
        onward = re.search(r'hx-get="(/settings/people/\?[^"]*after[^"]*)"', page)
        path = onward[1].replace("&amp;", "&") if onward else ""
    assert (len(seen), len(set(seen))) == (120, 120)


def test_who_may_only_look_sees_no_buttons(db: None, web: LogIn) -> None:
    looks = Role.objects.create(code="looks", name="看人的")
    Grant.objects.create(role=looks, label="org.people", verb="view", scope=Scope.ALL)
    user_of("访客").roles.add(looks)
    page = web("访客").get(f"/settings/people/{user_of('林悦').pk}/").text
    assert ("保存</button>" in page, '<fieldset class="zk-stack" disabled>' in page) == (False, True)
    assert web("访客").post(f"/settings/people/{user_of('林悦').pk}/", {"name": "林月"}).refused == "not_permitted"
