"""Packs images of few colours as PNG, band by band, so that rows which many images have alike are packed once.

Nearly all that a share image costs is packing it, and half of its rows are bare paper. The data of a PNG is one stream of zlib (PNG
3rd edition, 10.1), and that may be put together of pieces which were packed apart, each ended by a full flush (RFC 1951, 3.2.4).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = b"\x78\x5e"  # a stream of zlib with a window of 32 KB (RFC 1950, 2.2)
_END: Final = b"\x03\x00"  # a last block with nothing in it (RFC 1951, 3.2.6)
_UNFILTERED: Final = b"\0"  # before each row (PNG, 9.2); other filters do not help where colours are numbers
_BASE: Final = 65521  # of the sum behind a stream (RFC 1950, 8.2)
_DEPTH: Final = 8  # bits a point
_PALETTE: Final = 3  # the kind of image: its points are numbers of colours


@dataclass(frozen=True, slots=True)
class Band:
    """Some rows of an image, packed; with their length and the sum of them as they were."""

    data: bytes
    length: int
    sum: int


def band(points: bytes, *, width: int) -> Band:
    """Rows of *width* points, each the number of its colour in the palette."""
    rows = _UNFILTERED + _UNFILTERED.join([points[start : start + width] for start in range(0, len(points), width)])
    # Runs of one colour are nearly all that there is: whoever looks for other repetitions too takes a quarter longer, and finds
    # fewer in all than the codes of their distances cost.
    packer = zlib.compressobj(zlib.Z_BEST_SPEED, wbits=-zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    return Band(packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH), len(rows), zlib.adler32(rows))


def png(bands: Iterable[Band], *, size: tuple[int, int], palette: Sequence[int]) -> bytes:
    """The image of *size* that *bands* make from its top to its foot, in the colours of *palette*."""
    pieces, total = [_HEAD], zlib.adler32(b"")
    for each in bands:
        pieces.append(each.data)
        total = _sum_of_both(total, each)
    data = b"".join((*pieces, _END, total.to_bytes(4)))
    head = struct.pack(">IIBBBBB", *size, _DEPTH, _PALETTE, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", bytes(palette)),
            _chunk(b"IDAT", data),
            _chunk(b"IEND", b""),
        )
    )


def _sum_of_both(before: int, following: Band) -> int:
    """Adler-32 of what has the sum *before* with *following* behind it."""
    low = (before & 0xFFFF) - 1
    high = (before >> 16) + (following.sum >> 16) + following.length * low
    return (high % _BASE) << 16 | (low + (following.sum & 0xFFFF)) % _BASE


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((len(data).to_bytes(4), kind, data, zlib.crc32(data, zlib.crc32(kind)).to_bytes(4)))
