"""The one place that asks other machines: conditional GET with hard limits, and many hosts at a time.

No cookies, no referrer, no proxies from the environment, no automatic redirects or decoding: a `requests` adapter is used without a
session. Each connection goes to an address that was checked (`addresses`), is closed after its answer, and is cut when the time for
the whole is over, wherever the server lets us wait. What an answer holds is no matter of this module; error texts never quote it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pipeline import __version__
from pipeline.config import Settings
from pipeline.errors import FetchError, StoreError
from pipeline.ingest.addresses import check_url, resolve
from pipeline.ingest.headers import REDIRECTS, fresh_for, retry_after, status_words

ASKED_TO_WAIT: Final = frozenset({429, 503})
HOSTS_AT_ONCE: Final = 16
LOG_SIZE: Final = 20 * 2**20  # bytes
_PIECE: Final = 65_536  # bytes read at a time
_FEEDS: Final = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much we take from one server, F11."""

    connect: float = 5.0  # seconds
    silence: float = 10.0  # seconds between two pieces
    total: float = 30.0  # seconds, redirects included
    body: int = 10 * 2**20  # bytes, decoded
    redirects: int = 5
    pause: float = 1.0  # seconds between two requests to one host (F5)


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for, with the validators that the server gave last time, byte for byte."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    accept: str = _FEEDS


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server gave: 200 with a body, or 304 with none. Validators are the exact bytes to send back next time (F1, F2)."""

    url: str  # where it came from, after redirects
    status: int
    body: bytes
    content_type: str
    etag: str | None
    last_modified: str | None
    fresh_for: dt.timedelta  # Cache-Control or Expires; zero where the server does not say

    @property
    def unchanged(self) -> bool:
        return self.status == 304


class NotHad(FetchError):
    """One address could not be had.

    *status* is what the server answered, if it did; *retry_after* how long it asks us to wait.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after: dt.timedelta | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def open_fetcher(settings: Settings, *, limits: Limits | None = None) -> Fetcher:
    """The fetcher of this instance: says who it is and where to complain (F10), keeps its log in the state folder (F14)."""
    return Fetcher(
        user_agent=f"OpenSignal/{__version__} (+{settings.site_url}; {settings.reply_to or settings.sender_address})",
        allow_private=settings.allow_private,
        log=settings.state_dir / "fetch.jsonl",
        limits=limits,
    )


