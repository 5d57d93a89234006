"""How much we take from one server, and how long we wait for it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Final, Self

HEAD: Final = 65_536  # bytes of a status line and its headers (T-41)
HEADERS: Final = 100
LARGE: Final = 2**20  # bytes of a body: such ones are few, and a few of them are enough to fill the memory


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost, redirects included (F11, T-41)."""

    connect: float = 5.0  # seconds to look a name up, and to connect to one of its addresses
    head: float = 10.0  # seconds from there to the end of the headers, TLS included
    silence: float = 10.0  # seconds between two pieces
    total: float = 30.0  # seconds
    slowest: float = 1_024.0  # bytes a second, once a body has been coming for `silence` seconds
    wire: int = 5 * 2**20  # bytes of a body as they come
    body: int = 10 * 2**20  # bytes of a body, decoded
    # Of what is decoded to what came, past the first MiB. Honest text is compressed up to about 20:1 (a feed of a thousand entries
    # that all look alike), a bomb 1,000:1; so the line lies between them.
    ratio: int = 100
    redirects: int = 5
    pause: float = 1.0  # seconds between two requests to one host (F5)


# For the pages and reports that an editor cites one at a time: a report of a public body in PDF has 5 to 40 MB.
DOCUMENTS: Final = Limits(total=120.0, wire=50 * 2**20, body=50 * 2**20)


class Deadline:
    """Cuts the watched connection when its time is over, so that no server holds us longer by sending a byte now and then."""

    def __init__(self, seconds: float, missed: str) -> None:
        self.passed = False
        self.missed = missed  # what was not done in time, in words
        self._ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return max(0.0, self._ends - time.monotonic())

    def watch(self, connected: socket.socket) -> None:
        """Cut *connected* when time is over. A copy is kept, for TLS takes the socket itself over."""
        with self._lock:
            self._socket = connected.dup()

    def allow(self, seconds: float, missed: str) -> None:
        """For what comes next there are *seconds*, and never more than are left."""
        self._stop()
        left = self.left
        self._timer = threading.Timer(min(seconds, left), self._cut, (missed if seconds < left else self.missed,))
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self, missed: str) -> None:
        self.missed, self.passed = missed, True
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the other side was faster
                    self._socket.shutdown(socket.SHUT_RDWR)
