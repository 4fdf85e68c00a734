"""The roles that come with the product, and what they may do with each object type that declares it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zhike.kernel.actor import Scope
from zhike.kernel.registry import objects
from zhike.kernel.spec import RoleGrants

from .models import Grant, Role

ROLES = {"admin": "管理员", "manager": "销售经理", "sales": "销售", "service": "客服", "analyst": "分析"}
VERBS = ("view", "create", "change", "delete", "export", "import")
EVERY = dict.fromkeys(VERBS, Scope.ALL)
READ = {"view": Scope.ALL, "export": Scope.ALL}
LOOK = {"view": Scope.ALL}
# What object types declare as their `grants`: records that belong to somebody, and records that belong to all.
OWNED: RoleGrants = {
    "admin": EVERY | {"transfer": Scope.ALL},
    "manager": dict.fromkeys((*VERBS, "transfer"), Scope.BRANCH),
    "sales": dict.fromkeys(VERBS, Scope.OWN),
    "service": {"view": Scope.ALL, "change": Scope.ALL, "create": Scope.ALL},
    "analyst": READ,
}
SHARED: RoleGrants = {"admin": EVERY, "manager": LOOK, "sales": LOOK, "service": LOOK, "analyst": READ}
# What an administrator looks after: settings, people and teams, roles, fields and layouts, the log of changes, links to other systems.
HOUSE = ("org.settings", "org.people", "org.roles", "org.fields", "org.audit", "org.integrations")
PAGES = ("analytics.value", "analytics.overview")
PAGE: RoleGrants = {
    "admin": LOOK, "manager": {"view": Scope.BRANCH}, "sales": {"view": Scope.OWN}, "analyst": LOOK,
}  # fmt: skip


def ready_grants() -> Iterator[tuple[str, str, str, Scope]]:
    """Every grant of the ready roles: role, label, verb, scope; those of object types are declared with the type."""
    declared = [(spec.policy.label, spec.grants) for spec in objects]
    declared += [(label, {"admin": {"view": Scope.ALL, "change": Scope.ALL}}) for label in HOUSE]
    declared += [(label, PAGE) for label in PAGES]
    for label, roles in declared:
        for role, verbs in roles.items():
            yield from ((role, label, verb, scope) for verb, scope in verbs.items())


def write_ready_roles() -> None:
    """Make or renew the ready-made roles; grants that an administrator added to them stay."""
    for code, name in ROLES.items():
        Role.objects.update_or_create(code=code, defaults={"name": name, "is_ready_made": True})
    _write(ready_grants())


def grant_new_types() -> None:
    """Give the ready roles their grants on object types that came with an update; what is granted already is left as it is."""
    known = set(Grant.objects.values_list("label", flat=True))
    _write(grant for grant in ready_grants() if grant[1] not in known)


def _write(grants: Iterable[tuple[str, str, str, Scope]]) -> None:
    roles = {role.code: role for role in Role.objects.filter(is_ready_made=True)}
    rows = [Grant(role=roles[code], label=label, verb=verb, scope=scope) for code, label, verb, scope in grants if code in roles]
    Grant.objects.bulk_create(rows, ignore_conflicts=True)
