"""From frames into tables by COPY. Needs no Django, so that each feed can run in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import psycopg

from zhike.demo.activities import activity_frame, customer_tag_frame, tag_frame
from zhike.demo.arrays import uuids
from zhike.demo.customers import contact_frame, customer_frame
from zhike.demo.facts import known_facts
from zhike.demo.orders import order_frames
from zhike.demo.size import CHUNK, Chunk, DemoSize
from zhike.kernel.bulkload import copy_frame, truncate
from zhike.kernel.errors import Refused
from zhike.kernel.search.tokens import SearchParts, documents, tokens
from zhike.kernel.text.folding import fold_key

Told = Callable[[str, int], None]
Work = Callable[["Feed", Told], None]

CUSTOMERS, ORDERS, LINES = "customers_customer", "orders_order", "orders_orderline"
CONTACTS, ACTIVITIES, TAGGED = "customers_contact", "customers_activity", "customers_customertag"
DOCUMENTS = "kernel_searchdoc"
# A process costs a second to start; below this size it would not earn it back.
_ALONE = 2 * CHUNK
TABLES = (CUSTOMERS, CONTACTS, ACTIVITIES, TAGGED, DOCUMENTS, ORDERS, LINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Where to (libpq connection string), how much, and the number of customers among the searchable tables."""

    conninfo: str
    size: DemoSize
    customer_kind: int


def feed_orders(feed: Feed, told: Told) -> None:
    """Fill the tables of orders and lines; `told` hears "orders" and how many there are so far."""
    done = 0
    with _fresh(feed, ORDERS, LINES) as connection:
        for chunk in feed.size.chunks():
            orders, lines = order_frames(feed.size, chunk)
            done += copy_frame(connection, ORDERS, orders, freeze=True)
            copy_frame(connection, LINES, lines, freeze=True)
            told("orders", done)


def feed_customers(feed: Feed, told: Told) -> None:
    """Fill the tables of customers, what is around them, and search; `told` hears "facts", then "customers"."""
    size = feed.size
    facts = known_facts(size, told)
    done = 0
    with _fresh(feed, CUSTOMERS, CONTACTS, ACTIVITIES, TAGGED, DOCUMENTS) as connection:
        for chunk in size.chunks():
            customers, contacts = customer_frame(size, chunk), contact_frame(size, chunk)
            known = customers.hstack(facts.slice(chunk.start, chunk.customers))
            done += copy_frame(connection, CUSTOMERS, known, freeze=True)
            copy_frame(connection, CONTACTS, contacts, freeze=True)
            copy_frame(connection, ACTIVITIES, activity_frame(size, chunk), freeze=True)
            copy_frame(connection, TAGGED, tagged(size, chunk), freeze=True)
            copy_frame(connection, DOCUMENTS, search_frame(customers, contacts, feed.customer_kind), freeze=True)
            told("customers", done)


@contextmanager
def _fresh(feed: Feed, *tables: str) -> Iterator[psycopg.Connection]:
    """One transaction that empties tables first: what COPY then freezes needs no vacuum."""
    with psycopg.connect(feed.conninfo) as connection:
        truncate(connection, tables)
        yield connection


def tagged(size: DemoSize, chunk: Chunk) -> pl.DataFrame:
    """Rows of the tags on customers, with the tags' numbers from 1 in the order of `tag_frame`."""
    frame, tags = customer_tag_frame(size, chunk), tag_frame(size)
    numbers = frame["tag_id"].replace_strict(tags["id"], np.arange(1, tags.height + 1), return_dtype=pl.Int64)
    moments = np.full(frame.height, size.opening, dtype=np.int64)
    return frame.select("customer_id", numbers.alias("tag_id"), uuids(moments, size.random("tagged", chunk.index)).alias("id"))


def search_frame(customers: pl.DataFrame, contacts: pl.DataFrame, kind: int) -> pl.DataFrame:
    """Search documents of customers, who are found by their contacts too; equal to what a later refresh would write."""
    names = customers["name"].to_list()
    people = (customers["kind"] == "person").to_list()
    own = customers.select(
        "id", "owner_id", "team_id", "updated_at",
        kind=pl.lit(kind, dtype=pl.Int16),
        title=pl.Series([fold_key(name) for name in names], dtype=pl.String),
        tsv=pl.Series(documents(names, customers["code"].to_list(), customers["phone"].to_list(), people), dtype=pl.String),
    )  # fmt: skip
    found = own.join(_contact_words(contacts), left_on="id", right_on="customer_id", how="left", maintain_order="left")
    return found.select(
        "id", "owner_id", "team_id", "updated_at", "kind",
        title=pl.concat_str("title", "more_title", separator="\n", ignore_nulls=True),
        tsv=pl.concat_str("tsv", "more_tsv", separator=" ", ignore_nulls=True),
    )  # fmt: skip


def _contact_words(contacts: pl.DataFrame) -> pl.DataFrame:
    """Titles and lexemes of the contacts of each customer together."""
    names, phones = contacts["name"].to_list(), contacts["phone"].to_list()
    words = [tokens(SearchParts(people=(name,), phones=(phone,))) for name, phone in zip(names, phones, strict=True)]
    folded = [fold_key(name) for name in names]
    frame = contacts.select("customer_id", more_title=pl.Series(folded, dtype=pl.String), more_tsv=pl.Series(words, dtype=pl.String))
    return frame.group_by("customer_id", maintain_order=True).agg(pl.col("more_title").str.join("\n"), pl.col("more_tsv").str.join(" "))


def feed_all(feed: Feed, told: Told) -> None:
    """Run both feeds, in two processes where that pays. Refused("demo_failed") when one died."""
    works: tuple[Work, ...] = (feed_customers, feed_orders)
    if feed.size.customers <= _ALONE:
        for work in works:
            work(feed, told)
        return
    context = multiprocessing.get_context("spawn")
    news: multiprocessing.Queue[tuple[str, int]] = context.Queue()
    workers = [context.Process(target=_work, args=(work, feed, news, os.getpid()), daemon=True) for work in works]
    for worker in workers:
        worker.start()
    try:
        _listen(workers, news, told)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _listen(workers: list[Any], news: multiprocessing.Queue[tuple[str, int]], told: Told) -> None:
    while any(worker.is_alive() for worker in workers) or not news.empty():
        with suppress(queue.Empty):
            told(*news.get(timeout=0.2))
        if any(worker.exitcode for worker in workers):
            raise Refused("demo_failed")


def _work(work: Work, feed: Feed, news: multiprocessing.Queue[tuple[str, int]], parent: int) -> None:
    def told(step: str, done: int) -> None:
        if os.getppid() != parent:
            raise SystemExit(1)  # killed without a word: nobody would make the indexes again
        news.put((step, done))

    work(feed, told)
