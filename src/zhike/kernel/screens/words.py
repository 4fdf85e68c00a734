"""Refusals in words: what is wrong and what to do. Codes are stable, words are for the reader."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..errors import Refused

WORDS: dict[str, str | Promise] = {
    "not_permitted": _("你没有权限做这件事，找管理员或负责人开通"),
    "gone": _("这条记录已经不在了，可能刚被删掉"),
    "taken": _("已经有同样的%(field)s了，换一个，或打开原来那条"),
    "invalid_value": _("%(field)s 的值不对，改好再存"),
    "required": _("%(field)s 要填"),
    "still_needed": _("还有 %(count)s 条记录在用它，先处理那些"),
    "changed_meanwhile": _("别人刚改过，先看差别再存"),
    "rule_broken": _("和一条规则冲突，没有保存"),
    "unknown_filter": _("没有这个条件：%(name)s"),
    "filter_value": _("条件 %(name)s 的值不对：%(value)s"),
    "unknown_sort": _("不能按 %(name)s 排序"),
    "list_too_slow": _("条件太宽，一时查不完。加一个条件再试"),
    "file_too_large": _("文件超过 %(limit)s MB，压缩后再传"),
    "file_kind": _("这种文件不能当附件"),
    "already_undone": _("已经撤销过了"),
    "undo_too_old": _("超过 30 天，不能撤销了"),
    "nothing_selected": _("先选几条记录"),
    "too_many_selected": _("一次最多 %(limit)s 条，加条件缩小范围"),
    "export_format": _("没有这种导出格式"),
}


def in_words(refusal: Refused) -> str:
    """The refusal as a person reads it; an unknown code is shown as it is, so that it can be reported."""
    known = WORDS.get(refusal.code)
    if known is None:
        return refusal.code
    try:
        return str(known) % refusal.facts
    except KeyError:
        return str(known).split("%(")[0]


def add_words(words: dict[str, str | Promise]) -> None:
    """Let a domain put its own refusals into words."""
    WORDS.update(words)
