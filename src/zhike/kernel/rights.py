"""Which rights there are to give: for each object type and page its verbs and how far they can reach; new types appear by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .actor import Scope
from .imports.targets import all_targets
from .models import Record
from .registry import objects
from .seen import never_ruled
from .spec import ObjectSpec, RoleGrants, Words

VERBS: dict[str, Words] = {
    "view": _("查看"),
    "create": _("新建"),
    "change": _("修改"),
    "delete": _("删除"),
    "share": _("共享"),
    "transfer": _("转交"),
    "reveal": _("看全号"),
    "export": _("导出"),
    "import": _("导入"),
}
DUTIES = _("管理")
PAGES = _("页面")
SCOPES: dict[Scope, Words] = {Scope.OWN: _("本人"), Scope.TEAM: _("本团队"), Scope.BRANCH: _("含下级"), Scope.ALL: _("全部")}
WITHOUT_OWNER = ("share", "transfer")  # verbs that mean nothing where everybody sees everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What may be given for one label: an object type, or a page or duty (`is_page`); `grants` are given to ready roles."""

    label: str
    title: Words
    group: Words = PAGES
    verbs: tuple[str, ...] = ("view",)
    scopes: tuple[Scope, ...] = (Scope.ALL,)
    is_page: bool = False
    hint: Words = ""
    grants: RoleGrants = field(default_factory=dict)


_pages: dict[str, Right] = {}


def add_page_right(right: Right) -> None:
    """Offer the right to a page or duty in the roles; called where it is declared."""
    _pages[right.label] = replace(right, is_page=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """An object type that follows the record behind `link`, and may be let stand apart; a copy of that one's owner, or its reach itself."""

    model: type[Record]
    title: Words
    link: str
    parent: type[Record]
    is_copy: bool = False

    @property
    def label(self) -> str:
        return self.model._meta.label_lower


_followers: dict[str, Follower] = {}


def add_follower(follower: Follower) -> None:
    """Let a company decide whether a type follows the record above it; called where the type is declared."""
    _followers[follower.label] = follower


def followers() -> list[Follower]:
    """The types that may stand apart, in the order they were declared."""
    return list(_followers.values())


def follower_of(label: str) -> Follower | None:
    return _followers.get(label)


def rights() -> Iterator[Right]:
    """All rights, object types first."""
    for spec in objects:
        if spec.policy.parent is None and spec.policy.label == spec.label:
            yield _of(spec)
    yield from _pages.values()


def right_of(label: str) -> Right | None:
    """The right of one label, None when nothing is declared by that name."""
    return next((right for right in rights() if right.label == label), None)


def _listed(words: list[Words]) -> str:
    return gettext("、").join(map(str, words))


_joined = lazy(_listed, str)  # when it is shown, in the language of who reads


def _of(spec: ObjectSpec) -> Right:
    below = [other.title for other in objects if other.policy.parent is not None and other.policy.label == spec.label]
    return Right(
        label=spec.label,
        title=spec.title,
        group=_("记录"),
        verbs=tuple(verb for verb in VERBS if _makes_sense(spec, verb)),
        scopes=(Scope.ALL,) if spec.policy.shared else tuple(Scope),
        hint=_joined(below),
        grants=spec.grants,
    )


def _makes_sense(spec: ObjectSpec, verb: str) -> bool:
    if verb == "import":
        return any(target.entity(target.main).model is spec.model for target in all_targets())
    if verb == "reveal":
        followers = [other for other in objects if other.policy.label == spec.label]
        return any(column.cell == "phone" for other in followers for column in other.columns)
    if verb == "transfer":
        return "owner" in {field for panel in spec.panels for field in panel.fields} and not spec.policy.shared
    return not (spec.policy.shared and verb in WITHOUT_OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledField:
    """A field that a role may hide, mask or keep."""

    name: str
    title: Words


def ruled_fields(spec: ObjectSpec) -> list[RuledField]:
    """The fields of an object type that a rule may touch, in the order in which people meet them."""
    named = [
        *(field for panel in spec.panels for field in panel.fields),
        *spec.form,
        *spec.form_more,
        *(column.path for column in spec.columns if "__" not in column.path),
    ]
    left_out = never_ruled(spec)
    return [RuledField(name=name, title=spec.field(name).label) for name in dict.fromkeys(named) if name not in left_out]
