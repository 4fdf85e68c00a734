"""Static files under hashed names, also those that script modules import from one another."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Whitenoise's storage with Django's rewriting of module imports switched on."""

    support_js_module_import_aggregation = True

    def url(self, name: str | None, force: bool = False) -> str:
        """The address of a file; worked out once a process, a page names some ninety."""
        known = _urls.get(name or "")
        if known is None or force:
            known = _urls[name or ""] = str(super().url(name, force))
        return known


_urls: dict[str, str] = {}
