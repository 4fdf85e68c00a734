"""The views of one list for one reader: saved and ready ones in his order, what he hid, where he begins, his columns."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from django.db import connection
from django.utils.translation import gettext_lazy as _

from ..actor import Actor
from ..models import Preference
from ..spec import ObjectSpec, Words
from .tables import Audience, SavedView

ALL, MINE = "all", "mine"
FAVOURITES = "favourites"
AT_ONCE = 12  # tabs that stand over a list before its reader arranged them


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view as a list uses it, ready-made or saved."""

    key: str
    name: Words
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    grouping: str = ""
    columns: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    saved: SavedView | None = None

    @property
    def is_saved(self) -> bool:
        return self.saved is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns that one reader chose, with widths in pixels; no paths: those of the view."""

    paths: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """All that one reader has for one list. `columns` are his own, by the key of the view ("" is the list itself)."""

    views: tuple[View, ...]
    hidden: frozenset[str] = frozenset()
    start: str = ""
    role_start: str = ""  # with which one of the reader's roles begins
    favourites: tuple[tuple[str, str], ...] = ()  # (label, key)
    columns: Mapping[str, Columns] = field(default_factory=dict)

    def view(self, key: str) -> View | None:
        return next((view for view in self.views if view.key == key), None)

    @property
    def shown(self) -> list[View]:
        return [view for view in self.views if view.key not in self.hidden]


def views_key(spec: ObjectSpec) -> str:
    """Under which preference a person's own arrangement of a list's views is kept."""
    return f"views:{spec.label}"


def columns_key(spec: ObjectSpec, view: str = "") -> str:
    """Under which preference a person's own columns of a list, or of one view of it, are kept."""
    own = view not in ("", ALL)
    return f"columns:{spec.label}:{view}" if own else f"columns:{spec.label}"


def arrangement(spec: ObjectSpec, actor: Actor, only: str | None = None) -> Arrangement:
    """What this reader has for this list and where his roles begin; two queries, however many views there are.

    `only` is the key of the one view that is needed: ready ones then cost no second query.
    """
    kept, role_view = _kept(spec, actor)
    favourites = tuple((str(label), str(key)) for label, key in kept.get(FAVOURITES, ()))
    own: dict[str, Any] = kept.get(views_key(spec), {})
    views = [*ready_views(spec), *(of_saved(view) for view in _saved(spec, actor, only))]
    place = {key: number for number, key in enumerate(own.get("order", ()))}
    views.sort(key=lambda view: place.get(view.key, len(place)))
    head = columns_key(spec)
    return Arrangement(
        views=tuple(views),
        hidden=_hidden(views, own, actor),
        start=str(own.get("start", "")),
        role_start=role_view,
        favourites=favourites,
        columns={name.removeprefix(head).removeprefix(":"): _columns(value) for name, value in kept.items() if name.startswith(head)},
    )


def _saved(spec: ObjectSpec, actor: Actor, only: str | None) -> Iterable[SavedView]:
    if only is not None and not is_saved_key(only):
        return ()
    found = SavedView.objects.visible_to(actor).filter(label=spec.label).order_by("name", "pk")
    return found if only is None else found.filter(pk=uuid.UUID(only))


# In plain SQL: this stands before every list, and building the two queries took longer than running them.
SQL_KEPT = """
select key, value, 0 from kernel_preference where user_id = %s and (key = any(%s) or starts_with(key, %s))
union all select '', to_jsonb(view_key), role_id from kernel_rolestart where label = %s and role_id = any(%s)
order by 3 desc
"""


def _kept(spec: ObjectSpec, actor: Actor) -> tuple[dict[str, Any], str]:
    """The reader's own settings by key, and the view with which the first of his roles begins."""
    head = columns_key(spec)
    with connection.cursor() as cursor:
        exact = [FAVOURITES, views_key(spec), head]
        cursor.execute(SQL_KEPT, [actor.user_id or 0, exact, f"{head}:", spec.label, sorted(actor.role_ids)])
        found = {key: json.loads(value) for key, value, _role in cursor.fetchall()}
    return found, found.pop("", "")


def _columns(value: Any) -> Columns:
    if isinstance(value, list):
        return Columns(paths=tuple(value))
    return Columns(paths=tuple(value.get("paths", ())), widths=dict(value.get("widths", {})))


