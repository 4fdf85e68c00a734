"""What the company of the browser stories holds: eighty customers, a product, orders, and the people of the log-in page."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone

from tests.cast import user_of
from tests.made import MAKERS, customer, findable
from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.demo.logins import DEMO_LOGINS, DEMO_PASSWORD
from zhike.kernel.models import Record
from zhike.kernel.text.names import name_key
from zhike.kernel.text.pinyin import sort_key
from zhike.orders.models import Order, OrderLine
from zhike.orders.totals import refresh_facts, refresh_totals
from zhike.org.models import Membership, Role, Team, User

PLACES = ("苏州", "无锡", "常州", "南京", "宁波", "杭州", "合肥", "上海")
TRADES = ("恒远机电", "精工轴承", "永利气动", "华盛铸造", "瑞丰液压", "东升电缆", "宏达模具", "金石泵业", "安泰阀门", "立信仪表")


def fill() -> None:
    """Write it all; deterministic but for the days, which count back from today."""
    _people()
    owner, mate = user_of("林悦"), user_of("周航")
    team = Membership.objects.get(user=owner).team_id
    made = [_customer(number, (mate if number % 5 == 4 else owner).pk, team) for number in range(80)]
    goods = MAKERS["catalog.product"]("空压机 37kW", None, None)
    assert isinstance(goods, Product)
    for number, buyer in enumerate(made[:40]):
        _order(number, buyer, goods, timezone.now() - dt.timedelta(days=(3, 7, 31, 95)[number % 4], hours=2))
    with connection.cursor() as cursor:
        refresh_totals(cursor, "select id from orders_order")
        refresh_facts(cursor, "select id from customers_customer")
        cursor.execute("analyze")
    findable(made)
    findable([goods])


def _customer(number: int, owner: int, team: int) -> Customer:
    name = f"{PLACES[number % 8]}{TRADES[number // 8]}有限公司"
    return customer(
        name,
        owner,
        team,
        name_key=name_key(name, "company"),
        sort_key=sort_key(name),
        city=PLACES[number % 8],
        grade=("key", "potential", "normal", "low", "")[number % 5],
        phone=f"+861381234{number:04d}",
        code=f"C{number:04d}",
        updated_at=timezone.now() - dt.timedelta(minutes=number),
    )


def _order(number: int, buyer: Customer, goods: Record, at: dt.datetime) -> None:
    made = Order.objects.create(number=f"SO{number:05d}", customer=buyer, ordered_at=at, owner_id=buyer.owner_id, team_id=buyer.team_id)
    amount = Decimal(1000 + 37 * number)
    OrderLine.objects.create(order=made, line_key="1", product_id=goods.pk, quantity=Decimal(2), unit_price=amount / 2, amount=amount)


def _people() -> None:
    password = make_password(DEMO_PASSWORD)
    home = Team.objects.get(name="恒砺")
    for login in DEMO_LOGINS:
        user, is_new = User.objects.get_or_create(username=login.username, defaults={"name": login.name})
        User.objects.filter(pk=user.pk).update(password=password)
        if is_new:
            Membership.objects.create(user=user, team=home)
            user.roles.add(Role.objects.get(code=login.role))
