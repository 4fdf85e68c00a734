"""Requests a minute for each token, counted in the one statement that finds the token."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponseBase
from django.utils import timezone

from ..links.tables import ApiToken
from ..links.tokens import digest_of

# Counting is exact over all web processes. The counting table is unlogged: this commit does not wait for the disk.
SQL_FIND = """
with found as (
  select * from kernel_apitoken where digest = %s and revoked_at is null and (ends_on is null or ends_on >= %s)
), counted as (
  insert into kernel_apiuse as u (token_id, minute, count) select id, %s, 1 from found
  on conflict (token_id) do update set count = case when u.minute = excluded.minute then u.count + 1 else 1 end, minute = excluded.minute
  returning count
)
select found.*, counted.count as used from found, counted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a token has left in this minute."""

    limit: int
    used: int
    seconds: int

    @property
    def is_spent(self) -> bool:
        return self.used > self.limit

    def put_on(self, response: HttpResponseBase) -> None:
        """The headers by which a program paces itself."""
        response["RateLimit-Limit"] = str(self.limit)
        response["RateLimit-Remaining"] = str(max(0, self.limit - self.used))
        response["RateLimit-Reset"] = str(self.seconds)


def find(text: str) -> tuple[ApiToken, Budget] | None:
    """The living token of this text, counted for this minute; None for none."""
    now = int(time.time())
    rows = list(ApiToken.objects.raw(SQL_FIND, [digest_of(text), timezone.localdate(), now // 60]))
    if not rows:
        return None
    used = int(rows[0].used)  # type: ignore[attr-defined]
    return rows[0], Budget(limit=settings.ZHIKE_API_PER_MINUTE, used=used, seconds=60 - now % 60)
