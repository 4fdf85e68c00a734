"""Two people edit one field: the second sees what it was, what it is, who changed it, and chooses."""

from __future__ import annotations

import re

import pytest

from tests.cast import actor, user_of
from tests.made import customer
from zhike.customers.models import Customer
from zhike.kernel.actions import change_record
from zhike.kernel.actor import Rule
from zhike.kernel.customfields.tables import CustomField
from zhike.kernel.fieldwork.actions import add_field
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.models import Change
from zhike.kernel.testing.web import Answer, Web
from zhike.org.models import FieldRule

TRADES = (("making", "制造", "Making", "", False), ("trade", "商贸", "Trade", "", False), ("med", "医疗", "Medical", "", False))


@pytest.fixture
def record(db: None) -> Customer:
    by = user_of("林悦")
    made = customer("常州精工", by.pk, by.memberships.get(is_home=True).team_id, city="常州")
    return change_record(made, {"grade": "low"}, by=actor("林悦"))


def says(page: Answer) -> dict[str, str]:
    """The values that the dialog sets side by side."""
    found = re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page.text)
    return {name: re.sub(r"<[^>]+>", "", value).strip() for name, value in found}


def save(record: Customer, name: str, value: object, was: str) -> Answer:
    """What the browser of 林悦 sends, who opened the editor before anybody else saved."""
    return Web(user=user_of("林悦")).post(f"/customers/{record.pk}/edit/{name}", {name: value, "version": record.version, "was": was})


def test_the_second_sees_all_three_values_in_words_and_who(record: Customer) -> None:
    change_record(Customer.objects.get(pk=record.pk), {"grade": "key"}, by=actor("主管"))
    page = save(record, "grade", "normal", "low")
    assert page.status == 409
    assert says(page) == {"原来": "低价值", "现在": "重要", "你的": "一般"}
    assert "主管" in page.text
    assert Customer.objects.get(pk=record.pk).grade == "key"


def test_his_own_is_saved_over_it_only_on_the_version_he_saw(record: Customer) -> None:
    change_record(Customer.objects.get(pk=record.pk), {"city": "苏州"}, by=actor("主管"))
    page = save(record, "city", "无锡", "常州")
    version, was = (re.search(f'name="{name}" value="([^"]*)"', page.text) for name in ("version", "was"))
    assert version
    assert was
    seen = Customer.objects.get(pk=record.pk)
    assert (int(version[1]), was[1]) == (seen.version, "苏州")
    change_record(seen, {"city": "南京"}, by=actor("主管"))  # and again, while he thinks
    again = Web(user=user_of("林悦")).post(f"/customers/{record.pk}/edit/city", {"city": "无锡", "version": version[1], "was": was[1]})
    assert (again.status, says(again)) == (409, {"原来": "苏州", "现在": "南京", "你的": "无锡"})
    fresh = Customer.objects.get(pk=record.pk)
    done = Web(user=user_of("林悦")).post(f"/customers/{record.pk}/edit/city", {"city": "无锡", "version": fresh.version, "was": "南京"})
    assert done.status == 200
    assert Customer.objects.get(pk=record.pk).city == "无锡"
    assert [c.actor_name for c in Change.objects.filter(object_id=record.pk).order_by("-at")[:3]] == ["林悦", "主管", "主管"]


def test_another_field_is_not_in_dispute(record: Customer) -> None:
    change_record(Customer.objects.get(pk=record.pk), {"city": "苏州"}, by=actor("主管"))
    assert save(record, "grade", "normal", "low").status == 200
    assert Customer.objects.values_list("city", "grade").get(pk=record.pk) == ("苏州", "normal")


def test_own_fields_of_one_and_of_several_choices(record: Customer) -> None:
    for name, key, kind in (("行业", "trade", "choice"), ("关注", "likes", "choices")):
        add_field("customers.customer", Wish(name=name, key=key, kind=kind, choices=TRADES), by=actor("管理员"))
    codes = [choice["code"] for choice in _choices("trade")]
    fresh = change_record(Customer.objects.get(pk=record.pk), {"cf_trade": codes[0], "cf_likes": codes[:1]}, by=actor("林悦"))
    change_record(Customer.objects.get(pk=record.pk), {"cf_trade": codes[1], "cf_likes": codes[:2]}, by=actor("主管"))
    page = save(fresh, "cf_trade", codes[2], codes[0])
    assert (page.status, says(page)) == (409, {"原来": "制造", "现在": "商贸", "你的": "医疗"})
    page = save(fresh, "cf_likes", codes[1:], str(codes[:1]))
    assert page.status == 409
    assert re.findall(r'name="cf_likes" value="([^"]*)"', page.text) == codes[1:]
    fresh = Customer.objects.get(pk=record.pk)
    assert save(fresh, "cf_likes", codes[1:], str(codes[:2])).status == 200
    assert Customer.objects.get(pk=record.pk).custom["likes"] == sorted(codes[1:])


def _choices(key: str) -> list[dict[str, str]]:
    choices: list[dict[str, str]] = CustomField.objects.get(key=key).choices
    return choices


def test_what_the_reader_may_not_see_is_not_told_by_the_dialog(record: Customer) -> None:
    for role in user_of("林悦").roles.all():
        FieldRule.objects.create(role=role, label="customers.customer", field="city", rule=Rule.MASKED)
    change_record(Customer.objects.get(pk=record.pk), {"city": "苏州市平江路"}, by=actor("管理员"))
    page = save(record, "city", "无锡", "常州")
    assert page.status in (403, 404)
    assert "苏州" not in page.text
