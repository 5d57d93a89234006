"""Commands as processes of their own that start at once: forked from one that has loaded our modules.

Starting Python and loading the modules takes a second and is the same each time; hundreds of kills cannot wait for it. What is
forked runs `pipeline.cli.main` just as the installed command does, in a process of its own, with its own database connections
and sockets: the nursery opens none.

python -m tests.chaos.nursery     reads orders on its standard input, for `Nursery`
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.repository import HERE, Ended

LEFT_OUT = ("pipeline.site", "pipeline.demo", "pipeline.store.migrations")


class Nursery:
    """Starts `opensignal` commands; one thread may use one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._number = folder, 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._orders: IO[str] = self._process.stdin
        self._reports: IO[str] = self._process.stdout
        self._reports.readline()  # it has loaded everything

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *error: object) -> None:
        self._orders.close()
        self._process.wait(10)
        self._reports.close()

    def start(self, words: Sequence[str], *, root: Path, environment: Mapping[str, str], held: bool = False) -> Child:
        """Start ``opensignal WORDS`` in *root*. One that is *held* waits for `Child.go`."""
        self._number += 1
        name = self._folder / str(self._number)
        gate = name.with_suffix(".gate")
        if held:
            os.mkfifo(gate)
        order = {
            "words": list(words),
            "root": str(root),
            "environment": dict(environment),
            "out": str(name.with_suffix(".out")),
            "err": str(name.with_suffix(".err")),
            "gate": str(gate) if held else "",
        }
        return Child(self, self._ask(order)["pid"], name, held=held)

    def ended(self, pid: int) -> int:
        """Wait for a child's end; its code, negative for a signal."""
        return int(self._ask({"wait": pid})["code"])

    def _ask(self, order: Mapping[str, Any]) -> Any:
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()
        return json.loads(self._reports.readline())


class Child:
    """One command that runs."""

    def __init__(self, nursery: Nursery, pid: int, name: Path, *, held: bool) -> None:
        self._nursery, self.pid, self._name, self._held = nursery, pid, name, held
        self._code: int | None = None

    def go(self) -> None:
        """Let one that is held go on."""
        self._name.with_suffix(".gate").write_bytes(b"go")

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def runs(self) -> bool:
        """False once it has ended, also where nobody has taken note of its end yet."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def wait(self, timeout: float = 180.0, *, what: str = "the command") -> Ended:
        """Its end. One that takes longer than *timeout* seconds is killed, which is a failure."""
        if self._code is None:
            ends = time.monotonic() + timeout
            while self.runs() and time.monotonic() < ends:
                time.sleep(0.005)
            stuck = self.runs()
            if stuck:
                self.kill()
            self._code = self._nursery.ended(self.pid)
            assert not stuck, f"{what}: still running after {timeout:.0f} s: {self.said()}"
        out, err = self.said()
        assert "Traceback" not in out + err, err
        return Ended(self._code, out, err)

    def said(self) -> tuple[str, str]:
        """What it has printed, and what it complained of, up to now."""
        out, err = self._name.with_suffix(".out"), self._name.with_suffix(".err")
        return _text(out), _text(err)


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


# --- inside -----------------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Load everything, then fork a child for each order until the standard input ends; children that still run end with us."""
    _load()
    children: set[int] = set()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            children.discard(order["wait"])
            print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _become(order)
        children.add(pid)
        print(json.dumps({"pid": pid}), flush=True)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _load() -> None:
    import pipeline

    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if not module.name.startswith(LEFT_OUT):
            importlib.import_module(module.name)
    importlib.import_module("sqlalchemy.dialects.sqlite.pysqlite")
    importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
    importlib.import_module("pipeline.store.migrations")


def _become(order: Mapping[str, Any]) -> None:
    """In the child: be the command, and end with its code."""
    code = 1
    try:
        for number, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
            opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.chdir(order["root"])
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["opensignal", *order["words"]]
        if order["gate"]:
            Path(order["gate"]).read_bytes()
        from pipeline import cli

        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
