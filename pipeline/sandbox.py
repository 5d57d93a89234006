"""Reading what strangers send, in a child process with limits of time and memory (T-30, M-29): it can break one child there.

The child is kept for many questions, for starting it takes longer than most answers; one that dies or takes too long is ended,
and the next question gets another. Parent and child speak JSON over pipes, never pickle: what comes from the child is data.

What holds everywhere: 512 MB of address space, ten seconds of processor time a question, wall time, no byte written to a file, no
new process (root's may), nothing of our environment. What holds where the kernel lets us, and is told by `Sandbox.held`: no
network (Linux with user namespaces), no file made, changed or deleted and no program run (Linux 5.13 with Landlock).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import queue
import resource
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, Self

import pipeline

MEMORY: Final = 512 * 2**20  # bytes of address space
PROCESSOR: Final = 10.0  # seconds of processor time that one question may take, unless it is given more
LONGEST_ANSWER: Final = (
    64 * 2**20
)  # bytes; more is no answer but a flood, and would fill our memory instead of the child's
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


class TooSlow(Broken):
    """The child took too long; on a machine with more time it might not."""


class NotStarted(Broken):
    """The child died before the question: nothing is known about it."""


class Sandbox:
    """A child process that answers questions, one at a time. Use it as a context manager.

    *answerer* is ``package.module:function``, which takes and gives a dictionary; *bare* are packages on the way to it whose
    __init__ is not run. *held* tells what the kernel holds back beyond the plain limits, of ``network`` and ``files``; it is empty
    before the first question.
    """

    def __init__(self, answerer: str, *, seconds: float, bare: tuple[str, ...] = ()) -> None:
        self.seconds = seconds
        self._answerer = answerer
        self._bare = bare
        self._child: _Child | None = None
        self.held: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def ask(
        self, question: dict[str, Any], *, seconds: float | None = None, processor: float = PROCESSOR
    ) -> dict[str, Any]:
        """The answer to *question*, within *seconds* (those of the sandbox, if not given) and *processor* seconds of work.

        Raises `TooSlow` when it takes too long, `Broken` when it takes too much memory, `NotStarted` when there was no child.
        """
        within = self.seconds if seconds is None else seconds
        child = self._child or self._started()
        try:
            child.ask({"question": question, "seconds": min(processor, within)}, within=within)
            return child.answer(within=within)
        except (queue.Empty, EOFError, OSError, ValueError) as error:
            self.end()
            kind = TooSlow if isinstance(error, queue.Empty) or child.ran_out_of_time else Broken
            raise kind(f"not done within {within:g} seconds and {MEMORY // 2**20} MB") from error

    def _started(self) -> _Child:
        self._child = _Child(self._answerer, self._bare)
        try:
            self.held = frozenset(self._child.answer(within=_READY_WITHIN)["held"])
        except (queue.Empty, EOFError) as error:
            self.end()
            raise NotStarted("the process that reads did not start; see that the machine has memory left") from error
        return self._child

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

    def ask(self, question: dict[str, Any], *, within: float) -> None:
        """Hand *question* over. Raises `OSError` when the child has ended, or does not take it in time."""
        watch = threading.Timer(within, self._process.kill)  # a pipe that nobody empties blocks who writes
        watch.start()
        try:
            self._in.write(json.dumps(question).encode() + b"\n")
            self._in.flush()
        finally:
            watch.cancel()

    def answer(self, *, within: float) -> dict[str, Any]:
        """The child's next answer. Raises `queue.Empty` when time is over, `EOFError` when the child has ended."""
        line = self._lines.get(timeout=within)
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def ran_out_of_time(self) -> bool:
        """True for one that has ended because its processor time was over."""
        return self._process.returncode == -signal.SIGXCPU

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        with contextlib.suppress(OSError):  # what was not flushed has no reader any more
            self._in.close()
        self._out.close()

    def _read(self) -> None:
        while (line := self._out.readline(LONGEST_ANSWER)).endswith(b"\n"):
            self._lines.put(line)
        self._lines.put(b"")  # the end of the child, or of what we take from it


# --- the child ------------------------------------------------------------------------------------------------------


def serve(answerer: str) -> None:
    """Answer each line of standard input with one line; run by `Sandbox` in a process of its own."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    module, _, name = answerer.partition(":")
    answer: Callable[[dict[str, Any]], dict[str, Any]] = getattr(importlib.import_module(module), name)
    held = [name for name, holds in (("network", _without_network()), ("files", _without_writing())) if holds]
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NPROC, 0)):
        resource.setrlimit(limit, (most, most))
    _say(answers, {"held": held})
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


# --- what the kernel holds back ---------------------------------------------------------------------------------------

_NEW_USER: Final = 0x1000_0000  # linux/sched.h
_NEW_NETWORK: Final = 0x4000_0000
_NO_NEW_PRIVILEGES: Final = 38  # linux/prctl.h
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every machine since Linux 5.1 shares them
_ASK_VERSION: Final = 1
# Rights by the version of Landlock that brought them (linux/landlock.h): all but reading a file and listing a folder.
_WRITING: Final = {1: 0b1_1111_1111_0011, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_TCP: Final = {4: 0b11}


def _without_network() -> bool:
    """Leave the machine's network for an empty one; False where this is no Linux, or its owner forbids it."""
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    return unshare is not None and unshare(_NEW_USER | _NEW_NETWORK) == 0


def _without_writing() -> bool:
    """Give up making, changing and deleting files and running programs (Landlock), and TCP too where it knows of that."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    version = libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    fields = [sum(rights for since, rights in given.items() if since <= version) for given in (_WRITING, _TCP)]
    asked = struct.pack("=QQ", *fields)[: 16 if version >= 4 else 8]
    ruleset = libc.syscall(_CREATE_RULESET, asked, len(asked), 0)
    if ruleset < 0 or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    restricted: bool = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return restricted
