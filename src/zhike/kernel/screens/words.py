"""Refusals in words: what is wrong and what to do. Codes are stable, words are for the reader."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..errors import Refused

WORDS: dict[str, str | Promise] = {
    "not_permitted": _("你没有权限做这件事，找管理员或负责人开通"),
    "field_not_permitted": _("你不能填写或修改这一项：%(field)s"),
    "too_many_reveals": _("今天看了 %(limit)s 个，到上限了，明天再看"),
    "nobody_chosen": _("从列表里选一个人或团队"),
    "more_than_held": _("你自己没有这么大的权限，不能给别人"),
    "gone": _("这条记录已经不在了，可能刚被删掉"),
    "taken": _("已经有同样的%(field)s了，换一个，或打开原来那条"),
    "invalid_value": _("%(field)s 的值不对，改好再存"),
    "required": _("%(field)s 要填"),
    "still_needed": _("还有 %(count)s 条记录在用它，先处理那些"),
    "changed_meanwhile": _("别人刚改过，先看差别再存"),
    "rule_broken": _("和一条规则冲突，没有保存"),
    "view_gone": _("这个视图不在了，可能删掉了，或不再给你用"),
    "view_is_ready_made": _("自带的视图不能改，存成自己的再改"),
    "view_not_for_all": _("先把这个视图给所有人，再让角色从它开始"),
    "too_many_views": _("视图太多，最多 %(limit)s 个，先删掉不用的"),
    "unknown_group": _("不能按 %(name)s 分组"),
    "layout_wrong": _("布局读不出来，刷新页面再排一次"),
    "unknown_filter": _("没有这个条件：%(name)s"),
    "filter_value": _("条件 %(name)s 的值不对：%(value)s"),
    "filter_not_ready": _("%(name)s 还不能用来筛选，先在设置里打开，等索引建好"),
    "unknown_sort": _("不能按 %(name)s 排序"),
    "list_too_slow": _("条件太宽，一时查不完。加一个条件再试"),
    "file_too_large": _("文件超过 %(limit)s MB，压缩后再传"),
    "disk_full": _("服务器的磁盘满了，这次没有保存。请管理员腾出空间后再试"),
    "file_kind": _("这种文件不能当附件"),
    "already_undone": _("已经撤销过了"),
    "undo_too_old": _("超过 30 天，不能撤销了"),
    "nothing_selected": _("先选几条记录"),
    "only_one": _("%(field)s 每条都要不一样，不能一起改成一样的"),
    "verb_unknown": _("不认识这种批量操作：%(name)s"),
    "work_busy": _("这项工作正在进行，等它做完"),
    "work_over": _("这项工作已经结束，停不了了"),
    "work_not_over": _("还没有可以撤销的，先等它做完或停下"),
    "export_format": _("没有这种导出格式"),
    "no_file": _("先选一个文件"),
    "target_unknown": _("不能导入这种内容：%(target)s"),
    "empty_file": _("文件是空的，换一个有内容的"),
    "no_header": _("没有找到列名。第一行要写每列叫什么，现在是：%(first_row)s"),
    "too_many_columns": _("列太多，最多 %(limit)s 列。删掉用不到的列再传"),
    "zip_bomb": _("压缩包解开后大得不正常，没有打开。请传没压缩的文件"),
    "encoding_unknown": _("认不出文字编码。在 Excel 里另存为 CSV UTF-8，再传一次"),
    "encoding_broken": _("有的字按 %(encoding)s 读不出来。在 Excel 里另存为 CSV UTF-8，再传一次"),
    "not_a_table": _("这不是表格。可以传 CSV、Excel、JSON、Parquet，也可以是它们的 gz"),
    "file_unreadable": _("文件读不了，可能没传完或者坏了。重新导出一份再传"),
    "file_encrypted": _("文件有密码。去掉密码另存一份再传"),
    "wrong_delimiter": _("按%(given)s分不出列，文件里用的像是%(found)s"),
    "sheet_unknown": _("没有这个工作表：%(sheet)s"),
    "sheet_too_sparse": _("表格里几乎全是空格子。把内容挪到左上角，或另存为 CSV 再传"),
    "sheet_too_large": _("Excel 表太大，一次读不完。另存为 CSV 再传"),
    "too_large_for_json": _("JSON 里有一条太大。换成一行一条的 JSON，或 CSV 再传"),
    "nothing_mapped": _("每一列都选了“不要”，至少选一列"),
    "field_unknown": _("没有这一项：%(field)s"),
    "field_twice": _("“%(field)s”选了两次，只留一列"),
    "fields_missing": _("认不出是哪一条：%(fields)s，至少要有一列"),
    "key_unknown": _("不能按这个来认：%(key)s"),
    "key_not_in_file": _("选了按“%(key)s”来认，文件里却没有这一列"),
    "column_unknown": _("文件里没有这一列：%(column)s"),
    "import_busy": _("这份文件正在处理，等它做完"),
    "import_started": _("已经开始导入，不能再改对应"),
    "import_not_done": _("还没有导入，没有可撤销的"),
    "import_broke": _("试的时候出了错，已经记下来。换个读法再试，或把文件交给管理员"),
    "undo_busy": _("正在撤销，等它做完"),
    "parent_gone": _("它所属的记录不在了，先把那条找回来"),
    "as_of_moment": _("看不懂这个时间，或者还没到：%(value)s"),
    "as_of_not_there": _("那时还没有这条记录"),
    "as_of_too_far": _("那以后改过的超过 %(most)s 条，一次看不完。换个近一点的时间"),
    "as_of_untracked": _("“%(field)s”是算出来的，没有留下当时的值。去掉这个条件，或换个次序"),
    "months_too_few": _("历史最少留 %(least)s 个月"),
    "bin_days_range": _("回收站留 30 到 3650 天"),
}


def in_words(refusal: Refused) -> str:
    """The refusal as a person reads it; an unknown code is shown as it is, so that it can be reported."""
    known = WORDS.get(refusal.code)
    if known is None:
        return refusal.code
    facts = dict(refusal.facts)
    facts["field"] = facts.get("title", facts.get("field", ""))
    try:
        return str(known) % facts
    except KeyError:
        return str(known).split("%(")[0]


def add_words(words: dict[str, str | Promise]) -> None:
    """Let a domain put its own refusals into words."""
    WORDS.update(words)
