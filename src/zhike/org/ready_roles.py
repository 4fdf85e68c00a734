"""The roles that come with the product; written at every migrate, so that new object types get their grants."""

from __future__ import annotations

from zhike.kernel.actor import Scope

from .models import Grant, Role

VERBS = ("view", "create", "change", "delete", "export", "import")
EVERY = dict.fromkeys(VERBS, Scope.ALL)
READ = {"view": Scope.ALL, "export": Scope.ALL}
PAGES = ("analytics.value", "analytics.overview")
# What an administrator looks after: settings, people and teams, roles, fields and layouts, the log of changes, links to other systems.
HOUSE = ("org.settings", "org.people", "org.roles", "org.fields", "org.audit", "org.integrations")

# object label -> verb -> scope, for each role; "branch" is one's teams with all teams below
READY: dict[str, tuple[str, dict[str, dict[str, Scope]]]] = {
    "admin": (
        "管理员",
        {
            "customers.customer": EVERY | {"transfer": Scope.ALL},
            "orders.order": EVERY,
            "catalog.product": EVERY,
            **{label: {"view": Scope.ALL, "change": Scope.ALL} for label in HOUSE},
            **{page: {"view": Scope.ALL} for page in PAGES},
        },
    ),
    "manager": (
        "销售经理",
        {
            "customers.customer": dict.fromkeys((*VERBS, "transfer"), Scope.BRANCH),
            "orders.order": dict.fromkeys(VERBS, Scope.BRANCH),
            "catalog.product": {"view": Scope.ALL},
            **{page: {"view": Scope.BRANCH} for page in PAGES},
        },
    ),
    "sales": (
        "销售",
        {
            "customers.customer": dict.fromkeys(("view", "create", "change", "delete", "export", "import"), Scope.OWN),
            "orders.order": dict.fromkeys(("view", "create", "change", "import"), Scope.OWN),
            "catalog.product": {"view": Scope.ALL},
            **{page: {"view": Scope.OWN} for page in PAGES},
        },
    ),
    "service": (
        "客服",
        {
            "customers.customer": {"view": Scope.ALL, "change": Scope.ALL, "create": Scope.ALL},
            "orders.order": {"view": Scope.ALL},
            "catalog.product": {"view": Scope.ALL},
        },
    ),
    "analyst": (
        "分析",
        {
            "customers.customer": READ,
            "orders.order": READ,
            "catalog.product": READ,
            **{page: {"view": Scope.ALL} for page in PAGES},
        },
    ),
}


def write_ready_roles() -> None:
    """Make or renew the ready-made roles; grants that an administrator added to them stay."""
    for code, (name, objects) in READY.items():
        role, _ = Role.objects.update_or_create(code=code, defaults={"name": name, "is_ready_made": True})
        grants = [
            Grant(role=role, label=label, verb=verb, scope=scope) for label, verbs in objects.items() for verb, scope in verbs.items()
        ]
        Grant.objects.bulk_create(grants, ignore_conflicts=True)
