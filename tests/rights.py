"""What a process may do is made less for a while: tests run as root, whom the rights of files do not stop."""

from __future__ import annotations

import contextlib
import ctypes
import struct
from collections.abc import Iterator
from pathlib import Path

_VERSION = 0x20080522  # of linux/capability.h
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_CLIB = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Nobody may enter *folder* meanwhile, not even root."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0)
    header = struct.pack("<Ii", _VERSION, 0)
    before = ctypes.create_string_buffer(24)  # effective, permitted and inheritable ones, twice 32 of them
    _CLIB.capget(header, before)
    effective, *others = struct.unpack("<6I", before.raw)
    _CLIB.capset(header, struct.pack("<6I", effective & ~_OVERRIDES, *others))
    try:
        yield
    finally:
        _CLIB.capset(header, before)
        folder.chmod(0o700)
