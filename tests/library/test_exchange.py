"""Sources go to reference managers and come back as they were; what cannot be read is told with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.library.exchange import FORMATS, Item, Name, format_of, item_of, read_items, write_items
from pipeline.library.exchange.bibtex import decoded
from pipeline.library.files import read_content
from tests.conftest import REPOSITORY

WORK = Item(
    id="northfield-2026",
    type="report",
    title="Load outlook 2026: 60% more & {braces} in $5.5_bn #1 ~ ^ \\ – “quoted”",
    authors=(Name("Lehto", "Aino"), Name("van der Berg", "Jan"), Name(literal="Northfield Grid Authority and Others")),
    publisher="Northfield & Söhne",
    issued="2026-02-26",
    accessed="2026-11-23",
    url="https://north.example/a_b/c%20d?x=1&y=2#part",
    doi="10.1234/abc_d(5)",
)
JOURNAL = Item(
    id="eastfield-2026",
    type="article-journal",
    title="Water",
    authors=(Name(literal="Ångström"),),
    container="Journal of Halls",
    issued="2026-07",
    url="https://east.example/",
)
TYPES = (
    "article-journal article-magazine article-newspaper bill book chapter dataset document legislation manuscript paper-conference "
    "patent report software speech thesis webpage"
).split()


@pytest.mark.parametrize("format_", FORMATS)
def test_works_come_back_as_they_went_out(format_: str) -> None:
    written = write_items([WORK, JOURNAL], format_)

    assert read_items(written, format_) == ([WORK, JOURNAL], [])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("type_", TYPES)
def test_each_type_comes_back(format_: str, type_: str) -> None:
    item = Item("x1", type_, "A title", publisher="P", container="C", issued="2026", url="https://x.example/")

    assert read_items(write_items([item], format_), format_) == ([item], [])


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
_TITLES = st.lists(_WORDS, min_size=1, max_size=5).map(" ".join)


@pytest.mark.parametrize("format_", FORMATS)
@given(title=_TITLES, publisher=_TITLES)
def test_any_words_come_back_or_only_their_ligatures_differ(format_: str, title: str, publisher: str) -> None:
    item = Item("x1", "report", title, publisher=publisher, url="https://x.example/")

    (back,), slips = read_items(write_items([item], format_), format_)

    if format_ == "bibtex":
        item = Item("x1", "report", decoded(_as_latex(title)), publisher=decoded(_as_latex(publisher)), url=item.url)
    assert slips == []
    assert (back.title, back.publisher) == (item.title, item.publisher)


def _as_latex(text: str) -> str:
    """What TeX makes of words that happen to hold its ligatures: ``--`` is a dash there."""
    for mark in "\\&%$#_{}":
        text = text.replace(mark, {"\\": "\\textbackslash{}"}.get(mark, f"\\{mark}") if mark != "\\" else "\0")
    return (
        text.replace("~", "\\textasciitilde{}").replace("^", "\\textasciicircum{}").replace("\0", "\\textbackslash{}")
    )


def test_csl_json_keeps_what_only_we_know() -> None:
    item = Item("x1", url="https://x.example/", ours={"tier": "primary", "via": "y1", "licence": "CC0-1.0"})

    assert read_items(write_items([item], "csl"), "csl") == ([item], [])


def test_every_source_of_ours_comes_back() -> None:
    items = [item_of(read) for read in read_content(REPOSITORY).sources]

    assert len(items) > 80
    for format_ in FORMATS:
        back, slips = read_items(write_items(items, format_), format_)

        assert slips == []
        for mine, theirs in zip(items, back, strict=True):
            assert (theirs.id, theirs.title, theirs.url) == (mine.id, mine.title, mine.url)
            assert (theirs.publisher, theirs.issued, theirs.accessed) == (mine.publisher, mine.issued, mine.accessed)
            assert list(map(str, theirs.authors)) == list(map(str, mine.authors))


@pytest.mark.parametrize("format_", FORMATS)
@given(text=st.text(st.sampled_from('@{}()"\\,=# \nTYERAUI-:[]1aé%~^'), max_size=60))
def test_no_text_breaks_a_reader(format_: str, text: str) -> None:
    items, slips = read_items(text, format_)

    assert all(slip.line >= 1 and slip.message for slip in slips)
    assert all(item.id for item in items)


# --- as others write them -----------------------------------------------------------------------------------------------------

BIBTEX = r"""
This line is a comment, as all that stands outside entries.
@string{nga = {Northfield Grid Authority}}
@comment{ @report{not, title={One}} }
@TechReport(north2026,
  title     = {The {Grid} Authority's "outlook" -- 2026},
  author    = "Lehto, Aino and Piet van der Vermaas and {Northfield Grid Authority} and others",
  institution = nga # { Ltd.},
  year = 2026, month = feb, day = 7,
  howpublished = "\url{https://north.example/a%20b}",
)
@article{ostr{\"o}m, title={broken key}}
@article{ostroem2025,
  title = {Caf{\'e}s in \"Oland, {\L}{\'o}d{\'z} and \v{C}esk{\'y} Krumlov: 10\,\% more},
  author = {{\"O}str{\"o}m, J{\o}rgen},
  journal = {J.~of Halls}, year = {2025}, doi = {https://doi.org/10.1234/x\_y},
}
@misc{arxiv1, title={T}, eprint={2601.01234}, archiveprefix={arXiv}, date={2026-01/2026-02}}
"""


def test_bibtex_as_others_write_it() -> None:
    items, slips = read_items(BIBTEX, "bibtex")

    north, oestroem, arxiv = items
    assert north == Item(
        id="north2026",
        type="report",
        title='The Grid Authority\'s "outlook" – 2026',
        authors=(
            Name("Lehto", "Aino"),
            Name("van der Vermaas", "Piet"),
            Name(literal="Northfield Grid Authority"),
        ),
        publisher="Northfield Grid Authority Ltd.",
        issued="2026-02-07",
        url="https://north.example/a%20b",
    )
    assert oestroem.title == "Cafés in Öland, Łódź and Český Krumlov: 10% more"
    assert oestroem.authors == (Name("Öström", "Jørgen"),)
    assert (oestroem.container, oestroem.doi, oestroem.issued) == ("J. of Halls", "10.1234/x_y", "2025")
    assert (arxiv.url, arxiv.issued) == ("https://arxiv.org/abs/2601.01234", "2026-01")
    assert [(slip.line, slip.message.partition(";")[0]) for slip in slips] == [
        (12, "@article has no key behind its brace")
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("@report{a,\n title = {never closed\n}\n", 1, "the entry that begins here"),
        ("@report{a,\n title = {never closed\n", 2, "a brace that opens here"),
        ('@report{a,\n title = "never closed\n}\n', 2, "a quotation mark that opens here"),
        ("@report{a,\n title = ,\n}\n", 2, "a value is missing"),
        ("@report{a,\n just words\n}\n", 2, '"just words" stands where name = value is expected'),
        ("@report{a,\n title = {x}\n", 1, "the entry that begins here is never closed"),
        ("@report{,\n title = {x}}\n", 1, "has no key"),
    ],
)
def test_a_broken_entry_is_told_with_its_line_and_stops_no_other(text: str, line: int, words: str) -> None:
    items, slips = read_items(text + "\n@report{b, title = {whole}}\n", "bibtex")

    assert [slip.line for slip in slips] == [line]
    assert words in slips[0].message
    assert [item.id for item in items] == ["b"]


def test_ris_as_others_write_it() -> None:
    text = (
        "\ufeffTY  - NEWS\r\nA1  - Brandt, Jonas\r\nT1  - A long title that\r\n  goes on\r\nJO  - Gazette\r\n"
        "Y1  - 2026/02/27/\r\nUR  - https://gazette.example/1\r\nDO  - https://doi.org/10.1234/x\r\nN2  - ignored\r\nER  - \r\n"
    )

    assert read_items(text, "ris") == (
        [
            Item(
                id="work-1",
                type="article-newspaper",
                title="A long title that goes on",
                authors=(Name("Brandt", "Jonas"),),
                container="Gazette",
                issued="2026-02-27",
                url="https://gazette.example/1",
                doi="10.1234/x",
            )
        ],
        [],
    )


@pytest.mark.parametrize(
    ("text", "line", "words", "whole"),
    [
        ("TI  - x\nER  - \nTY  - RPRT\nER  - \n", 1, "this stands outside a work", 1),
        ("hello\nworld\n", 1, "this stands outside a work", 0),
        ("TY  - RPRT\nTI  - x\n", 1, "this work is not ended", 0),
        ("TY  - RPRT\nTY  - RPRT\nER  - \n", 1, "not ended before the next one", 1),
        ("\n", 1, "no work is here", 0),
    ],
)
def test_a_broken_record_is_told_with_its_line(text: str, line: int, words: str, whole: int) -> None:
    items, slips = read_items(text, "ris")

    assert (len(items), slips[0].line) == (whole, line)
    assert words in slips[0].message


def test_csl_json_as_others_write_it() -> None:
    works = [
        {
            "id": 7,
            "type": "report",
            "title": "The <i>load</i> outlook",
            "author": [
                {"family": "Berg", "given": "Jan", "non-dropping-particle": "van der"},
                {"literal": "Office"},
                {},
            ],
            "issued": {"date-parts": [["2026", 2]], "season": 1},
            "accessed": {"raw": "2026-11-23T10:00:00Z"},
            "URL": "https://x.example/",
        },
        "no work",
    ]

    (item,), (slip,) = read_items(json.dumps({"items": works}), "csl")

    assert (item.id, item.title, item.issued, item.accessed) == ("7", "The load outlook", "2026-02", "2026-11-23")
    assert item.authors == (Name("van der Berg", "Jan"), Name(literal="Office"))
    assert "work 2" in slip.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [('[\n{"id": }', 2, "not JSON"), ('"x"', 1, "a list of works"), ("[" * 100_000, 1, "")],
)
def test_a_file_that_is_no_csl_json_is_told(text: str, line: int, words: str) -> None:
    items, (slip,) = read_items(text, "csl")

    assert (items, slip.line) == ([], line)
    assert words in slip.message


@pytest.mark.parametrize(
    ("name", "format_"),
    [("a.json", "csl"), ("a.csl", "csl"), ("a.csljson", "csl"), ("A.BIB", "bibtex"), ("x.y.ris", "ris")],
)
def test_the_format_is_told_by_the_name(name: str, format_: str) -> None:
    assert format_of(Path(name)) == format_


def test_a_name_that_tells_no_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"name it \.json \(CSL-JSON\), \.bib"):
        format_of(Path("refs.txt"))
