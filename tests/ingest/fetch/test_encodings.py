"""What is packed is unpacked, one layer of it and never beyond the limit (F-12, T-41)."""

from __future__ import annotations

import gzip
import importlib.util
import sys
import zlib
from collections.abc import Callable
from itertools import islice
from typing import Any

import brotli
import pytest

from pipeline.errors import FetchError
from pipeline.ingest.fetch import encodings
from pipeline.ingest.fetch.encodings import PART, Undecodable, decoder_for, offered

zstd: Any = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

TEXT = b"<rss>" + bytes(range(32, 127)) * 500 + b"</rss>"
PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstd.compress}


def unpacked(encoding: str, packed: bytes, *, piece: int = 7) -> tuple[bytes, bool]:
    """All of *packed* decoded, given *piece* bytes at a time; and whether it was whole."""
    decoder = decoder_for(encoding, url="https://example.org/")
    assert decoder is not None
    out = b""
    for at in range(0, len(packed), piece):
        out += b"".join(decoder.decode(packed[at : at + piece]))
    return out, decoder.finished


def test_f_12_all_three_are_offered() -> None:
    assert offered() == "gzip, br, zstd"


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_f_12_what_is_packed_is_unpacked_however_it_is_cut(encoding: str, piece: int) -> None:
    assert unpacked(encoding, PACKED[encoding](TEXT), piece=piece) == (TEXT, True)


@pytest.mark.parametrize("encoding", PACKED)
def test_f_12_nothing_at_all_can_be_packed_too(encoding: str) -> None:
    assert unpacked(encoding, PACKED[encoding](b"")) == (b"", True)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_f_12_parts_may_follow_each_other(encoding: str) -> None:
    packed = PACKED[encoding](b"<rss>") + PACKED[encoding](b"</rss>")

    assert unpacked(encoding, packed) == (b"<rss></rss>", True)


@pytest.mark.parametrize("encoding", PACKED)
def test_f_12_half_of_it_is_known_for_half(encoding: str) -> None:
    packed = PACKED[encoding](TEXT)

    out, whole = unpacked(encoding, packed[: len(packed) // 2])

    assert not whole
    assert TEXT.startswith(out)


@pytest.mark.parametrize("encoding", PACKED)
def test_t_41_a_bomb_is_unpacked_in_small_parts_and_no_further_than_somebody_asks(encoding: str) -> None:
    bomb = PACKED[encoding](bytes(10_000_000))
    decoder = decoder_for(encoding, url="https://example.org/")
    assert decoder is not None

    parts = list(islice(decoder.decode(bomb), 5))

    assert len(bomb) < 20_000
    assert len(parts) == 5
    assert max(len(part) for part in parts) <= 2 * PART  # Brotli ends its block


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("spoilt", [b"<rss/>" * 20, b"\x1f\x8b\x08\x00" + b"\xff" * 60, b"\xff" * 99])
def test_f_12_what_is_not_packed_as_it_says_is_told_apart(encoding: str, spoilt: bytes) -> None:
    with pytest.raises(Undecodable, match=encoding):
        unpacked(encoding, spoilt, piece=1_000)


def test_t_41_a_frame_that_wants_a_huge_window_is_refused() -> None:
    """RFC 9659: with a window of 128 MB, each such answer would take that much memory of ours."""
    packed = zstd.compress(b"x" * 1_000, options={zstd.CompressionParameter.window_log: 27})
    wide = bytearray(packed)
    wide[4:6] = b"\x00\x88"  # not one segment, window of 2**27 bytes

    with pytest.raises(Undecodable):
        unpacked("zstd", bytes(wide))


@pytest.mark.parametrize("layers", ["gzip, gzip", "br, gzip", "gzip,gzip,gzip", "deflate", "x-unknown\x1b[31m"])
def test_f_12_more_than_one_layer_and_what_was_not_asked_for_is_refused(layers: str) -> None:
    with pytest.raises(FetchError, match="which we did not ask for") as caught:
        decoder_for(layers, url="https://example.org/")

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("plain", ["", "identity", " Identity "])
def test_f_12_what_is_not_packed_needs_no_decoder(plain: str) -> None:
    assert decoder_for(plain, url="https://example.org/") is None


def test_f_12_zeros_behind_gzip_mean_nothing() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b"<rss/>") + packer.flush()

    assert unpacked("gzip", packed + b"\0" * 20)[0] == b"<rss/>"


def test_f_12_without_the_packages_gzip_alone_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("brotli", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.spec_from_file_location("encodings_alone", encodings.__file__)
    assert spec is not None
    assert spec.loader is not None
    alone = importlib.util.module_from_spec(spec)

    spec.loader.exec_module(alone)

    assert alone.offered() == "gzip"
    with pytest.raises(FetchError, match="which we did not ask for"):
        alone.decoder_for("br", url="https://example.org/")
