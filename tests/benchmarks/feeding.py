"""How long it takes to look at 1,000 feeds of 25 hosts again, none of which has changed; and how their servers see it.

python -m tests.benchmarks.feeding

runs those servers: an address of loopback for each host. They print their port, and for each line of standard input what they saw
since the last one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.ingest import IngestReport, Limits, ingest, open_fetcher
from pipeline.model import Feed
from pipeline.store import Store, open_store
from tests.benchmarks.table import Row
from tests.builders import NOW
from tests.repository import HERE

HOSTS, FEEDS = 25, 1_000
SECONDS = 60.0  # at most
SAVED = 0.95  # of the bytes of bodies, at least
_LATENCY = 0.02  # seconds that a server takes: two requests at once would meet


def measure(*, feeds: int = FEEDS, hosts: int = HOSTS) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, _servers(hosts) as (port, seen):
        (Path(name) / "mkdocs.yml").write_text("site_name: Sample\n")
        settings = Settings.load(Path(name), allow_private=True)
        store = open_store(settings)
        wanted = [
            Feed(f"feed-{n}", f"http://127.0.0.{n % hosts + 2}:{port}/{n}", f"Publisher {n % hosts}")
            for n in range(feeds)
        ]
        _read(store, wanted, settings, Limits(pause=0), now=NOW)
        first = seen()
        began = time.monotonic()
        report = _read(store, wanted, settings, Limits(), now=NOW + dt.timedelta(hours=2))
        seconds = time.monotonic() - began
        second = seen()
        store.close()
    unchanged = sum(feed.outcome.value == "unchanged" for feed in report.feeds)
    fine = unchanged == second["requests"] == feeds and seconds <= SECONDS
    yield Row(f"{feeds:,} unchanged feeds, {hosts} hosts", f"{seconds:.1f} s", f"at most {SECONDS:.0f} s", fine)
    asked = second["unconditional"]
    yield Row("  asked for without a validator", f"{asked} feeds", "none", asked == 0)
    most = max(first["most"], second["most"])
    yield Row("  requests at once to one host", f"{most} at most", "one", most == 1)
    yield Row("  between two requests to one host", f"{second['gap']:.2f} s", "at least 1 s", second["gap"] >= 0.99)
    saved = 1 - second["bytes"] / first["bytes"]
    yield Row("  bytes not sent again", f"{saved:.1%}", f"at least {SAVED:.0%}", saved >= SAVED)


def _read(store: Store, feeds: list[Feed], settings: Settings, limits: Limits, *, now: dt.datetime) -> IngestReport:
    fetcher = open_fetcher(settings, limits=limits)
    return ingest(store, feeds, inbox=settings.content / "inbox", fetcher=fetcher, now=now)


@contextmanager
def _servers(hosts: int) -> Iterator[tuple[int, Any]]:
    """The servers in a process of their own: their port, and what they saw since they were last asked."""
    words = [sys.executable, "-m", "tests.benchmarks.feeding", str(hosts)]
    with subprocess.Popen(words, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def seen() -> dict[str, Any]:
            print("seen?", file=process.stdin, flush=True)
            assert process.stdout is not None
            told: dict[str, Any] = json.loads(process.stdout.readline())
            return told

        yield int(process.stdout.readline()), seen
        process.stdin.close()


# --- the servers ------------------------------------------------------------------------------------------------------


@dataclass
class _Seen:
    requests: int = 0  # for feeds
    unconditional: int = 0
    most: int = 0  # requests at once to one host
    gap: float = 1e9  # seconds between the begin of two requests to one host, at least
    bytes: int = 0  # of bodies


async def _serve(hosts: int) -> None:
    seen, busy, began = _Seen(), defaultdict[str, int](int), defaultdict[str, list[float]](list)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        busy[host] += 1
        seen.most = max(seen.most, busy[host])
        began[host].append(time.monotonic())
        request = await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(_LATENCY)
        path = request.split(b" ")[1].decode()
        status, body, etag = "404 None", b"", f'"{path}"'
        if path != "/robots.txt":
            seen.requests += 1
            given = re.search(rb"\r\nIf-None-Match: ([^\r]*)", request)
            seen.unconditional += given is None
            status = "304 Same" if given is not None and given[1].decode() == etag else "200 OK"
            body = _feed(path).encode() if status == "200 OK" else b""
        seen.bytes += len(body)
        head = f"HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        busy[host] -= 1
        writer.close()

    port = 0
    for number in range(hosts):
        server = await asyncio.start_server(answer, f"127.0.0.{number + 2}", port)
        port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        seen.gap = min((later - earlier for times in began.values() for earlier, later in pairwise(times)), default=0.0)
        print(json.dumps(asdict(seen)), flush=True)
        seen = _Seen()
        began.clear()


def _feed(path: str) -> str:
    text = "Words of a sample entry. " * 400
    item = f"<item><title>Story {path[1:]}</title><link>http://x.example.org{path}</link><description>{text}</description></item>"
    return f'<rss version="2.0"><channel><title>Feed {path}</title>{item}</channel></rss>'


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
