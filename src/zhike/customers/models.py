"""Customers, companies and persons alike, and what is known around them."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.kernel.fields import ZERO, MoneyField
from zhike.kernel.indexes import index_family
from zhike.kernel.models import Record, Tracked

NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # sort keys of lists are never null


class Kind(models.TextChoices):
    COMPANY = "company", _("公司")
    PERSON = "person", _("个人")


class Grade(models.TextChoices):
    KEY = "key", _("重要")
    POTENTIAL = "potential", _("潜力")
    NORMAL = "normal", _("一般")
    LOW = "low", _("低价值")


class Calendar(models.TextChoices):
    SOLAR = "solar", _("公历")
    LUNAR = "lunar", _("农历")


class Segment(models.IntegerChoices):
    """The eight value groups by recency, frequency and money."""

    KEY_VALUE = 1, _("重要价值")
    KEY_GROW = 2, _("重要发展")
    KEY_KEEP = 3, _("重要保持")
    KEY_RESCUE = 4, _("重要挽留")
    VALUE = 5, _("一般价值")
    GROW = 6, _("一般发展")
    KEEP = 7, _("一般保持")
    RESCUE = 8, _("一般挽留")


FACETS = ["owner", "team", "grade", "segment", "kind", "city"]


def _of_facet(facet: str) -> models.Index:
    """All rows of one value with what orders and other filters read: a page that runs against its order is collected from here alone."""
    return models.Index(
        fields=[facet],
        include=["id", *(f for f in FACETS if f != facet), "updated_at", "sales", "last_order_at"],
        name=f"customer_of_{facet}",
    )


class Customer(Record):
    """A company or person that buys, bought, or may buy."""

    code = models.CharField(_("客户编号"), max_length=60, null=True, blank=True)
    kind = models.CharField(_("类型"), max_length=7, choices=Kind, default=Kind.COMPANY, db_default="company")
    name = models.CharField(_("客户名称"), max_length=200)
    name_key = models.CharField(max_length=200, db_default="", editable=False)
    sort_key = models.CharField(max_length=200, db_default="", editable=False)
    phone = models.CharField(_("电话"), max_length=40, blank=True, db_default="")
    phone_raw = models.CharField(max_length=60, blank=True, db_default="", editable=False)
    email = models.EmailField(_("邮箱"), max_length=200, blank=True, db_default="")
    wechat = models.CharField(_("微信"), max_length=60, blank=True, db_default="")
    grade = models.CharField(_("等级"), max_length=9, choices=Grade, blank=True, db_default="")
    category = models.CharField(_("细分"), max_length=60, blank=True, db_default="")
    source = models.CharField(_("来源"), max_length=60, blank=True, db_default="")
    industry = models.CharField(_("行业"), max_length=60, blank=True, db_default="")
    country = models.CharField(_("国家"), max_length=60, blank=True, db_default="")
    region = models.CharField(_("地区"), max_length=60, blank=True, db_default="")
    province = models.CharField(_("省份"), max_length=60, blank=True, db_default="")
    city = models.CharField(_("城市"), max_length=60, blank=True, db_default="")
    district = models.CharField(_("区县"), max_length=60, blank=True, db_default="")
    address = models.CharField(_("地址"), max_length=300, blank=True, db_default="")
    credit_code = models.CharField(_("信用代码"), max_length=18, blank=True, db_default="")
    birthday = models.DateField(_("生日"), null=True, blank=True)
    birthday_calendar = models.CharField(_("生日历法"), max_length=5, choices=Calendar, default=Calendar.SOLAR, db_default="solar")
    remark = models.TextField(_("备注"), blank=True, db_default="")

    # Worked out from orders and scores, written set-wise by the domains above.
    orders_count = models.PositiveIntegerField(_("订单数"), default=0, db_default=0, editable=False)
    sales = MoneyField(_("累计销售额"), default=ZERO, db_default=ZERO, editable=False)
    first_order_at = models.DateTimeField(_("首次购买"), null=True, editable=False)
    last_order_at = models.DateTimeField(_("最近购买"), default=NEVER, db_default=NEVER, editable=False)
    segment = models.PositiveSmallIntegerField(_("价值分组"), choices=[(0, "—"), *Segment.choices], default=0, db_default=0, editable=False)
    rfm = models.PositiveSmallIntegerField(_("RFM"), default=0, db_default=0, editable=False)

    untracked: ClassVar[tuple[str, ...]] = ("orders_count", "sales", "first_order_at", "last_order_at", "segment", "rfm")

    class Meta:
        # A constraint, not unique=True: that would add a second index for LIKE, paid at every imported row.
        constraints: ClassVar = [models.UniqueConstraint(fields=["code"], name="customer_code_once")]
        indexes: ClassVar = [
            *index_family("customer_updated", "updated_at", FACETS),
            *index_family("customer_sales", "sales", FACETS),
            *index_family("customer_bought", "last_order_at", FACETS),
            models.Index(fields=["name_key"], name="customer_name_key"),
            models.Index(fields=["phone"], name="customer_phone", condition=~models.Q(phone="")),
            models.Index(fields=["credit_code"], name="customer_credit_code", condition=~models.Q(credit_code="")),
            *(_of_facet(facet) for facet in ("segment", "grade", "city")),
            *(models.Index(fields=[name], name=f"customer_{name}") for name in ("category", "industry", "source", "region", "province")),
            models.Index(fields=["created_at"], name="customer_created"),
            models.Index(fields=["rfm"], name="customer_rfm", condition=~models.Q(rfm=0)),
            models.Index(fields=["batch_id"], name="customer_batch", condition=models.Q(batch_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(Record):
    """A person at a company, with a role."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts", verbose_name=_("客户"))
    name = models.CharField(_("姓名"), max_length=100)
    title = models.CharField(_("职务"), max_length=60, blank=True, db_default="")
    phone = models.CharField(_("电话"), max_length=40, blank=True, db_default="")
    email = models.EmailField(_("邮箱"), max_length=200, blank=True, db_default="")
    wechat = models.CharField(_("微信"), max_length=60, blank=True, db_default="")
    is_primary = models.BooleanField(_("常联系"), default=False, db_default=False)
    remark = models.CharField(_("备注"), max_length=300, blank=True, db_default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-updated_at", "-id"], name="contact_updated"),
            # Where contacts do not follow their customer, their own owner and team decide.
            models.Index(fields=["owner", "-updated_at", "-id"], name="contact_own_updated"),
            models.Index(fields=["team", "-updated_at", "-id"], name="contact_team_updated"),
        ]

    def __str__(self) -> str:
        return self.name


