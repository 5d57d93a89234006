"""How fast the form is, and whether who wants to leave gets through while it is flooded. The server runs on one core, as a process.

python -m tests.benchmarks.signing_up PORT < plan      the load: reads a plan as JSON, prints what it measured as JSON
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.config import Settings
from pipeline.keys import load_keys
from pipeline.mail.tokens import Purpose, sign
from pipeline.store import tables
from pipeline.store.engine import connect
from pipeline.web import work
from tests.benchmarks.table import Row
from tests.repository import HERE, Repository, Sink

SPEED = 800.0  # sign-ups a second, at least, with limits off
FORM_P99, FORM_RATE = 100.0, 200  # milliseconds, at most, at so many a second with limits on
CLICK_P99, CLICK_RATE = 300.0, 50
LINES = 48
CORE = "0"


@dataclass
class Stream:
    """Requests to send, all at once or so many a second, over some lines."""

    requests: list[str]
    rate: float = 0  # 0: as fast as it goes
    lines: int = LINES


@dataclass
class Measured:
    seconds: float
    statuses: dict[str, int]
    p50: float  # milliseconds
    p99: float

    @property
    def is_fine(self) -> bool:
        return set(self.statuses) == {"200"}


def measure(*, seconds: int = 10) -> Iterator[Row]:
    """Three runs of about *seconds* each, for as long as their requests last."""
    with _serving(proof_of_work="0", signup_limits="false") as (_, port):
        [fast] = _load(port, [Stream([_form(f"reader{n}@example.org") for n in range(int(SPEED) * seconds)])])
    rate = sum(fast.statuses.values()) / fast.seconds
    yield Row(
        "POST /subscribe, limits off",
        f"{rate:,.0f}/s, p99 {fast.p99:.0f} ms",
        f"at least {SPEED:,.0f}/s",
        rate >= SPEED and fast.is_fine,
    )
    with _serving(proof_of_work="1", trusted_proxies="127.0.0.1/32") as (repository, port):
        [slow] = _load(port, [Stream(_proven(repository, FORM_RATE * seconds), FORM_RATE)])
    yield Row(
        f"POST /subscribe, limits on, {FORM_RATE}/s",
        f"p50 {slow.p50:.0f}, p99 {slow.p99:.0f} ms",
        f"p99 at most {FORM_P99:.0f} ms",
        slow.p99 <= FORM_P99 and slow.is_fine,
    )
    yield _clicking(seconds)


def _clicking(seconds: int) -> Row:
    with (
        tempfile.TemporaryDirectory() as name,
        Sink(Path(name) / "journal") as sink,
        _serving(proof_of_work="1", trusted_proxies="127.0.0.1/32") as (repository, port),
    ):
        repository.add_article("story")
        repository.add_subscribers([f"reader{number}@example.org" for number in range(20_000)])
        forms = Stream(_proven(repository, FORM_RATE * seconds), FORM_RATE)
        clicks = Stream(_clicks(repository, CLICK_RATE * seconds), CLICK_RATE, lines=16)
        sender = repository.start("send", repository.today, smtp_url=sink.url)
        while sink.count() < 100 and sender.poll() is None:  # planning is over, letters leave
            time.sleep(0.05)
        _, click = _load(port, [forms, clicks])
        still_sending = sender.poll() is None
        sender.terminate()
        sender.communicate(timeout=60)
        sent = sink.count()
    beside = f"{sent:,} letters beside" if still_sending else f"all {sent:,} letters sent before the end"
    return Row(
        f"one click, {CLICK_RATE}/s, flood and send beside",
        f"p50 {click.p50:.0f}, p99 {click.p99:.0f} ms ({beside})",
        f"p99 at most {CLICK_P99:.0f} ms, no error",
        click.p99 <= CLICK_P99 and click.is_fine,
    )


# --- what is sent -----------------------------------------------------------------------------------------------------


def _form(email: str, *, ip: str = "", **fields: str) -> str:
    body = urllib.parse.urlencode({"email": email, "cadence": "daily", **fields})
    forwarded = f"X-Forwarded-For: {ip}\r\n" if ip else ""
    return _post("/subscribe", body, forwarded)


def _post(path: str, body: str, more: str = "") -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def _proven(repository: Repository, number: int) -> list[str]:
    """So many sign-ups from 5,000 networks, each with a solution of its own."""
    import datetime as dt

    keys, now = load_keys(repository.root / ".opensignal", "token"), dt.datetime.now(dt.UTC)
    return [
        _form(
            f"guest{n}@example.com",
            ip=f"10.{n % 5_000 // 250}.{n % 250}.9",
            altcha=work.solve(work.make_challenge(keys, "subscribe", guesses=1, now=now)),
        )
        for n in range(number)
    ]


def _clicks(repository: Repository, number: int) -> list[str]:
    settings = Settings.load(repository.root)
    store, keys = connect(settings.database_url), load_keys(settings.state_dir, "token")
    with store.reading() as connection:
        refs = connection.execute(tables.subscribers.select().limit(number)).all()
    store.close()
    return [
        _post(f"/unsubscribe/{sign(keys, Purpose.UNSUBSCRIBE, row.ref)}", "List-Unsubscribe=One-Click") for row in refs
    ]


# --- server and load --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _serving(**settings: str) -> Iterator[tuple[Repository, int]]:
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
        free.close()
        repository = Repository.make(Path(name) / "repository", **{"signup_limits": "true", **settings})
        command = ["taskset", "-c", CORE, *repository.command("serve", "--port", str(port))]
        process = subprocess.Popen(
            command, cwd=repository.root, env=repository.env(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield repository, port
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def _load(port: int, streams: Sequence[Stream]) -> list[Measured]:
    """Send all streams at the same time, from a process of its own on the other core."""
    others = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)) if str(core) != CORE) or CORE
    done = subprocess.run(
        ["taskset", "-c", others, sys.executable, "-m", "tests.benchmarks.signing_up", str(port)],
        input=json.dumps([asdict(stream) for stream in streams]),
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
        check=True,
    )
    return [Measured(**found) for found in json.loads(done.stdout)]


async def _send(port: int, stream: Stream) -> Measured:
    todo: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    times: list[float] = []
    statuses: dict[str, int] = {}
    began = time.perf_counter()
    for number, request in enumerate(stream.requests):
        due = began + number / stream.rate if stream.rate else 0.0
        todo.put_nowait((due, request.encode()))

    async def line() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not todo.empty():
            due, request = todo.get_nowait()
            # From when it was due: a server that is slow does not get fewer visitors.
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            sent = due or time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - sent)
            status = head[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(line() for _ in range(stream.lines)))
    times.sort()
    return Measured(
        time.perf_counter() - began,
        statuses,
        1000 * times[len(times) // 2],
        1000 * times[min(len(times) - 1, len(times) * 99 // 100)],
    )


async def _main() -> None:
    streams = [Stream(**each) for each in json.load(sys.stdin)]
    port = int(sys.argv[1])
    measured = await asyncio.gather(*(_send(port, stream) for stream in streams))
    print(json.dumps([asdict(each) for each in measured]))


if __name__ == "__main__":
    asyncio.run(_main())
