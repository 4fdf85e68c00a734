"""What every page shows around its content: rail, create menu, company, account."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.kernel.registry import objects
from zhike.kernel.screens.rail import Place, add_place, places_for
from zhike.kernel.screens.settings import setting_nav
from zhike.kernel.screens.tabs import rail_favourites

add_place(Place(key="imports", label=_("导入"), url="/imports/", icon="upload", rank=90, hotkey="i", keys="dr daoru"))
SETTINGS = ("/settings/", "/account/")


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of the frame for a person who is logged in; nothing but the company's name before."""
    company = getattr(request, "company", None)
    actor: Actor | None = getattr(request, "actor", None)
    theme = request.COOKIES.get("zk_theme", "auto")
    found: dict[str, Any] = {"company_name": company.name if company else "", "theme": theme if theme in ("light", "dark") else "auto"}
    if actor is None:
        return found
    nav = [_drawn(place, request.path) for place in places_for(actor)]
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
    return {
        "key": place.key,
        "label": place.label,
        "url": place.url,
        "icon": place.icon,
        "hotkey": place.hotkey,
        "keys": place.keys,
        "is_current": place.is_at(path),
    }
