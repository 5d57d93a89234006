"""A hostile internet on loopback: one server that answers each host name with another attack, and a child that reads them all.

python -m tests.hostile PORT FOLDER

is that child: it reads the feeds of all attacks as `opensignal ingest` does, from a repository in FOLDER, and prints what came of
it and the most memory that it had.
"""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import json
import re
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import brotli

from pipeline.config import Settings
from pipeline.ingest import Fetcher, Limits, ingest
from pipeline.ingest.fetch.robots import Robots
from pipeline.model import Feed
from pipeline.store import open_store
from tests.ingest.fetch.internet import Internet

SECRET = "words-of-the-server"  # in every body: no message and no card may hold it
NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
LIMITS = Limits(connect=4, head=3, silence=3, total=6, pause=0)  # as always, with less patience
ITEM = "<item><title>{title}</title><link>{link}</link><description>{text}</description></item>"

Talk = Callable[[socket.socket, str], None]


def _send(connection: socket.socket, *parts: str | bytes) -> None:
    for part in parts:
        connection.sendall(part.encode() if isinstance(part, str) else part)


def _ok(body: str | bytes | Callable[[], bytes], *headers: str) -> Talk:
    """An answer with *body*, which is made by the server only, where it is a function."""

    def talk(connection: socket.socket, _: str) -> None:
        raw = body.encode() if isinstance(body, str) else body() if callable(body) else body
        head = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(raw)}"))
        _send(connection, f"HTTP/1.1 200 OK\r\n{head}\r\n", raw)

    return talk


