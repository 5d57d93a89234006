"""The journal: one line of JSON for every fetch (F14). It never holds a body, a password or an address of a reader."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import StoreError
from pipeline.ingest.fetch.addresses import without_password
from pipeline.ingest.fetch.answers import Request

SIZE: Final = 20 * 2**20  # bytes, after which it is put aside as `.1`, in place of the one before


@dataclass(slots=True)
class Traffic:
    """What one fetch cost: bytes of the body on the wire, and decoded; time, without that spent waiting for one's turn."""

    received: int = 0
    decoded: int = 0
    seconds: float = 0.0


class Journal:
    """Writes to the file at *path*; None: nowhere. Safe to use from several threads and processes."""

    def __init__(self, path: Path | None, *, size: int = SIZE) -> None:
        self._path = path
        self._size = size
        self._lock = threading.Lock()

    def write(
        self,
        request: Request,
        traffic: Traffic,
        *,
        at: dt.datetime,
        status: int | None,
        decision: str,
        url: str | None = None,
        error: str | None = None,
    ) -> None:
        """Write down what came of *request*, which was answered from *url*. Raises `StoreError`."""
        if self._path is None:
            return
        validators = [name for name, sent in (("etag", request.etag), ("last-modified", request.last_modified)) if sent]
        line = {
            "at": at.isoformat(),
            "url": without_password(request.url),
            "from": url,
            "status": status,
            "bytes": traffic.received,
            "decoded": traffic.decoded,
            "ms": round(traffic.seconds * 1000),
            "validator": validators,
            "decision": decision,
            "error": error,
        }
        text = json.dumps(line) + "\n"
        try:
            with self._lock:
                _append(self._path, text, size=self._size)
        except OSError as trouble:
            raise StoreError(
                f"{self._path}: the journal of fetches cannot be written: {trouble.strerror}; make room or mend its rights"
            ) from trouble


def _append(path: Path, text: str, *, size: int) -> None:
    """One process at a time: the second to find the journal full would put the new one in place of the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        with contextlib.suppress(FileNotFoundError):  # there is none yet, or someone tidied up
            if path.stat().st_size > size:
                path.replace(path.with_name(f"{path.name}.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