class Fetcher:
    """Asks for one address, politely: one request at a time per host. Safe to use from several threads."""

    def __init__(
        self, *, user_agent: str, allow_private: bool = False, log: Path | None = None, limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.allow_private = allow_private
        self._user_agent = user_agent
        self._log_path = log
        self._log_lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}
        self._hosts_lock = threading.Lock()
        self._tls = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def get(self, request: Request, *, now: dt.datetime) -> Answer:
        """Fetch *request*; *now* is what `Retry-After` and `Expires` are counted from.

        Raises `NotHad` (a `FetchError`) for anything but 200 and 304: a bad or private address, no connection, too slow, too large,
        too many redirects, cut off, an encoding that was not asked for, any other status.
        """
        began = time.monotonic()
        traffic = _Traffic()
        try:
            answer = self._get(request, traffic, now=now)
        except FetchError as error:
            known = error if isinstance(error, NotHad) else NotHad(str(error))
            self._log(request, traffic, began, now=now, status=known.status, decision="failed", error=str(error))
            raise known from (None if known is error else error)
        decision = "unchanged" if answer.unchanged else "fetched"
        self._log(request, traffic, began, now=now, status=answer.status, decision=decision, url=answer.url)
        return answer

    # -- one fetch

    def _get(self, request: Request, traffic: _Traffic, *, now: dt.datetime) -> Answer:
        """Follow redirects by hand, each target checked like the first address."""
        url, left = request.url, self.limits.total
        for _ in range(self.limits.redirects + 1):
            check_url(url, allow_private=self.allow_private)
            with self._turn(url), _Deadline(left) as deadline:
                began = time.monotonic()
                answer = self._exchange(url, request, deadline, traffic, now=now)
                left -= time.monotonic() - began
            if isinstance(answer, Answer):
                return answer
            url = self._redirected(url, answer)
        raise FetchError(f"{request.url}: more than {self.limits.redirects} redirects; use the address they lead to")

    def _exchange(
        self, url: str, request: Request, deadline: _Deadline, traffic: _Traffic, *, now: dt.datetime
    ) -> Answer | str:
        """One request and its answer; where the server redirects, the place it names."""
        adapter = _Adapter(self._tls, functools.partial(self._dial, deadline))
        try:
            prepared = requests.Request("GET", url, headers=self._headers(request)).prepare()
            response = adapter.send(prepared, stream=True, timeout=(self.limits.connect, self.limits.silence))
            try:
                return self._judge(url, request, response, deadline, traffic, now=now)
            finally:
                response.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, zlib.error) as error:
            if deadline.passed:
                raise FetchError(self._too_slow(url)) from error
            raise FetchError(f"{url}: {_plain(error, self.limits)}") from error
        finally:
            adapter.close()

    def _judge(
        self,
        url: str,
        request: Request,
        response: requests.Response,
        deadline: _Deadline,
        traffic: _Traffic,
        *,
        now: dt.datetime,
    ) -> Answer | str:
        status, headers = response.status_code, response.headers
        if status in REDIRECTS and headers.get("Location"):
            return headers["Location"]
        if status == 304 and (request.etag or request.last_modified):
            return Answer(
                url=url,
                status=304,
                body=b"",
                content_type="",
                etag=headers.get("ETag", request.etag),
                last_modified=headers.get("Last-Modified", request.last_modified),
                fresh_for=fresh_for(headers, now=now),
            )
        if status != 200:
            wait = retry_after(headers.get("Retry-After"), now=now) if status in ASKED_TO_WAIT else None
            raise NotHad(f"{url}: {status_words(status, wait)}", status=status, retry_after=wait)
        body = self._body(url, response, deadline, traffic)
        return Answer(
            url=url,
            status=200,
            body=body,
            content_type=headers.get("Content-Type", ""),
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
            fresh_for=fresh_for(headers, now=now),
        )

    def _body(self, url: str, response: requests.Response, deadline: _Deadline, traffic: _Traffic) -> bytes:
        """The decoded body, never more of it in memory than the limit allows."""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", ""):
            raise FetchError(
                f"{url}: answers in the encoding {encoding[:40]!r}, which we did not ask for; ask its owner"
            )
        decoder = Gunzip(self.limits.body) if "gzip" in encoding else None
        body = bytearray()
        while piece := response.raw.read1(_PIECE, decode_content=False):
            if deadline.passed:
                raise FetchError(self._too_slow(url))
            traffic.received += len(piece)
            body += decoder.decode(piece) if decoder else piece
            if len(body) > self.limits.body or traffic.received > self.limits.body:
                raise FetchError(f"{url}: larger than {self.limits.body // 2**20} MiB; a feed of that size is not read")
        if deadline.passed:
            raise FetchError(self._too_slow(url))
        expected = response.headers.get("Content-Length", "")
        whole = not expected.isdigit() or "Transfer-Encoding" in response.headers or traffic.received == int(expected)
        if not whole or (decoder and traffic.received and not decoder.finished):
            raise FetchError(f"{url}: cut off after {traffic.received} bytes; it is tried again next time")
        traffic.decoded = len(body)
        return bytes(body)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "User-Agent": self._user_agent,
            "Accept": request.accept,
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        return headers

    def _redirected(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location.encode("latin-1").decode("utf-8").strip())
        except ValueError as error:
            raise FetchError(f"{url}: redirects to something that is no address; check it in a browser") from error
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
            raise FetchError(f"{url}: redirects from https to {target}, which is not protected; use another address")
        return target

    def _too_slow(self, url: str) -> str:
        return f"{url}: not finished within {self.limits.total:g} seconds; it is tried again next time"

    def _dial(self, deadline: _Deadline, host: str, port: int) -> socket.socket:
        """A connection to one of the host's addresses, after all of them were checked (T-39)."""
        trouble = "no answer"
        for family, place in resolve(host, port, allow_private=self.allow_private):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(self.limits.connect)
                connection.connect(place)
                deadline.watch(connection)
            except OSError as error:
                connection.close()
                trouble = "no answer" if isinstance(error, TimeoutError) else (error.strerror or "no answer").lower()
            else:
                return connection
        raise FetchError(f"no connection to {host}:{port} ({trouble}); it is tried again next time")

    @contextmanager
    def _turn(self, url: str) -> Iterator[None]:
        """Wait until the host of *url* may be asked: one request at a time, with a pause between two (F5)."""
        with self._hosts_lock:
            host = self._hosts.setdefault(host_of(url), _Host())
        with host.lock:
            time.sleep(max(0.0, host.free_at - time.monotonic()))
            try:
                yield
            finally:
                host.free_at = time.monotonic() + self.limits.pause

    # -- the log

    def _log(
        self,
        request: Request,
        traffic: _Traffic,
        began: float,
        *,
        now: dt.datetime,
        status: int | None,
        decision: str,
        url: str | None = None,
        error: str | None = None,
    ) -> None:
        if self._log_path is None:
            return
        validators = [name for name, sent in (("etag", request.etag), ("last-modified", request.last_modified)) if sent]
        line = {
            "at": now.isoformat(),
            "url": request.url,
            "from": url,
            "status": status,
            "bytes": traffic.received,
            "decoded": traffic.decoded,
            "ms": round((time.monotonic() - began) * 1000),
            "validator": validators,
            "decision": decision,
            "error": error,
        }
        text = json.dumps(line, ensure_ascii=False) + "\n"
        try:
            with self._log_lock:
                _append(self._log_path, text)
        except OSError as trouble:
            raise StoreError(f"{self._log_path}: the log of fetches cannot be written: {trouble.strerror}") from trouble


