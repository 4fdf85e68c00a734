"""Sales as facts: orders, their lines, and returns as negative lines."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.fields import ZERO, MoneyField
from zhike.kernel.indexes import index_family
from zhike.kernel.models import Record, Tracked


class Status(models.TextChoices):
    DONE = "done", _("完成")
    OPEN = "open", _("进行中")
    RETURNED = "returned", _("已退货")
    CANCELLED = "cancelled", _("已取消")


FACETS = ["owner", "team", "status"]


class Order(Record):
    """One order of one customer (or of nobody known); totals are sums of its lines, returns negative."""

    number = models.CharField(_("订单编号"), max_length=80)
    # Some sources give one number to several orders; then `part` tells them apart (customer and day), else it is empty.
    part = models.CharField(max_length=120, blank=True, db_default="", default="", editable=False)
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, blank=True, related_name="orders", db_index=False, verbose_name=_("客户")
    )
    ordered_at = models.DateTimeField(_("下单时间"))
    shipped_at = models.DateTimeField(_("发货时间"), null=True, blank=True)
    status = models.CharField(_("状态"), max_length=9, choices=Status, default=Status.DONE, db_default="done")
    channel = models.CharField(_("渠道"), max_length=60, blank=True, db_default="")
    currency = models.CharField(_("币种"), max_length=3, default="CNY", db_default="CNY")
    country = models.CharField(_("国家"), max_length=60, blank=True, db_default="")
    region = models.CharField(_("地区"), max_length=60, blank=True, db_default="")
    province = models.CharField(_("省份"), max_length=60, blank=True, db_default="")
    city = models.CharField(_("城市"), max_length=60, blank=True, db_default="")
    ship_mode = models.CharField(_("配送方式"), max_length=60, blank=True, db_default="")
    remark = models.TextField(_("备注"), blank=True, db_default="")

    lines_count = models.PositiveIntegerField(_("行数"), default=0, db_default=0, editable=False)
    quantity = MoneyField(_("数量"), default=ZERO, db_default=ZERO, editable=False)
    amount = MoneyField(_("金额"), default=ZERO, db_default=ZERO, editable=False)
    gross = MoneyField(_("销售额"), default=ZERO, db_default=ZERO, editable=False)
    profit = MoneyField(_("利润"), null=True, editable=False)

    untracked: ClassVar[tuple[str, ...]] = ("lines_count", "quantity", "amount", "gross", "profit")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["number", "part"], name="order_number_once")]
        indexes: ClassVar = [
            *index_family("order_time", "ordered_at", FACETS),
            models.Index(fields=["customer", "-ordered_at", "-id"], name="order_of_customer"),
            models.Index(fields=["number"], name="order_number_like", opclasses=["varchar_pattern_ops"]),
            *(models.Index(fields=[name], name=f"order_{name}") for name in ("channel", "region", "province", "city")),
            models.Index(fields=["batch_id"], name="order_batch", condition=models.Q(batch_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(Tracked):
    """One line of an order; a negative quantity or amount is a return. Four decimals, rounded only when shown."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", db_index=False)
    line_key = models.CharField(max_length=120)
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, related_name="lines", verbose_name=_("产品"))
    name = models.CharField(_("名称"), max_length=300, blank=True, db_default="")
    quantity = MoneyField(_("数量"), default=ZERO, db_default=ZERO)
    unit_price = MoneyField(_("单价"), null=True, blank=True)
    discount = models.DecimalField(_("折扣"), max_digits=7, decimal_places=4, null=True, blank=True)
    amount = MoneyField(_("金额"), default=ZERO, db_default=ZERO)
    profit = MoneyField(_("利润"), null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "line_key"], name="order_line_once")]

    def __str__(self) -> str:
        return self.name or self.line_key
