"""What every page shows around its content: rail, create menu, company, account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.kernel.registry import objects
from zhike.kernel.screens.settings import setting_nav
from zhike.kernel.screens.tabs import rail_favourites


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the rail; `needs` names the grant to see it."""

    key: str
    label: str | Promise
    url: str
    icon: str
    needs: str = ""
    hotkey: str = ""
    keys: str = ""
    starts: tuple[str, ...] = ()


PLACES = (
    Place(key="today", label=_("今日"), url="/", icon="sun-high", hotkey="t", keys="jr jinri today"),
    Place(
        key="customers",
        label=_("客户"),
        url="/customers/",
        icon="users",
        needs="customers.customer",
        hotkey="c",
        keys="kh kehu",
        starts=("/contacts/",),
    ),
    Place(key="orders", label=_("订单"), url="/orders/", icon="receipt-2", needs="orders.order", hotkey="o", keys="dd dingdan"),
    Place(key="products", label=_("产品"), url="/products/", icon="package", needs="catalog.product", hotkey="p", keys="cp chanpin"),
    Place(
        key="overview",
        label=_("经营概览"),
        url="/analytics/overview",
        icon="chart-histogram",
        needs="analytics.overview",
        hotkey="a",
        keys="fx fenxi jygl",
    ),
    Place(
        key="value",
        label=_("客户价值"),
        url="/analytics/value",
        icon="chart-dots",
        needs="analytics.value",
        hotkey="v",
        keys="rfm jz jiazhi",
    ),
    Place(key="imports", label=_("导入"), url="/imports/", icon="upload", hotkey="i", keys="dr daoru"),
)
SETTINGS = ("/settings/", "/account/")


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of the frame for a person who is logged in; nothing but the company's name before."""
    company = getattr(request, "company", None)
    actor: Actor | None = getattr(request, "actor", None)
    theme = request.COOKIES.get("zk_theme", "auto")
    found: dict[str, Any] = {"company_name": company.name if company else "", "theme": theme if theme in ("light", "dark") else "auto"}
    if actor is None:
        return found
    nav = [_drawn(place, request.path) for place in PLACES if not place.needs or actor.may(place.needs, "view")]
    creatables = [
        {"label": spec.title, "url": f"/{spec.slug}/new", "icon": spec.icon, "is_dialog": True, "keys": spec.slug}
        for spec in objects
        if spec.form and actor.may(spec.policy.label, "create")
    ]
    is_setting = request.path.startswith(SETTINGS)
    named = [*(f"{one['key']}{one['is_current']}" for one in nav), *(one["keys"] for one in creatables), is_setting]
    return found | {
        "frame_key": " ".join(map(str, named)),  # all that the parts of the frame follow from, for `kept`
        "nav": nav,
        "creatables": creatables,
        "favourites": rail_favourites(request),
        "me": actor,
        "settings_url": "/settings/",
        "settings_current": is_setting,
        "setting_nav": setting_nav(actor, request.path) if is_setting else (),
        "user_key": f"{company.slug if company else ''}:{actor.user_id}",
    }


def _drawn(place: Place, path: str) -> dict[str, Any]:
    current = path == "/" if place.url == "/" else path.startswith((place.url, *place.starts))
    return {
        "key": place.key,
        "label": place.label,
        "url": place.url,
        "icon": place.icon,
        "hotkey": place.hotkey,
        "keys": place.keys,
        "is_current": current,
    }
