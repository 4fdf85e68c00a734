"""The demo company as data frames: the same seed, size and end give the same bytes, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from zhike.demo.activities import activity_frame, customer_tag_frame, tag_frame
from zhike.demo.customers import contact_frame, customer_frame
from zhike.demo.orders import order_frames
from zhike.demo.people import Organisation, organisation
from zhike.demo.products import product_frame as _product_frame
from zhike.demo.size import CHUNK, DemoSize

__all__ = [
    "CHUNK",
    "DemoSize",
    "OrderChunk",
    "activity_chunks",
    "contact_chunks",
    "customer_chunks",
    "customer_tag_chunks",
    "order_chunks",
    "org",
    "product_frame",
    "tag_frame",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChunk:
    """Orders of one chunk of customers with their lines."""

    orders: pl.DataFrame
    lines: pl.DataFrame


def org(size: DemoSize) -> Organisation:
    """Teams and people; their ids (from 1) are the owners and teams in all frames."""
    return organisation(size)


def product_frame(size: DemoSize) -> pl.DataFrame:
    """All products; lines name them by id."""
    return _product_frame(size)


def customer_chunks(size: DemoSize) -> Iterator[pl.DataFrame]:
    """Customers in order of creation, at most `CHUNK` a frame."""
    return (customer_frame(size, chunk) for chunk in size.chunks())


def contact_chunks(size: DemoSize) -> Iterator[pl.DataFrame]:
    """Contacts of the companies, frame by frame as `customer_chunks`."""
    return (contact_frame(size, chunk) for chunk in size.chunks())


def activity_chunks(size: DemoSize) -> Iterator[pl.DataFrame]:
    """Activities, frame by frame as `customer_chunks`."""
    return (activity_frame(size, chunk) for chunk in size.chunks())


def customer_tag_chunks(size: DemoSize) -> Iterator[pl.DataFrame]:
    """Tags on customers, frame by frame as `customer_chunks`."""
    return (customer_tag_frame(size, chunk) for chunk in size.chunks())


def order_chunks(size: DemoSize) -> Iterator[OrderChunk]:
    """Orders and lines of the customers of each frame of `customer_chunks`."""
    for chunk in size.chunks():
        orders, lines = order_frames(size, chunk)
        yield OrderChunk(orders=orders, lines=lines)
