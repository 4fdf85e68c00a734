"""What there is to give besides object types: looking after the company."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.kernel.rights import DUTIES, add_page_right

from .entry import tables
from .people import editing as people_editing
from .people import teams
from .roles import editing, following

LOOK_AFTER = ("view", "change")
for _label, _title in (
    ("org.people", _("人员和团队")),
    ("org.roles", _("角色和权限")),
    ("org.settings", _("公司设置")),
    ("org.fields", _("字段和布局")),
    ("org.audit", _("变更记录")),
    ("org.integrations", _("对外连接")),
):
    add_page_right(_label, _title, verbs=LOOK_AFTER, group=DUTIES)

__all__ = ["editing", "following", "people_editing", "tables", "teams"]
