"""A fingerprint of our own code: what was worked out by another one is worked out again."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

_PIPELINE = str(Path(__file__).parent)


@functools.cache
def code_of(folders: tuple[str, ...], libraries: tuple[str, ...]) -> str:
    """The fingerprint of all modules in *folders* of the package (and directly in it), and of the versions of *libraries*."""
    made = hashlib.blake2b(digest_size=12)
    with os.scandir(_PIPELINE) as entries:
        files = [entry.path for entry in entries if entry.name.endswith(".py")]
    for folder in folders:
        files += _modules(f"{_PIPELINE}/{folder}")
    for path in sorted(files):
        with open(path, "rb") as file:  # noqa: PTH123 -- each of two hundred files, in every run
            made.update(path[len(_PIPELINE) :].encode() + b"\0" + file.read())
    made.update(" ".join(version(name) for name in libraries).encode())
    return made.hexdigest()


def _modules(folder: str) -> Iterator[str]:
    for where, _, names in os.walk(folder):
        yield from (f"{where}/{name}" for name in names if name.endswith(".py"))
