"""Addresses of the interface; /api/ itself is a page for people."""

from django.urls import path

from . import bulk, documented, gate, page, parts, records

V1 = "api/v1/"
ONE = f"{V1}<slug:slug>/<uuid:pk>"

urlpatterns = [
    path("api/", page.page, name="api"),
    path("api/openapi.json", page.document),
    path(V1, gate.endpoint(GET=records.index)),
    path(f"{V1}openapi.json", gate.endpoint(GET=documented.document)),
    path(f"{V1}<slug:slug>", gate.endpoint(GET=records.list_records, POST=records.create, without=records.not_offered)),
    path(f"{V1}<slug:slug>/count", gate.endpoint(GET=records.count_records)),
    path(f"{V1}<slug:slug>/bulk", gate.endpoint(POST=bulk.bulk)),
    path(ONE, gate.endpoint(GET=records.read_record, PATCH=records.change, DELETE=records.delete)),
    path(f"{ONE}/history", gate.endpoint(GET=parts.record_history)),
    path(f"{ONE}/files", gate.endpoint(GET=parts.list_files, POST=parts.add_file)),
    path(f"{ONE}/files/<uuid:file>", gate.endpoint(GET=parts.read_file, DELETE=parts.delete_file)),
    path(f"{ONE}/actions/<slug:name>", gate.endpoint(POST=parts.act)),
    path(f"{V1}<path:rest>", gate.endpoint(GET=gate.nowhere, POST=gate.nowhere, PUT=gate.nowhere, PATCH=gate.nowhere, DELETE=gate.nowhere)),
]
