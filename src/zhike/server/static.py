"""Static files under hashed names, also those that script modules import from one another."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Whitenoise's storage with Django's rewriting of module imports switched on."""

    support_js_module_import_aggregation = True
