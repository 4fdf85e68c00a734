"""Which columns a list shows, in which order and how wide: each reader's own, for the list or for one view of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from ..errors import Refused
from ..savedviews.arranged import Columns, keep_columns
from ..savedviews.asking import Asked
from ..spec import ObjectSpec
from .asked import columns_of, part_asked
from .rows import label_in
from .web import actor_in, screen, spec_of, trigger, with_params


@screen
def dialog(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose, order and size columns; kept for this person."""
    spec, one = _asked(request, slug)
    shown, chosen = columns_of(request, one)
    if request.method == "POST":
        picked = () if "reset" in request.POST else tuple(request.POST.getlist("column"))
        widths = {} if "reset" in request.POST else _given_widths(request, spec)
        keep_columns(actor_in(request), spec, one.view.key, Columns(paths=picked, widths=widths))
        return trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
    paths = [column.path for column in shown]
    order = [*paths, *(column.path for column in spec.columns if column.path not in paths)]
    items = [(path, label_in(spec, path), path in paths, chosen.widths.get(path, "")) for path in order]
    context = {"spec": spec, "items": items, "view": one.view, "query": with_params(_of_view(one))}
    return render(request, "kernel/columns.html", context)


@require_POST
@screen
def width(request: HttpRequest, slug: str) -> HttpResponse:
    """Make one column as wide as it was drawn: `column` and `width` in pixels, none to give the width back."""
    spec, one = _asked(request, slug)
    _shown, chosen = columns_of(request, one)
    path, text = request.POST.get("column", ""), request.POST.get("width", "")
    if spec.column(path) is None:
        raise Refused("field_unknown", field=path)
    widths = {name: pixels for name, pixels in chosen.widths.items() if name != path}
    if text.isdigit():
        widths[path] = int(text)
    keep_columns(actor_in(request), spec, one.view.key, Columns(paths=one.columns.paths, widths=widths))
    return HttpResponse(status=204)


@require_POST
@screen
def move(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the columns in the order given: `column` once for each."""
    spec, one = _asked(request, slug)
    shown, chosen = columns_of(request, one)
    known = {column.path for column in shown}
    given = [path for path in dict.fromkeys(request.POST.getlist("column")) if path in known]
    rest = [column.path for column in shown if column.path not in given]
    keep_columns(actor_in(request), spec, one.view.key, Columns(paths=(*given, *rest), widths=chosen.widths))
    return trigger(HttpResponse(status=204), {"zk:changed": {}})


def _asked(request: HttpRequest, slug: str) -> tuple[ObjectSpec, Asked]:
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    return spec, part_asked(request, spec)


def _of_view(one: Asked) -> dict[str, str]:
    return {"view": one.view.key}


def _given_widths(request: HttpRequest, spec: ObjectSpec) -> dict[str, int]:
    given = {column.path: request.POST.get(f"width.{column.path}", "") for column in spec.columns}
    return {path: int(text) for path, text in given.items() if text.isdigit() and len(text) < 5}
