"""Many at once: one key can be taken once, and a client that dawdles holds up nobody."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client

from tests.cast import actor, user_of
from tests.serving import serving
from zhike.catalog.models import Product
from zhike.kernel.actions import create_record
from zhike.kernel.errors import Refused
from zhike.kernel.models import Change
from zhike.kernel.screens.words import in_words
from zhike.kernel.testing.web import BACKEND
from zhike.org.models import User
from zhike.server.control import Company

CROWD = 50


def test_of_fifty_who_take_one_number_one_gets_it_and_the_others_are_told(committed: Company) -> None:
    del committed
    by, gate = actor("管理员"), threading.Barrier(CROWD)

    def take(number: int) -> str:
        gate.wait(30)
        try:
            create_record(Product, {"code": "P-1", "name": f"减速机 {number}"}, by=by)
        except Refused as refusal:
            return in_words(refusal)
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(CROWD) as crowd:
        told = list(crowd.map(take, range(CROWD)))
    assert told.count("") == 1
    assert {text for text in told if text} == {"已经有同样的产品编号了，换一个，或打开原来那条"}
    assert Product.objects.filter(code="P-1").count() == 1
    assert Change.objects.filter(label="catalog.product").count() == 1


@pytest.mark.slow
def test_of_five_hundred_clients_one_gets_the_number(committed: Company) -> None:
    """Through the screens; no more than twenty are served at a time, as by a server's threads."""
    del committed
    user = user_of("管理员")

    def post(number: int) -> int:
        try:
            return _client(user).post("/products/new", {"code": "P-1", "name": f"减速机 {number}", "price": "1"}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as crowd:
        told = list(crowd.map(post, range(500)))
    assert (told.count(204), told.count(422)) == (1, 499)
    assert Product.objects.filter(code="P-1").count() == 1


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def test_clients_that_send_a_letter_at_a_time_hold_up_nobody(committed: Company) -> None:
    del committed
    with serving() as address:
        place = urlsplit(address)
        slow = [socket.create_connection((place.hostname or "", place.port or 0), 5) for _ in range(40)]
        try:
            for line in slow:
                line.sendall(b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n")
            began = time.monotonic()
            for letter in b"X-Slow":
                for line in slow:
                    line.sendall(bytes([letter]))
                with urllib.request.urlopen(f"{address}/login/", timeout=10) as answer:
                    assert answer.status == 200
            assert time.monotonic() - began < 30
        finally:
            for line in slow:
                line.close()
