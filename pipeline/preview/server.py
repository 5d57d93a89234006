"""The preview in the browser: one page of our own, and frames in which the article can do nothing.

    /                                       the page; /preview.js, /preview.css
    /articles  /state  /events              what it asks for: all articles, the open one, when something has changed
    /view/SCHEME/IMAGES/KIND/...            the article: light or dark, pictures on or off, as web, mail, digest, text or feed

What an article holds stands in a frame without scripts, forms and an origin (``sandbox``), by the element and by the answer's own
policy. Only this machine is listened to; a request that names another host, or that another site's page makes, is refused.
"""

from __future__ import annotations

import contextlib
import json
import mimetypes
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pipeline.errors import UsageError
from pipeline.library.own import leads_out
from pipeline.preview.desk import KINDS, Desk

HOST: Final = "127.0.0.1"
TEMPLATES: Final = Path(__file__).parent.parent / "templates" / "preview"
OURS: Final = {"/": "page.html", "/preview.js": "preview.js", "/preview.css": "preview.css"}
PING: Final = 15.0  # seconds between signs of life to the browser

_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_VIEW: Final = re.compile(r"/view/(?P<scheme>light|dark)/(?P<images>on|off)/(?P<kind>[a-z]+)/(?P<rest>.*)")
_ARTICLE: Final = re.compile(r"articles/([a-z0-9-]+)/")
_SCHEME_QUERY: Final = re.compile(r"\(prefers-color-scheme: ?(light|dark)\)")
_SCHEME: Final = re.compile(r"color-scheme: ?light dark")
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg"})


@contextlib.contextmanager
def listening(desk: Desk, *, port: int, stop: threading.Event) -> Iterator[str]:
    """The server at work; its address. Raises `UsageError` where the port is taken."""
    try:
        server = _Server((HOST, port), _Handler)
    except OSError as error:
        raise UsageError(f"cannot listen on {HOST}:{port}: {error.strerror or error}; choose another --port") from error
    server.desk, server.stop = desk, stop
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        stop.set()
        with desk.changed:
            desk.changed.notify_all()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    desk: Desk
    stop: threading.Event

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "OpenSignalPreview"
    sys_version = ""

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if why := self._refused():
            self._answer(403, why.encode(), "text/plain; charset=utf-8")
            return
        asked = urlsplit(self.path)
        article = parse_qs(asked.query).get("article", [""])[0]
        view = _VIEW.fullmatch(asked.path)
        if asked.path in OURS:
            name = OURS[asked.path]
            kind = mimetypes.guess_type(name)[0] or "text/plain"
            self._answer(200, (TEMPLATES / name).read_bytes(), f"{kind}; charset=utf-8", policy=_PAGE_POLICY)
        elif asked.path == "/articles":
            version = self.server.desk.version  # before they are listed, so that it is never newer than the list
            self._json({"version": version, "articles": self.server.desk.articles()})
        elif asked.path == "/state":
            self._state(article, parse_qs(asked.query).get("kind", ["web"])[0])
        elif asked.path == "/events":
            self._events()
        elif view and view["kind"] in KINDS:
            self._view(view, article)
        else:
            self._answer(404, b"there is no such page here", "text/plain; charset=utf-8")

    # -- who asks

    def _refused(self) -> str:
        """Why this request is not answered; empty for one of our own page."""
        ours = {f"{name}:{self.server.server_address[1]}" for name in (HOST, "localhost")}
        if self.headers.get("Host", "") not in ours:
            return "the preview answers to 127.0.0.1 and localhost only"
        origin = self.headers.get("Origin")
        is_file = self._is_file()  # of a frame, which has no origin
        if (
            origin is not None
            and origin not in {f"http://{name}" for name in ours}
            and not (origin == "null" and is_file)
        ):
            return "another site's page asked for this"
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not is_file:
            return "another site's page asked for this"
        return ""

    def _is_file(self) -> bool:
        """True for a font, a style sheet or a picture: the only things that a frame may ask for, and nothing that anybody wrote."""
        view = _VIEW.fullmatch(urlsplit(self.path).path)
        return (
            view is not None and view["kind"] == "web" and Path(view["rest"]).suffix in {".css", ".woff2", *_PICTURES}
        )

    # -- what is answered

    def _state(self, path: str, kind: str) -> None:
        desk = self.server.desk
        version, opened = desk.version, desk.open(path)
        if opened is None:
            self._json({"version": version, "path": path, "gone": True})
        else:
            self._json({"version": version, **opened.as_dict(), "inbox": desk.inbox(kind, opened)})

    def _view(self, view: re.Match[str], path: str) -> None:
        desk = self.server.desk
        rest = view["rest"]
        if view["kind"] == "web" and (sheet := desk.sheet(rest) if rest.endswith(".css") else None):
            self._answer(200, _in_scheme(sheet, view["scheme"]).encode(), "text/css; charset=utf-8")
            return
        if view["kind"] == "web" and (file := self._file(rest)):
            self._answer(200, file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream")
            return
        named = _ARTICLE.fullmatch(rest)
        path = path or (desk.slug_path(named[1]) if named else "") or ""
        opened = desk.open(path)
        if opened is None:
            self._answer(404, b"only articles are previewed", "text/plain; charset=utf-8", policy=_policy(view))
            return
        html = _in_scheme(desk.view(view["kind"], opened), view["scheme"])
        base = f"/view/{view['scheme']}/{view['images']}/web/"
        html = html.replace(
            f'src="{desk.settings.site_url}', f'src="{base}'
        )  # the site's own pictures, as they lie here
        self._answer(200, html.encode("utf-8", "replace"), "text/html; charset=utf-8", policy=_policy(view))

    def _file(self, rest: str) -> Path | None:
        """A font of the theme or a picture of content/pages, if *rest* names one that is ours."""
        root = self.server.desk.settings.root
        folder = root / "theme" if rest.startswith("assets/") else root / "content" / "pages"
        path = folder / rest
        wanted = path.suffix in _PICTURES or (rest.startswith("assets/fonts/") and path.suffix == ".woff2")
        if not wanted or ".." in Path(rest).parts or leads_out(path, root):
            return None
        return path if path.is_file() else None

    def _events(self) -> None:
        """Tell the browser each new version, until it hangs up or the preview ends."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        version = -1
        while not self.server.stop.is_set():
            version = self.server.desk.wait(version, timeout=PING)
            try:
                self.wfile.write(f"data: {version}\n\n".encode())
                self.wfile.flush()
            except OSError:
                return

    def _json(self, value: object) -> None:
        self._answer(200, json.dumps(value).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str, *, policy: str = "default-src 'none'; sandbox") -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if self.headers.get("Origin") == "null" and status == 200 and self._is_file():
            headers["Access-Control-Allow-Origin"] = "null"  # fonts are asked for with an origin, and a frame has none
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError, socket.timeout):
            self.wfile.write(body)


def _policy(view: re.Match[str]) -> str:
    """Of what an article holds: it may look as it does, and do nothing."""
    images = "'self' data:" if view["images"] == "on" else "'none'"
    return f"default-src 'none'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src {images}; sandbox"


def _in_scheme(text: str, scheme: str) -> str:
    """HTML or CSS as a reader who asked for *scheme* has it, whatever this browser asks for."""
    text = _SCHEME_QUERY.sub(lambda found: "all" if found[1] == scheme else "not all", text)
    return _SCHEME.sub(f"color-scheme: {scheme}", text).replace('content="light dark"', f'content="{scheme}"')
