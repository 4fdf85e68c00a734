"""Times compared: our own clock with the database's, and both with what was seen before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST_APART = timedelta(seconds=5)
# A clock that was set back this far makes sessions, histories and backups disagree about what came first.
MOST_BACK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What three clocks say: this machine's, the database's, and the last time that was noted."""

    own: datetime
    database: datetime
    last_seen: datetime | None = None

    @property
    def apart(self) -> timedelta:
        """How far our clock is ahead of the database's; negative when behind."""
        return self.own - self.database

    @property
    def back(self) -> timedelta:
        """How far our clock was set back since it was noted; zero when it went forward."""
        return max(timedelta(), self.last_seen - self.own) if self.last_seen else timedelta()

    @property
    def problem(self) -> str:
        """Stable code of what is wrong: clock_apart, clock_set_back; empty when all is well."""
        if abs(self.apart) > MOST_APART:
            return "clock_apart"
        return "clock_set_back" if self.back > MOST_BACK else ""


def seconds_since(text: str, now: datetime | None = None) -> float:
    """Seconds since an ISO time; never negative, whatever the clock did meanwhile."""
    return max(0.0, ((now or datetime.now(UTC)) - datetime.fromisoformat(text)).total_seconds())
