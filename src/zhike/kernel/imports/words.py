"""Codes of refused rows and files in words of the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Refused

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
    "number_too_fine": _("小数位太多"),
    "link_unknown": _("没有这条记录，或有重名"),
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


FILE_WORDS = {
    "empty_file": _("文件是空的"),
    "no_header": _("第一行不像列名：%(first_row)s"),
    "too_many_columns": _("列太多：最多 %(limit)s 列"),
    "zip_bomb": _("解压后大得不合理，没有读入"),
    "encoding_unknown": _("看不出文字编码；请另存为 UTF-8 再试"),
    "encoding_broken": _("文字编码前后不一致；请另存为 UTF-8 再试"),
    "not_a_table": _("不是表格文件（%(found)s）"),
    "file_unreadable": _("文件读不出来（%(why)s）"),
    "file_encrypted": _("文件有密码；请去掉密码再试"),
    "wrong_delimiter": _("分隔符不对：指定的是“%(given)s”，文件里是“%(found)s”"),
    "sheet_unknown": _("没有工作表“%(sheet)s”"),
    "sheet_too_sparse": _("工作表大片空白，没有读入"),
    "sheet_too_large": _("工作表太大；请存为 CSV 再试"),
    "too_large_for_json": _("JSON 太大；请存为每行一条（JSON lines）再试"),
    "target_unknown": _("不知道要导入成什么：%(target)s"),
    "nothing_mapped": _("没有认出任何一列；请指明哪一列是什么"),
    "field_unknown": _("没有字段 %(field)s"),
    "field_twice": _("字段 %(field)s 对应了两列"),
    "column_unknown": _("文件里没有列“%(column)s”，有：%(columns)s"),
    "key_unknown": _("不能按 %(key)s 辨认记录，可以按：%(offered)s"),
    "key_not_in_file": _("要按 %(key)s 辨认记录，可文件里没有这一列"),
    "fields_missing": _("缺少可以辨认记录的列（%(fields)s）"),
    "not_permitted": _("没有权限"),
    "import_busy": _("这次导入正在进行"),
    "import_started": _("这次导入已经开始"),
    "import_not_done": _("这次导入没有完成，不能撤销"),
    "already_undone": _("已经撤销过了"),
    "undo_too_old": _("超过 %(days)s 天，不能撤销"),
    "undo_busy": _("正在撤销"),
    "gone": _("记录不在了"),
}
WARNINGS = {
    "encoding_guessed": _("文字编码是猜的，请核对汉字"),
    "duplicate_headers": _("有重名的列，已加上序号"),
    "unnamed_headers": _("有没有名字的列"),
    "title_rows_skipped": _("跳过了列名上面的标题行"),
    "merged_duplicate": _("文件里有重复的记录，已合并：后面的非空值优先"),
    "date_ambiguous": _("日期可以读成两种，按“月/日”读"),
}


def explain(no: Refused) -> str:
    """A refusal of a whole file or wish in words; an unknown code is shown as it is."""
    words = FILE_WORDS.get(no.code)
    if words is None:
        return str(no)
    try:
        return str(words) % {name: str(value) for name, value in no.facts.items()}
    except (KeyError, ValueError):
        return f"{words} ({no})"


def warning(code: str) -> str:
    """The words for a warning such as `date_ambiguous:列名`."""
    name, _colon, column = code.partition(":")
    words = str(WARNINGS.get(name, name))
    return f"{words}（{column}）" if column else words
