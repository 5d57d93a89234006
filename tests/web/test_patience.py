"""Slow clients and many: each costs itself (T-14). Raw sockets, for no library is as rude as this."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from pipeline.config import Settings
from pipeline.store import Store
from pipeline.web import create_app
from pipeline.web.guard import ROOM
from pipeline.web.patience import BODY_WITHIN, HEAD_WITHIN, LINES_OF_A_NETWORK, Patience
from pipeline.web.server import serving

HEAD = b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SOON = 0.6  # seconds, in place of ten and fifteen
LATE = SOON + 8  # before ten and fifteen, however busy the machine is


@pytest.fixture
def url(sqlite_store: Store, settings: Settings) -> Iterator[str]:
    patience = Patience(head_within=SOON, body_within=SOON)
    with serving(create_app(sqlite_store, settings), patience=patience) as url:
        yield url


@contextmanager
def line_to(url: str) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as line:
        yield line


def dribble(line: socket.socket, text: bytes, *, every: float = 0.05) -> tuple[float, bytes]:
    """Send byte by byte until the server hangs up; after how long, and what it said."""
    began = time.monotonic()
    line.settimeout(every)
    said = b""
    for byte in text * 1_000:
        try:
            line.send(bytes([byte]))
            got = line.recv(4_096)
        except TimeoutError:
            continue
        except OSError:
            break
        said += got
        if not got:
            break
    return time.monotonic() - began, said


def test_the_bars_are_what_the_handbook_says() -> None:
    """T-14"""
    assert (HEAD_WITHIN, BODY_WITHIN, LINES_OF_A_NETWORK) == (10, 15, 64)


def test_a_head_that_dribbles_is_cut_off(url: str) -> None:
    """T-14: a header line every now and then does not keep the line (slowloris)."""
    with line_to(url) as line:
        seconds, said = dribble(line, b"GET / HTTP/1.1\r\nX-A: b\r\nX-C: ddddddddddddddddddddddddddddddddddddd")

    assert SOON - 0.1 <= seconds < LATE
    assert said.startswith(b"HTTP/1.1 408 ")


def test_a_line_on_which_nothing_is_said_is_cut_off(url: str) -> None:
    """T-14"""
    with line_to(url) as line:
        began = time.monotonic()
        said = line.recv(100)

    assert time.monotonic() - began < LATE
    assert said.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_dribbles_is_cut_off_and_signs_nobody_up(url: str, sqlite_store: Store) -> None:
    """T-14: with a length, and in chunks without end."""
    with line_to(url) as line:
        line.sendall(HEAD + b"Content-Length: 5000\r\n\r\nemail=a@example.org&x=")
        by_length, _ = dribble(line, b"a")
    with line_to(url) as line:
        line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        in_chunks, _ = dribble(line, b"1\r\na\r\n")

    assert SOON - 0.1 <= by_length < LATE
    assert SOON - 0.1 <= in_chunks < LATE
    from pipeline.store import tables
    from tests.mail.test_signups import count

    assert count(sqlite_store, tables.signups) == 0


def test_a_body_that_goes_on_behind_its_refusal_is_cut_off_too(url: str) -> None:
    """T-14"""
    with line_to(url) as line:
        line.sendall(HEAD + b"Content-Length: 90000000\r\n\r\n" + b"a" * 300_000)
        seconds, said = dribble(line, b"a")

    assert seconds < LATE
    assert b" 413 " in said or said == b""


def test_a_line_that_is_used_well_stays_open(sqlite_store: Store, settings: Settings) -> None:
    """T-14: the clock starts anew with each request."""
    patience = Patience(head_within=3, body_within=3)
    answers = []
    with serving(create_app(sqlite_store, settings), patience=patience) as url:
        line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        line.connect()
        line.auto_open = 0  # one that was cut off is not opened again
        for _ in range(5):
            line.request("GET", "/subscribe")
            with line.getresponse() as answer:
                answers.append((answer.status, answer.read()[-8:].strip()))
            time.sleep(0.8)
        line.close()

    assert answers == [(200, b"</html>")] * 5


def test_one_network_holds_so_many_lines_and_gets_them_back(sqlite_store: Store, settings: Settings) -> None:
    """T-14"""
    with serving(create_app(sqlite_store, settings), patience=Patience(lines_of_a_network=6)) as url:
        lines = [socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10) for _ in range(6)]
        try:
            with line_to(url) as one_more:
                refused = one_more.recv(200)
        finally:
            for line in lines:
                line.close()
        deadline = time.monotonic() + 60
        while (
            requests.get(f"{url}healthz", timeout=10).status_code != 200
        ):  # until the server has seen that they are gone
            assert time.monotonic() < deadline
            time.sleep(0.02)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 10" in refused


def test_a_proxy_that_we_trust_may_hold_as_many_as_it_likes(sqlite_store: Store, settings: Settings) -> None:
    """T-14"""
    patience = Patience((ipaddress.ip_network("127.0.0.0/8"),), lines_of_a_network=2)
    with serving(create_app(sqlite_store, settings), patience=patience) as url:
        lines = [socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10) for _ in range(10)]
        try:
            assert requests.get(f"{url}healthz", timeout=10).status_code == 200
        finally:
            for line in lines:
                line.close()


def test_a_head_above_16_kb_is_refused(url: str) -> None:
    """T-14"""
    with line_to(url) as line:
        line.sendall(b"GET /subscribe HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n")
        said = line.recv(4_096)

    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


def test_who_wants_to_leave_is_turned_away_last() -> None:
    """T-14: where too many requests are under way, sign-ups go first."""
    assert ROOM["signing up"] < ROOM["looking"] < ROOM["leaving"]
