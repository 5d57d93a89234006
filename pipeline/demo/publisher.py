"""The sample publishers' site: invented pages and feeds, served on loopback so that there is something real to fetch."""

from __future__ import annotations

import email.utils
import hashlib
import http.server
import threading
from pathlib import Path
from types import TracebackType
from typing import ClassVar

SAMPLE = Path(__file__).parent / "sample"
_TYPES = {".html": "text/html; charset=utf-8", ".xml": "application/xml"}


class Publisher:
    """Serves the pages in ``sample/`` while it is open; answers conditional requests as a good server does."""

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Publisher:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: ClassVar[dict[str, Path]] = {f"/{p.name}": p for p in SAMPLE.iterdir() if p.suffix in _TYPES}

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        page = self.pages.get("/index.html" if path == "/" else path)
        if page is None:
            self.send_error(404)
            return
        body = page.read_bytes().replace(b"{base}", f"http://{self.headers['Host']}/".encode())
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == tag:
            self._answer(304, tag)
            return
        self._answer(200, tag, body, _TYPES[page.suffix])

    def _answer(self, status: int, tag: str, body: bytes = b"", kind: str = "") -> None:
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", email.utils.formatdate(1_795_000_000, usegmt=True))
        if body:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing: the demonstration tells its own story."""
