"""Customers and contacts from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel.followups import FollowUp, add_followup
from zhike.kernel.history import kind_of
from zhike.kernel.imports.declared import declared_entity
from zhike.kernel.imports.targets import (
    Derive,
    Entity,
    ImportField,
    ImportTarget,
    Key,
    Names,
    Step,
    StepScope,
    add_target,
)
from zhike.kernel.imports.values import FieldShape, Kind
from zhike.kernel.later import Later
from zhike.kernel.registry import objects
from zhike.kernel.search.many import refresh_selected
from zhike.kernel.text.names import name_keys
from zhike.kernel.text.pinyin import sort_keys
from zhike.org.importing import OWNER

from .models import Contact, Customer

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

KINDS = {
    "公司": "company", "企业": "company", "单位": "company", "机构": "company", "组织": "company", "business": "company", "organization": "company",
    "个人": "person", "自然人": "person", "个体": "person", "消费者": "person", "individual": "person", "consumer": "person",
}  # fmt: skip
GRADES = {
    "重要": "key", "重要客户": "key", "A": "key", "VIP": "key", "潜力": "potential", "B": "potential",
    "一般": "normal", "普通": "normal", "C": "normal", "低价值": "low", "D": "low",
}  # fmt: skip
CALENDARS = {"公历": "solar", "阳历": "solar", "农历": "lunar", "阴历": "lunar"}
SPLIT_TAGS = "[,，;；、|]"


def text(length: int) -> FieldShape:
    return FieldShape(kind=Kind.TEXT, max_length=length)


FIELDS = (
    ImportField(
        name="code", title=_("客户编号"), shape=FieldShape(kind=Kind.CODE, max_length=60), weight=1.1,
        names=("客户编号", "客户 ID", "客户编码", "客户代码", "会员编号", "会员号", "会员ID", "用户ID", "买家ID", "customer id", "customer code", "customer number",
               "customer no", "cust id", "client id", "account id", "master_id", "user id", "member id", "buyer id"),
    ),
    ImportField(
        name="name", title=_("客户名称"), shape=text(200),
        names=("客户名称", "客户名", "客户姓名", "公司名称", "企业名称", "单位名称", "姓名", "客户", "会员名称", "会员姓名", "买家", "名称", "customer name", "customer", "company",
               "company name", "account name", "account", "client name", "full name", "name", "buyer name"),
    ),
    ImportField(
        name="kind", title=_("类型"), shape=FieldShape(kind=Kind.CHOICE, choices=KINDS), weight=0.95,
        names=("客户类型", "类型", "customer type", "type", "kind"),
    ),
    ImportField(
        name="phone", title=_("电话"), shape=FieldShape(kind=Kind.PHONE, max_length=40), raw="phone_raw",
        names=("电话", "手机", "手机号", "手机号码", "联系电话", "电话号码", "客户电话", "联系方式", "phone", "mobile", "telephone", "tel", "phone number", "cell"),
    ),
    ImportField(
        name="email", title=_("邮箱"), shape=FieldShape(kind=Kind.EMAIL, max_length=200),
        names=("邮箱", "电子邮箱", "电子邮件", "邮件", "email", "e-mail", "mail", "email address"),
    ),
    ImportField(name="wechat", title=_("微信"), shape=text(60), names=("微信", "微信号", "wechat", "wechat id", "weixin")),
    ImportField(
        name="grade", title=_("等级"), shape=FieldShape(kind=Kind.CHOICE, choices=GRADES),
        names=("等级", "客户等级", "客户级别", "级别", "grade", "level", "tier"),
    ),
    ImportField(
        name="category", title=_("细分"), shape=text(60), names=("细分", "客户细分", "客户分类", "客户类别", "segment", "customer segment", "customer category"),
    ),
    ImportField(name="source", title=_("来源"), shape=text(60), names=("来源", "客户来源", "source", "lead source")),
    ImportField(name="industry", title=_("行业"), shape=text(60), names=("行业", "所属行业", "industry", "sector")),
    ImportField(name="country", title=_("国家"), shape=text(60), weight=0.9, names=("国家", "国家/地区", "country", "office location")),
    ImportField(name="region", title=_("地区"), shape=text(60), weight=0.9, names=("地区", "区域", "大区", "region", "area")),
    ImportField(name="province", title=_("省份"), shape=text(60), weight=0.9, names=("省份", "省", "省/自治区", "省市", "province", "state")),
    ImportField(name="city", title=_("城市"), shape=text(60), weight=0.9, names=("城市", "市", "所在城市", "city", "town")),
    ImportField(name="district", title=_("区县"), shape=text(60), names=("区县", "区", "县", "district", "county")),
    ImportField(name="address", title=_("地址"), shape=text(300), names=("地址", "详细地址", "联系地址", "通讯地址", "address", "street address")),
    ImportField(
        name="credit_code", title=_("信用代码"), shape=FieldShape(kind=Kind.CODE, max_length=18),
        names=("统一社会信用代码", "信用代码", "税号", "纳税人识别号", "credit code", "tax id"),
    ),
    ImportField(name="birthday", title=_("生日"), shape=FieldShape(kind=Kind.DATE), names=("生日", "出生日期", "birthday", "date of birth", "dob")),
    ImportField(
        name="birthday_calendar", title=_("生日历法"), shape=FieldShape(kind=Kind.CHOICE, choices=CALENDARS), names=("生日历法", "历法", "birthday calendar"),
    ),
    ImportField(
        name="remark", title=_("备注"), shape=FieldShape(kind=Kind.LONG_TEXT), weight=0.9, names=("备注", "说明", "客户备注", "remark", "remarks", "notes", "comment"),
    ),
    ImportField(
        name="owner", title=_("负责人"), shape=text(150), is_stored=False, lookup=OWNER,
        names=("负责人", "业务员", "销售", "销售人员", "客户经理", "跟进人", "owner", "sales rep", "account manager", "salesperson"),
    ),
    ImportField(
        name="tags", title=_("标签"), shape=text(1000), is_stored=False, names=("标签", "客户标签", "tags", "tag", "labels"),
    ),
)  # fmt: skip
SHORT = ("code", "name", "kind", "phone", "email", "category", "credit_code", "owner")
PLACES = ("country", "region", "province", "city")


def _keys(frame: pl.DataFrame) -> pl.DataFrame:
    names = frame["name"].to_list()
    kinds = frame["kind"].to_list()
    people = [kind == "person" for kind in kinds]
    return pl.DataFrame(
        {"name_key": [key[:200] for key in name_keys(names, kinds)], "sort_key": [key[:200] for key in sort_keys(names, people)]},
        schema={"name_key": pl.String, "sort_key": pl.String},
    )


def _name_keys(staged: Mapping[str, pl.Series]) -> pl.Series:
    names = staged["customer.name"]
    known = staged.get("customer.kind")
    kinds: list[Any] = known.fill_null("company").to_list() if known is not None else ["company"] * names.len()
    keys = name_keys(names.fill_null("").to_list(), kinds)
    return pl.Series("name_key", [key[:200] or None for key in keys], dtype=pl.String)


def _on_create(mapped: Names) -> dict[str, str]:
    found = {"name": 's."customer.code"'} if "customer.code" in mapped else {}
    if "customer.name" not in mapped and "customer.phone" in mapped and not found:
        found = {"name": 's."customer.phone"'}
    # A customer first met in an order lives where the goods went, until somebody knows better.
    return found | {place: f's."order.{place}"' for place in PLACES if f"order.{place}" in mapped}


def customer_entity(*, is_short: bool = False) -> Entity:
    """A customer, told apart by code, else credit code, else phone; by name only when nothing else is there or asked for."""
    return Entity(
        name="customer",
        model=Customer,
        fields=tuple(one for one in FIELDS if one.name in SHORT) if is_short else FIELDS,
        is_short=is_short,
        keys=(
            Key(name="code", columns=("code",)),
            Key(name="credit_code", columns=("credit_code",), is_unique=False),
            Key(name="phone", columns=("phone",), is_unique=False),
            Key(name="name", columns=("name_key", "name"), is_unique=False, is_last_resort=True),
        ),
        on_create=_on_create,
        required=("name",),
        makes={"name_key": ("name", _name_keys)},
        derive=Derive(reads=("name", "kind"), writes=("name_key", "sort_key"), make=_keys),
    )


def contact_entity() -> Entity:
    """A contact of the customer in the same row, told apart by name; the customer is searched by it too."""
    key = Key(name="name", columns=("customer_id", "name"), is_unique=False, is_strict=False)
    return replace(declared_entity(objects.of(Contact)), keys=(key,), refresh="customer_id")


SQL_NEW_TAGS = """
insert into customers_tag (name) select distinct left(btrim(w), 40) from {stage} s
cross join lateral regexp_split_to_table(s."customer.tags", %(split)s) w
where s.row_no > %(lo)s and s.row_no <= %(hi)s and not s.dead and btrim(w) <> '' on conflict do nothing
"""
SQL_TAG_CUSTOMERS = """
insert into customers_customertag (customer_id, tag_id)
select distinct c.id, t.id from {stage} s join customers_customer c on c.{column} = s."customer.{column}"
cross join lateral regexp_split_to_table(s."customer.tags", %(split)s) w join customers_tag t on t.name = left(btrim(w), 40)
where s.row_no > %(lo)s and s.row_no <= %(hi)s and not s.dead
and not exists (select 1 from customers_customertag x where x.customer_id = c.id and x.tag_id = t.id)
"""


def _write_tags(cursor: Any, scope: StepScope, lo: int, hi: int) -> int:
    """Tags of the file are added to those a customer has; none is taken away."""
    values = {"split": SPLIT_TAGS, "lo": lo, "hi": hi}
    stage = f'"{scope.stage}"'
    cursor.execute(SQL_NEW_TAGS.format(stage=stage), values)
    column = next((name for name in ("code", "credit_code", "phone", "name") if f"customer.{name}" in scope.mapped), "code")
    cursor.execute(SQL_TAG_CUSTOMERS.format(stage=stage, column=column), values)
    return int(cursor.rowcount)


TOUCHED_BY_CONTACTS = """
select coalesce(c.customer_id, (h.old->>'customer_id')::uuid) as id
from kernel_history h left join customers_contact c on c.id = h.object_id where h.change_id = %(change)s and h.kind = {contact}
"""


def _refresh_words(cursor: Any, table: str, lo: int, hi: int) -> int:
    """Customers are found by the names and phones of their contacts."""
    del cursor
    refresh_selected(Customer, f'select id from "{table}" where n > {int(lo)} and n <= {int(hi)}')
    return hi - lo


add_followup(
    FollowUp(
        name="customer_words", touched=lambda: TOUCHED_BY_CONTACTS.format(contact=kind_of(Contact)), apply=_refresh_words, done_by_import=True,
    )
)  # fmt: skip
add_target(
    ImportTarget(
        name="customers",
        title=_("客户"),
        main="customer",
        entities=(customer_entity(), contact_entity()),
        steps=(Step(name="tags", needs="customer.tags", apply=_write_tags),),
        rank=10,
    )
)
add_target(
    ImportTarget(
        name="contacts",
        title=_("联系人"),
        main="contact",
        entities=(customer_entity(is_short=True), contact_entity()),
        rank=40,
    )
)
