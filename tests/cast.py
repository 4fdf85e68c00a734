"""The people of the tests, kept in the template database: they are there in every test and cost nothing.

恒砺 (the company): 华东区 with 上海组 (林悦 the owner, 周航 a team mate; 主管 leads 华东区); 华南区 with 陈默, a stranger to both;
审计 reads everything and changes nothing; 访客 has no role at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from zhike.kernel.actor import Actor, Scope
from zhike.kernel.models import HistoryEntry
from zhike.org.models import Grant, Membership, Role, Team, User
from zhike.org.queries import actor_of
from zhike.org.ready_roles import write_ready_roles

PASSWORD_HASH = "!"  # nobody of the cast logs in by password; the web client logs in by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of the cast: name, role and team."""

    username: str
    name: str
    role: str
    team: str


TEAMS = (("恒砺", ""), ("华东区", "恒砺"), ("上海组", "华东区"), ("华南区", "恒砺"))
CAST = (
    Member(username="linyue", name="林悦", role="sales", team="上海组"),
    Member(username="zhouhang", name="周航", role="sales", team="上海组"),
    Member(username="zuyuan", name="组员", role="team_sales", team="上海组"),
    Member(username="zhuguan", name="主管", role="manager", team="华东区"),
    Member(username="chenmo", name="陈默", role="sales", team="华南区"),
    Member(username="shenji", name="审计", role="analyst", team="恒砺"),
    Member(username="guanli", name="管理员", role="admin", team="恒砺"),
    Member(username="fangke", name="访客", role="", team="恒砺"),
)
TEAM_ROLE = {"customers.customer": ("view", "create", "change", "delete", "export"), "orders.order": ("view", "change", "export")}


def make_cast() -> None:
    """Write teams, roles and people into an empty company."""
    write_ready_roles()
    role = Role.objects.create(code="team_sales", name="组内销售")
    Grant.objects.bulk_create(
        Grant(role=role, label=label, verb=verb, scope=Scope.TEAM) for label, verbs in TEAM_ROLE.items() for verb in verbs
    )
    teams: dict[str, Team] = {}
    for name, above in TEAMS:
        teams[name] = Team.objects.create(name=name, parent=teams.get(above))
    for member in CAST:
        user = User.objects.create(username=member.username, name=member.name, password=PASSWORD_HASH)
        Membership.objects.create(user=user, team=teams[member.team])
        if member.role:
            user.roles.add(Role.objects.get(code=member.role))
    HistoryEntry.objects.all().delete()  # stories begin with an empty history


def user_of(name: str) -> User:
    """The user of a cast member, by name."""
    return User.objects.get(name=name)


def actor(name: str) -> Actor:
    """The actor a cast member is."""
    return actor_of(user_of(name))
