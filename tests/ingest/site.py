"""Other people's web servers, on loopback: a well-behaved one, and one that sends whatever bytes a test wants, how it wants."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "feeds"


@dataclass(frozen=True)
class Asked:
    """One request as the server got it."""

    path: str
    headers: Message
    at: float


@dataclass(frozen=True)
class Page:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Site:
    """A publisher's server. Pages may be changed while it runs; `asked` holds every request."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.asked: list[Asked] = []
        self.pages: dict[str, Page | Callable[[Asked], Page]] = {}

    def put(self, path: str, body: bytes | str, *, status: int = 200, **headers: str) -> str:
        """Serve *body* at *path*; header names are given with underscores. Returns the address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Page(body.encode() if isinstance(body, str) else body, status, named)
        return self.url + path

    def count(self, path: str) -> int:
        return sum(asked.path == path for asked in self.asked)


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = Asked(self.path, self.headers, time.monotonic())
            site.asked.append(asked)
            page = site.pages.get(self.path, Page(b"nothing here", 404))
            page = page(asked) if callable(page) else page
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.status != 304 and "Content-Length" not in page.headers:
                self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            with suppress(OSError):  # the client went away, as it may
                self.wfile.write(page.body)

        def log_message(self, *_: object) -> None:
            """Tests read `asked` instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site = Site(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads one request and then does *talk* with the connection. Yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                connection.recv(65_536)
                talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/feed"
    finally:
        stopped.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def rss(*items: tuple[str, str] | tuple[str, str, str], ttl: int | None = None) -> str:
    """An RSS 2.0 feed of (title, link) or (title, link, pubDate)."""
    parts = [
        f"<item><title>{item[0]}</title><link>{item[1]}</link>"
        + (f"<pubDate>{item[2]}</pubDate>" if len(item) > 2 else "")
        + "</item>"
        for item in items
    ]
    asked = f"<ttl>{ttl}</ttl>" if ttl is not None else ""
    return f'<rss version="2.0"><channel><title>x</title>{asked}{"".join(parts)}</channel></rss>'
