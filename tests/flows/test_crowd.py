"""Many at once: one key can be taken once, and a client that dawdles holds up nobody."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connections
from django.test import Client

from tests.cast import actor, user_of
from tests.serving import serving, web_server
from zhike.catalog.models import Product
from zhike.kernel.actions import create_record
from zhike.kernel.errors import Refused
from zhike.kernel.models import Change
from zhike.kernel.screens.words import in_words
from zhike.kernel.testing.web import BACKEND
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
def test_of_five_hundred_clients_one_gets_the_number(committed: Company, tmp_path: Path) -> None:
    """Five hundred connections to the web server that companies have, all open before the first asks."""
    del committed
    client = Client()
    client.force_login(user_of("管理员"), backend=BACKEND)
    secret = "k" * 32
    headers = {
        "Cookie": f"zhike_session={client.cookies['zhike_session'].value}; zhike_csrf={secret}", "X-CSRFToken": secret,
        "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    gate = threading.Barrier(500)

    def post(number: int) -> int:
        connection = HTTPConnection(place, timeout=120)
        connection.connect()
        gate.wait(60)
        connection.request("POST", "/products/new", urlencode({"code": "P-1", "name": f"减速机 {number}", "price": "1"}), headers)
        with closing(connection):
            return connection.getresponse().status

    with web_server(tmp_path) as address, ThreadPoolExecutor(500) as crowd:
        place = urlsplit(address).netloc
        told = list(crowd.map(post, range(500)))
    assert (told.count(204), told.count(422)) == (1, 499)
    assert Product.objects.filter(code="P-1").count() == 1
    assert Change.objects.filter(label="catalog.product").count() == 1


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
