"""Teams are a tree that never closes a circle, and only an empty one goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cast import actor, user_of
from tests.made import customer
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.org.models import Membership, Team
from zhike.org.people.sheets import team_sheet
from zhike.org.people.teams import change_team, delete_team, make_team
from zhike.org.people.told import history_of
from zhike.org.people.tree import tree

LogIn = Callable[[str], Web]


def team(name: str) -> Team:
    return Team.objects.get(name=name)


def shape() -> list[tuple[str, int, int]]:
    return [(str(branch.team), branch.depth, branch.people) for branch in tree()]


def test_the_tree_as_it_stands(db: None) -> None:
    assert shape() == [("恒砺", 0, 3), ("华东区", 1, 1), ("上海组", 2, 3), ("华南区", 1, 1)]


def test_a_team_is_made_renamed_moved_and_all_of_it_undone(db: None, guan_li: Actor) -> None:
    made = make_team("宁波组", team("华东区").pk, by=guan_li)
    change = change_team(made, name="宁波一组", parent_id=team("华南区").pk, by=guan_li)
    assert change
    assert ("宁波一组", 2, 0) in shape()
    deed = history_of(team_sheet(made), guan_li)[0]
    assert [(str(step.what), step.before, step.after) for step in deed.steps] == [
        ("名称", "宁波组", "宁波一组"),
        ("上级", "华东区", "华南区"),
    ]
    undo_change(change, by=guan_li)
    made.refresh_from_db()
    assert (made.name, made.parent) == ("宁波组", team("华东区"))
    gone = delete_team(made, by=guan_li)
    assert not Team.objects.filter(name="宁波组").exists()
    undo_change(gone, by=guan_li)
    assert (team("宁波组").pk, team("宁波组").parent) == (made.pk, team("华东区"))


def test_moving_a_team_moves_who_sees_it(db: None, guan_li: Actor) -> None:
    assert team("上海组").pk in actor("主管").branch_ids
    change_team(team("上海组"), name="上海组", parent_id=team("华南区").pk, by=guan_li)
    assert team("上海组").pk not in actor("主管").branch_ids


def test_no_circle(db: None, guan_li: Actor) -> None:
    for below in ("恒砺", "华东区", "上海组"):
        with refused("team_circle"):
            change_team(team("恒砺"), name="恒砺", parent_id=team(below).pk, by=guan_li)
    assert team("恒砺").parent is None


def test_an_undo_closes_no_circle_either(db: None, guan_li: Actor) -> None:
    first = change_team(team("上海组"), name="上海组", parent_id=None, by=guan_li)
    assert first
    change_team(team("华东区"), name="华东区", parent_id=team("上海组").pk, by=guan_li)
    with pytest.raises(Refused) as said:
        undo_change(first, by=guan_li)
    assert said.value.code == "team_circle"


def test_only_an_empty_team_goes(db: None, guan_li: Actor, chen_mo: Actor, web: LogIn) -> None:
    with refused("team_in_use", people=1, teams=1):
        delete_team(team("华东区"), by=guan_li)
    customer("番禺丙", chen_mo.user_id, team("华南区").pk)
    Membership.objects.filter(team=team("华南区")).delete()
    with refused("team_in_use", people=0, teams=0, records=1):
        delete_team(team("华南区"), by=guan_li)
    assert "1 条记录" in web("管理员").part(f"/settings/teams/{team('华南区').pk}/delete").text
    assert Team.objects.count() == 4


def test_a_new_team_that_is_in_use_is_not_undone(db: None, guan_li: Actor) -> None:
    made = make_team("宁波组", None, by=guan_li)
    change = last_change_of(team_sheet(made).pk)
    assert change
    Membership.objects.create(user=user_of("访客"), team=made, is_home=False)
    with pytest.raises(Refused) as said:
        undo_change(change, by=guan_li)
    assert said.value.code == "team_in_use"
    assert team("宁波组") == made


@pytest.mark.parametrize(("name", "code"), [("", "required"), ("  ", "required"), ("上海组", "taken")])
def test_a_team_needs_a_name_of_its_own(name: str, code: str, db: None, guan_li: Actor) -> None:
    with refused(code, field="name"):
        make_team(name, None, by=guan_li)


@pytest.mark.parametrize("who", ["主管", "林悦", "访客"])
def test_only_who_looks_after_people_changes_teams(who: str, db: None) -> None:
    by = actor(who)
    with refused("not_permitted"):
        make_team("宁波组", None, by=by)
    with refused("not_permitted"):
        change_team(team("华南区"), name="南", parent_id=None, by=by)


def test_the_screens_do_the_same(db: None, web: LogIn) -> None:
    admin = web("管理员")
    assert admin.post("/settings/teams/new", {"name": "宁波组", "parent": team("华东区").pk}).status == 204
    assert "宁波组" in admin.get("/settings/teams/").text
    answer = admin.post(f"/settings/teams/{team('宁波组').pk}", {"name": "上海组", "parent": ""})
    assert (answer.status, "已经有叫这个名字的团队" in answer.text) == (422, True)
    done = admin.post(f"/settings/teams/{team('宁波组').pk}/delete")
    assert (done.status, Team.objects.filter(name="宁波组").exists()) == (204, False)
    admin.post(done.undo_url)
    assert team("宁波组").parent == team("华东区")