class Address(Record):
    """A further place of a customer: delivery, invoice, site."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses", verbose_name=_("客户"))
    label = models.CharField(_("用途"), max_length=40, blank=True, db_default="")
    person = models.CharField(_("收件人"), max_length=60, blank=True, db_default="")
    phone = models.CharField(_("电话"), max_length=40, blank=True, db_default="")
    province = models.CharField(_("省份"), max_length=60, blank=True, db_default="")
    city = models.CharField(_("城市"), max_length=60, blank=True, db_default="")
    district = models.CharField(_("区县"), max_length=60, blank=True, db_default="")
    street = models.CharField(_("详细地址"), max_length=300)

    def __str__(self) -> str:
        return f"{self.province}{self.city}{self.district}{self.street}"


class ActivityKind(models.TextChoices):
    NOTE = "note", _("备注")
    CALL = "call", _("通话")
    MESSAGE = "message", _("消息")
    VISIT = "visit", _("拜访")
    TOUCH = "touch", _("触达")


class Activity(Record):
    """Something a person did with or noted about a customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="activities", db_index=False, verbose_name=_("客户"))
    kind = models.CharField(_("类型"), max_length=7, choices=ActivityKind, default=ActivityKind.NOTE, db_default="note")
    body = models.TextField(_("内容"), blank=True, db_default="")
    happened_at = models.DateTimeField(_("时间"))
    author_id = models.IntegerField(null=True, editable=False)
    rule = models.CharField(_("由头"), max_length=40, blank=True, db_default="", editable=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "-happened_at", "-id"], name="activity_of_customer"),
            models.Index(fields=["rule", "customer", "-happened_at"], name="activity_by_rule", condition=~models.Q(rule="")),
        ]

    def __str__(self) -> str:
        return self.body[:60]


class Tag(models.Model):
    """A word to mark customers with."""

    name = models.CharField(_("标签"), max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class CustomerTag(Tracked):
    """A customer carries a tag."""

    tag = models.ForeignKey(Tag, models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="tagged")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tag", "customer"], name="customer_tag_once")]
