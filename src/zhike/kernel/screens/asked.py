"""What a request asks of a list, read once a request: the reader's views, and the view with what was changed on top."""

from __future__ import annotations

from django.http import HttpRequest

from ..lists.pages import Listing, listing
from ..savedviews.arranged import Arrangement, Columns, arrangement
from ..savedviews.asking import ASKING, Asked, asked, columns_shown
from ..spec import Column, ObjectSpec
from .web import actor_in, address_params

PLACE = ("after", "peek", "shown", "group_at")
SHOWS = (*ASKING, "sort")


def arrangement_in(request: HttpRequest, spec: ObjectSpec, only: str | None = None) -> Arrangement:
    """The reader's views of this list; the same for the whole request."""
    known: tuple[str, Arrangement] | None = getattr(request, "zk_views", None)
    if known is None or known[0] != spec.label:
        known = (spec.label, arrangement(spec, actor_in(request), only))
        request.zk_views = known  # type: ignore[attr-defined]
    return known[1]


def asked_in(request: HttpRequest, spec: ObjectSpec, *leave_out: str) -> Asked:
    """The list that the address asks for. A part of the page reads only the view that it names."""
    params = address_params(request, *PLACE, *leave_out)
    return asked(spec, actor_in(request), arrangement_in(request, spec), params)


def part_asked(request: HttpRequest, spec: ObjectSpec, *leave_out: str) -> Asked:
    """The same for what does not show the tabs: rows, counts, files."""
    params = address_params(request, *PLACE, *leave_out)
    params.setdefault("view", "all")
    return asked(spec, actor_in(request), arrangement_in(request, spec, params["view"]), params)


def listing_of(request: HttpRequest, one: Asked, verb: str = "view") -> Listing:
    """What was asked for, as the list engine takes it."""
    return listing(one.spec, actor_in(request), one.params, verb)


def columns_of(request: HttpRequest, one: Asked) -> tuple[list[Column], Columns]:
    """The columns that are drawn, and what of them was chosen."""
    kept = arrangement_in(request, one.spec)
    chosen = columns_shown(one, kept.columns.get("", Columns()))
    return one.spec.shown(chosen.paths), chosen
