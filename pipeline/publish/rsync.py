"""What rsync reaches as a target: another machine by ssh (``USER@HOST:PATH``), or an rsync server (``rsync://HOST/MODULE/PATH``).

rsync puts each file into place whole. What is new goes first, in the order of its ranks; what has changed is brought there out of
sight and put into place at the end (``--delay-updates``), so that a lost connection or a full disk leaves the old site.
It needs rsync 3.1 or newer, here and there; how ssh logs in is ssh's own matter (``~/.ssh/config``, an agent, ``RSYNC_RSH``).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path
from typing import Final

from pipeline.errors import PublishError, UsageError
from pipeline.publish.outputs import Output, kind_of
from pipeline.publish.plan import Step
from pipeline.publish.target import LOCK, Done, Lease, Stop, must_be_unchanged

BATCH: Final = 1000  # files of one call, so that a publish can be stopped and gone on with
SILENCE: Final = 60  # seconds without a word from there, after which it counts as lost
_PLAIN: Final = ("--times", "--omit-dir-times", "--perms", "--chmod=D755,F644", "--ignore-times")
_NO_FILE: Final = "No such file or directory"
_FULL: Final = "No space left on device"
_WHAT_NEXT: Final = tuple(
    (re.compile(sign), words)
    for sign, words in (
        (
            "Could not resolve hostname|getaddrinfo",
            "mend the machine's name in the target (a bucket is written s3://BUCKET/PREFIX), or see that there is a network",
        ),
        (
            "Host key verification failed",
            "log in there once by hand, so that ssh knows the machine (~/.ssh/known_hosts)",
        ),
        (
            r"Permission denied \([a-z]",
            "see that ssh logs in there without a password: with a key that the machine knows",
        ),
        ("auth failed on module", "set RSYNC_PASSWORD, and name the user in the target (rsync://USER@HOST/MODULE)"),
        ("Unknown module", "mend the module's name in the target"),
    )
)


class Rsync:
    """*place* as rsync reads it."""

    keeps_headers = False

    def __init__(self, place: str) -> None:
        program = shutil.which("rsync")
        if program is None:
            raise UsageError(f"{place}: rsync is not installed here; install it (on Debian: apt-get install rsync)")
        self._program = program
        self.name = place
        self._base = place.rstrip("/") + "/"
        self._is_there = True

    def has_any(self) -> bool:
        code, listed, said = self._run(["--list-only", self._base])
        if code and _NO_FILE in said:
            self._is_there = False
            return False
        self._must_be_done(code, said)
        return any(line.split()[-1] not in (".", ".opensignal") for line in listed.splitlines() if line.strip())

    def read(self, name: str) -> bytes | None:
        with tempfile.TemporaryDirectory() as folder:
            code, _, said = self._run([f"{self._base}{name}", f"{folder}/"])
            if code and _NO_FILE in said:
                return None
            self._must_be_done(code, said)
            return (Path(folder) / Path(name).name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        self._put(name, content)

    def send(self, site: Path, steps: Sequence[Step], *, done: Done, stop: Stop) -> None:
        batches: list[tuple[tuple[Output, ...], tuple[str, ...]]] = [(step.outputs, ()) for step in steps if step.new]
        if changed := tuple(output for step in steps if not step.new for output in step.outputs):
            batches.append((changed, ("--delay-updates",)))
        for outputs, options in batches:
            size = len(outputs) if options else BATCH  # what has changed appears together
            for first in range(0, len(outputs), size):
                if stop():
                    return
                paths = [output.path for output in outputs[first : first + size]]
                self._send(site, paths, options)
                must_be_unchanged(site, steps, paths)
                done(paths)

    def remove(self, paths: Sequence[str]) -> None:
        for _, batch in groupby(
            paths, key=lambda path: kind_of(path).rank
        ):  # in one call, rsync has an order of its own
            self._must_be_done(*self._take_away(tuple(batch)))
        for folders in _emptied(paths):
            self._take_away(folders, "--dirs")  # one that still holds something stays, and rsync says so

    def _take_away(self, paths: Sequence[str], *options: str) -> tuple[int, str]:
        """A file that is not here is taken away there, if the folder that it would be in is here."""
        with tempfile.TemporaryDirectory() as folder:
            for path in paths:
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            arguments = [*options, "--delete-missing-args", "--omit-dir-times", "--from0", "--files-from=-"]
            return self._run_quietly([*arguments, f"{folder}/", self._base], paths)

    def locked(self) -> AbstractContextManager[Callable[[], None]]:
        self.has_any()  # says whether the folder is there
        return Lease(self, put_new=self._put_lock).held()

    def _put_lock(self, content: bytes) -> bool:
        self._put(LOCK, content, "--ignore-existing")
        return self.read(LOCK) == content

    def _put(self, name: str, content: bytes, *options: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            self._send(Path(folder), [name], options)

    def _send(self, site: Path, paths: Iterable[str], options: Iterable[str]) -> None:
        made = () if self._is_there else ("--mkpath",)
        self._must_be_done(
            *self._run_quietly([*_PLAIN, *options, *made, "--from0", "--files-from=-", f"{site}/", self._base], paths)
        )
        self._is_there = True

    def _run_quietly(self, arguments: Sequence[str], paths: Iterable[str]) -> tuple[int, str]:
        code, _, said = self._run(arguments, paths)
        return code, said

    def _run(self, arguments: Sequence[str], paths: Iterable[str] = ()) -> tuple[int, str, str]:
        """How a call ended, what it printed, and what it complained of."""
        # A job or a runner has nobody to ask for a password.
        shell = [] if sys.stdin.isatty() or "RSYNC_RSH" in os.environ else ["--rsh=ssh -o BatchMode=yes"]
        daemon = self._base.startswith("rsync://") or "::" in self._base.partition("/")[0]
        shell = [] if daemon else shell
        ended = subprocess.run(  # noqa: S603 -- our own words, and a place that a setting names
            [self._program, f"--timeout={SILENCE}", *shell, *arguments],
            input="\0".join(paths).encode(),
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        return ended.returncode, ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace")

    def _must_be_done(self, code: int, said: str) -> None:
        """Codes are those of rsync(1), EXIT VALUES."""
        if code == 0:
            return
        complaint = _complaint(said) or f"rsync ended with {code}"
        if _FULL in said:
            raise PublishError(
                f"{self.name}: the disk there is full; every page there is whole: make room and run again"
            )
        if code in (5, 10, 12, 30, 35, 255):
            what_next = next((words for sign, words in _WHAT_NEXT if sign.search(said)), "see that it can be reached")
            raise PublishError(
                f"{self.name}: the connection failed ({complaint}); every page there is whole: {what_next}, and run again to go on"
            )
        raise PublishError(f"{self.name}: rsync: {complaint}; mend that and run again to go on")


def _complaint(said: str) -> str:
    """The line of *said* that tells most: ssh's last, as a banner and warnings may come before it, or else rsync's first."""
    lines = [line.strip() for line in said.splitlines() if any(letter.isalnum() for letter in line)]
    of_rsync = [line for line in lines if line.startswith("rsync")]
    return next((line for line in reversed(lines) if line not in of_rsync), next(iter(of_rsync), ""))


def _emptied(paths: Sequence[str]) -> list[list[str]]:
    """The folders that may hold nothing any more, the deepest first."""
    folders = {parent.as_posix() for path in paths for parent in Path(path).parents} - {"."}
    by_depth: dict[int, list[str]] = {}
    for folder in sorted(folders):
        by_depth.setdefault(folder.count("/"), []).append(folder)
    return [by_depth[depth] for depth in sorted(by_depth, reverse=True)]
