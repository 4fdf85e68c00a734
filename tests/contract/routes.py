"""Every address of the product with what it takes to reach it; a new one fails a test until it stands here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an address is asked for in tests.

    `path` may hold {slug}, {pk}, {change}, {file}, {view}; `slugs` are the object types it exists for (all when empty);
    `verb` is the right it needs ("" for none but being logged in); `form` is what is posted (None: it is read).
    `is_open` addresses need no log-in; `is_run` ones are about one import, `is_work` ones about one bulk change; `needs` is a right to see
    that is not one on records; `is_api` addresses are for programs, which carry a token.
    """

    path: str
    verb: str = ""
    slugs: tuple[str, ...] = ()
    form: dict[str, str] | None = None
    is_open: bool = False
    is_run: bool = False
    is_work: bool = False
    needs: str = ""
    target: str = ""
    is_api: bool = False
    is_gone: bool = False  # about a record that was deleted


RECORD = "<slug:slug>/<uuid:pk>/"
CUSTOMERS = ("customers",)
GROUPED = ("customers", "orders", "products")
NOTHING = "00000000-0000-7000-8000-000000000000"  # the id of no record
LINKS = "org.integrations"

ROUTES: dict[str, Route] = {
    "login/": Route(path="/login/", is_open=True),
    "login/factor/": Route(path="/login/factor/", is_open=True),
    "login/passkey/": Route(path="/login/passkey/", is_open=True),
    "login/inactive/": Route(path="/login/inactive/", is_open=True),
    "login/join/": Route(path="/login/join/", is_open=True),
    "login/join/<str:token>": Route(path="/login/join/abc", is_open=True),
    "login/strength": Route(path="/login/strength", is_open=True, form={"password": "12345678"}),
    "login/forgot/": Route(path="/login/forgot/", is_open=True),
    "login/forgot/sent/": Route(path="/login/forgot/sent/", is_open=True),
    r"^login/forgot/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": Route(path="/login/forgot/1-abc/", is_open=True),
    "login/forgot/done/": Route(path="/login/forgot/done/", is_open=True),
    "login/sso/": Route(path="/login/sso/", is_open=True),
    "login/sso/cancelled/": Route(path="/login/sso/cancelled/", is_open=True),
    "login/sso/failed/": Route(path="/login/sso/failed/", is_open=True),
    "login/oidc/<slug:provider_id>/login/": Route(path="/login/oidc/none/login/", is_open=True),
    "login/oidc/<slug:provider_id>/login/callback/": Route(path="/login/oidc/none/login/callback/", is_open=True),
    "login/saml/<slug:organization_slug>/login/": Route(path="/login/saml/none/login/", is_open=True),
    "login/saml/<slug:organization_slug>/acs/": Route(path="/login/saml/none/acs/", is_open=True, form={}),
    "login/saml/<slug:organization_slug>/acs/finish/": Route(path="/login/saml/none/acs/finish/", is_open=True),
    "login/saml/<slug:organization_slug>/metadata/": Route(path="/login/saml/none/metadata/", is_open=True),
    # one's own account
    "account/profile/": Route(path="/account/profile/"),
    "account/security/": Route(path="/account/security/"),
    "account/password/": Route(path="/account/password/"),
    "account/password/set/": Route(path="/account/password/set/"),
    "account/sessions/": Route(path="/account/sessions/"),
    "account/sessions/others/end": Route(path="/account/sessions/others/end"),
    "account/sessions/<int:pk>/end": Route(path="/account/sessions/1/end"),
    "account/again/": Route(path="/account/again/"),
    "account/again/code/": Route(path="/account/again/code/"),
    "account/again/passkey/": Route(path="/account/again/passkey/"),
    "account/totp/on/": Route(path="/account/totp/on/"),
    "account/totp/off/": Route(path="/account/totp/off/"),
    "account/codes/": Route(path="/account/codes/"),
    "account/codes/new/": Route(path="/account/codes/new/"),
    "account/codes/download/": Route(path="/account/codes/download/"),
    "account/passkeys/": Route(path="/account/passkeys/"),
    "account/passkeys/add/": Route(path="/account/passkeys/add/"),
    "account/passkeys/<int:pk>/remove/": Route(path="/account/passkeys/1/remove/"),
    "account/passkeys/<int:pk>/edit/": Route(path="/account/passkeys/1/edit/"),
    "account/factors/": Route(path="/account/factors/"),
    "account/connections/": Route(path="/account/connections/"),
    "logout/": Route(path="/logout/"),
    # one's own account
    "i18n/setlang/": Route(path="/i18n/setlang/", is_open=True, form={"language": "en"}),
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
    # work in the background: seen by who ordered it and by auditors
    "work/": Route(path="/work/"),
    "work/<uuid:pk>/": Route(path="/work/{work}/", is_work=True),
    "work/<uuid:pk>/body": Route(path="/work/{work}/body", is_work=True),
    "work/<uuid:pk>/stop": Route(path="/work/{work}/stop", is_work=True, form={}),
    "work/<uuid:pk>/undo": Route(path="/work/{work}/undo", is_work=True, form={}),
    # settings
    "settings/": Route(path="/settings/"),
    "settings/following/": Route(path="/settings/following/", needs="org.roles"),
    "settings/following/<str:label>": Route(path="/settings/following/orders.order", needs="org.roles"),
    "settings/integrations/": Route(path="/settings/integrations/", needs=LINKS),
    "settings/integrations/new": Route(path="/settings/integrations/new", needs=LINKS),
    "settings/integrations/<uuid:pk>/": Route(path=f"/settings/integrations/{NOTHING}/", needs=LINKS),
    "settings/integrations/<uuid:pk>/edit": Route(path=f"/settings/integrations/{NOTHING}/edit", needs=LINKS),
    "settings/integrations/<uuid:pk>/tokens/new": Route(path=f"/settings/integrations/{NOTHING}/tokens/new", needs=LINKS),
    "settings/integrations/<uuid:pk>/switch": Route(path=f"/settings/integrations/{NOTHING}/switch", needs=LINKS, form={}),
    "settings/integrations/<uuid:pk>/delete": Route(path=f"/settings/integrations/{NOTHING}/delete", needs=LINKS, form={}),
    "settings/webhooks/": Route(path="/settings/webhooks/", needs=LINKS),
    "settings/webhooks/new": Route(path="/settings/webhooks/new", needs=LINKS),
    "settings/webhooks/<uuid:pk>/": Route(path=f"/settings/webhooks/{NOTHING}/", needs=LINKS),
    "settings/webhooks/<uuid:pk>/edit": Route(path=f"/settings/webhooks/{NOTHING}/edit", needs=LINKS),
    "settings/webhooks/<uuid:pk>/switch": Route(path=f"/settings/webhooks/{NOTHING}/switch", needs=LINKS, form={}),
    "settings/webhooks/<uuid:pk>/secret": Route(path=f"/settings/webhooks/{NOTHING}/secret", needs=LINKS, form={}),
    "settings/webhooks/<uuid:pk>/test": Route(path=f"/settings/webhooks/{NOTHING}/test", needs=LINKS, form={}),
    "settings/webhooks/<uuid:pk>/again": Route(path=f"/settings/webhooks/{NOTHING}/again", needs=LINKS, form={}),
    "settings/webhooks/<uuid:pk>/delete": Route(path=f"/settings/webhooks/{NOTHING}/delete", needs=LINKS, form={}),
    "settings/webhooks/<uuid:pk>/messages/<int:number>": Route(path=f"/settings/webhooks/{NOTHING}/messages/1", needs=LINKS),
    "account/tokens/": Route(path="/account/tokens/"),
    "account/tokens/new": Route(path="/account/tokens/new"),
    "account/tokens/<uuid:pk>/revoke": Route(path=f"/account/tokens/{NOTHING}/revoke", form={}),
    # for programs: what they may is in src/zhike/kernel/api/tests
    "api/": Route(path="/api/"),
    "api/openapi.json": Route(path="/api/openapi.json"),
    "api/v1/": Route(path="/api/v1/", is_api=True),
    "api/v1/openapi.json": Route(path="/api/v1/openapi.json", is_api=True),
    "api/v1/<slug:slug>": Route(path="/api/v1/{slug}", is_api=True),
    "api/v1/<slug:slug>/count": Route(path="/api/v1/{slug}/count", is_api=True),
    "api/v1/<slug:slug>/bulk": Route(path="/api/v1/{slug}/bulk", is_api=True),
    "api/v1/<slug:slug>/<uuid:pk>": Route(path="/api/v1/{slug}/{pk}", is_api=True),
    "api/v1/<slug:slug>/<uuid:pk>/history": Route(path="/api/v1/{slug}/{pk}/history", is_api=True),
    "api/v1/<slug:slug>/<uuid:pk>/files": Route(path="/api/v1/{slug}/{pk}/files", is_api=True),
    "api/v1/<slug:slug>/<uuid:pk>/files/<uuid:file>": Route(path="/api/v1/{slug}/{pk}/files/{file}", is_api=True),
    "api/v1/<slug:slug>/<uuid:pk>/actions/<slug:name>": Route(path="/api/v1/{slug}/{pk}/actions/add_contact", is_api=True),
    "api/v1/<path:rest>": Route(path="/api/v1/no/such/place", is_api=True),
    "settings/people/": Route(path="/settings/people/", needs="org.people"),
    "settings/people/new": Route(path="/settings/people/new", needs="org.people"),
    "settings/people/<int:pk>/": Route(path="/settings/people/1/", needs="org.people"),
    "settings/people/<int:pk>/link": Route(path="/settings/people/1/link", needs="org.people", form={}),
    "settings/people/<int:pk>/let-go": Route(path="/settings/people/1/let-go", needs="org.people"),
    "settings/people/<int:pk>/let-in": Route(path="/settings/people/1/let-in", needs="org.people", form={}),
    "settings/people/<int:pk>/lost-phone": Route(path="/settings/people/1/lost-phone", needs="org.people", form={}),
    "settings/login/": Route(path="/settings/login/", needs="org.settings"),
    "settings/login/new/<slug:kind>": Route(path="/settings/login/new/saml", needs="org.settings"),
    "settings/login/<uuid:pk>": Route(path=f"/settings/login/{NOTHING}", needs="org.settings"),
    "settings/login/<uuid:pk>/remove": Route(path=f"/settings/login/{NOTHING}/remove", needs="org.settings", form={}),
    "settings/teams/": Route(path="/settings/teams/", needs="org.people"),
    "settings/teams/new": Route(path="/settings/teams/new", needs="org.people"),
    "settings/teams/<int:pk>": Route(path="/settings/teams/1", needs="org.people"),
    "settings/teams/<int:pk>/delete": Route(path="/settings/teams/1/delete", needs="org.people"),
    "settings/roles/": Route(path="/settings/roles/", needs="org.roles"),
    "settings/roles/new": Route(path="/settings/roles/new", needs="org.roles"),
    "settings/roles/<int:pk>/": Route(path="/settings/roles/1/", needs="org.roles"),
    "settings/roles/<int:pk>/what-if": Route(path="/settings/roles/1/what-if", needs="org.roles", form={}),
    "settings/roles/<int:pk>/rename": Route(path="/settings/roles/1/rename", needs="org.roles"),
    "settings/roles/<int:pk>/delete": Route(path="/settings/roles/1/delete", needs="org.roles", form={}),
    "settings/roles/person/<int:pk>/what-if": Route(path="/settings/roles/person/1/what-if", needs="org.roles", form={}),
    "settings/layouts/": Route(path="/settings/layouts/", needs="org.fields"),
    "settings/layouts/<slug:slug>": Route(path="/settings/layouts/customers", needs="org.fields"),
    "settings/layouts/<slug:slug>/reset": Route(path="/settings/layouts/customers/reset", needs="org.fields", form={}),
    "settings/layouts/<slug:slug>/preview": Route(path="/settings/layouts/customers/preview", needs="org.fields", form={}),
    "settings/fields/": Route(path="/settings/fields/", needs="org.fields"),
    "settings/fields/choice": Route(path="/settings/fields/choice", needs="org.fields"),
    "settings/fields/<slug:slug>/new": Route(path="/settings/fields/customers/new", needs="org.fields"),
    "settings/fields/<slug:slug>/order": Route(path="/settings/fields/customers/order", needs="org.fields", form={}),
    "settings/fields/<slug:slug>/preview": Route(path="/settings/fields/customers/preview", needs="org.fields", form={"kind": "text"}),
    "settings/fields/<uuid:pk>/": Route(path=f"/settings/fields/{NOTHING}/", needs="org.fields"),
    "settings/fields/<uuid:pk>/archive": Route(path=f"/settings/fields/{NOTHING}/archive", needs="org.fields", form={}),
    "settings/fields/<uuid:pk>/restore": Route(path=f"/settings/fields/{NOTHING}/restore", needs="org.fields", form={}),
    "settings/fields/<uuid:pk>/remove": Route(path=f"/settings/fields/{NOTHING}/remove", needs="org.fields"),
    "settings/fields/<uuid:pk>/usage": Route(path=f"/settings/fields/{NOTHING}/usage", needs="org.fields"),
    "settings/fields/<uuid:pk>/convert": Route(path=f"/settings/fields/{NOTHING}/convert", needs="org.fields"),
    "settings/fields/<uuid:pk>/roles": Route(path=f"/settings/fields/{NOTHING}/roles", needs="org.roles"),
    # every object type
    "people/pick": Route(path="/people/pick?q={q}"),
    "teams/pick": Route(path="/teams/pick?q={q}"),
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
    "<slug:slug>/bulk/field": Route(path="/{slug}/bulk/field?ids={pk}", verb="change"),
    "<slug:slug>/bulk/transfer": Route(path="/customers/bulk/transfer?ids={pk}", verb="transfer", slugs=CUSTOMERS),
    "<slug:slug>/bulk/delete": Route(path="/{slug}/bulk/delete?ids={pk}", verb="delete", form={}),
    # the past
    "settings/history/": Route(path="/settings/history/", needs="org.audit"),
    "settings/history/export": Route(path="/settings/history/export", needs="org.audit"),
    "settings/history/database/<int:kind>/": Route(path="/settings/history/database/1/?at=2026-01-01", needs="org.audit"),
    "settings/history/<uuid:pk>/": Route(path=f"/settings/history/{NOTHING}/", needs="org.audit"),
    "settings/retention/": Route(path="/settings/retention/", needs="org.settings"),
    "bin/": Route(path="/bin/"),
    "bin/<slug:slug>/": Route(path="/bin/{slug}/", verb="view"),
    "bin/<slug:slug>/<uuid:pk>/restore": Route(path="/bin/{slug}/{pk}/restore", verb="delete", form={}, is_gone=True),
    "<slug:slug>/as-of": Route(path="/{slug}/as-of?at=now", verb="view"),
    f"{RECORD}history": Route(path="/{slug}/{pk}/history", verb="view"),
    f"{RECORD}as-of": Route(path="/{slug}/{pk}/as-of?at=now", verb="view"),
    RECORD: Route(path="/{slug}/{pk}/", verb="view"),
    f"{RECORD}peek": Route(path="/{slug}/{pk}/peek", verb="view"),
    f"{RECORD}row": Route(path="/{slug}/{pk}/row", verb="view"),
    f"{RECORD}edit/<slug:name>": Route(path="/{slug}/{pk}/edit/{field}", verb="change"),
    f"{RECORD}delete": Route(path="/{slug}/{pk}/delete", verb="delete", form={}),
    f"{RECORD}timeline": Route(path="/{slug}/{pk}/timeline", verb="view"),
    f"{RECORD}panel/<str:key>": Route(path="/{slug}/{pk}/panel/{panel}", verb="view"),
    f"{RECORD}who": Route(path="/{slug}/{pk}/who", verb="view"),
    f"{RECORD}who/pick": Route(path="/{slug}/{pk}/who/pick?q=", verb="share"),
    f"{RECORD}reveal/<slug:name>": Route(path="/{slug}/{pk}/reveal/phone", verb="reveal", slugs=("customers", "contacts"), form={}),
    f"{RECORD}share": Route(path="/{slug}/{pk}/share", verb="share"),
    f"{RECORD}share/whom": Route(path="/{slug}/{pk}/share/whom", verb="share"),
    f"{RECORD}share/<uuid:share_id>/end": Route(path="/{slug}/{pk}/share/{share}/end", verb="share", form={}),
    f"{RECORD}files": Route(path="/{slug}/{pk}/files", verb="change", form={}),
    f"{RECORD}files/<uuid:file_id>": Route(path="/{slug}/{pk}/files/{file}", verb="view"),
    f"{RECORD}files/<uuid:file_id>/delete": Route(path="/{slug}/{pk}/files/{file}/delete", verb="change", form={}),
}
