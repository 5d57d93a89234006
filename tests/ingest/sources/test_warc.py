"""Stored copies go into a WARC file that archives can read."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from pipeline.errors import ContentError, StoreError
from pipeline.ingest import Fetcher
from pipeline.ingest.sandbox import Sandbox
from pipeline.ingest.sources import cite
from pipeline.ingest.sources.warc import WarcReport, write_warc
from pipeline.library import load_library
from tests.ingest.site import Site
from tests.library.newsroom import TEXT, Newsroom

NOW = dt.datetime(2026, 11, 26, 9, 14, 2, tzinfo=dt.UTC)
PAGE = b"Halls may need 9% to 17% of supply by 2030.\r\n\r\nNothing more.\r\n"


class Archive:
    def __init__(self, newsroom: Newsroom, kept: Path, to: Path) -> None:
        self.newsroom, self.kept, self.to = newsroom, kept, to

    def write(self) -> WarcReport:
        library = load_library(self.newsroom.root, now=NOW, kept=self.kept)
        return write_warc(library.sources.values(), library.texts, kept=self.kept, to=self.to)

    def records(self) -> list[tuple[str, str, Any, bytes]]:
        """Type, address, record and content of each."""
        with self.to.open("rb") as file:
            return [
                (r.rec_type, r.rec_headers.get_header("WARC-Target-URI"), r, r.content_stream().read())
                for r in ArchiveIterator(file, check_digests="raise")
            ]


@pytest.fixture
def archive(newsroom: Newsroom, site: Site, fetcher: Fetcher, cage: Sandbox, tmp_path: Path) -> Archive:
    url = site.put("/outlook", PAGE, Content_Type="text/plain; charset=utf-8")
    cite(fetcher, cage, url, root=newsroom.root, kept=tmp_path / "kept", now=NOW, id_="north")
    newsroom.quoted_source("sample", "60% above our 2024 outlook")
    return Archive(newsroom, tmp_path / "kept", tmp_path / "out.warc.gz")


def test_each_copy_is_there_as_it_came_and_as_it_was_read(archive: Archive, site: Site) -> None:
    report = archive.write()

    assert (report.responses, report.texts, report.missing) == (1, 2, ())
    info, response, conversion, sample = archive.records()
    assert info[0] == "warcinfo"
    assert response[:2] == ("response", f"{site.url}/outlook")
    assert response[3] == PAGE
    assert response[2].http_headers.get_statuscode() == "200"
    assert response[2].http_headers.get_header("Content-Type") == "text/plain; charset=utf-8"
    assert response[2].rec_headers.get_header("WARC-Date") == "2026-11-26T09:14:02Z"
    assert (conversion[0], conversion[3]) == (
        "conversion",
        b"Halls may need 9% to 17% of supply by 2030.\nNothing more.\n",
    )
    refers = conversion[2].rec_headers.get_header("WARC-Refers-To")
    assert refers == response[2].rec_headers.get_header("WARC-Record-ID")
    assert (sample[0], sample[3]) == ("conversion", TEXT.encode())


def test_the_same_copies_make_the_same_file(archive: Archive) -> None:
    archive.write()
    first = archive.to.read_bytes()

    archive.write()

    assert archive.to.read_bytes() == first


def test_what_is_not_on_this_machine_is_named(archive: Archive) -> None:
    for path in [*archive.kept.glob("*.txt"), *archive.kept.glob("raw/*")]:
        path.unlink()

    report = archive.write()

    assert report.missing == ("north",)
    assert "not on this machine: north" in list(report.lines())


def test_a_record_adds_no_line_of_its_own(archive: Archive) -> None:
    (record,) = archive.kept.glob("raw/*.json")
    told = json.loads(record.read_text())
    told |= {"headers": [["X-A", "1\r\nX-B: 2"]], "reason": "OK\r\nX-C: 3", "fetched_at": "2026\r\nWARC-Type: x"}
    record.write_text(json.dumps(told))

    archive.write()

    assert archive.records()[1][2].http_headers.headers == [("X-A", "1 X-B: 2"), ("Content-Length", str(len(PAGE)))]


@pytest.mark.parametrize("spoil", ["packed", "bytes"])
def test_spoilt_bytes_go_into_no_archive(archive: Archive, spoil: str) -> None:
    (raw,) = archive.kept.glob("raw/*.gz")
    raw.write_bytes(b"\x1f\x8b broken" if spoil == "packed" else gzip.compress(b"other"))

    with pytest.raises((ContentError, StoreError), match="opensignal sources pull"):
        archive.write()

    assert not archive.to.exists()
