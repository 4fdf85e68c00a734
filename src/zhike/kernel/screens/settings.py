"""Settings: one place for what a company or a person arranges; each domain adds its pages to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ..actor import Actor
from ..spec import Words
from .web import actor_in, screen

GROUPS: dict[str, Words] = {
    "me": _("我自己"),
    "people": _("人和权限"),
    "data": _("数据"),
    "links": _("对外连接"),
    "company": _("公司"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingPage:
    """A page of the settings. `needs` is the grant (label, verb) to see it; none means everybody may."""

    key: str
    label: Words
    hint: Words
    url: str
    icon: str
    group: str
    needs: tuple[str, str] | None = None
    rank: int = 50


_pages: dict[str, SettingPage] = {}


def add_setting(page: SettingPage) -> SettingPage:
    """Offer a page in the settings; called where its screen is declared."""
    _pages[page.key] = page
    return page


def settings_for(actor: Actor) -> list[tuple[Words, list[SettingPage]]]:
    """The pages this actor may open, by group in their order."""
    may = [page for page in _pages.values() if page.needs is None or actor.may(*page.needs)]
    may.sort(key=lambda page: page.rank)
    found = [(label, [page for page in may if page.group == group]) for group, label in GROUPS.items()]
    return [(label, pages) for label, pages in found if pages]


def setting_nav(actor: Actor, path: str) -> Sequence[tuple[Words, list[tuple[SettingPage, bool]]]]:
    """The pages with a mark on the one that an address belongs to."""
    return [(label, [(page, path.startswith(page.url)) for page in pages]) for label, pages in settings_for(actor)]


@screen
def index(request: HttpRequest) -> HttpResponse:
    """All settings the reader may open, in words."""
    return render(request, "kernel/settings.html", {"groups": settings_for(actor_in(request))})
