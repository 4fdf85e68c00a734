"""The roles that come with the product, and what they may do with everything that declares it; written at every migrate."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import override, pgettext_lazy

from zhike.kernel.actor import Scope
from zhike.kernel.rights import rights
from zhike.kernel.spec import RoleGrants

from .models import Role
from .roles.sheets import offer

# Stored in Chinese; a reader of another language is shown the translation until somebody renames the role.
ROLES = {
    "admin": pgettext_lazy("role", "管理员"), "manager": pgettext_lazy("role", "销售经理"), "sales": pgettext_lazy("role", "销售"),
    "service": pgettext_lazy("role", "客服"), "auditor": pgettext_lazy("role", "审计"), "analyst": pgettext_lazy("role", "分析"),
}  # fmt: skip
VERBS = ("view", "create", "change", "delete", "export", "import")
EVERY = dict.fromkeys(VERBS, Scope.ALL)
READ = {"view": Scope.ALL, "export": Scope.ALL}
LOOK = {"view": Scope.ALL}
# What object types declare as their `grants`: records that belong to somebody, and records that belong to all.
OWNED: RoleGrants = {
    "admin": dict.fromkeys((*VERBS, "transfer", "share", "reveal"), Scope.ALL),
    "manager": dict.fromkeys((*VERBS, "transfer", "share", "reveal"), Scope.BRANCH),
    "sales": dict.fromkeys((*VERBS, "share", "reveal"), Scope.OWN),
    "service": dict.fromkeys(("view", "create", "change", "share", "reveal"), Scope.ALL),
    "auditor": READ,
    "analyst": READ,
}
SHARED: RoleGrants = {"admin": EVERY, "manager": LOOK, "sales": LOOK, "service": LOOK, "auditor": READ, "analyst": READ}
# A page of figures: each sees his own reach.
PAGE: RoleGrants = {
    "admin": LOOK, "manager": {"view": Scope.BRANCH}, "sales": {"view": Scope.OWN}, "auditor": LOOK, "analyst": LOOK,
}  # fmt: skip
# What an administrator looks after, and of it what the auditor looks into.
LOOKED_AFTER: RoleGrants = {"admin": {"view": Scope.ALL, "change": Scope.ALL}}
LOOKED_INTO: RoleGrants = {**LOOKED_AFTER, "auditor": LOOK}


def ready_grants(code: str) -> Iterator[tuple[str, str, Scope]]:
    """Every grant of a ready role as object types, pages and duties declare them: label, verb, scope."""
    for right in rights():
        yield from ((right.label, verb, scope) for verb, scope in right.grants.get(code, {}).items())


def write_ready_roles() -> None:
    """Make the ready-made roles and give them what is new; what an administrator added, changed or took away stays so."""
    with override(settings.LANGUAGE_CODE):
        for code, name in ROLES.items():
            role, _ = Role.objects.get_or_create(code=code, defaults={"name": str(name), "is_ready_made": True})
            offer(role, ready_grants(code))
