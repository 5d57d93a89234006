"""The body of an answer, read piece by piece, and given up at the first limit that it passes (F11, T-41)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from pipeline.errors import FetchError, StoreError
from pipeline.ingest.fetch.encodings import Decoder, Undecodable, decoder_for
from pipeline.ingest.fetch.journal import Traffic
from pipeline.ingest.fetch.limits import LARGE, Deadline, Limits
from pipeline.ingest.fetch.wire import Response

_PIECE: Final = 65_536  # bytes read at a time


def read_body(
    url: str, response: Response, *, enough: int | None, limits: Limits, deadline: Deadline, traffic: Traffic
) -> IO[bytes]:
    """The decoded body, for the caller to close; no more of it than *enough*, if that is given. *traffic* counts what comes.

    Raises `FetchError` for one that is too large, too slow, not packed as it says or cut off, `StoreError` when the disk is full.
    """
    body = SpooledTemporaryFile(max_size=LARGE)  # noqa: SIM115 -- the caller closes it
    try:
        _fill(body, url, response, enough=enough, limits=limits, deadline=deadline, traffic=traffic)
    except BaseException:
        body.close()
        raise
    return body


def _fill(
    body: IO[bytes],
    url: str,
    response: Response,
    *,
    enough: int | None,
    limits: Limits,
    deadline: Deadline,
    traffic: Traffic,
) -> None:
    began = time.monotonic()
    decoder = decoder_for(response.headers.get("Content-Encoding", ""), url=url)
    for part in _parts(url, response, decoder, traffic):
        traffic.decoded += len(part)
        if enough is not None and traffic.decoded >= enough:
            _keep(part[: len(part) - (traffic.decoded - enough)], body)
            return
        _within(limits, url, traffic, seconds=time.monotonic() - began)
        if deadline.passed:
            break
        _keep(part, body)
    if deadline.passed:
        raise FetchError(f"{url}: {deadline.missed}; it is tried again next time")
    expected = response.headers.get("Content-Length", "")
    whole = not expected.isdigit() or "Transfer-Encoding" in response.headers or traffic.received == int(expected)
    if not whole or (decoder and traffic.received and not decoder.finished):
        raise FetchError(f"{url}: cut off after {traffic.received} bytes; it is tried again next time")


def _parts(url: str, response: Response, decoder: Decoder | None, traffic: Traffic) -> Iterator[bytes]:
    """The body as it comes, decoded; an empty part where a piece holds nothing yet, so that limits are looked at."""
    try:
        while piece := response.raw.read1(_PIECE, decode_content=False):
            traffic.received += len(piece)
            if decoder is None:
                yield piece
            else:
                yield from decoder.decode(piece)
                yield b""
    except Undecodable as error:
        raise FetchError(f"{url}: its compression ({error}) is broken; ask its owner") from error


def _within(limits: Limits, url: str, traffic: Traffic, *, seconds: float) -> None:
    """Raise `FetchError` for what has come in *seconds*, if it is too much or too little."""
    size, received = traffic.decoded, traffic.received
    if size > limits.body or received > limits.wire:
        most = limits.body if size > limits.body else limits.wire
        raise FetchError(f"{url}: larger than {most / 2**20:g} MiB, which is as much as we read; use another address")
    if size > LARGE and size > limits.ratio * received:
        raise FetchError(f"{url}: unpacks to more than {limits.ratio} times its size; it is not read")
    if seconds > limits.silence and received < limits.slowest * seconds:
        raise FetchError(f"{url}: slower than {limits.slowest:g} bytes a second; it is tried again next time")


def _keep(part: bytes, body: IO[bytes]) -> None:
    try:
        body.write(part)
    except OSError as error:
        raise StoreError(
            f"an answer cannot be put aside: {error.strerror}; make room, or name another folder with TMPDIR"
        ) from error
