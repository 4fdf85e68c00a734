"""What is sold."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.kernel.fields import MoneyField
from zhike.kernel.models import Record


class Product(Record):
    """A good or service with a code, a category and a list price."""

    code = models.CharField(_("产品编号"), max_length=80, unique=True)
    name = models.CharField(_("产品名称"), max_length=300)
    sort_key = models.CharField(max_length=200, db_default="", editable=False)
    category = models.CharField(_("类别"), max_length=80, blank=True, db_default="")
    sub_category = models.CharField(_("子类别"), max_length=80, blank=True, db_default="")
    unit = models.CharField(_("单位"), max_length=20, blank=True, db_default="")
    price = MoneyField(_("标价"), null=True, blank=True)
    cost = MoneyField(_("成本"), null=True, blank=True)
    is_active = models.BooleanField(_("在售"), default=True, db_default=True)
    remark = models.TextField(_("备注"), blank=True, db_default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-updated_at", "-id"], include=["category", "is_active"], name="product_updated"),
            models.Index(fields=["category"], name="product_category"),
        ]

    def __str__(self) -> str:
        return self.name
