"""How much a file may ask of the machine before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds for one file, in bytes unless the name says otherwise; a file beyond them is refused, never cut.

    A workbook is held in memory while it is read, at about 150 bytes a cell; text, JSON and Parquet are streamed.
    """

    max_unpacked: int = 8 * GIB
    max_ratio: int = 200
    ratio_counts_from: int = GIB
    max_columns: int = 500
    max_json_object: int = 512 * MIB
    max_record: int = MIB
    max_sheet_cells: int = 20_000_000
    max_sparseness: int = 20

    def is_bomb(self, packed: int, unpacked: int) -> bool:
        """True when `unpacked` bytes are too many in all, or too many for `packed` bytes on disk."""
        if unpacked > self.max_unpacked:
            return True
        return unpacked > self.ratio_counts_from and unpacked > self.max_ratio * max(packed, 1)


DEFAULT_LIMITS = Limits()


def max_upload_mb() -> int:
    """The largest file that may be sent to this installation, in MB: `ZHIKE_IMPORT_MAX_MB` of the settings."""
    return int(getattr(settings, "ZHIKE_IMPORT_MAX_MB", 512))