def _hidden(views: Iterable[View], own: Mapping[str, Any], actor: Actor) -> frozenset[str]:
    """What a reader hid; until he arranged them, views of teams below him and all beyond the first dozen are in the menu."""
    if "order" in own:
        arranged = set(own["order"])
        late = {view.key for view in views if view.key not in arranged and _is_of_team_below(view, actor)}
        return frozenset(own.get("hidden", ())) | late
    near = [view for view in views if not _is_of_team_below(view, actor)]
    shown = {view.key for view in near[:AT_ONCE]}
    return frozenset(view.key for view in views if view.key not in shown)


def _is_of_team_below(view: View, actor: Actor) -> bool:
    saved = view.saved
    if saved is None or saved.audience != Audience.TEAM:
        return False
    return saved.team_id in actor.branch_ids and saved.team_id not in actor.team_ids


def ready_views(spec: ObjectSpec) -> list[View]:
    """Views that come with the object type."""
    found = [View(key=ALL, name=_("全部"))]
    if spec.filter("owner"):
        found.append(View(key=MINE, name=_("我的"), filters={"owner.is": "me"}))
    return [*found, *(_ready(label, query) for label, query in spec.views)]


def _ready(label: Words, query: str) -> View:
    params = dict(parse_qsl(query))
    key = "r" + hashlib.sha1(query.encode(), usedforsecurity=False).hexdigest()[:8]
    return View(key=key, name=label, filters={name: value for name, value in params.items() if "." in name}, sort=params.get("sort", ""))


def of_saved(view: SavedView) -> View:
    """A saved view as a list uses it."""
    return View(
        key=str(view.pk),
        name=view.name,
        filters=view.filters,
        sort=view.sort,
        grouping=view.grouping,
        columns=tuple(view.columns),
        widths=view.widths,
        saved=view,
    )


def favourites(actor: Actor) -> tuple[tuple[str, str], ...]:
    """What a reader keeps in the rail, as (label, key of a view)."""
    kept = Preference.objects.filter(user_id=actor.user_id or 0, key=FAVOURITES).values_list("value", flat=True).first()
    return tuple((str(label), str(key)) for label, key in kept or ())


def saved_by_key(actor: Actor, keys: Iterable[str]) -> dict[str, SavedView]:
    """The saved views among some keys that this reader may see; one query, none when no key is that of a saved view."""
    ids = [uuid.UUID(key) for key in keys if is_saved_key(key)]
    return {str(view.pk): view for view in SavedView.objects.visible_to(actor).filter(pk__in=ids)} if ids else {}


def is_saved_key(key: str) -> bool:
    """Whether a key is that of a saved view, not of a ready one."""
    try:
        uuid.UUID(key)
    except ValueError:
        return False
    return True


def keep(actor: Actor, key: str, value: Any) -> None:
    """Keep a person's own setting; None gives it up."""
    kept: dict[str, Any] = {"user_id": actor.user_id or 0, "key": key}
    if value is None:
        Preference.objects.filter(**kept).delete()
    else:
        Preference.objects.update_or_create(**kept, defaults={"value": value})


def keep_columns(actor: Actor, spec: ObjectSpec, view: str, columns: Columns) -> None:
    """Keep a person's own columns of a list or view; paths that the type does not have are dropped."""
    known = {column.path for column in spec.columns}
    paths: Sequence[str] = [path for path in dict.fromkeys(columns.paths) if path in known]
    widths = {path: max(NARROWEST, min(WIDEST, int(width))) for path, width in columns.widths.items() if path in known}
    keep(actor, columns_key(spec, view), {"paths": list(paths), "widths": widths} if paths or widths else None)


NARROWEST, WIDEST = 56, 800  # pixels


def rearrange(actor: Actor, spec: ObjectSpec, **changes: Any) -> None:
    """Change a person's own arrangement of a list's views: `order`, `hidden` (lists of keys), `start` (a key)."""
    kept = Preference.objects.filter(user_id=actor.user_id or 0, key=views_key(spec)).values_list("value", flat=True).first()
    keep(actor, views_key(spec), {**(kept or {}), **changes})
