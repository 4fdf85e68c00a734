"""How big a demo is, and how it is cut into chunks that can be made one by one and in any order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np

CHUNK = 50_000
HORIZON = 1095
SHANGHAI = timezone(timedelta(hours=8))
# Early customers have had more time to order than late ones.
_EARLY = 0.9


def today() -> date:
    """The date in Shanghai."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Customers `start` to `stop` (by number, from 0) and the range of order numbers that belong to them."""

    index: int
    start: int
    stop: int
    orders_start: int
    orders_stop: int

    @property
    def customers(self) -> int:
        """Number of customers in the chunk."""
        return self.stop - self.start

    @property
    def orders(self) -> int:
        """Number of orders in the chunk."""
        return self.orders_stop - self.orders_start


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSize:
    """What decides every byte of a demo: how many customers and orders, the seed, and the day after its last sale."""

    customers: int
    orders: int
    seed: int = 7
    end: date = field(default_factory=today)

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order of customers; each is made on its own."""
        for index, start in enumerate(range(0, self.customers, CHUNK)):
            stop = min(start + CHUNK, self.customers)
            yield Chunk(
                index=index,
                start=start,
                stop=stop,
                orders_start=self._orders_before(start),
                orders_stop=self._orders_before(stop),
            )

    def _orders_before(self, customer: int) -> int:
        return round(self.orders * math.pow(customer / self.customers, _EARLY))

    def random(self, stream: str, chunk: int = 0) -> np.random.Generator:
        """The random numbers of one purpose in one chunk; independent of all others."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, chunk, *stream.encode()])))

    @property
    def first_day(self) -> date:
        """The day the invented company opened."""
        return self.end - timedelta(days=HORIZON)

    @property
    def opening(self) -> int:
        """Midnight in Shanghai of the first day, in microseconds since 1970 UTC."""
        first = self.first_day
        moment = datetime(first.year, first.month, first.day, tzinfo=SHANGHAI)
        return int(moment.timestamp()) * 1_000_000
