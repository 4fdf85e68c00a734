"""How customers are listed, shown, found and told about."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.kernel.declaring import columns, filters
from zhike.kernel.errors import Refused
from zhike.kernel.lists.conditions import batch_filter, shared_filter
from zhike.kernel.policy import follows, owned, part_of, set_policy
from zhike.kernel.registry import objects
from zhike.kernel.rights import Follower, add_follower
from zhike.kernel.screens.cells import badge
from zhike.kernel.spec import (
    ApiAction,
    Column,
    Filter,
    Importable,
    ObjectSpec,
    PageAction,
    Panel,
    Rail,
    SearchSource,
    SidePanel,
    Sort,
    TimelineEntry,
    TimelineSource,
)
from zhike.kernel.templatetags.zhike_ui import mask_phone
from zhike.org.ready_roles import OWNED

from .actions import add_address, add_contact, tag_customer, write_activity
from .models import Activity, Address, Contact, Customer, CustomerTag, Grade, Kind, Segment
from .queries import all_tags, contacts_to_find, tags_of
from .rules import prepare_contact, prepare_customer

GRADE_TONE = {Grade.KEY: "key", Grade.POTENTIAL: "line"}
CONTACT_HEADINGS = {
    "name": ("联系人", "联系人姓名", "联系人名称", "contact", "contact name", "contact person"),
    "title": ("职务", "职位", "联系人职务", "title", "job title", "position"),
    "phone": ("联系人电话", "联系人手机", "contact phone", "contact mobile"),
    "email": ("联系人邮箱", "contact email"),
    "wechat": ("联系人微信", "contact wechat"),
    "is_primary": ("常联系", "主要联系人", "是否主要", "primary", "is primary"),
    "remark": ("联系人备注", "contact remark"),
}
ICONS = {"note": "pencil", "call": "phone", "message": "message-2", "visit": "map-pin", "touch": "speakerphone"}


def _grade(customer: Customer, reader: Any) -> str:
    del reader
    return _grade_badge(customer.grade, get_language()) if customer.grade else ""


@cache
def _grade_badge(grade: str, language: str | None) -> str:
    del language  # the words are those of the active language; it is part of the key
    return badge(Grade(grade).label, GRADE_TONE.get(Grade(grade), ""))


def _segment(customer: Customer, reader: Any) -> str:
    del reader
    return _segment_words(customer.segment, get_language()) if customer.segment else ""


@cache
def _segment_words(segment: int, language: str | None) -> str:
    del language
    return str(Segment(segment).label)


def _rfm(customer: Customer, reader: Any) -> str:
    del reader
    return "-".join(str(customer.rfm)) if customer.rfm else ""


def _kind(customer: Customer, reader: Any) -> str:
    del reader
    return str(customer.get_kind_display())


def _badges(customer: Customer) -> list[tuple[Any, str]]:
    shown: list[tuple[Any, str]] = []
    if customer.grade:
        shown.append((customer.get_grade_display(), GRADE_TONE.get(Grade(customer.grade), "")))
    if customer.segment:
        shown.append((Segment(customer.segment).label, ""))
    return shown


def _facts(customer: Customer) -> list[Any]:
    place = " ".join(part for part in (customer.province, customer.city) if part)
    return [customer.code or "", customer.get_kind_display(), place, mask_phone(customer.phone)]


def _tagged(op: str, values: tuple[str, ...]) -> Q:
    if op in ("none", "any"):
        some = Q(pk__in=CustomerTag.objects.values("customer_id"))
        return some if op == "any" else ~some
    if not all(value.isdigit() for value in values):
        raise Refused("filter_value", name="tag", value=",".join(values))
    carries = Q(pk__in=CustomerTag.objects.filter(tag_id__in=[int(value) for value in values]).values("customer_id"))
    return ~carries if op == "not" else carries


objects.add(
    ObjectSpec(
        model=Customer,
        policy=owned("customers.customer"),
        slug="customers",
        title=_("客户"),
        plural=_("客户"),
        icon="users",
        unit=_("家"),
        columns=(
            Column(path="name", cell="name", phone="name"),
            Column(path="grade", cell="grade", phone="cls"),
            Column(path="sales", cell="money", phone="amt", label=_("累计销售额（元）")),
            Column(path="segment", cell="segment", phone="seg"),
            Column(path="last_order_at", cell="date", phone="risk"),
            Column(path="orders_count", cell="number"),
            Column(path="rfm", cell="rfm"),
            Column(path="owner", cell="person"),
            Column(path="team", cell="team"),
            Column(path="city"),
            Column(path="phone", cell="phone"),
            Column(path="code"),
            Column(path="kind", cell="kind"),
            Column(path="category"),
            Column(path="industry"),
            Column(path="source"),
            Column(path="region"),
            Column(path="province"),
            Column(path="country"),
            Column(path="email"),
            Column(path="first_order_at", cell="date"),
            Column(path="created_at", cell="date"),
            Column(path="updated_at", cell="date"),
        ),
        default_columns=("name", "grade", "sales", "segment", "last_order_at", "orders_count", "owner", "city", "phone"),
        sorts=(Sort(key="updated_at"), Sort(key="sales"), Sort(key="last_order_at")),
        sums=("sales",),
        filters=(
            Filter(name="owner", label=_("负责人"), kind="person", covered=True),
            Filter(name="team", label=_("团队"), kind="person", covered=True),
            Filter(name="grade", label=_("等级"), choices=lambda: list(Grade.choices), covered=True),
            Filter(
                name="segment", label=_("价值分组"), kind="number", choices=lambda: [(str(k), v) for k, v in Segment.choices], covered=True
            ),
            Filter(name="kind", label=_("类型"), choices=lambda: list(Kind.choices), covered=True),
            Filter(name="city", label=_("城市"), covered=True),
            shared_filter(),
            batch_filter(),
            Filter(name="tag", label=_("标签"), choices=all_tags, build=_tagged),
            Filter(name="sales", label=_("累计销售额"), kind="range"),
            Filter(name="orders_count", label=_("订单数"), kind="range"),
            Filter(name="last_order_at", label=_("最近购买"), kind="dates"),
            Filter(name="rfm", label=_("RFM"), kind="number"),
            Filter(name="category", label=_("细分")),
            Filter(name="industry", label=_("行业")),
            Filter(name="source", label=_("来源")),
            Filter(name="region", label=_("地区")),
            Filter(name="province", label=_("省份")),
            Filter(name="created_at", label=_("建立时间"), kind="dates"),
        ),
        panels=(
            Panel(title=_("资料"), fields=("kind", "code", "grade", "phone", "email", "wechat", "owner", "team")),
            Panel(title=_("背景"), fields=("category", "industry", "source", "credit_code", "birthday", "birthday_calendar")),
            Panel(title=_("地址"), fields=("country", "region", "province", "city", "district", "address")),
            Panel(title=_("备注"), fields=("remark",)),
        ),
        form=("name", "kind", "phone", "grade"),
        form_more=(
            "code",
            "category",
            "industry",
            "source",
            "province",
            "city",
            "address",
            "email",
            "wechat",
            "credit_code",
            "birthday",
            "remark",
        ),
        required=("name", "kind"),
        grants=OWNED,
        rail=Rail(rank=20, hotkey="c", starts=("/contacts/",)),
        search=SearchSource(
            title="name",
            code="code",
            phone="phone",
            person="kind",
            also=contacts_to_find,
            also_of="customers.contact",
            note=lambda c: "，".join(part for part in (str(c.get_grade_display()) if c.grade else "", c.city, mask_phone(c.phone)) if part),
        ),
        prepare=prepare_customer,
        badges=_badges,
        facts=_facts,
        cells={"grade": _grade, "segment": _segment, "rfm": _rfm, "kind": _kind},
        bulk=(PageAction(path="bulk/tag", label=_("加标签"), icon="tag"),),
        page_actions=(
            PageAction(path="activity/call", label=_("记通话"), icon="phone"),
            PageAction(path="activity/message", label=_("记消息"), icon="message-2"),
            PageAction(path="activity/visit", label=_("记拜访"), icon="map-pin"),
        ),
        views=(
            (_("重要客户"), "grade.in=key"),
            (_("三个月没下单"), "last_order_at.before=90&sort=-sales"),
            (_("没有负责人"), "owner.none=1"),
        ),
        api_actions=(
            ApiAction(run=write_activity, label=_("记一笔跟进"), leave_out=("rule",)),
            ApiAction(run=add_contact, label=_("加联系人")),
            ApiAction(run=add_address, label=_("加地址")),
            ApiAction(run=tag_customer, label=_("换标签")),
        ),
    )
)

objects.add(
    ObjectSpec(
        model=Contact,
        policy=follows("customers.customer", "customer", Customer),
        slug="contacts",
        title=_("联系人"),
        plural=_("联系人"),
        icon="user",
        unit=_("人"),
        columns=columns(Contact, "name", "customer", "title", "phone", "email"),
        default_columns=("name", "customer", "title", "phone", "email"),
        sorts=(Sort(key="updated_at"),),
        panels=(Panel(title=_("资料"), fields=("name", "title", "phone", "email", "wechat", "is_primary", "remark")),),
        required=("name",),
        filters=filters(Contact, "customer"),
        importable=Importable(
            fields=("customer", "name", "title", "phone", "email", "wechat", "is_primary", "remark"),
            keys=(("customer", "name"),),
            headings=CONTACT_HEADINGS,
            weights={"name": 0.95},
        ),
        prepare=prepare_contact,
        facts=lambda contact: [contact.title, mask_phone(contact.phone)],
        in_menu=False,
    )
)
for _model in (Address, Activity, CustomerTag):
    set_policy(_model, part_of("customers.customer", "customer", Customer))
for _follower, _title in ((Contact, _("联系人")), (Address, _("更多地址")), (Activity, _("跟进"))):
    add_follower(Follower(model=_follower, title=_title, link="customer", parent=Customer))


def _contacts(actor: Actor, customer: Customer) -> dict[str, Any]:
    order = ["-is_primary", "-updated_at"] if actor.sees("customers.contact.is_primary") else ["-updated_at"]
    found = list(Contact.objects.visible_to(actor).filter(customer=customer).order_by(*order)[:51])
    return {"contacts": found[:50], "has_more": len(found) > 50}


def _tags_panel(actor: Actor, customer: Customer) -> dict[str, Any]:
    del actor
    return {"tags": tags_of(customer)}


def _addresses(actor: Actor, customer: Customer) -> dict[str, Any]:
    return {"addresses": Address.objects.visible_to(actor).filter(customer=customer).order_by("-updated_at")[:20]}


def _activities(actor: Actor, customer: Customer, before: dt.datetime, limit: int) -> list[TimelineEntry]:
    rows = Activity.objects.visible_to(actor).filter(customer=customer, happened_at__lte=before).order_by("-happened_at", "-id")[:limit]
    return [
        TimelineEntry(
            at=row.happened_at,
            key=str(row.pk),
            kind="activity",
            icon=ICONS[row.kind],
            title=row.get_kind_display(),
            body=row.body,
            badge=_now("按由头联系") if row.rule else "",
        )
        for row in rows
    ]


objects.show_on(
    "customers.customer", SidePanel(key="tags", template="customers/panels/tags.html", load=_tags_panel, place="facts", rank=10)
)
objects.show_on(
    "customers.customer", SidePanel(key="contacts", template="customers/panels/contacts.html", load=_contacts, place="facts", rank=20)
)
objects.show_on(
    "customers.customer",
    SidePanel(
        key="addresses", template="customers/panels/addresses.html", load=_addresses, place="facts", rank=30,
        tells=("customers.customer.address",),
    ),
)  # fmt: skip
objects.show_on("customers.customer", SidePanel(key="writer", template="customers/panels/writer.html", load=lambda a, c: {}, place="main"))
objects.tell_on("customers.customer", TimelineSource(kind="activity", label=_("跟进"), entries=_activities))
