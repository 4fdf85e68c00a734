"""Teams are chosen by typing: also in a company of thousands of teams no page carries them all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from tests.cast import actor, user_of
from tests.made import customer
from zhike.kernel.screens.filters import FEW
from zhike.kernel.screens.pick_person import CHOICES
from zhike.kernel.screens.pick_team import FOLLOW, NONE, SAME, TeamField
from zhike.kernel.testing.web import Web
from zhike.org.models import Team

LogIn = Callable[[str], Web]
MANY = 300


@pytest.fixture
def crowd(db: None) -> list[Team]:
    """Very many teams."""
    return Team.objects.bulk_create(Team(name=f"支队{n:03}") for n in range(MANY))


def offered(text: str) -> list[str]:
    return re.findall(r'data-label="([^"]*)"', text)


def test_one_is_found_by_a_part_of_its_name(web: LogIn, crowd: list[Team]) -> None:
    assert offered(web("管理员").part("/teams/pick?q=队299").text) == ["支队299"]
    assert len(offered(web("管理员").part("/teams/pick?q=支队").text)) == CHOICES


def test_other_answers_are_offered_while_nothing_is_typed(web: LogIn, crowd: list[Team]) -> None:
    asked = "/teams/pick?answers=follow,same,none,other"
    assert offered(web("管理员").part(asked).text)[:3] == ["跟着新的负责人", "不变", "没有团队"]
    assert offered(web("管理员").part(f"{asked}&q=支队001").text) == ["支队001"]


def test_views_are_kept_for_ones_own_teams_alone(web: LogIn, crowd: list[Team]) -> None:
    assert offered(web("林悦").part("/teams/pick?views=customers&q=支队").text) == []
    assert len(offered(web("管理员").part("/teams/pick?views=customers&q=支队").text)) == CHOICES


def test_a_field_takes_ids_of_teams_and_its_own_answers(crowd: list[Team]) -> None:
    one = crowd[0].pk
    assert TeamField(FOLLOW, SAME, NONE).clean(str(one)) == one
    assert TeamField(FOLLOW, NONE).clean(FOLLOW) == FOLLOW
    assert TeamField(NONE).clean(NONE) is None
    assert TeamField(required=False).clean("") is None
    for wrong in ("", FOLLOW, "支队000", "-1", "9" * 30):
        with pytest.raises(ValidationError):
            TeamField(NONE).clean(wrong)


def test_no_page_carries_every_team(web: LogIn, crowd: list[Team]) -> None:
    made, last = customer("甲公司", user_of("林悦").pk, actor("林悦").home_team), crowd[-1]
    boss = web("管理员")
    for address in (
        "/customers/filter/team", f"/customers/bulk/transfer?ids={made.pk}", f"/customers/{made.pk}/edit/team",
        "/customers/views/new", "/customers/new",
    ):  # fmt: skip
        answer = boss.part(address)
        assert answer.status == 200, address
        assert answer.text.count("支队") == 0, address
    asked = boss.part(f"/customers/filter/team?team.in={last.pk}").text
    assert (asked.count("支队"), "data-adds" in asked) == (1, True)


def test_a_small_company_ticks_its_teams_at_once(web: LogIn, db: None) -> None:
    assert Team.objects.count() <= FEW
    page = web("管理员").part("/customers/filter/team").text
    assert Team.objects.order_by("name")[0].name in page
    assert "data-adds" not in page
