"""The product over real HTTP on loopback: a threaded server in the tests' own process, or the web server of a company."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections

from zhike.server.supervisor import Web


class _Quiet(WSGIRequestHandler):
    disable_nagle_algorithm = True  # else each answer on a kept connection waits 40 ms for its head to be confirmed

    def log_message(self, *args: object) -> None:
        return


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 512

    def process_request_thread(self, request: object, client_address: object) -> None:
        """A thread serves one connection and gives its database connection back with it."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            connections.close_all()


@contextmanager
def serving() -> Iterator[str]:
    """Run the server while the block runs; its address."""
    server = _Server(("127.0.0.1", 0), _Quiet, ipv6=False)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def web_server(home: Path) -> Iterator[str]:
    """Run the web server that companies have, over the databases that the environment names; its address."""
    collect = "import django; django.setup(); from zhike.server.bootstrap import collect_static; collect_static()"
    subprocess.run([sys.executable, "-c", collect], check=True)
    port = free_port()
    with (home / "web.log").open("wb") as log:
        process = subprocess.Popen(Web(port=port).argv(), stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, home / "web.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(log.read_text()[-2000:])
