"""One layer of compression, taken off piece by piece (F12).

Gzip is always there, Brotli and Zstandard where they are installed. What `decoder_for` gives decodes some 64 kB at a time, and
goes on only when it is asked to: a bomb is unpacked as far as somebody wants to have it, and never in one piece.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from pipeline.errors import FetchError

PART: Final = 65_536  # bytes


class Decoder(Protocol):
    """Decodes what came, in pieces."""

    @property
    def finished(self) -> bool:
        """True when what came is whole."""

    def decode(self, piece: bytes) -> Iterator[bytes]:
        """What *piece* decodes to, in parts of `PART` bytes or not many more. Raises `Undecodable`."""


class Undecodable(Exception):
    """What came is not compressed as it says."""


def offered() -> str:
    """What we send as `Accept-Encoding`: what this machine can decode."""
    return ", ".join(["gzip", *(name for name in _OPTIONAL if name in _FOUND)])


def decoder_for(encoding: str, *, url: str) -> Decoder | None:
    """The decoder of the `Content-Encoding` *encoding*; None where nothing is encoded.

    Raises `FetchError` for one that was not asked for: more than one layer is such a one, for layers multiply (F11).
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    if name in _FOUND:
        return _DECODERS[name](_FOUND[name])
    raise FetchError(f"{url}: answers in the encoding {name[:40]!a}, which we did not ask for; ask its owner")


class _Gzip:
    """RFC 1952; members may follow each other."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def finished(self) -> bool:
        return self._inflate.eof

    def decode(self, piece: bytes) -> Iterator[bytes]:
        try:
            while piece:
                if self._inflate.eof:
                    if piece[:1] != b"\x1f":  # padding after the end is common and means nothing
                        return
                    self._inflate = zlib.decompressobj(wbits=31)
                if part := self._inflate.decompress(piece, PART):
                    yield part
                piece = self._inflate.unused_data or self._inflate.unconsumed_tail
        except zlib.error as error:
            raise Undecodable("gzip") from error


class _Brotli:
    """RFC 7932."""

    def __init__(self, brotli: Any) -> None:
        self._error = brotli.error
        self._decompressor = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        return bool(self._decompressor.is_finished())

    def decode(self, piece: bytes) -> Iterator[bytes]:
        try:
            while not self.finished:
                part = self._decompressor.process(piece, output_buffer_limit=PART)
                if not part:
                    return
                yield part
                piece = b""
        except self._error as error:
            raise Undecodable("br") from error


class _Zstandard:
    """RFC 8878; frames may follow each other. RFC 9659: a frame that wants to look back more than 8 MB is refused."""

    _WINDOW: Final = 23  # 2**23 bytes

    def __init__(self, zstd: Any) -> None:
        self._zstd = zstd
        self._decompressor = self._new()

    @property
    def finished(self) -> bool:
        return bool(self._decompressor.eof)

    def decode(self, piece: bytes) -> Iterator[bytes]:
        try:
            while True:
                if self._decompressor.eof:
                    if not piece:
                        return
                    self._decompressor = self._new()
                part = self._decompressor.decompress(piece, PART)
                piece = self._decompressor.unused_data if self._decompressor.eof else b""
                if part:
                    yield part
                elif not piece:
                    return
        except (self._zstd.ZstdError, EOFError) as error:
            raise Undecodable("zstd") from error

    def _new(self) -> Any:
        return self._zstd.ZstdDecompressor(options={self._zstd.DecompressionParameter.window_log_max: self._WINDOW})


_OPTIONAL: Final = {
    "br": ("brotli",),
    "zstd": ("compression.zstd", "backports.zstd"),
}  # the first that is there is taken
_DECODERS: Final[Mapping[str, Callable[[Any], Decoder]]] = {"br": _Brotli, "zstd": _Zstandard}


def _found() -> dict[str, Any]:
    found = {}
    for name, modules in _OPTIONAL.items():
        for module in modules:
            try:
                found[name] = importlib.import_module(module)
                break
            except ImportError:
                continue
    return found


_FOUND: Final = _found()
