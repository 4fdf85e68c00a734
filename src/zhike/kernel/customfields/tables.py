"""The tables of a company's own fields: definitions, the number of their state, and work over many records."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from zhike.kernel.ids import uuid7
from zhike.kernel.models import Tracked
from zhike.kernel.policy import set_policy, shared


class Kind(models.TextChoices):
    """What a field holds; a formula works its value out of others."""

    TEXT = "text", _("文字")
    LONG = "long", _("长文字")
    NUMBER = "number", _("数字")
    MONEY = "money", _("金额")
    DATE = "date", _("日期")
    MOMENT = "moment", _("日期和时间")
    CHOICE = "choice", _("单选")
    CHOICES = "choices", _("多选")
    YES_NO = "yes_no", _("是或否")
    PERSON = "person", _("人")
    LINK = "link", _("关联记录")
    FORMULA = "formula", _("公式")


class CustomField(Tracked):
    """A field that a company gave to an object type; `key` never changes, and names the value in `Record.custom`."""

    label = models.CharField(max_length=80)
    key = models.CharField(max_length=40)
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(_("英文名"), max_length=60, blank=True)
    kind = models.CharField(_("类型"), max_length=10, choices=Kind.choices)
    target = models.CharField(_("关联到"), max_length=80, blank=True)
    formula = models.CharField(_("公式"), max_length=500, blank=True)
    choices: Any = models.JSONField(_("选项"), default=list, blank=True)
    help = models.CharField(_("提示"), max_length=200, blank=True)
    default: Any = models.JSONField(_("默认值"), null=True, blank=True)
    low = models.DecimalField(_("最小"), max_digits=18, decimal_places=4, null=True, blank=True)
    high = models.DecimalField(_("最大"), max_digits=18, decimal_places=4, null=True, blank=True)
    decimals = models.PositiveSmallIntegerField(_("小数位数"), default=2)
    is_required = models.BooleanField(_("必填"), default=False)
    required_roles: Any = models.JSONField(_("对谁必填"), default=list, blank=True)
    is_unique = models.BooleanField(_("不许重复"), default=False)
    is_read_only = models.BooleanField(_("手工不能改"), default=False)
    is_filterable = models.BooleanField(_("可筛选"), default=False)
    is_sortable = models.BooleanField(_("可排序"), default=False)
    is_in_list = models.BooleanField(_("放进列表"), default=True)
    is_in_form = models.BooleanField(_("新建时就问"), default=True)
    is_searchable = models.BooleanField(_("可搜索"), default=False)
    is_archived = models.BooleanField(_("停用"), default=False)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["label", "key"], name="custom_field_once")]
        ordering: ClassVar = ["label", "position", "id"]

    def __str__(self) -> str:
        return self.name


class FieldCatalogue(models.Model):
    """One row: a number that changes with every change of the definitions, whoever made it (a trigger sets it)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField()


class FieldWork(models.Model):
    """Work over all records of an object type for one field: taken up again after a crash, stopped, taken back."""

    class State(models.TextChoices):
        """Where the work is."""

        WAITING = "waiting", _("排队")
        RUNNING = "running", _("进行中")
        DONE = "done", _("做完了")
        FAILED = "failed", _("没做成")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    field_id = models.UUIDField()
    kind = models.CharField(max_length=10)  # clear, convert
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    facts: Any = models.JSONField(default=dict)
    actor: Any = models.JSONField(default=dict)
    change_id = models.UUIDField(null=True)
    after = models.UUIDField(null=True)  # the last record that is done
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["field_id", "-made_at"], name="field_work_of_field")]


# Who looks after the company's fields; there is one list of them for all.
set_policy(CustomField, shared("org.fields"))
