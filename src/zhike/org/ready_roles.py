"""The roles that come with the product; written at every migrate, so that new object types get their grants."""

from __future__ import annotations

from zhike.kernel.actor import Scope

from .models import Role
from .roles.sheets import offer

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
            "customers.customer": EVERY | {"transfer": Scope.ALL, "share": Scope.ALL, "reveal": Scope.ALL},
            "orders.order": EVERY | {"share": Scope.ALL},
            "catalog.product": EVERY,
            **{label: {"view": Scope.ALL, "change": Scope.ALL} for label in HOUSE},
            **{page: {"view": Scope.ALL} for page in PAGES},
        },
    ),
    "manager": (
        "销售经理",
        {
            "customers.customer": dict.fromkeys((*VERBS, "transfer", "share", "reveal"), Scope.BRANCH),
            "orders.order": dict.fromkeys((*VERBS, "share"), Scope.BRANCH),
            "catalog.product": {"view": Scope.ALL},
            **{page: {"view": Scope.BRANCH} for page in PAGES},
        },
    ),
    "sales": (
        "销售",
        {
            "customers.customer": dict.fromkeys((*VERBS, "share", "reveal"), Scope.OWN),
            "orders.order": dict.fromkeys(("view", "create", "change", "import", "share"), Scope.OWN),
            "catalog.product": {"view": Scope.ALL},
            **{page: {"view": Scope.OWN} for page in PAGES},
        },
    ),
    "service": (
        "客服",
        {
            "customers.customer": dict.fromkeys(("view", "create", "change", "share", "reveal"), Scope.ALL),
            "orders.order": {"view": Scope.ALL},
            "catalog.product": {"view": Scope.ALL},
        },
    ),
    "auditor": (
        "审计",
        {
            "customers.customer": READ,
            "orders.order": READ,
            "catalog.product": READ,
            "org.audit": {"view": Scope.ALL},
            "org.roles": {"view": Scope.ALL},
            **{page: {"view": Scope.ALL} for page in PAGES},
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
    """Make the ready-made roles and give them what is new; what an administrator added, changed or took away stays so."""
    for code, (name, objects) in READY.items():
        role, _ = Role.objects.get_or_create(code=code, defaults={"name": name, "is_ready_made": True})
        offer(role, [(label, verb, scope) for label, verbs in objects.items() for verb, scope in verbs.items()])
