"""`opensignal fmt` writes citations in our notation and their definitions at the foot, and leaves the rest alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.library.citations import find_citations
from pipeline.library.editing import TextFile
from pipeline.library.frontmatter import Unreadable
from pipeline.library.notation import addresses_of
from pipeline.library.tidy import tidied
from pipeline.model import Quote, Severity, Source, Tier
from tests.library.newsroom import FRONT, Newsroom
from tests.repository import Repository

SOURCES = {
    "north": Source(
        "north",
        "https://north.example.org/outlook?a=1",
        "North_Grid *Authority*",
        Tier.PRIMARY,
        title="Load outlook [2026]",
        issued="2026-02-26",
        quotes={"share": Quote("share", "9% to 17% of <supply>")},
    ),
    "south": Source("south", "https://south.example.org/", "South", Tier.PRIMARY),
}
NORTH = (
    r"[^north]: North\_Grid \*Authority\*, Load outlook \[2026\], 2026-02-26. <https://north.example.org/outlook?a=1>"
)
SOUTH = "[^south]: South. <https://south.example.org/>"


def fmt(body: str, front: str = FRONT) -> str:
    """The body of an article with *body* after it was tidied."""
    file = TextFile(Path("a.md"), b"", f"---\n{front}---\n{body}")
    return tidied(file, SOURCES, addresses_of(SOURCES.values())).body


def without_foot(body: str) -> str:
    return body.partition("\n\n<!-- sources -->")[0]


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("As it says [@north].", "As it says.[^north]"),
        ("As it says [@north]. Then", "As it says.[^north] Then"),
        ("It says [@north], then", "It says[^north], then"),
        ("It says.[@north]", "It says.[^north]"),
        ("It says. [@north] Then", "It says.[^north] Then"),
        ("Both [@north; @south].", "Both.[^north][^south]"),
        ("There [@north, p. 3].", "There.[^north]<!-- p. 3 -->"),
        ("Both [@north, pp. 3--4; @south, ch. 1].", "Both.[^north]<!-- pp. 3–4 -->[^south]<!-- ch. 1 -->"),
        ("It says `x` [@north].", "It says `x`.[^north]"),
        ("- [@north] an item", "- [^north] an item"),
        ("| a |\n|---|\n| [@north] |", "| a |\n|---|\n| [^north] |"),
        ("> [@north]", "> [^north]"),
        ("A backslash \\ [@north]", "A backslash \\ [^north]"),
        ("The [outlook](https://north.example.org/outlook?a=1) says", "The outlook[^north] says"),
        (
            'The [*long* `x`](<https://www.north.example.org/outlook?a=1&utm_source=x#p> "T").',
            "The *long* `x`[^north].",
        ),
        ("[https://south.example.org](https://south.example.org)", "[^south]"),
        ("See https://south.example.org/ for the 415 GWh.", "See South[^south] for the 415 GWh."),
        ("See https://south.example.org/.", "See South[^south]."),
        ("See: https://south.example.org/. Then", "See: South[^south]. Then"),
        ("It grew (see https://south.example.org/).", "It grew (see South[^south])."),
        ("So <https://south.example.org> says", "So South[^south] says"),
        ("So https://north.example.org/outlook?a=1 says.", r"So Load outlook \[2026\][^north] says."),
        ("https://south.example.org/ says so.", "South[^south] says so."),
        ("It says so https://south.example.org/. Then", "It says so.[^south] Then"),
        ("It says so. https://south.example.org/ Then", "It says so.[^south] Then"),
        ("It says so. https://south.example.org/ says so.", "It says so. South[^south] says so."),
        ("It says so. https://south.example.org/", "It says so.[^south]"),
        ("It says so https://south.example.org/", "It says so[^south]"),
        ("It says so https://south.example.org/\n\nMore", "It says so[^south]\n\nMore"),
        ("https://south.example.org/", "[^south]"),
        ("- https://south.example.org/\n- x", "- [^south]\n- x"),
        ("- see https://south.example.org/\n- x", "- see South[^south]\n- x"),
        ("| a |\n|---|\n| https://south.example.org/ |", "| a |\n|---|\n| [^south] |"),
        ("In https://south.example.org/\nit says so.", "In South[^south]\nit says so."),
        ("South (https://south.example.org/) says", "South[^south] says"),
    ],
)
def test_other_notations_are_written_in_ours(typed: str, written: str) -> None:
    assert without_foot(fmt(typed)) == written


@pytest.mark.parametrize(
    "typed",
    [
        "Unknown [@east], and [@north; @east].",
        "[@north](https://example.org/) and [@north]: x",
        "`[@north]` and `https://south.example.org/`",
        "```\n[@north] https://south.example.org/\n```",
        "Text\n\n    [@north]\n",
        "<!-- [@north] https://south.example.org/ -->",
        "<div>\n[@north] https://south.example.org/\n</div>",
        'An <a href="https://south.example.org/">inline</a> link',
        "![a picture](https://south.example.org/)",
        "[elsewhere](https://east.example.org/) and https://south.example.org/other",
        "[a link][s]\n\n[s]: https://south.example.org/",
        r"\[@north] and \[x](https://south.example.org/)",
        "[boxed](https://south.example.org/){: .x }",
        "https://",
        "[x](https://[::1/)",
    ],
)
def test_what_is_no_citation_is_left_alone(typed: str) -> None:
    assert fmt(typed) == typed


def test_each_source_and_quote_that_is_cited_is_defined_once_at_the_foot() -> None:
    body = fmt("Two.[^south][^north.share] Again.[^south] Unknown.[^east]  \n\n![[north.share]]\n\n\n")

    assert body == (
        "Two.[^south][^north.share] Again.[^south] Unknown.[^east]  \n\n![[north.share]]\n\n<!-- sources -->\n"
        f"{SOUTH}\n"
        + NORTH.replace("[^north]", "[^north.share]").replace(". <", r": “9% to 17% of \<supply\>”. <")
        + "\n<!-- sources -->\n"
    )
    assert fmt(body) == body


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("One.[^south]\n\n<!-- sources -->\n[^south]: old\n[^gone]: old\n<!-- sources -->\n", "One.[^south]"),
        ("One.[^south]\n<!--sources-->\n[^south]: old\n   more of it\n<!--  sources -->", "One.[^south]"),
        ("One.[^south]\n\n<!-- sources -->\n[^gone]: old\n<!-- sources -->\n\nTwo.\n", "One.[^south]\n\nTwo."),
        ("One.[^south]\n\n<!-- sources -->\n<!-- sources -->\n    code\n", "One.[^south]\n\n    code"),
    ],
)
def test_definitions_that_stand_already_are_renewed_and_set_last(typed: str, written: str) -> None:
    assert fmt(typed) == f"{written}\n\n<!-- sources -->\n{SOUTH}\n<!-- sources -->\n"


def test_definitions_by_hand_stay_and_those_of_nothing_go() -> None:
    assert fmt("One.[^south]\n\n[^south]: by hand\n") == "One.[^south]\n\n[^south]: by hand\n"
    assert fmt("One.\n\n<!-- sources -->\n[^gone]: old\n<!-- sources -->\n") == "One.\n"
    assert fmt("```\n<!-- sources -->\n```\n") == "```\n<!-- sources -->\n```\n"


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("One.\n\n<!-- sources -->\n[^south]: x\n\nLost words.\n<!-- sources -->\n", 14, '"Lost words." stands among'),
        ("One.\n\n<!-- sources -->\n[^south]: x\n\nLost words.\n", 14, '"Lost words." stands among'),
        ("One.\n\n<!-- sources -->\n<!-- sources -->\n\n<!-- sources -->\n", 14, "a third <!-- sources -->"),
        ("One.\n\n<!-- sources -->\n[^south]: x\n", 11, "the second <!-- sources --> is missing"),
    ],
)
def test_s106_words_that_no_reader_would_see_are_told_and_never_dropped(
    newsroom: Newsroom, body: str, line: int, said: str
) -> None:
    newsroom.article(body)

    problem = newsroom.only_problem()
    with pytest.raises(Unreadable) as refused:
        fmt(body)

    assert (problem.code, problem.line) == ("S106", line)
    assert said in problem.message
    assert refused.value.place.line == line


def test_line_ends_and_a_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"\xef\xbb\xbf---\r\ntitle:  A # so\r\n---\r\nOne [@south].\r\nTwo.")

    file = tidied(TextFile.read(path), SOURCES, addresses_of(SOURCES.values()))

    assert file.bytes == (
        b"\xef\xbb\xbf---\r\ntitle:  A # so\r\n---\r\nOne.[^south]\r\nTwo.\r\n\r\n<!-- sources -->\r\n"
        + SOUTH.encode()
        + b"\r\n<!-- sources -->\r\n"
    )


PIECES = st.sampled_from(
    [
        "Plain [@north] text [@south, p. 3].",
        "Cited.[^north][^south] And ![[north.share]].",
        "A [link](https://south.example.org/) and https://north.example.org/outlook?a=1.",
        "`[@north]` in code",
        "```\n[@north]\nhttps://south.example.org/\n```",
        "    [@north] indented",
        "- item [@north]\n- <https://south.example.org/>",
        "> [^north.share]",
        "<!-- [@north] -->",
        "<div>https://south.example.org/</div>",
        "[^south]: by hand",
        "## Title (https://south.example.org/)",
        "| a |\n| - |\n| 1 [@north; @south] |",
        "*[@north]* \\[@north] [@nobody]",
    ]
)


@given(st.lists(PIECES, min_size=1, max_size=6), st.sampled_from(["", "\n", "\n\n\n"]))
def test_what_is_tidy_stays_as_it_is_and_no_citation_is_lost(pieces: list[str], end: str) -> None:
    body = "\n\n".join(pieces) + end

    once = fmt(body)

    assert fmt(once) == once
    before = [c.source for c in find_citations(body)]
    after = [c.source for c in find_citations(once)]
    assert [source for source in before if source not in after] == []
    assert len(after) >= len(before)
    for kept in (
        "```\n[@north]\nhttps://south.example.org/\n```",
        "<!-- [@north] -->",
        "<div>https://south.example.org/</div>",
    ):
        assert once.count(kept) == body.count(kept)


def test_s105_check_hints_at_what_fmt_would_write(newsroom: Newsroom) -> None:
    newsroom.article("It says [@northfield-2026].\nAnd [more](https://southfield-2026.example.org/outlook).\n")

    first, second = newsroom.load().problems

    assert (first.line, first.column, first.code, first.severity) == (9, 9, "S105", Severity.WARNING)
    assert "forges do not know [@northfield-2026] as a citation; write [^northfield-2026], or" in first.message
    assert (second.line, second.column, second.code, second.severity) == (10, 12, "S105", Severity.WARNING)
    assert 'the address of the source "southfield-2026"; cite it as [^southfield-2026], or' in second.message


def test_the_command_writes_what_it_shows_and_check_ends_with_1(tmp_path: Path) -> None:
    repository = Repository.make(tmp_path)
    path = repository.add_article("halls")
    path.write_text(path.read_text().replace("[^sample-source]", " [@sample-source]"), "utf-8")
    (path.parent / "2026-01-01-spoilt.md").write_text("no front matter")
    before = path.read_bytes()

    shown = repository.run("fmt", "halls", "--check", "--diff")
    assert (shown.code, path.read_bytes()) == (1, before)
    assert "-A paragraph on halls, which leans on its source. [@sample-source]" in shown.out
    assert "+A paragraph on halls, which leans on its source.[^sample-source]" in shown.out

    every = repository.run("fmt", "--json")
    assert every.code == 1
    assert every.json["changed"] == [path.relative_to(tmp_path).as_posix()]
    assert [problem["code"] for problem in every.json["problems"]] == ["S001"]
    assert path.read_text().endswith(
        "\n\n<!-- sources -->\n"
        "[^sample-source]: Sample publisher, A sample source. <https://example.org/source>\n<!-- sources -->\n"
    )

    again = repository.run("fmt", str(path), "--check")
    assert (again.code, again.out) == (0, "0 of 1 article to be written anew\n")
    assert repository.run("fmt", "hals").err == 'opensignal: no article "hals"; did you mean "halls"?\n'
