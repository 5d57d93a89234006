"""Plain values in one file that is read and written whole, and may be deleted at any time."""

from __future__ import annotations

import contextlib
import gc
import marshal
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pipeline.errors import StoreError
from pipeline.files import clear_way, put
from pipeline.packing import BROKEN

_SUM: Final = 4
_is_first = True


def read_table(file: Path, version: str) -> tuple[dict[str, Any], str]:
    """The table in *file*, empty where there is none of this *version*; and one line on what was wrong with it, if anything."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return {}, ""
    except IsADirectoryError:
        clear_way(file)
        return {}, f"{file} is a folder: thrown away and made again"
    except OSError as error:
        return {}, f"{file} cannot be read ({error.strerror}), so everything is looked at again"
    said = memoryview(raw)[_SUM:]
    if _sum(said) != raw[:_SUM]:
        return {}, f"{file} is damaged: thrown away and made again"
    try:
        with _without_collecting():
            table = marshal.loads(said)  # noqa: S302 -- makes values, never objects of a class
    except BROKEN:
        return {}, f"{file} is damaged: thrown away and made again"
    if not isinstance(table, dict) or table.pop("version", None) != version:
        return {}, f"{file} is of another version: thrown away and made again"
    return table, ""


def write_table(file: Path, table: dict[str, Any], version: str) -> str:
    """Write *table* whole or not at all; one line on why it could not be written, if so."""
    raw = marshal.dumps({**table, "version": version})
    try:
        put(file, _sum(raw) + raw, sync=False)
    except StoreError as error:
        return str(error).replace("and run again", "so that the next run is quicker")
    return ""


def _sum(said: bytes | memoryview) -> bytes:
    # Against what a disk does, not against people: in a third of the time of a hash.
    return zlib.crc32(said).to_bytes(_SUM, "big")


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no rings of objects meanwhile: there are none among plain values, and looking takes as long as reading them.

    Nor does a later look go through the first table of a process and what else is there by then: nearly all of it stays.
    """
    global _is_first  # noqa: PLW0603 -- Python itself would count all objects to tell
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _is_first:
            gc.freeze()
            _is_first = False
        if was_on:
            gc.enable()
