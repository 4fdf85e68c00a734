"""Import in the browser: drop a file, match its columns, try it, go, watch, take it back."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import directory
from ..errors import Refused
from ..imports import checking, running
from ..imports.limits import max_upload_mb
from ..imports.own import find_target
from ..imports.plans import Mode, Options, target_named
from ..imports.tables import ImportRun, State
from . import import_parts as parts
from . import import_words as words
from .pick_person import number_of
from .web import actor_in, is_fragment, screen, toast

ACCEPTS = ".csv,.tsv,.txt,.xlsx,.xls,.json,.jsonl,.ndjson,.parquet,.gz"
NEWEST = 50


@never_cache
@screen
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """The newest imports: one's own, or all for those who look after the settings."""
    actor = actor_in(request)
    mine = Q() if actor.may("org.settings", "view") else Q(actor_id=actor.user_id)
    found = [parts.line_of(run) for run in ImportRun.objects.filter(mine).defer("report", "actor").order_by("-created_at")[:NEWEST]]
    return render(request, "kernel/imports/list.html", {"lines": found, "may_import": bool(parts.targets_for(actor))})


@screen
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Step 1: what the file holds, and the file. The answer to a good file leads to its run; a bad one is told in words (422)."""
    actor = actor_in(request)
    offered = parts.targets_for(actor)
    if not offered:
        raise Refused("not_permitted", verb="import")
    asked = str(request.POST.get("target") or request.GET.get("target") or "")
    context: dict[str, Any] = {
        "targets": [(target, [words.entity_title(entity) for entity in target.entities]) for target in offered],
        "asked": asked if any(target.name == asked for target in offered) else offered[0].name,
        "accepts": ACCEPTS,
        "limit_mb": max_upload_mb(),
    }
    if request.method == "GET":
        return render(request, "kernel/imports/new.html", context)
    try:
        run = _taken(request, asked or offered[0].name)
    except Refused as no:
        said = words.told(no, find_target(asked))
        status = 403 if no.code == "not_permitted" else 422
        plain = HttpResponse(said, status=status, content_type="text/plain; charset=utf-8")
        response = plain if is_fragment(request) else render(request, "kernel/imports/new.html", context | {"error": said}, status=status)
        response["X-Refused"] = no.code
        return response
    url = f"/imports/{run.pk}/"
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if is_fragment(request) else redirect(url)


def _taken(request: HttpRequest, target: str) -> ImportRun:
    file = request.FILES.get("file")
    if file is None:
        raise Refused("no_file")
    if (file.size or 0) > max_upload_mb() * 1024 * 1024:
        raise Refused("file_too_large", limit=max_upload_mb())
    name = PurePath((file.name or "").replace("\\", "/")).name or "file"
    with _on_disk(file) as path:
        return checking.draft(path, name=name, target=target, by=actor_in(request), language=get_language() or "zh-hans")


@contextmanager
def _on_disk(file: UploadedFile) -> Iterator[Path]:
    """A large upload is on disk already; a small one is put there."""
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with tempfile.NamedTemporaryFile(suffix="".join(PurePath(file.name or "").suffixes[-2:])[-20:]) as kept:
        for chunk in file.chunks():
            kept.write(chunk)
        kept.flush()
        yield Path(kept.name)


def _run_of(request: HttpRequest, pk: uuid.UUID, *, is_mine: bool = False) -> ImportRun:
    """A run this person may see, or (`is_mine`) may go on with."""
    run = ImportRun.objects.filter(pk=pk).first()
    if run is None:
        raise Refused("gone")
    actor = actor_in(request)
    if not checking.may_see(run, actor) or (is_mine and run.actor_id != actor.user_id):
        raise Refused("not_permitted")
    return run


@never_cache
@screen
@require_GET
def run_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One import, at whatever step it is."""
    return _shown(request, _run_of(request, pk), is_whole=True)


