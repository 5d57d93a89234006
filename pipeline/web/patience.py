"""How long we wait for a client, and how many lines it may hold (T-14): uvicorn has a limit for neither.

    line opened | head within 10 s | body within 15 s | answered | idle for 10 s at most (uvicorn's own)

A client that dribbles is cut off, so that it costs a line for some seconds and nothing else. One /24 (a /64 of IPv6) has 64 lines,
unless it is a proxy that we trust.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.web import clients
from pipeline.web.clients import Networks

HEAD_WITHIN = 10.0  # seconds
BODY_WITHIN = 15.0
LINES_OF_A_NETWORK = 64
LINES = 4_000  # of all
_TURNED_AWAY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Patience:
    """What one server grants, and what its clients hold just now."""

    proxies: Networks = ()
    head_within: float = HEAD_WITHIN
    body_within: float = BODY_WITHIN
    lines_of_a_network: int = LINES_OF_A_NETWORK
    lines: int = LINES
    held: Counter[str] = field(default_factory=Counter)

    def protocol(self) -> type[asyncio.Protocol]:
        """The protocol for uvicorn, which wants a class."""
        return type("PatientProtocol", (_PatientProtocol,), {"patience": self})


class _PatientProtocol(H11Protocol):
    patience: Patience

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._network = ""  # whose lines this one is counted among
        self._waits_for = ""  # "head", "body", or nothing
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        patience = self.patience
        peer = clients.parse(self.client[0]) if self.client else None
        if peer is not None and not clients.is_in(peer, patience.proxies):
            self._network = clients.network_of(peer)
            patience.held[self._network] += 1
        of_network = patience.held[self._network] if self._network else 0
        if of_network > patience.lines_of_a_network or len(self.connections) > patience.lines:
            transport.write(_TURNED_AWAY)
            transport.close()
            return
        self._wait_for("head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for("")
        if self._network:
            self.patience.held[self._network] -= 1
            if self.patience.held[self._network] <= 0:
                del self.patience.held[self._network]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        their = self.conn.their_state
        self._wait_for("head" if their is h11.IDLE else "body" if their is h11.SEND_BODY else "")

    def on_response_complete(self) -> None:
        self._wait_for("")  # for the next request uvicorn waits; for its bytes, once they come, we do
        super().on_response_complete()

    def _wait_for(self, what: str) -> None:
        """Start the clock for *what*, unless it runs already: a byte now and then does not set it back."""
        if what == self._waits_for:
            return
        self._waits_for = what
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if what:
            within = self.patience.head_within if what == "head" else self.patience.body_within
            self._timer = self.loop.call_later(within, self._cut_off)

    def _cut_off(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._waits_for == "head":
            self.transport.write(_TOO_SLOW)
            self.transport.close()
            return
        self.transport.abort()  # the application hears that the client is gone
