"""What was done, in words: verbs of changes and what they were done to."""

from __future__ import annotations

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..models import Change
from ..registry import objects
from ..spec import Words

DEEDS: dict[str, Words] = {
    "create": _("新建"),
    "change": _("改"),
    "delete": _("删除"),
    "import": _("导入"),
    "undo": _("撤销"),
    "restore": _("从回收站找回"),
    "reveal": _("查看完整内容"),
    "attach": _("加附件"),
    "detach": _("删附件"),
    "share_record": _("共享"),
    "end_share": _("结束共享"),
    "set_many": _("批量改"),
    "transfer_many": _("批量转交"),
    "tag_many": _("批量加标签"),
    "delete_many": _("批量删除"),
    "upsert_many": _("批量写入"),
    "add_address": _("加地址"),
    "add_contact": _("加联系人"),
    "write_activity": _("写动态"),
    "tag_customer": _("换标签"),
    "answer_suggestion": _("回应建议"),
    "enter_order": _("录订单"),
    "put_line": _("改明细"),
    "remove_line": _("删明细"),
    "align_owners": _("负责人对齐"),
    "invite": _("邀请"),
    "deactivate": pgettext_lazy("person", "停用"),
    "reactivate": _("重新开通"),
    "change_password": _("改密码"),
    "reset_factors": _("去掉两步验证"),
    "send_link": _("发链接"),
    "make_token": _("建令牌"),
    "revoke_token": _("作废令牌"),
    "set_field_rules": _("定字段规则"),
}
FIRST: dict[str, Words] = {
    "I": pgettext_lazy("happened", "新建"),
    "U": pgettext_lazy("happened", "改动"),
    "D": pgettext_lazy("happened", "删除"),
}
# Names of actions say by their beginning what they do: make_role, delete_team, rename_view.
STEMS: dict[str, Words] = {
    "make": _("新建"), "add": _("加"), "change": _("改"), "rename": _("改名"), "delete": _("删除"), "remove": _("删除"), "archive": _("停用"),
    "restore": _("恢复"), "arrange": _("安排"), "convert": _("换类型"), "put": _("排次序"), "start": _("开始"), "end": _("结束"), "let": _("安排"),
    "reset": _("还原"), "show": _("显示"), "lay": _("排布局"),
}  # fmt: skip


def deed(change: Change | None, op: str) -> str:
    """What a change did, to which kind of record; of one without a change what happened to the row."""
    if change is None:
        return str(FIRST.get(op, FIRST["U"]))
    return " ".join(str(part) for part in (verb_words(change.verb), label_words(change.label)) if part)


def verb_words(verb: str) -> str | Promise:
    """The verb of a change in words; a name nobody gave words to as it is."""
    found = DEEDS.get(verb)
    return found if found is not None else STEMS.get(verb.strip("_").partition("_")[0], verb)


def label_words(label: str) -> str | Promise:
    """What a kind of record is called."""
    if objects.has(label):
        return objects.get(label).title
    try:
        return apps.get_model(label)._meta.verbose_name if label else ""
    except (LookupError, ValueError):
        return ""
