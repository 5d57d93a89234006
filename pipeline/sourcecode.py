"""A fingerprint of our own code: what was worked out by another one is worked out again."""

from __future__ import annotations

import functools
import hashlib
import os
from importlib.metadata import version
from pathlib import Path

_PIPELINE = str(Path(__file__).parent)


@functools.cache
def code_of(folders: tuple[str, ...], libraries: tuple[str, ...]) -> str:
    """The fingerprint of `modules_of` *folders*, and of the versions of *libraries*."""
    made = hashlib.blake2b(digest_size=12)
    for path in modules_of(folders):
        made.update(path[len(_PIPELINE) :].encode() + b"\0" + _sum(path))
    made.update(" ".join(map(_version, libraries)).encode())
    return made.hexdigest()


@functools.cache  # two stages ask for much the same
def _sum(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 -- each of two hundred files, in every run
        return hashlib.blake2b(file.read(), digest_size=16).digest()


_version = functools.cache(version)  # which reads and parses a file


def modules_of(folders: tuple[str, ...]) -> list[str]:
    """The files of all modules in *folders* of the package, and of those directly in it, in order."""
    with os.scandir(_PIPELINE) as entries:
        files = [entry.path for entry in entries if entry.name.endswith(".py")]
    for folder in folders:
        for where, _, names in os.walk(f"{_PIPELINE}/{folder}"):
            files += [f"{where}/{name}" for name in names if name.endswith(".py")]
    return sorted(files)
