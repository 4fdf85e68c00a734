"""What there is to give besides object types: looking after the company."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.kernel.migrated import after_migrate
from zhike.kernel.rights import DUTIES, Right, add_page_right

from .entry import tables
from .people import editing as people_editing
from .people import teams
from .ready_roles import LOOKED_AFTER, LOOKED_INTO, write_ready_roles
from .roles import editing, following

LOOK_AFTER = ("view", "change")
for _label, _title, _grants in (
    ("org.people", _("人员和团队"), LOOKED_AFTER),
    ("org.roles", _("角色和权限"), LOOKED_INTO),
    ("org.settings", _("公司设置"), LOOKED_AFTER),
    ("org.fields", _("字段和布局"), LOOKED_AFTER),
    ("org.audit", _("变更记录"), LOOKED_INTO),
    ("org.integrations", _("对外连接"), LOOKED_AFTER),
):
    add_page_right(Right(label=_label, title=_title, verbs=LOOK_AFTER, group=DUTIES, grants=_grants))

after_migrate(write_ready_roles)  # a new object type declares what they may do with it

__all__ = ["editing", "following", "people_editing", "tables", "teams"]