def _rss(*items: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel><title>{SECRET}</title>{"".join(items)}</channel></rss>'


def _item(title: str = SECRET, link: str = "https://x.example.org/1", text: str = "") -> str:
    return ITEM.format(title=title, link=link, text=text)


@functools.cache
def _gzip_bomb(megabytes: int = 20) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


@functools.cache
def _brotli_bomb(megabytes: int = 20) -> bytes:
    packer = brotli.Compressor(quality=1)
    return b"".join(packer.process(bytes(1_000_000)) for _ in range(megabytes)) + packer.finish()


@functools.cache
def _zstd_bomb(megabytes: int = 20) -> bytes:
    from backports import zstd

    packer = zstd.ZstdCompressor()
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


# --- while it is fetched ----------------------------------------------------------------------------------------------


def _silent(connection: socket.socket, _: str) -> None:
    connection.recv(1)  # until the client goes


def _drip(first: str) -> Talk:
    def talk(connection: socket.socket, _: str) -> None:
        _send(connection, first)
        while True:
            _send(connection, "x")
            time.sleep(0.1)

    return talk


def _slow_body(connection: socket.socket, _: str) -> None:
    _send(connection, "HTTP/1.1 200 OK\r\n\r\n")
    while True:
        _send(connection, "x" * 40)
        time.sleep(0.1)


def _endless(first: str, again: Callable[[int], str | bytes], *, rest: bytes = b"") -> Talk:
    def talk(connection: socket.socket, _: str) -> None:
        _send(connection, first)
        for number in range(10**9):
            _send(connection, again(number), rest)

    return talk


def _redirect(location: str, *, status: int = 302) -> Talk:
    return lambda connection, path: _send(
        connection, f"HTTP/1.1 {status} Away\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    )


def _staircase(connection: socket.socket, path: str) -> None:
    _send(connection, f"HTTP/1.1 302 Away\r\nLocation: {path}x\r\nContent-Length: 0\r\n\r\n")


_PIECE = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
_OK = "HTTP/1.1 200 OK\r\n"

WHILE_FETCHED: dict[str, tuple[Talk, str]] = {
    "silent": (_silent, "silent for|no whole answer began"),
    "hangs-up": (lambda connection, _: None, "broke off|not HTTP"),
    "drips-status": (_drip("HTTP/1.1 2"), "no whole answer began"),
    "drips-headers": (_drip("HTTP/1.1 200 OK\r\nX-Long: "), "no whole answer began"),
    "drips-body": (_drip("HTTP/1.1 200 OK\r\n\r\n"), "slower than"),
    "slow-body": (_slow_body, "slower than"),
    "endless-headers": (_endless(_OK, lambda number: f"X-{number}: y\r\n"), "headers are longer"),
    "endless-header": (_endless(_OK + "X: ", lambda _: "y" * 65_536), "headers are longer"),
    "endless-status": (_endless("HTTP/1.1 200 ", lambda _: "y" * 65_536), "headers are longer"),
    "endless-continue": (_endless("", lambda _: "HTTP/1.1 100 Continue\r\n\r\n"), "headers are longer"),
    "header-flood": (_endless(_OK, lambda number: f"Set-Cookie: c{number}={'y' * 600}\r\n"), "headers are longer"),
    "endless-body": (_endless(_OK + "\r\n", lambda _: "x" * 65_536), "larger than"),
    "endless-chunks": (_endless(_OK + "Transfer-Encoding: chunked\r\n\r\n", lambda _: _PIECE), "larger than"),
    "tiny-chunks": (
        _endless(_OK + "Transfer-Encoding: chunked\r\n\r\n", lambda _: b"1\r\nx\r\n"),
        "not finished within|larger than|slower than",
    ),
    "chunk-garbage": (_ok(b"zz\r\nwhat\r\n", "Transfer-Encoding: chunked"), "cut off|broke off|not HTTP"),
    "chunk-of-2^60": (_ok(b"fffffffffffffff\r\nx", "Transfer-Encoding: chunked"), "cut off|broke off|not HTTP"),
    "chunk-below-0": (_ok(b"-5\r\nx\r\n", "Transfer-Encoding: chunked"), "cut off|broke off|not HTTP"),
    "length-too-long": (
        lambda connection, _: _send(connection, _OK, "Content-Length: 5000\r\n\r\n", _rss()),
        "cut off|broke off",
    ),
    "length-is-words": (
        lambda connection, _: _send(connection, _OK, "Content-Length: many\r\n\r\n", f"<html>{SECRET}"),
        "not read|no feed|not a feed",
    ),
    "gzip-bomb": (_ok(_gzip_bomb, "Content-Encoding: gzip"), "times its size|larger than"),
    "brotli-bomb": (_ok(_brotli_bomb, "Content-Encoding: br"), "times its size|larger than"),
    "zstd-bomb": (_ok(_zstd_bomb, "Content-Encoding: zstd"), "times its size|larger than"),
    "gzip-in-gzip": (_ok(lambda: gzip.compress(_gzip_bomb()), "Content-Encoding: gzip, gzip"), "did not ask for"),
    "gzip-that-is-none": (_ok(SECRET, "Content-Encoding: gzip"), "compression .gzip. is broken"),
    "gzip-of-nothing": (
        _endless(
            _OK + "Content-Encoding: gzip\r\n\r\n",
            lambda number: b"" if number else b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
            rest=b"\0\0\0\xff\xff" * 10_000,  # blocks without anything in them
        ),
        "larger than",
    ),
    "gzip-cut": (_ok(gzip.compress(_rss().encode() * 50)[:-20], "Content-Encoding: gzip"), "cut off"),
    "loop": (_redirect("/feed"), "more than 5 redirects"),
    "staircase": (_staircase, "more than 5 redirects"),
    "to-loopback": (_redirect("http://127.0.0.1/"), "not a public address"),
    "to-a-decimal": (_redirect("http://2130706433/"), "not a public address"),
    "to-hex": (_redirect("//0x7f.1/"), "not a public address"),
    "to-octal": (_redirect("http://0177.0.0.1/"), "not a public address"),
    "to-a-mapped": (_redirect("http://[::ffff:127.0.0.1]/"), "not a public address"),
    "to-metadata": (_redirect("http://169.254.169.254/latest/meta-data/"), "not a public address"),
    "to-a-private-name": (_redirect("http://inner.example/"), "not a public address"),
    "to-localhost": (_redirect("http://localhost:6379/"), "port 6379|private network"),
    "to-a-file": (_redirect("file:///etc/passwd"), "not a web address"),
    "to-a-script": (_redirect("javascript:alert(1)"), "not a web address"),
    "to-gopher": (_redirect("gopher://127.0.0.1:6379/_x"), "not a web address"),
    "to-a-password": (_redirect("http://a:b@x.example/"), "user name or password"),
    "to-nonsense": (_redirect("http://[1:2/"), "not a web address"),
    "to-4000-letters": (_redirect("/" + "y" * 5_000), "longer than"),
    "speaks-smtp": (lambda connection, _: _send(connection, f"220 {SECRET} ESMTP\r\n"), "not HTTP|broke off"),
    "says-500": (
        lambda connection, _: _send(connection, "HTTP/1.1 500 Oh\r\nContent-Length: 20\r\n\r\n", SECRET),
        "its server fails",
    ),
}

# --- while it is read -------------------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
WHILE_READ: dict[str, Talk] = {
    "entities": _ok(_rss(_item("&l11;"), head=f'<!DOCTYPE rss [<!ENTITY l0 "{SECRET}">{_LAUGHS}]>')),
    "a-file-as-entity": _ok(_rss(_item("&x;"), head='<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>')),
    "deep": _ok(_rss(_item(text="<b>" * 100_000))),
    "deep-html": _ok(_rss(_item(text="&lt;b&gt;" * 40_000))),
    "ten-thousand": _ok(_rss(*(_item(f"Story {n} of many", f"https://x.example.org/{n}") for n in range(10_000)))),
    "script-links": _ok(_rss(_item("Click", "javascript:alert(1)"), _item("Here", "data:text/html,x"))),
    "script-titles": _ok(_rss(_item("&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; Tides"))),
    "header-titles": _ok(_rss(_item("Tides&#13;&#10;Bcc: reader@example.org&#10;---&#10;status: published"))),
    "utf-7": _ok("+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "Content-Type: application/rss+xml; charset=utf-7"),
    "wrong-charset": _ok(_rss(_item("Gez\xe4hlt")).encode("latin-1"), "Content-Type: text/xml; charset=utf-8"),
    "unknown-charset": _ok(_rss(_item("Tides")), "Content-Type: text/xml; charset=no-such"),
    "nul": _ok(_rss(_item("Ti\0des")).encode()),
    "half-surrogates": _ok(b"\xff\xfe" + _rss(_item("Tides")).encode("utf-16-le") + b"\x00\xd8" * 40),
    "no-feed": _ok(f"<html><p>{SECRET}</p></html>", "Content-Type: text/html"),
    "empty": _ok(""),
    **{f"large-{number}": _ok(lambda: b"<html>" + b"words and " * 450_000) for number in range(8)},
}


# --- the server -------------------------------------------------------------------------------------------------------


@contextmanager
def hostile_server() -> Iterator[int]:
    """Serve all attacks on a port of loopback. The host's first label says which; robots.txt is not there."""
    for bomb in (_gzip_bomb, _brotli_bomb, _zstd_bomb):
        bomb()  # now, for a busy machine takes its time
    listening = socket.create_server(("127.0.0.1", 0), backlog=200)
    stopped = threading.Event()
    healthy = _ok(_rss(_item("Turbines turn again", "https://x.example.org/healthy")), "Content-Type: text/xml")
    talks = {name: talk for name, (talk, _) in WHILE_FETCHED.items()} | WHILE_READ | {"healthy": healthy}

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            request = b""
            while b"\r\n\r\n" not in request and len(request) < 10_000:
                request += connection.recv(4_096) or b"\r\n\r\n"
            path = request.split(b" ", 2)[1].decode() if request.count(b" ") > 1 else "/"
            host = re.search(rb"\r\nHost: ([^.\r]+)", request)
            if path == "/robots.txt":
                _send(connection, "HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n")
            elif host:
                talks[host[1].decode().replace("-2-60", "-2^60")](connection, path)
            connection.shutdown(socket.SHUT_WR)
            while not stopped.is_set() and connection.recv(4_096):
                pass

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stopped.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


# --- the child --------------------------------------------------------------------------------------------------------


def internet(port: int) -> tuple[Internet, list[Feed]]:
    """The names of all attacks, each a public address that leads to the server on *port*; and a feed of each."""
    net, feeds = Internet(), []
    for number, name in enumerate([*WHILE_FETCHED, *WHILE_READ, "healthy"], start=1):
        host = name.replace("^", "-")
        net.put(f"{host}.example", port, f"93.184.1.{number}")
        feeds.append(Feed(host, f"http://{host}.example/feed", "Somebody"))
    net.names["inner.example"] = [["10.0.0.7"]]
    return net, feeds


def main(port: int, folder: Path) -> dict[str, Any]:
    """Read all feeds of the attacks."""
    settings = Settings.load(folder)
    net, feeds = internet(port)
    fetcher = Fetcher(
        user_agent="OpenSignal/0 (+https://example.org/)",
        log=settings.state_dir / "fetch.jsonl",
        limits=LIMITS,
        robots=Robots(settings.state_dir / "robots"),
        network=net,
    )
    began = time.monotonic()
    store = open_store(settings)
    try:
        report = ingest(store, feeds, inbox=settings.content / "inbox", fetcher=fetcher, now=NOW)
    finally:
        store.close()
    [most] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {"report": report.as_dict(), "megabytes": int(most) / 1024, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), Path(sys.argv[2])), sys.stdout)
