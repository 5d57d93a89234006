"""The file of a reference manager becomes sources, one file a work, and none twice."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from pipeline.errors import ContentError, UsageError
from pipeline.ingest.sources import import_sources
from pipeline.ingest.sources.references import ImportReport
from pipeline.library import load_library
from pipeline.library.exchange import FORMATS, item_of, write_items
from pipeline.library.files import read_content
from pipeline.model import Tier
from tests.conftest import REPOSITORY
from tests.library.newsroom import Newsroom

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
BIBTEX = """\
@report{Lehto:2026,
  title = {Water in halls}, author = {Lehto, Aino and {Eastfield University}}, institution = {Eastfield University},
  date = {2026-07-03}, url = {https://eastfield.example/halls?utm_source=x},
}
@article{known, title = {Load outlook}, url = {http://www.northfield-2026.example.org/outlook/}}
@article{nowhere, title = {No address}}
@article{doi, title = {By its DOI}, journal = {Journal of Halls}, doi = {10.1234/abc}, date = {spring}}
@report{broken, title = {x} y}
"""


def bring(newsroom: Newsroom, name: str, text: str) -> ImportReport:
    file = newsroom.root / name
    file.write_text(text, "utf-8")
    return import_sources(file, root=newsroom.root, now=NOW)


def test_each_work_becomes_a_source_or_is_known_or_is_told_with_its_line(newsroom: Newsroom) -> None:
    report = bring(newsroom, "refs.bib", BIBTEX)

    assert report.made == (("Lehto:2026", "lehto-2026"), ("doi", "doi"))
    assert report.known == (("known", "northfield-2026"),)
    assert [line for line, _ in report.refused] == [6, 8]
    assert "no web address" in report.refused[0][1]
    assert not report.ok
    assert f"{newsroom.root}/refs.bib:6 " in "\n".join(report.lines())
    assert list(report.lines())[-1].endswith("take the copies: opensignal sources refresh lehto-2026 doi")


def test_the_sources_say_what_the_file_says(newsroom: Newsroom) -> None:
    bring(newsroom, "refs.bib", BIBTEX)

    library = newsroom.load()
    lehto, by_doi = library.sources["lehto-2026"], library.sources["doi"]
    assert [str(problem) for problem in library.problems] == []
    assert (lehto.type, lehto.title, lehto.publisher) == ("report", "Water in halls", "Eastfield University")
    assert (lehto.authors, lehto.issued) == (("Aino Lehto", "Eastfield University"), "2026-07-03")
    assert (lehto.url, lehto.tier, lehto.accessed) == ("https://eastfield.example/halls", Tier.SECONDARY, "2026-11-26")
    assert (by_doi.url, by_doi.doi, by_doi.container) == (
        "https://doi.org/10.1234/abc",
        "10.1234/abc",
        "Journal of Halls",
    )
    assert (by_doi.issued, by_doi.tier) == (None, Tier.PRIMARY)


def test_a_second_time_all_are_known(newsroom: Newsroom) -> None:
    bring(newsroom, "refs.bib", BIBTEX)

    again = bring(newsroom, "refs.bib", BIBTEX)

    assert again.made == ()
    assert [id_ for _, id_ in again.known] == ["lehto-2026", "northfield-2026", "doi"]


@pytest.mark.parametrize("format_", FORMATS)
def test_sources_of_ours_go_out_and_come_in_again(newsroom: Newsroom, format_: str) -> None:
    sources = read_content(REPOSITORY).sources
    items = [item_of(read) for n, read in enumerate(sources) if n % 4 == 0 or "northfield" in read.noun.id]
    ending = {"csl": "json", "bibtex": "bib", "ris": "ris"}[format_]

    report = bring(newsroom, f"all.{ending}", write_items(items, format_))

    ours, theirs = load_library(REPOSITORY, now=NOW).sources, newsroom.load().sources
    assert (report.refused, report.known) == ((), ())
    for item in items:
        source, back = ours[item.id], theirs[item.id]
        assert (back.url, back.title, back.publisher) == (source.url, source.title, source.publisher)
        assert (back.issued, back.authors) == (source.issued, source.authors)
        if format_ == "csl":
            assert (back.tier, back.licence, back.via) == (source.tier, source.licence, source.via)
            assert (back.redistribute, back.sample, back.type) == (source.redistribute, source.sample, source.type)
            assert (back.supersedes, back.superseded_by) == (source.supersedes, source.superseded_by)
            assert (back.status, back.archive) == (source.status, source.archive)


def test_two_works_of_one_key_get_two_ids(newsroom: Newsroom) -> None:
    works = [{"id": "Wörk 1", "URL": f"https://x.example/{n}", "title": "T", "publisher": "P"} for n in range(3)]

    report = bring(newsroom, "refs.json", json.dumps(works))

    assert [id_ for _, id_ in report.made] == ["work-1", "work-1-2", "work-1-3"]


def test_what_the_schema_refuses_is_told_and_not_written(newsroom: Newsroom) -> None:
    works = [
        {"id": "a1", "URL": "https://x.example/1", "publisher": "P", "custom": {"tier": "best"}},
        {"id": "a2", "URL": "javascript:alert(1)", "publisher": "P"},
    ]

    report = bring(newsroom, "refs.json", json.dumps(works))

    assert report.made == ()
    assert ["tier" in why or "no web address" in why for _, why in report.refused] == [True, True]
    assert not (newsroom.root / "content/sources/a1.yml").exists()


def test_a_file_that_cannot_be_read_is_named(newsroom: Newsroom) -> None:
    (newsroom.root / "refs.bib").write_bytes(b"@report{\xff}")

    with pytest.raises(ContentError, match=r"refs\.bib:1:9 byte 0xFF is not UTF-8"):
        import_sources(newsroom.root / "refs.bib", root=newsroom.root, now=NOW)
    with pytest.raises(ContentError, match="no such file"):
        import_sources(newsroom.root / "none.bib", root=newsroom.root, now=NOW)
    with pytest.raises(UsageError, match="what format"):
        import_sources(newsroom.root / "refs.txt", root=newsroom.root, now=NOW)
