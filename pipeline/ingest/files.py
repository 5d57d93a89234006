"""Files that come into being whole: cards and stored copies are there with all that they hold, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StoreError


@contextmanager
def whole_file(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside *path* that holds all of *content*, safe on the disk, for the caller to put in its place; else it vanishes.

    The folder is made if there is none. Raises `StoreError` when it cannot be written or put there.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written: {error.strerror}; make room or mend the folder's rights"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