def _append(path: Path, text: str) -> None:
    """Add *text* to the file; a file that grew too long is put aside as ``.1`` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_SIZE:
        path.replace(path.with_name(path.name + ".1"))
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def fetch_all(
    fetcher: Fetcher, wanted: Sequence[Request], *, now: dt.datetime, hosts_at_once: int = HOSTS_AT_ONCE
) -> Generator[Answer | NotHad, None, None]:
    """Fetch *wanted*, hosts side by side and the addresses of one host in turn; what came of each, in the order of *wanted*.

    Once a host asks us to wait (429, 503), the rest of its addresses are not asked for: they come back as `NotHad` with the same
    *retry_after* (F4).
    """
    results: list[Future[Answer | NotHad]] = [Future() for _ in wanted]
    by_host: dict[str, list[int]] = {}
    for number, request in enumerate(wanted):
        by_host.setdefault(host_of(request.url), []).append(number)
    stop = threading.Event()

    def visit(numbers: Sequence[int]) -> None:
        wait: dt.timedelta | None = None
        for number in numbers:
            request = wanted[number]
            if stop.is_set():
                results[number].set_result(NotHad(f"{request.url}: not asked for, the run was ended"))
                continue
            if wait is not None:
                reason = f"{host_of(request.url)} asks us to wait"
                results[number].set_result(NotHad(f"{request.url}: not asked for, {reason}", retry_after=wait))
                continue
            try:
                results[number].set_result(fetcher.get(request, now=now))
            except NotHad as error:
                wait = error.retry_after
                results[number].set_result(error)
            except (
                BaseException
            ) as error:  # not of this address: raised where the answer is asked for, and ends the run
                stop.set()
                results[number].set_exception(error)

    with ThreadPoolExecutor(max_workers=max(1, min(hosts_at_once, len(by_host))), thread_name_prefix="fetch") as pool:
        for numbers in by_host.values():
            pool.submit(visit, numbers)
        try:
            for result in results:
                yield result.result()
        finally:
            stop.set()


def host_of(url: str) -> str:
    """The host of *url* in lower case, "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


