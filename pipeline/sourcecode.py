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
        with open(path, "rb") as file:  # noqa: PTH123 -- each of two hundred files, in every run
            made.update(path[len(_PIPELINE) :].encode() + b"\0" + file.read())
    made.update(" ".join(version(name) for name in libraries).encode())
    return made.hexdigest()


def modules_of(folders: tuple[str, ...]) -> list[str]:
    """The files of all modules in *folders* of the package, and of those directly in it, in order."""
    with os.scandir(_PIPELINE) as entries:
        files = [entry.path for entry in entries if entry.name.endswith(".py")]
    for folder in folders:
        for where, _, names in os.walk(f"{_PIPELINE}/{folder}"):
            files += [f"{where}/{name}" for name in names if name.endswith(".py")]
    return sorted(files)
