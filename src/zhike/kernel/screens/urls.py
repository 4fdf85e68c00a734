"""Addresses of the kernel's screens; a domain's own pages come before the generic ones."""

from django.urls import path

from . import bulk, edit, export, files, form, imports, list, page, pick, remove, search, settings, works

record = "<slug:slug>/<uuid:pk>/"

urlpatterns = [
    path("search/suggest", search.suggest),
    path("kernel/components", search.components),
    path("search/", search.results, name="search"),
    path("changes/<uuid:change_id>/undo", remove.undo),
    path("work/", works.runs, name="work"),
    path("work/<uuid:pk>/", works.run_page),
    path("work/<uuid:pk>/body", works.run_body),
    path("work/<uuid:pk>/stop", works.stop),
    path("work/<uuid:pk>/undo", works.undo),
    path("settings/", settings.index, name="settings"),
    path("imports/", imports.runs, name="imports"),
    path("imports/new", imports.new),
    path("imports/<uuid:pk>/", imports.run_page),
    path("imports/<uuid:pk>/body", imports.run_body),
    path("imports/<uuid:pk>/reread", imports.read_again),
    path("imports/<uuid:pk>/check", imports.check),
    path("imports/<uuid:pk>/start", imports.start),
    path("imports/<uuid:pk>/undo", imports.undo),
    path("imports/<uuid:pk>/discard", imports.discard),
    path("imports/<uuid:pk>/refused", imports.refused_rows),
    path("<slug:slug>/", list.list_page, name="list"),
    path("<slug:slug>/rows", list.list_rows),
    path("<slug:slug>/count", list.list_count),
    path("<slug:slug>/columns", list.columns_dialog),
    path("<slug:slug>/filter/<slug:name>", list.filter_dialog),
    path("<slug:slug>/pick", pick.pick),
    path("<slug:slug>/new", form.create),
    path("<slug:slug>/export", export.export),
    path("<slug:slug>/bulk/set/<slug:name>", bulk.set_field),
    path("<slug:slug>/bulk/field", bulk.choose_field),
    path("<slug:slug>/bulk/transfer", bulk.transfer),
    path("<slug:slug>/bulk/delete", bulk.delete_chosen),
    path(record, page.page, name="page"),
    path(f"{record}peek", page.peek),
    path(f"{record}row", list.list_row),
    path(f"{record}edit/<slug:name>", edit.edit_field),
    path(f"{record}delete", remove.delete),
    path(f"{record}timeline", page.timeline_part),
    path(f"{record}panel/<str:key>", page.panel),
    path(f"{record}files", files.upload),
    path(f"{record}files/<uuid:file_id>", files.download),
    path(f"{record}files/<uuid:file_id>/delete", files.detach),
]
