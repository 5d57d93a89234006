"""Reading what strangers send, in a child process with limits of time and memory (T-30, M-29): it can break one child there.

The child is kept for many questions, for starting it takes longer than most answers; one that dies or takes too long is ended,
and the next question gets another. It has no use for files or network, and gets neither file space nor our environment. Parent
and child speak JSON over pipes, never pickle: what comes from the child is data.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, Self

import pipeline

MEMORY: Final = 512 * 2**20  # bytes of address space
_READY_WITHIN: Final = 60.0  # seconds for the child to start, on a busy machine
# Packages can be entered without running their __init__: the child needs neither our database nor our network code, and importing
# those takes ten times as long as all the rest.
_SERVE: Final = """
import sys, types
for name in sys.argv[3:]:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[1] + "/" + name.replace(".", "/")]
from pipeline.sandbox import serve
serve(sys.argv[2])
"""


class Broken(Exception):
    """The child died, or took too long: the question was too much for it."""


class Sandbox:
    """A child process that answers questions, one at a time. Use it as a context manager.

    *answerer* is ``package.module:function``, which takes and gives a dictionary; *bare* are packages on the way to it whose
    __init__ is not run.
    """

    def __init__(self, answerer: str, *, seconds: float, bare: tuple[str, ...] = ()) -> None:
        self.seconds = seconds
        self._answerer = answerer
        self._bare = bare
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to *question*. Raises `Broken` when it takes too long or too much memory."""
        if self._child is None:
            self._child = _Child(self._answerer, self._bare)
            self._child.answer(within=_READY_WITHIN)
        try:
            self._child.ask({"question": question, "seconds": self.seconds})
            return self._child.answer(within=self.seconds)
        except (queue.Empty, EOFError, OSError, ValueError) as error:
            self.end()
            raise Broken(f"not done within {self.seconds:g} seconds and {MEMORY // 2**20} MB") from error

    def end(self) -> None:
        """End the child, if there is one; the next question starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    def __init__(self, answerer: str, bare: tuple[str, ...]) -> None:
        root = str(Path(pipeline.__file__).parent.parent)
        self._process = subprocess.Popen(  # noqa: S603 -- our own code
            [sys.executable, "-P", "-s", "-W", "ignore", "-c", _SERVE, root, answerer, *bare],
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


def serve(answerer: str) -> None:
    """Answer each line of standard input with one line; run by `Sandbox` in a process of its own."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    module, _, name = answerer.partition(":")
    answer: Callable[[dict[str, Any]], dict[str, Any]] = getattr(importlib.import_module(module), name)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _say(answers, {"ready": True})
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        _allow(asked["seconds"])
        _say(answers, answer(asked["question"]))


def _allow(seconds: float) -> None:
    """End this process after that much more processor time, should the parent not do it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, most))


def _say(answers: IO[bytes], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
