"""Every address of the product with what it takes to reach it; a new one fails a test until it stands here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an address is asked for in tests.

    `path` may hold {slug}, {pk}, {change}, {file}, {view}; `slugs` are the object types it exists for (all when empty);
    `verb` is the right it needs ("" for none but being logged in); `form` is what is posted (None: it is read).
    `is_open` addresses need no log-in; `is_run` ones are about one import; `needs` is a right to see
    that is not one on records.
    """

    path: str
    verb: str = ""
    slugs: tuple[str, ...] = ()
    form: dict[str, str] | None = None
    is_open: bool = False
    is_run: bool = False
    needs: str = ""
    target: str = ""


RECORD = "<slug:slug>/<uuid:pk>/"
CUSTOMERS = ("customers",)
GROUPED = ("customers", "orders", "products")

ROUTES: dict[str, Route] = {
    "login/": Route(path="/login/", is_open=True),
    "logout/": Route(path="/logout/"),
    "i18n/setlang/": Route(path="/i18n/setlang/", is_open=True, form={"language": "en"}),
    "health": Route(path="/health", is_open=True),
    # 今日
    "": Route(path="/"),
    "today/counts": Route(path="/today/counts"),
    "today/<uuid:pk>/<slug:rule>/done": Route(path="/today/{pk}/thank3/done", verb="change", slugs=CUSTOMERS),
    "today/<uuid:pk>/<slug:rule>/answer/<slug:said>": Route(path="/today/{pk}/thank3/answer/later", verb="view", slugs=CUSTOMERS, form={}),
    # customers
    "customers/bulk/tag": Route(path="/customers/bulk/tag?ids={pk}", verb="change", slugs=CUSTOMERS, form={"names": "样品"}),
    "customers/<uuid:pk>/activity/<slug:kind>": Route(path="/customers/{pk}/activity/call", verb="change", slugs=CUSTOMERS),
    "customers/<uuid:pk>/note": Route(path="/customers/{pk}/note", verb="change", slugs=CUSTOMERS, form={"body": "要报价"}),
    "customers/<uuid:pk>/contact/new": Route(path="/customers/{pk}/contact/new", verb="change", slugs=CUSTOMERS),
    "customers/<uuid:pk>/address/new": Route(path="/customers/{pk}/address/new", verb="change", slugs=CUSTOMERS),
    "customers/<uuid:pk>/tags": Route(path="/customers/{pk}/tags", verb="change", slugs=CUSTOMERS),
    # orders
    "orders/new": Route(path="/orders/new", verb="create", slugs=("orders",)),
    "orders/<uuid:pk>/line/new": Route(path="/orders/{pk}/line/new", verb="change", slugs=("orders",)),
    "orders/<uuid:pk>/line/<uuid:line>/delete": Route(path="/orders/{pk}/line/{line}/delete", verb="change", slugs=("orders",), form={}),
    # analytics
    "analytics/value": Route(path="/analytics/value", needs="analytics.value"),
    "analytics/value/compute": Route(path="/analytics/value/compute", needs="analytics.value", form={}),
    "analytics/value/state": Route(path="/analytics/value/state", needs="analytics.value"),
    "analytics/value/setting": Route(path="/analytics/value/setting", needs="org.settings"),
    "analytics/value/moved": Route(path="/analytics/value/moved", needs="analytics.value"),
    "analytics/overview": Route(path="/analytics/overview", needs="analytics.overview"),
    "analytics/overview/card/<slug:name>": Route(path="/analytics/overview/card/headline", needs="analytics.overview"),
    "analytics/overview/new-buyers": Route(
        path="/analytics/overview/new-buyers?start=2026-01-01&end=2026-01-31", needs="analytics.overview"
    ),
    # imports: a run is seen by who began it and by who looks after the settings
    "imports/": Route(path="/imports/"),
    "imports/new": Route(path="/imports/new"),
    "imports/<uuid:pk>/": Route(path="/imports/{run}/", is_run=True),
    "imports/<uuid:pk>/body": Route(path="/imports/{run}/body", is_run=True),
    "imports/<uuid:pk>/reread": Route(path="/imports/{run}/reread", is_run=True, form={}),
    "imports/<uuid:pk>/check": Route(path="/imports/{run}/check", is_run=True, form={}),
    "imports/<uuid:pk>/start": Route(path="/imports/{run}/start", is_run=True, form={}),
    "imports/<uuid:pk>/undo": Route(path="/imports/{run}/undo", is_run=True, form={}),
    "imports/<uuid:pk>/discard": Route(path="/imports/{run}/discard", is_run=True, form={}),
    "imports/<uuid:pk>/refused": Route(path="/imports/{run}/refused", is_run=True),
    # settings
    "settings/": Route(path="/settings/"),
    # every object type
    "search/suggest": Route(path="/search/suggest?q={q}"),
    "search/": Route(path="/search/?q={q}"),
    "kernel/components": Route(path="/kernel/components"),
    "changes/<uuid:change_id>/undo": Route(path="/changes/{change}/undo", verb="change", form={}),
    "<slug:slug>/": Route(path="/{slug}/", verb="view"),
    "<slug:slug>/rows": Route(path="/{slug}/rows", verb="view", target="list"),
    "<slug:slug>/count": Route(path="/{slug}/count", verb="view", target="count"),
    "<slug:slug>/columns": Route(path="/{slug}/columns", verb="view"),
    "<slug:slug>/columns/width": Route(path="/{slug}/columns/width", verb="view", slugs=CUSTOMERS, form={"column": "name", "width": "200"}),
    "<slug:slug>/columns/move": Route(path="/{slug}/columns/move", verb="view", form={}),
    # lists in groups; contacts have nothing to be grouped by
    "<slug:slug>/groups": Route(path="/{slug}/groups?group={group}", verb="view", slugs=GROUPED, target="list"),
    "<slug:slug>/groups/rows": Route(path="/{slug}/groups/rows?group={group}&values=none", verb="view", slugs=GROUPED, target="list"),
    "<slug:slug>/groups/totals": Route(path="/{slug}/groups/totals?group={group}&values=none", verb="view", slugs=GROUPED, target="count"),
    "<slug:slug>/filters": Route(path="/{slug}/filters", verb="view"),
    "<slug:slug>/filter/<slug:name>": Route(path="/{slug}/filter/{filter}", verb="view"),
    "<slug:slug>/filter/<slug:name>/row": Route(path="/{slug}/filter/{filter}/row", verb="view"),
    # saved views; those of others are in tests/flows/test_saved_views.py
    "views/counts": Route(path="/views/counts"),
    "<slug:slug>/views/": Route(path="/{slug}/views/", verb="view"),
    "<slug:slug>/views/counts": Route(path="/{slug}/views/counts", verb="view"),
    "<slug:slug>/views/order": Route(path="/{slug}/views/order", verb="view", form={}),
    "<slug:slug>/views/new": Route(path="/{slug}/views/new", verb="view"),
    "<slug:slug>/views/<slug:key>/edit": Route(path="/{slug}/views/{view}/edit", verb="view"),
    "<slug:slug>/views/<slug:key>/save": Route(path="/{slug}/views/{view}/save", verb="view", form={}),
    "<slug:slug>/views/<slug:key>/copy": Route(path="/{slug}/views/{view}/copy", verb="view", form={}),
    "<slug:slug>/views/<slug:key>/delete": Route(path="/{slug}/views/{view}/delete", verb="view", form={}),
    "<slug:slug>/views/<slug:key>/favourite": Route(path="/{slug}/views/all/favourite", verb="view", form={}),
    "<slug:slug>/views/<slug:key>/start": Route(path="/{slug}/views/all/start", verb="view", form={}),
    "<slug:slug>/views/<slug:key>/hide": Route(path="/{slug}/views/{view}/hide", verb="view", form={}),
    "<slug:slug>/views/<slug:key>/roles": Route(path="/{slug}/views/all/roles", verb="view"),
    "<slug:slug>/pick": Route(path="/{slug}/pick?q={q}", verb="view"),
    "<slug:slug>/new": Route(path="/{slug}/new", verb="create"),
    "<slug:slug>/export": Route(path="/{slug}/export?format=csv", verb="export"),
    "<slug:slug>/bulk/set/<slug:name>": Route(path="/{slug}/bulk/set/{field}?ids={pk}", verb="change"),
    "<slug:slug>/bulk/delete": Route(path="/{slug}/bulk/delete?ids={pk}", verb="delete", form={}),
    RECORD: Route(path="/{slug}/{pk}/", verb="view"),
    f"{RECORD}peek": Route(path="/{slug}/{pk}/peek", verb="view"),
    f"{RECORD}row": Route(path="/{slug}/{pk}/row", verb="view"),
    f"{RECORD}edit/<slug:name>": Route(path="/{slug}/{pk}/edit/{field}", verb="change"),
    f"{RECORD}delete": Route(path="/{slug}/{pk}/delete", verb="delete", form={}),
    f"{RECORD}timeline": Route(path="/{slug}/{pk}/timeline", verb="view"),
    f"{RECORD}panel/<str:key>": Route(path="/{slug}/{pk}/panel/{panel}", verb="view"),
    f"{RECORD}files": Route(path="/{slug}/{pk}/files", verb="change", form={}),
    f"{RECORD}files/<uuid:file_id>": Route(path="/{slug}/{pk}/files/{file}", verb="view"),
    f"{RECORD}files/<uuid:file_id>/delete": Route(path="/{slug}/{pk}/files/{file}/delete", verb="change", form={}),
}
