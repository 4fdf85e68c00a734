"""Codes of refused rows and files in words of the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

WORDS = {
    "refused_row": _("行号"),
    "refused_column": _("列"),
    "refused_reason": _("原因"),
    "row_too_short": _("这一行的单元格太少（半行）"),
    "row_too_long": _("这一行的单元格太多"),
    "row_quote_unclosed": _("引号没有闭合"),
    "row_has_nul": _("含有空字符，不是文本"),
    "text_has_nul": _("含有空字符，不是文本"),
    "text_too_long": _("文字太长"),
    "required_missing": _("必填，却是空的"),
    "number_invalid": _("不是数字"),
    "number_out_of_range": _("数字超出范围"),
    "integer_invalid": _("不是整数"),
    "date_invalid": _("没有这一天或不是日期"),
    "date_out_of_range": _("日期超出 1900 至 2200 年"),
    "boolean_invalid": _("应为是或否"),
    "email_invalid": _("不是邮箱"),
    "choice_unknown": _("不在可选的值之中"),
    "currency_unknown": _("不认识的币种"),
    "owner_unknown": _("没有这位员工，或有重名"),
    "key_missing": _("没有编号，也没有其他可以辨认的内容"),
    "key_ambiguous": _("有多条记录符合，无法辨认是哪一条"),
    "not_found": _("没有这条记录，而只要求更新"),
    "exists_already": _("已有这条记录，而只要求新增"),
    "not_permitted_row": _("没有权限新增或更改这条记录"),
    "database_refused": _("数据库不接受"),
}


def reason(code: str, facts: Mapping[str, object]) -> str:
    """The words for a code; an unknown code is shown as it is."""
    words = str(WORDS.get(code, code))
    value = facts.get("value") or facts.get("detail")
    return f"{words}：{str(value)[:80]}" if value else words
