"""Saved views as people use them: kept, changed on top, given to others, begun with, undone; never more than one may see."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.cast import actor, user_of
from tests.made import make
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.errors import Refused
from zhike.kernel.lists.pages import listing
from zhike.kernel.models import Preference
from zhike.kernel.registry import objects
from zhike.kernel.savedviews.actions import Naming, Shown, create_view, delete_view, rename_view, show_in_view, start_role
from zhike.kernel.savedviews.arranged import arrangement
from zhike.kernel.savedviews.asking import asked
from zhike.kernel.savedviews.tables import Audience, RoleStart, SavedView
from zhike.kernel.seen import seen
from zhike.kernel.testing.proofs import queries, refused
from zhike.kernel.testing.web import Answer, Web
from zhike.kernel.undo import undo_change
from zhike.org.models import FieldRule, Role, Team

LogIn = Callable[[str], Web]
LABEL = "customers.customer"
KEY_IN_SUZHOU = Shown(
    filters={"grade.in": "key", "city.in": "苏州"}, sort="-sales", columns=("name", "sales", "city"), widths={"name": 240}
)


def own(name: str = "苏州重要") -> Naming:
    return Naming(name=name)


def team(name: str, of: str) -> Naming:
    return Naming(name=name, audience=Audience.TEAM, team_id=Team.objects.get(name=of).pk)


def names(answer: Answer) -> set[str]:
    """The customers that a list shows."""
    return set(re.findall(r'aria-label="选择 ([^"]+)"', answer.text))


def tabs(answer: Answer) -> list[str]:
    """The views over a list, from left to right."""
    line = answer.text.partition('<nav class="zk-tabs"')[2].partition("</nav>")[0]
    return re.findall(r">([^<]+)<span", line)


def columns(answer: Answer) -> list[str]:
    return re.findall(r'<th scope="col" data-col="([^"]+)"', answer.text)


@pytest.fixture
def field(db: None) -> dict[str, Customer]:
    """Four customers of 林悦 and one of 陈默."""
    lin_yue, chen_mo = actor("林悦"), actor("陈默")
    facts = {"甲": ("key", "苏州", lin_yue), "乙": ("key", "无锡", lin_yue), "丙": ("low", "苏州", lin_yue), "丁": ("key", "苏州", chen_mo)}
    made = {}
    for name, (grade, city, owner) in facts.items():
        customer = make(LABEL, f"客户{name}", owner)
        Customer.objects.filter(pk=customer.pk).update(grade=grade, city=city)
        made[name] = Customer.objects.get(pk=customer.pk)
    return made


def test_a_list_is_kept_as_it_stands_and_comes_back_under_its_name(field: dict[str, Customer], web: LogIn) -> None:
    lin_yue = web("林悦")
    lin_yue.post("/customers/columns", {"column": ["name", "city"], "width.name": "300"})
    answer = lin_yue.post("/customers/views/new?grade.in=key&sort=-sales", {"name": "重要的", "audience": "own"})
    assert answer.toast == "已存成视图 重要的"
    view = SavedView.objects.get()
    assert (view.label, view.name, view.audience, view.owner_id) == (LABEL, "重要的", "own", user_of("林悦").pk)
    assert (view.filters, view.sort, view.columns, view.widths) == ({"grade.in": "key"}, "-sales", ["name", "city"], {"name": 300})
    assert answer.headers["HX-Location"] == f"/customers/?view={view.pk}"
    page = lin_yue.get(f"/customers/?view={view.pk}")
    assert names(page) == {"客户甲", "客户乙"}
    assert columns(page) == ["name", "city"]
    assert 'data-width="300"' in page.text
    assert "重要的" in tabs(page)
    assert "存到这个视图" not in page.text
    lin_yue.post(answer.undo_url)
    assert not SavedView.objects.exists()


def test_a_view_changed_on_top_can_be_put_back_or_stored(field: dict[str, Customer], web: LogIn) -> None:
    lin_yue = web("林悦")
    view = create_view(LABEL, own(), Shown(filters={"grade.in": "key"}), by=actor("林悦"))
    page = lin_yue.get(f"/customers/?view={view.pk}&city.in=无锡")
    assert names(page) == {"客户乙"}
    assert "存到这个视图" in page.text
    assert f'href="/customers/?view={view.pk}">还原</a>' in page.text
    without = re.search(r'class="x" href="([^"]+)"', page.text)
    assert without is not None
    alone = lin_yue.get(without[1].replace("&amp;", "&"))
    assert names(alone) == {"客户乙"}, "the grade of the view went, the city stayed"
    stored = lin_yue.post(f"/customers/views/{view.pk}/save?view={view.pk}&city.in=无锡")
    assert SavedView.objects.get().filters == {"grade.in": "key", "city.in": "无锡"}
    lin_yue.post(stored.undo_url)
    assert SavedView.objects.get().filters == {"grade.in": "key"}


def test_rows_count_and_file_are_those_of_the_view(field: dict[str, Customer], web: LogIn) -> None:
    view = create_view(LABEL, own(), KEY_IN_SUZHOU, by=actor("林悦"))
    lin_yue = web("林悦")
    assert re.sub(r"\D", "", lin_yue.part(f"/customers/count?view={view.pk}").text) == "1"
    assert names(lin_yue.part(f"/customers/rows?view={view.pk}")) == {"客户甲"}
    file = lin_yue.get(f"/customers/export?format=csv&view={view.pk}").text.lstrip("\ufeff").splitlines()
    assert file == ["客户名称,累计销售额（元）,城市", "客户甲,0.0000,苏州"]


def test_a_view_for_everybody_shows_each_reader_only_his_own(field: dict[str, Customer], web: LogIn) -> None:
    view = create_view(LABEL, Naming(name="重要", audience=Audience.ALL), Shown(filters={"grade.in": "key"}), by=actor("管理员"))
    seen_by = {name: names(web(name).get(f"/customers/?view={view.pk}")) for name in ("林悦", "陈默", "审计")}
    assert seen_by == {"林悦": {"客户甲", "客户乙"}, "陈默": {"客户丁"}, "审计": {"客户甲", "客户乙", "客户丁"}}
    assert web("访客").get(f"/customers/?view={view.pk}").status == 403


def test_me_in_a_view_is_whoever_reads_it(field: dict[str, Customer], web: LogIn) -> None:
    view = create_view(LABEL, Naming(name="各自的", audience=Audience.ALL), Shown(filters={"owner.is": "me"}), by=actor("管理员"))
    assert names(web("林悦").get(f"/customers/?view={view.pk}")) == {"客户甲", "客户乙", "客户丙"}
    assert names(web("陈默").get(f"/customers/?view={view.pk}")) == {"客户丁"}
    assert names(web("管理员").get(f"/customers/?view={view.pk}")) == set()


def test_a_field_that_the_reader_may_not_see_is_left_out_and_told(field: dict[str, Customer], web: LogIn) -> None:
    view = create_view(LABEL, Naming(name="重要", audience=Audience.ALL), KEY_IN_SUZHOU, by=actor("管理员"))
    FieldRule.objects.create(role=Role.objects.get(code="sales"), label=LABEL, field="grade", rule=Rule.HIDDEN)
    page = web("林悦").get(f"/customers/?view={view.pk}")
    assert names(page) == {"客户甲", "客户丙"}
    assert "这个视图里有你看不到、或已经没有的：等级，没有用上" in page.text
    assert "存到这个视图" not in page.text
    hidden_sort = create_view(
        LABEL, Naming(name="旧的", audience=Audience.ALL), Shown(filters={"shoe_size.in": "42"}, sort="-weight"), by=actor("管理员")
    )
    assert names(web("陈默").get(f"/customers/?view={hidden_sort.pk}")) == {"客户丁"}


def test_storing_into_a_view_keeps_what_the_reader_does_not_see(field: dict[str, Customer], web: LogIn) -> None:
    role = Role.objects.get(code="team_sales")
    view = create_view(LABEL, team("组里的", "上海组"), KEY_IN_SUZHOU, by=actor("组员"))
    FieldRule.objects.create(role=role, label=LABEL, field="grade", rule=Rule.HIDDEN)
    web("组员").post(f"/customers/views/{view.pk}/save?view={view.pk}&only=1&city.in=无锡")
    assert SavedView.objects.get().filters == {"grade.in": "key", "city.in": "无锡"}


def test_who_sees_a_view_of_a_team(db: None) -> None:
    east = create_view(LABEL, team("华东的", "华东区"), KEY_IN_SUZHOU, by=actor("主管"))
    shanghai = create_view(LABEL, team("上海的", "上海组"), KEY_IN_SUZHOU, by=actor("组员"))
    mine = create_view(LABEL, own("我的"), KEY_IN_SUZHOU, by=actor("林悦"))
    shown = {
        name: set(SavedView.objects.visible_to(actor(name)).values_list("pk", flat=True))
        for name in ("林悦", "周航", "主管", "陈默", "管理员")
    }
    assert shown == {
        "林悦": {east.pk, shanghai.pk, mine.pk},
        "周航": {east.pk, shanghai.pk},
        "主管": {east.pk, shanghai.pk},
        "陈默": set(),
        "管理员": {east.pk, shanghai.pk},
    }
    spec = objects.get(LABEL)
    assert str(shanghai.pk) in arrangement(spec, actor("主管")).hidden, "a view of a team below is in the menu, not among the tabs"


@pytest.mark.parametrize(
    ("who", "where"), [("林悦", "上海组"), ("组员", "华东区"), ("主管", "华南区"), ("审计", "上海组"), ("陈默", "华南区")]
)
def test_a_team_is_served_by_those_who_may_change_all_its_records(who: str, where: str, db: None) -> None:
    with refused("not_permitted"):
        create_view(LABEL, team("不行", where), KEY_IN_SUZHOU, by=actor(who))


@pytest.mark.parametrize("who", ["林悦", "组员", "主管", "审计"])
def test_everybody_is_served_by_those_who_look_after_fields(who: str, db: None) -> None:
    with refused("not_permitted"):
        create_view(LABEL, Naming(name="不行", audience=Audience.ALL), KEY_IN_SUZHOU, by=actor(who))
    view = create_view(LABEL, Naming(name="公司的", audience=Audience.ALL), KEY_IN_SUZHOU, by=actor("管理员"))
    with refused("not_permitted"):
        show_in_view(view, Shown(), by=actor(who))
    with refused("not_permitted"):
        delete_view(view, by=actor(who))


def test_a_view_of_ones_own_is_nobody_elses(lin_yue: Actor, zhou_hang: Actor, web: LogIn) -> None:
    view = create_view(LABEL, own(), KEY_IN_SUZHOU, by=lin_yue)
    for rule in (lambda: show_in_view(view, Shown(), by=zhou_hang), lambda: rename_view(view, own("我的了"), by=zhou_hang), lambda: delete_view(view, by=zhou_hang)):  # fmt: skip
        with refused("not_permitted"):
            rule()
    for path in ("edit", "save", "copy", "delete", "favourite", "start", "hide"):
        assert web("管理员").post(f"/customers/views/{view.pk}/{path}").refused == "view_gone", path
    assert web("管理员").get(f"/customers/?view={view.pk}").refused == "view_gone"
    spec = objects.get(LABEL)
    with pytest.raises(Refused, match="view_gone"):
        asked(spec, zhou_hang, arrangement(spec, zhou_hang), {"view": str(view.pk)})


def test_a_view_is_renamed_shared_copied_and_deleted_with_a_way_back(field: dict[str, Customer], web: LogIn) -> None:
    member = web("组员")
    view = create_view(LABEL, own("初稿"), KEY_IN_SUZHOU, by=actor("组员"))
    home = Team.objects.get(name="上海组").pk
    done = member.post(f"/customers/views/{view.pk}/edit", {"name": "上海重要", "audience": "team", "team": str(home)})
    assert (done.status, done.toast) == (204, "已保存")
    assert "上海重要" in tabs(web("林悦").get("/customers/"))
    assert member.post(f"/customers/views/{view.pk}/edit", {"name": "全体", "audience": "all"}).status == 422
    assert web("林悦").post(f"/customers/views/{view.pk}/save?view={view.pk}").refused == "not_permitted"
    assert web("林悦").post(f"/customers/views/{view.pk}/copy").toast == "已复制成 上海重要 副本"
    copied = SavedView.objects.get(name="上海重要 副本")
    assert (copied.audience, copied.owner_id, copied.filters) == ("own", user_of("林悦").pk, KEY_IN_SUZHOU.filters)
    gone = member.post(f"/customers/views/{view.pk}/delete")
    assert gone.toast == "已删除视图 上海重要"
    assert not SavedView.objects.filter(pk=view.pk).exists()
    member.post(gone.undo_url)
    assert SavedView.objects.get(pk=view.pk).name == "上海重要"


def test_deleting_takes_the_starts_of_roles_along_and_undo_brings_them_back(guan_li: Actor, db: None) -> None:
    view = create_view(LABEL, Naming(name="销售用", audience=Audience.ALL), KEY_IN_SUZHOU, by=guan_li)
    start_role(LABEL, Role.objects.get(code="sales").pk, str(view.pk), by=guan_li)
    change = delete_view(view, by=guan_li)
    assert not RoleStart.objects.exists()
    undo_change(change, by=guan_li)
    assert RoleStart.objects.get().view_key == str(SavedView.objects.get().pk)


def test_a_list_begins_where_its_reader_or_his_role_begins(field: dict[str, Customer], guan_li: Actor, web: LogIn) -> None:
    lin_yue = web("林悦")
    assert names(lin_yue.get("/customers/")) == {"客户甲", "客户乙", "客户丙"}
    view = create_view(LABEL, Naming(name="销售用", audience=Audience.ALL), Shown(filters={"city.in": "苏州"}), by=guan_li)
    sales = str(Role.objects.get(code="sales").pk)
    assert web("林悦").post(f"/customers/views/{view.pk}/roles", {"role": [sales]}).refused == "not_permitted"
    assert web("管理员").post(f"/customers/views/{view.pk}/roles", {"role": [sales]}).status == 204
    assert names(lin_yue.get("/customers/")) == {"客户甲", "客户丙"}
    assert names(lin_yue.get("/customers/?view=all")) == {"客户甲", "客户乙", "客户丙"}
    assert names(lin_yue.get("/customers/?grade.in=key")) == {"客户甲", "客户乙"}, (
        "an address that asks for something is answered as it stands"
    )
    mine = create_view(LABEL, own("低价值"), Shown(filters={"grade.in": "low"}), by=actor("林悦"))
    lin_yue.post(f"/customers/views/{mine.pk}/start")
    assert names(lin_yue.get("/customers/")) == {"客户丙"}
    assert names(web("陈默").get("/customers/")) == {"客户丁"}


def test_tabs_are_put_in_order_and_hidden_by_each_for_himself(field: dict[str, Customer], web: LogIn) -> None:
    lin_yue = web("林悦")
    view = create_view(LABEL, own("苏州"), Shown(filters={"city.in": "苏州"}), by=actor("林悦"))
    assert tabs(lin_yue.get("/customers/")) == ["全部", "我的", "重要客户", "三个月没下单", "没有负责人", "苏州"]
    lin_yue.post("/customers/views/order", {"key": [str(view.pk), "all", "mine", "nonsense"]})
    assert tabs(lin_yue.get("/customers/"))[:3] == ["苏州", "全部", "我的"]
    lin_yue.post("/customers/views/mine/hide")
    page = lin_yue.get("/customers/")
    assert "我的" not in tabs(page)
    assert 'href="/customers/?view=mine">我的</a>' in page.text
    assert tabs(web("周航").get("/customers/"))[:2] == ["全部", "我的"]
    lin_yue.post("/customers/views/", {"reset": "1"})
    assert tabs(lin_yue.get("/customers/"))[0] == "全部"


def test_columns_and_widths_belong_to_one_person_and_one_view(field: dict[str, Customer], web: LogIn) -> None:
    lin_yue = web("林悦")
    view = create_view(LABEL, own(), KEY_IN_SUZHOU, by=actor("林悦"))
    at = f"?view={view.pk}"
    lin_yue.post(f"/customers/columns/move{at}", {"column": ["city", "name", "sales"]})
    lin_yue.post(f"/customers/columns/width{at}", {"column": "city", "width": "5"})
    page = lin_yue.get(f"/customers/{at}")
    assert columns(page) == ["city", "name", "sales"]
    assert 'data-col="city" data-width="56"' in page.text
    assert "存到这个视图" in page.text
    assert columns(lin_yue.get("/customers/?view=all"))[:2] == ["name", "grade"]
    lin_yue.post(f"/customers/views/{view.pk}/save{at}")
    stored = SavedView.objects.get()
    assert (stored.columns, stored.widths) == (["city", "name", "sales"], {"name": 240, "city": 56})
    assert not Preference.objects.filter(key__startswith="columns:").exists()
    assert lin_yue.post(f"/customers/columns/width{at}", {"column": "password", "width": "90"}).refused == "field_unknown"


def test_favourites_stand_in_the_rail_and_are_counted_afterwards(field: dict[str, Customer], web: LogIn) -> None:
    lin_yue = web("林悦")
    view = create_view(LABEL, own("苏州重要"), KEY_IN_SUZHOU, by=actor("林悦"))
    assert "苏州重要" in lin_yue.post(f"/customers/views/{view.pk}/favourite").text
    assert f'href="/customers/?view={view.pk}" title="苏州重要"' in lin_yue.get("/").text
    assert lin_yue.part("/views/counts").text.strip() == f'<span class="n" id="f-customers-{view.pk}" hx-swap-oob="true">1</span>'
    counted = lin_yue.part("/customers/views/counts").text
    assert 'id="n-all" hx-swap-oob="true">3<' in counted
    assert 'id="n-mine" hx-swap-oob="true">3<' in counted
    lin_yue.post(f"/customers/views/{view.pk}/favourite")
    assert "rail-favourites" in lin_yue.get("/").text
    assert "苏州重要" not in lin_yue.get("/").text


def test_twenty_views_cost_no_more_queries_than_none(field: dict[str, Customer], web: LogIn) -> None:
    lin_yue = web("林悦")
    lin_yue.get("/customers/")
    with queries() as none:
        lin_yue.get("/customers/")
    views = [create_view(LABEL, own(f"视图{number}"), KEY_IN_SUZHOU, by=actor("林悦")) for number in range(20)]
    with queries() as twenty:
        page = lin_yue.get("/customers/")
    assert twenty.count == none.count
    assert len(tabs(page)) == 12
    assert "更多 13" in page.text
    assert names(lin_yue.get(f"/customers/?view={views[3].pk}")) == {"客户甲"}


def test_what_a_type_offers_each_reader_is_what_a_view_may_use(db: None) -> None:
    spec = seen(objects.get(LABEL), actor("林悦"))
    kept = arrangement(spec, actor("林悦"))
    one = asked(spec, actor("林悦"), kept, {"view": "mine", "city.in": "苏州"})
    assert one.address() == {"view": "mine", "city.in": "苏州"}
    assert one.address(filters={}) == {"view": "mine", "only": "1"}
    assert one.params == {"view": "mine", "only": "1", "owner.is": "me", "city.in": "苏州"}
    with pytest.raises(Refused, match="unknown_filter"):
        listing(spec, actor("林悦"), asked(spec, actor("林悦"), kept, {"view": "mine", "shoe_size.in": "42"}).params)
