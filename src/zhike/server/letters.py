"""The letters about one's own log-in: short, plain text, with a way out when it was somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.spec import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail without its address."""

    subject: str
    body: str


# What was done; each is told with when and from where.
DEEDS: dict[str, Words] = {
    "account/email/password_changed": gettext_lazy("密码改了"),
    "account/email/password_set": gettext_lazy("设了密码"),
    "account/email/password_reset": gettext_lazy("密码重新设了"),
    "mfa/email/totp_activated": gettext_lazy("开了两步验证"),
    "mfa/email/totp_deactivated": gettext_lazy("关了两步验证"),
    "mfa/email/recovery_codes_generated": gettext_lazy("换了一套备用码"),
    "mfa/email/webauthn_added": gettext_lazy("加了通行密钥"),
    "mfa/email/webauthn_removed": gettext_lazy("删了通行密钥"),
}
RESET = "account/email/password_reset_key"


def letter(kind: str, facts: Mapping[str, Any]) -> Letter | None:
    """The letter of a kind as allauth names it; None for those that we do not send."""
    user = facts.get("user")
    names = {"name": user, "user": getattr(user, "username", ""), "company": facts.get("company", "")}
    if kind == RESET:
        body = _(
            "%(name)s，你好：\n\n点下面的链接，给%(company)s的知客重新设一个密码：\n\n%(url)s\n\n用户名是 %(user)s。"
            "不是你要的就不用管，密码没有变。"
        )
        return Letter(subject=_("重新设密码"), body=body % (names | {"url": facts["password_reset_url"]}))
    if kind not in DEEDS:
        return None
    told = names | {"deed": DEEDS[kind], "at": facts.get("at", ""), "ip": facts.get("ip", "")}
    body = _(
        "%(name)s，你好：\n\n你在%(company)s的知客里%(deed)s（%(at)s，来自 %(ip)s）。\n\n"
        "是你自己做的就不用管。不是的话，马上重新设密码，并告诉管理员。"
    )
    return Letter(subject=_("你的账号：%(deed)s") % told, body=body % told)
