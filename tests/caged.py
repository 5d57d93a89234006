"""What a library that reads strangers' bytes must not get done, were it taken over: asked of a child of `pipeline.sandbox`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """Try what *question* asks for, and tell whether it worked."""
    try:
        return {"done": True, "gave": _DEEDS[question["deed"]](question.get("at"))}
    except (OSError, MemoryError, RuntimeError) as error:
        return {"done": False, "error": type(error).__name__}


def _write(path: str) -> str:
    Path(path).write_text("something")
    return Path(path).read_text()


def _fork(_: str) -> int:
    return subprocess.run([sys.executable, "-c", "print(1)"], timeout=60).returncode


_DEEDS = {
    "write": _write,
    "delete": lambda path: Path(path).unlink(),
    "rename": lambda path: str(Path(path).rename(path + ".old")),
    "connect": lambda port: socket.create_connection(("127.0.0.1", int(port)), 2).close(),
    "datagram": lambda port: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(port))),
    "run": _fork,
    "memory": lambda size: len(bytes(int(size))),
    "environment": lambda _: sorted(os.environ),
    "spin": lambda _: sum(iter(int, 1)),  # for ever
    "flood": lambda size: "x" * int(size),
}
