"""One HTTP exchange over one connection to an address that was checked. The one place that knows `requests`.

No session, no cookies, no proxies from the environment, no redirects, no decoding, nothing tried twice: the adapter of `requests`
is used alone, and is given the address as it was read. The connection is closed behind its answer.
"""

from __future__ import annotations

import functools
import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import socket
from typing import IO, Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pipeline.errors import FetchError
from pipeline.ingest.fetch.addresses import Network, Place, resolve
from pipeline.ingest.fetch.limits import HEAD, HEADERS, Deadline, Limits

Response = requests.Response
_MOST_ADDRESSES: Final = 4  # of one name that are tried


@dataclass(frozen=True)
class Wire:
    """How requests leave this machine."""

    limits: Limits
    allow_private: bool = False
    network: Network = field(default_factory=Network)

    @contextmanager
    def exchange(self, place: Place, headers: Mapping[str, str], deadline: Deadline) -> Iterator[Response]:
        """Ask for *place*; the answer, with its body still to be read. Raises `FetchError`, also while its body is read."""
        adapter = _Adapter(place, self.network.tls, functools.partial(self._dial, deadline))
        request = requests.PreparedRequest()
        request.method, request.url, request.hooks = "GET", place.url, {}
        request.headers = CaseInsensitiveDict({"Host": place.authority, **headers, "Connection": "close"})
        try:
            response = adapter.send(request, stream=True, timeout=(self.limits.connect, self.limits.silence))
            try:
                deadline.allow(deadline.left, deadline.missed)
                yield response
            finally:
                response.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if deadline.passed:
                raise FetchError(f"{place.url}: {deadline.missed}; it is tried again next time") from error
            raise FetchError(f"{place.url}: {_plain(error, self.limits)}") from error
        finally:
            adapter.close()

    def _dial(self, deadline: Deadline, host: str, port: int) -> socket:
        """A connection to one of the host's addresses, after all of them were checked (T-39)."""
        within = min(self.limits.connect, deadline.left)
        found = resolve(host, port, network=self.network, seconds=within, allow_private=self.allow_private)
        trouble = "no answer"
        for address in found[:_MOST_ADDRESSES]:
            if not deadline.left:
                break
            try:
                connection = self.network.connect(address, seconds=min(self.limits.connect, deadline.left))
            except OSError as error:
                trouble = "no answer" if isinstance(error, TimeoutError) else (error.strerror or "no answer").lower()
                continue
            deadline.watch(connection)
            deadline.allow(self.limits.head, f"no whole answer began within {self.limits.head:g} seconds")
            return connection
        raise FetchError(f"no connection to {host}:{port} ({trouble}); it is tried again next time")


# --- the adapter ------------------------------------------------------------------------------------------------------


class _HeadTooLong(http.client.HTTPException):
    """Headers without an end."""


class _Head:
    """The beginning of an answer, up to a limit: `http.client` allows each header 64 kB, and anything before a final status."""

    def __init__(self, whole: IO[bytes]) -> None:
        self._whole = whole
        self._left, self._lines = HEAD, HEADERS + 2  # with the status line and the empty one

    def readline(self, limit: int = -1) -> bytes:
        line = self._whole.readline(min(limit, self._left + 1) if limit >= 0 else self._left + 1)
        self._left -= len(line)
        self._lines -= 1
        if self._left < 0 or self._lines < 0:
            raise _HeadTooLong
        return line

    def close(self) -> None:
        self._whole.close()


class _HttpResponse(http.client.HTTPResponse):
    def begin(self) -> None:
        whole = self.fp
        self.fp = _Head(whole)  # type: ignore[assignment]  # of a file, only these two are used here
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = whole


class _Dialled:
    """What both kinds of connection have of ours: *dial* makes the socket."""

    response_class: Any = _HttpResponse
    host: Any
    port: Any

    def __init__(self, *args: Any, dial: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._dial = dial

    def _new_conn(self) -> socket:
        connected: socket = self._dial(self.host, self.port)
        return connected


class _Plain(_Dialled, HTTPConnection):
    """Over a bare socket."""


class _Tls(_Dialled, HTTPSConnection):
    """Over one with TLS around it."""


class _Adapter(HTTPAdapter):
    """Requests over one connection that `dial` makes; the name stays in Host, in SNI and in the certificate's check."""

    def __init__(self, place: Place, tls: ssl.SSLContext, dial: Any) -> None:
        super().__init__(max_retries=0)
        self._place, self._tls, self._dial = place, tls, dial
        self._pool: HTTPConnectionPool | None = None

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: Any, **__: Any
    ) -> HTTPConnectionPool:
        host, port = self._place.host, self._place.port
        connection: Any = _Tls
        if self._place.scheme == "https":
            self._pool = HTTPSConnectionPool(host, port, ssl_context=self._tls)
        else:
            self._pool, connection = HTTPConnectionPool(host, port), _Plain
        self._pool.ConnectionCls = functools.partial(connection, dial=self._dial)  # type: ignore[assignment]
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return self._place.target

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Nothing to set: the TLS context checks certificates, and was made once for all."""

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
        super().close()


# --- reading errors ---------------------------------------------------------------------------------------------------


def _plain(error: BaseException, limits: Limits) -> str:
    """What a foreign *error* means to someone who looks after a list of feeds. None of it quotes what the server sent (T-44)."""
    for cause in _causes(error):
        if isinstance(cause, _HeadTooLong) or type(cause) is http.client.HTTPException:  # its "more than 100 headers"
            return f"its headers are longer than {HEAD // 1024} kB, or more than {HEADERS}; ask its owner"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({cause.verify_message}); ask its owner"
        if isinstance(cause, ssl.SSLError):
            return f"no protected connection ({cause.reason or 'TLS failed'}); ask its owner"
        if isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError):
            return f"silent for {limits.silence:g} seconds; it is tried again next time"
        if isinstance(cause, requests.exceptions.InvalidURL | UnicodeError):
            return "not an address that can be asked for; mend it"
        if isinstance(cause, ConnectionError):
            return "the connection broke off; it is tried again next time"
    return "its answer is not HTTP or was cut off; it is tried again next time"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and all that led to it, however the libraries nested it."""
    todo: list[object] = [error]
    known: set[int] = set()
    while todo:
        cause = todo.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in known:
            continue
        known.add(id(cause))
        yield cause
        todo += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
