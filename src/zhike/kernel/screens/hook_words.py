"""Webhooks in words: how one fares, what it hears of, what came of a message."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ..hooks.bodies import TEST
from ..links.shapes import shapes_of
from ..links.tables import Hook, HookMessage, HookTry, MessageState
from ..registry import objects
from ..spec import Words
from .words import add_words

VERBS: dict[str, Words] = {
    "created": pgettext_lazy("happened", "新建"),
    "changed": pgettext_lazy("happened", "改动"),
    "deleted": pgettext_lazy("happened", "删除"),
}
WHY: dict[str, Words] = {
    "refused_by_receiver": gettext_lazy("对方没有接受"),
    "redirected": gettext_lazy("对方要转到别的地址，不跟过去"),
    "timed_out": gettext_lazy("对方太久没有回应"),
    "bad_certificate": gettext_lazy("对方的证书不对"),
    "no_connection": gettext_lazy("连不上对方"),
    "broken_answer": gettext_lazy("对方的回应读不懂"),
    "secret_lost": gettext_lazy("密钥打不开了，换一个密钥"),
    "integration_off": gettext_lazy("对接系统停用了"),
    "hook_address": gettext_lazy("地址不对"),
    "hook_not_https": gettext_lazy("地址要用 https"),
    "hook_unknown_host": gettext_lazy("查不到这个主机"),
    "hook_inside": gettext_lazy("地址在内网里"),
}
add_words(
    {
        "hook_address": gettext_lazy("这不是能用的地址，写完整，如 https://example.com/zhike"),
        "hook_not_https": gettext_lazy("地址要用 https"),
        "hook_unknown_host": gettext_lazy("查不到主机 %(host)s，看看有没有写错"),
        "hook_inside": gettext_lazy("%(host)s 在内网里，不能发。真要发到内网，请管理服务器的人设置 ZHIKE_HOOK_NETWORKS"),
        "hook_no_events": gettext_lazy("至少勾一种变化"),
        "hook_field_unknown": gettext_lazy("没有这一项：%(field)s"),
    }
)


def verbs() -> list[tuple[str, Words]]:
    """What can happen to a record, in words."""
    return list(VERBS.items())


def why(error: str, status: int | None) -> str:
    """What went wrong, with the status when there was one."""
    told = str(WHY.get(error, error))
    return f"{told}（{status}）" if status else told


def state_of(hook: Hook, dead: int) -> tuple[str, str]:
    """How a webhook fares: word and tone."""
    if not hook.is_active:
        return (_("已停用"), "") if hook.off_reason == "by_hand" else (_("自动停了"), "bad")
    if hook.failing_since is not None:
        return _("发不出去"), "due"
    return (_("有没发到的"), "due") if dead else (_("正常"), "good")


def notice_of(hook: Hook) -> str:
    """What a person should know and do; empty when all is well."""
    if not hook.is_active and hook.off_reason == "failed":
        return _("连续三天没有一次发到，已经停了。修好接收的程序，先试发，再启用，再重发没发到的")
    if not hook.is_active and hook.off_reason == "gone":
        return _("对方回了 410，说这个地址不再接收，已经停了。换了地址再启用")
    if hook.is_active and hook.failing_since is not None:
        return _("最近几次没有发到，会越等越久地重试，最后一次在 35 小时左右以后")
    return ""


def events_of(hook: Hook) -> str:
    """客户 新建、改动，订单 删除."""
    parts = []
    for spec in objects:
        heard = [str(VERBS[verb]) for verb in VERBS if verb in hook.events.get(spec.label, ())]
        if heard:
            parts.append(f"{spec.title} " + _("、").join(heard))
    return _("，").join(parts)


def reach_of(hook: Hook) -> list[tuple[Words, str, str]]:
    """For each object type: what is heard of and which fields are sent."""
    found = []
    for spec in objects:
        heard = [str(VERBS[verb]) for verb in VERBS if verb in hook.events.get(spec.label, ())]
        if not heard:
            continue
        chosen = hook.fields.get(spec.label, ())
        labels = [str(shape.field.label) for shape in shapes_of(spec) if shape.name in chosen]
        found.append((spec.title, _("、").join(heard), _("、").join(labels) or _("它能看的全部")))
    return found


def message_line(message: HookMessage) -> dict[str, Any]:
    """A message as the log shows it."""
    states = {
        MessageState.WAITING: (_("等着重试") if message.tries else _("等着发"), "due" if message.tries else ""),
        MessageState.SENT: (_("发到了"), "good"),
        MessageState.DEAD: (_("没发到"), "bad"),
        MessageState.EMPTY: (_("没有可发的"), ""),
    }
    state, tone = states[MessageState(message.state)]
    return {"message": message, "what": _what(message), "state": state, "tone": tone, "is_open": message.state == MessageState.WAITING}


def _what(message: HookMessage) -> str:
    if message.event == TEST:
        return _("试发")
    label = str(message.told.get("label", ""))
    title = objects.get(label).title if objects.has(label) else label
    told = f"{title} {VERBS.get(str(message.told.get('verb')), '')}"
    count = len(message.told.get("ids", ()))
    return _("%(what)s %(count)s 条") % {"what": told, "count": count} if count > 1 else told


def try_line(row: HookTry) -> dict[str, Any]:
    """One attempt as the log shows it."""
    return {"row": row, "said": why(row.error, row.status) if row.error else str(row.status), "tone": "bad" if row.error else "good"}


def pretty(body: str) -> str:
    """A body set out to be read."""
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2) if body else ""