# --- time and politeness --------------------------------------------------------------------------------------------


class _Host:
    """One host, and the time from which it may be asked again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free_at = 0.0  # on the monotonic clock


@dataclass(slots=True)
class _Traffic:
    """Bytes of one fetch: on the wire, and of the body decoded."""

    received: int = 0
    decoded: int = 0


class _Deadline:
    """Cuts the watched connection when *seconds* are over, so that no server holds us longer by sending a byte now and then."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(max(0.0, seconds), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def watch(self, connected: socket.socket) -> None:
        """Cut *connected* when time is over. A copy is kept, for TLS takes the socket itself over."""
        with self._lock:
            self._socket = connected.dup()
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        self.passed = True
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the other side was faster
                    self._socket.shutdown(socket.SHUT_RDWR)


# --- connections to checked addresses -------------------------------------------------------------------------------

_Dial: TypeAlias = Callable[[str, int], socket.socket]


class _PlainConnection(HTTPConnection):
    def __init__(self, *args: Any, dial: _Dial, **more: Any) -> None:
        super().__init__(*args, **more)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial(self.host, self.port)


class _TlsConnection(HTTPSConnection):
    def __init__(self, *args: Any, dial: _Dial, **more: Any) -> None:
        super().__init__(*args, **more)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial(self.host, self.port or 443)


class _Adapter(HTTPAdapter):
    """Requests over one connection to an address that was checked; the name stays in Host and in the certificate's check."""

    def __init__(self, tls: ssl.SSLContext, dial: _Dial) -> None:
        super().__init__(max_retries=0)
        self._tls, self._dial = tls, dial
        self._pool: HTTPConnectionPool | None = None

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: Any, **__: Any
    ) -> HTTPConnectionPool:
        parts = urlsplit(str(request.url))
        host = parts.hostname or ""
        if parts.scheme == "https":
            self._pool = HTTPSConnectionPool(host, parts.port or 443, ssl_context=self._tls)
            connection: Any = _TlsConnection
        else:
            self._pool = HTTPConnectionPool(host, parts.port or 80)
            connection = _PlainConnection
        self._pool.ConnectionCls = functools.partial(connection, dial=self._dial)  # type: ignore[assignment]
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Nothing to set: the TLS context checks certificates, and was made once for all."""

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
        super().close()


class Gunzip:
    """Decodes gzip, and stops one byte after *limit*: a bomb is never unpacked (RFC 1952; members may follow each other)."""

    def __init__(self, limit: int) -> None:
        self._left = limit + 1
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def finished(self) -> bool:
        return self._inflate.eof

    def decode(self, piece: bytes) -> bytes:
        decoded = bytearray()
        while piece and self._left > 0:
            if self._inflate.eof:
                if piece[:1] != b"\x1f":  # padding after the end is common and means nothing
                    break
                self._inflate = zlib.decompressobj(wbits=31)
            part = self._inflate.decompress(piece, self._left)
            decoded += part
            self._left -= len(part)
            piece = self._inflate.unused_data or self._inflate.unconsumed_tail
        return bytes(decoded)


# --- reading errors ------------------------------------------------------------------------------------------------


def _plain(error: BaseException, limits: Limits) -> str:
    """What a foreign *error* means to someone who looks after a list of feeds."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({cause.verify_message}); ask its owner"
        if isinstance(cause, ssl.SSLError):
            return f"no protected connection ({cause.reason or 'TLS failed'}); ask its owner"
        if isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError):
            return f"silent for {limits.silence:g} seconds; it is tried again next time"
        if isinstance(cause, requests.exceptions.InvalidURL | UnicodeError):
            return "not an address that can be asked for; mend it"
        if isinstance(cause, zlib.error):
            return "its compression is broken; ask its owner"
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
