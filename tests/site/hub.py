"""A WebSub hub, a subscriber and a web server for a site, all on loopback, each in a thread of its own.

The hub does what section 5 to 7 of WebSub ask of one: it takes subscriptions, asks the subscriber whether it meant it, and when a
publisher tells it of a topic that somebody follows, it fetches the topic and sends it on.
"""

from __future__ import annotations

import contextlib
import secrets
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass
class Hub:
    """What a hub remembers."""

    address: str = ""
    subscriptions: set[tuple[str, str]] = field(default_factory=set)  # topic, callback
    published: list[str] = field(default_factory=list)  # topics that it was told of
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)  # to give instead, one a call

    def subscribe(self, topic: str, callback: str) -> None:
        challenge = secrets.token_hex(8)
        asked = urlencode({"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": challenge})
        with urllib.request.urlopen(f"{callback}?{asked}", timeout=5) as answer:
            if answer.read().decode() == challenge:
                self.subscriptions.add((topic, callback))

    def publish(self, topic: str) -> None:
        self.published.append(topic)
        callbacks = [callback for wanted, callback in sorted(self.subscriptions) if wanted == topic]
        if callbacks:
            with urllib.request.urlopen(topic, timeout=5) as answer:
                body, kind = answer.read(), answer.headers["Content-Type"]
        for callback in callbacks:
            links = f'<{self.address}>; rel="hub", <{topic}>; rel="self"'
            sent = urllib.request.Request(callback, data=body, headers={"Content-Type": kind, "Link": links})
            urllib.request.urlopen(sent, timeout=5).close()


@dataclass
class Subscriber:
    """What somebody who follows feeds has got."""

    address: str = ""
    got: list[tuple[str, bytes]] = field(default_factory=list)  # Link header, body


@contextlib.contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            form = {name: values[0] for name, values in parse_qs(self.body().decode()).items()}
            if hub.answers:
                self.answer(*hub.answers.pop(0))
            elif form.get("hub.mode") == "subscribe":
                hub.subscribe(form["hub.topic"], form["hub.callback"])
                self.answer(202)
            elif form.get("hub.mode") == "publish" and form.get("hub.url", "").startswith("http"):
                hub.publish(form["hub.url"])
                self.answer(204)
            else:
                self.answer(400, "hub.mode or hub.url makes no sense")

    with _serving(Handler) as hub.address:
        yield hub


@contextlib.contextmanager
def running_subscriber() -> Iterator[Subscriber]:
    subscriber = Subscriber()

    class Handler(_Quiet):
        def do_GET(self) -> None:
            self.answer(200, parse_qs(urlsplit(self.path).query)["hub.challenge"][0])

        def do_POST(self) -> None:
            subscriber.got.append((self.headers["Link"], self.body()))
            self.answer(204)

    with _serving(Handler) as subscriber.address:
        yield subscriber


@contextlib.contextmanager
def serving_site(folder: Path) -> Iterator[str]:
    """The address at which *folder*, which need not be there yet, is served."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with _serving(partial(Handler, directory=str(folder))) as address:  # type: ignore[arg-type]
        yield address


class _Quiet(BaseHTTPRequestHandler):
    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, words: str = "", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(0 if status == 204 else len(words.encode())))
        self.end_headers()
        if status != 204:
            self.wfile.write(words.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