@screen
@require_GET
def run_body(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What changes of an import's page; at an address of its own, for a browser going back would show it alone."""
    return _shown(request, _run_of(request, pk))


def _shown(
    request: HttpRequest, run: ImportRun, *, error: str = "", status: int = 200, is_mapping: bool = False, is_whole: bool = False
) -> HttpResponse:
    is_mine = run.actor_id == actor_in(request).user_id
    wants_mapping = (is_mapping or request.GET.get("step") == "map") and checking.is_open(run)
    step = parts.step_of(run, wants_mapping=wants_mapping and is_mine)
    target = find_target(run.target)
    context = {
        "run": run, "step": step, "target": target, "is_mine": is_mine, "error": error or words.failure_of(run), "url": f"/imports/{run.pk}/",
        "seen": checking.Seen.of(run), "is_open": checking.is_open(run), "title": str(target.title) if target else run.target,
        "place": {"map": 2, "failed": 2, "checked": 3}.get(step, 3 if run.state == State.CHECKING else 4),
    } | parts.PARTS[step](request, run)  # fmt: skip
    return render(request, "kernel/imports/run.html" if is_whole else "kernel/imports/body.html", context, status=status)


@require_POST
@screen
def read_again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Look at the file as something else, or with another sheet, encoding or delimiter."""
    run = _run_of(request, pk, is_mine=True)
    sign = words.DELIMITERS.get(request.POST.get("delimiter", ""))
    told = {
        "sheet": request.POST.get("sheet") or None,
        "encoding": request.POST.get("encoding") or None,
        "delimiter": sign[0] if sign else None,
    }
    try:
        checking.reread(run, target=request.POST.get("target", run.target), told=told, by=actor_in(request))
    except Refused as no:
        run.refresh_from_db()
        return _shown(request, run, error=words.told(no, find_target(run.target)), status=422, is_mapping=True)
    return _shown(request, run, is_mapping=True)


@require_POST
@screen
def check(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep columns and options as chosen and try the import; 422 with what is wrong with the choice."""
    run = _run_of(request, pk, is_mine=True)
    if "column-0" in request.POST or not run.mapping:
        columns = checking.Seen.of(run).columns
        mapping = {name: field for index, name in enumerate(columns) if (field := request.POST.get(f"column-{index}", ""))}
        options = _options(request, run)
        try:
            checking.revise(run, mapping=mapping, options=options, by=actor_in(request))
        except Refused as no:
            run.mapping, run.options = mapping, options.plain()
            return _shown(request, run, error=words.told(no, find_target(run.target)), status=422, is_mapping=True)
    elif not checking.is_open(run):
        raise Refused("import_started")
    checking.begin_check(run)
    return _shown(request, run)


def _options(request: HttpRequest, run: ImportRun) -> Options:
    sent = request.POST
    options = Options.of(run.options)
    target, actor = target_named(run.target), actor_in(request)
    owner, team = actor.user_id, actor.home_team
    if checking.may_set_owner(target, actor) and sent.get("owner", "me") != "me":
        given = number_of(sent.get("owner", ""))
        owner = given if given is not None and directory.is_active(given) else None
        team = checking.home_team(owner)
    mode: Mode = next((key for key, _label in words.MODES if key == sent.get("mode")), "upsert")
    return replace(
        options, mode=mode, on_refused="nothing" if sent.get("on_refused") == "nothing" else "rest", clear_empty="clear_empty" in sent,
        keys=tuple(key for key in sent.getlist("key") if key), owner_id=owner, team_id=team, language=get_language() or options.language,
    )  # fmt: skip


@require_POST
@screen
def start(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Have the worker write what was tried."""
    run = _run_of(request, pk, is_mine=True)
    if run.state != State.CHECKED or run.is_wanted:
        raise Refused("import_started")
    running.start(run)
    return _shown(request, run)


@require_POST
@screen
def undo(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Have the worker take the whole import back."""
    run = _run_of(request, pk)
    checking.begin_undo(run, actor_in(request))
    return _shown(request, run)


@require_POST
@screen
def discard(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Forget an import that wrote nothing."""
    run = _run_of(request, pk, is_mine=True)
    checking.discard(run)
    return toast(HttpResponse(status=204, headers={"HX-Redirect": "/imports/"}), _("已丢掉这次导入"))


@screen
@require_GET
def refused_rows(request: HttpRequest, pk: uuid.UUID) -> HttpResponse | FileResponse:
    """The refused rows with their reasons, as a table to correct and bring in again."""
    run = _run_of(request, pk)
    path = running.refused_file_of(run)
    if path is not None:
        with suppress(FileNotFoundError):
            name = f"{PurePath(run.file_name).stem}-{_('没收的行')}.csv"
            return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
    raise Http404(str(pk))
