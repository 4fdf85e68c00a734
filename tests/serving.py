"""The product over real HTTP in the tests' own process: a threaded server on loopback, over the database of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections


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
