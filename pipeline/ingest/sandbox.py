"""Parsing in a child process with limits of time and memory (T-30): what a feed can break there is one child, and one fetch.

The child is kept for many feeds, for starting it takes longer than parsing; one that dies or takes too long is ended and replaced.
It has no use for files or network, and gets neither file space nor our environment. Parent and child speak JSON over pipes, never
pickle: what comes from the child is data.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import queue
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final, Self

import pipeline
from pipeline.errors import FetchError
from pipeline.ingest.parse import Parsed, parse
from pipeline.model import Entry

SECONDS: Final = 15.0  # one feed may take
MEMORY: Final = 512 * 2**20  # bytes of address space
# The packages are entered without running their __init__: the child needs neither our database nor our network code, and importing
# those takes ten times as long as all the rest.
_SERVE: Final = """
import sys, types
for name in ("pipeline.ingest", "pipeline.library"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[1] + "/" + name.replace(".", "/")]
from pipeline.ingest.sandbox import serve
serve()
"""
_READY_WITHIN: Final = 60.0  # seconds for the child to start, on a busy machine


class Sandbox:
    """A child process that parses feeds, one at a time. Use it as a context manager."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def parse(self, body: bytes, *, content_type: str, url: str, feed: str, now: dt.datetime) -> Parsed:
        """`parse.parse` in the child, of each entry what cards are made of: no HTML, no authors, no time of a change.

        Raises `FetchError` too when it takes too long or too much memory.
        """
        if self._child is None:
            self._child = _Child()
            self._child.answer(within=_READY_WITHIN)
        question = {
            "body": base64.b64encode(body).decode(),
            "content_type": content_type,
            "url": url,
            "feed": feed,
            "now": now.isoformat(),
            "seconds": self._seconds,
        }
        try:
            self._child.ask(question)
            answer = self._child.answer(within=self._seconds)
        except (queue.Empty, EOFError, OSError, ValueError) as error:
            self._end()
            raise FetchError(
                f"not read: {url} cannot be read within {self._seconds:g} seconds and {MEMORY // 2**20} MB; "
                "its markup is broken beyond repair, ask its owner"
            ) from error
        if "error" in answer:
            raise FetchError(answer["error"])
        return _parsed(answer)

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    def __init__(self) -> None:
        root = str(Path(pipeline.__file__).parent.parent)
        self._process = subprocess.Popen(  # noqa: S603 -- our own code
            [sys.executable, "-P", "-s", "-W", "ignore", "-c", _SERVE, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, question: dict[str, Any]) -> None:
        self._in.write(json.dumps(question).encode() + b"\n")
        self._in.flush()

    def answer(self, *, within: float) -> dict[str, Any]:
        """The child's next answer. Raises `queue.Empty` when time is over, `EOFError` when the child has ended."""
        line = self._lines.get(timeout=within)
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        with contextlib.suppress(OSError):  # what was not flushed has no reader any more
            self._in.close()
        self._out.close()

    def _read(self) -> None:
        while line := self._out.readline():
            self._lines.put(line)
        self._lines.put(b"")


# --- the child ------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Answer each line of standard input with one line; run by `Sandbox` in a process of its own."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _say(answers, {"ready": True})
    for line in sys.stdin.buffer:
        question = json.loads(line)
        _allow(question["seconds"])
        _say(answers, _answered(question))


def _allow(seconds: float) -> None:
    """End this process after that much more processor time, should the parent not do it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, most))


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    try:
        parsed = parse(
            base64.b64decode(question["body"]),
            content_type=question["content_type"],
            url=question["url"],
            feed=question["feed"],
            now=dt.datetime.fromisoformat(question["now"]),
        )
    except FetchError as error:
        return {"error": str(error)}
    except (MemoryError, RecursionError):
        return {"error": f"not read: {question['url']} is nested too deep or too large; ask its owner"}
    except Exception as error:  # feedparser fails in many ways, and each concerns one feed
        return {"error": f"not read: {question['url']} breaks the parser ({type(error).__name__}); ask its owner"}
    ttl = int(parsed.ttl.total_seconds()) if parsed.ttl is not None else None
    return {"entries": [_plain(entry) for entry in parsed.entries], "ttl": ttl}


def _say(answers: IO[bytes], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _plain(entry: Entry) -> dict[str, Any]:
    """What cards are made of. HTML, authors and the time of a change are on no card, and HTML would be most of the answer."""
    return {
        "feed": entry.feed,
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "published": entry.published.isoformat() if entry.published else None,
    }


def _parsed(answer: dict[str, Any]) -> Parsed:
    def moment(value: str | None) -> dt.datetime | None:
        return dt.datetime.fromisoformat(value) if value else None

    entries = tuple(
        Entry(**{**given, "html": "", "published": moment(given["published"])}) for given in answer["entries"]
    )
    return Parsed(entries, dt.timedelta(seconds=answer["ttl"]) if answer["ttl"] is not None else None)
