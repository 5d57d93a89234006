"""Each problem has its code, and stands at the exact line and column of what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pipeline.library
from pipeline.library import CODES
from pipeline.model import Severity
from tests.library.newsroom import FRONT, TEXT, Newsroom, front

DRAFTED = "ai: {involvement: drafted, model: M%s}\n"


@pytest.mark.parametrize(
    ("changed", "place", "code", "words"),
    [
        (front(title="Short"), (2, 8), "S010", "5 characters (min 8)"),
        (front(title="x" * 143), (2, 8), "S010", "143 characters (max 110)"),
        (front(title="The grid is the story."), (2, 8), "S010", "full stop"),
        (front(title='"The grid\\nis the story"'), (2, 8), "S010", "one line"),
        (front(dek="One is this. Two is that."), (3, 6), "S012", "dek has 2 sentences; the dek is one sentence"),
        (front(dek="x" * 241), (3, 6), "S012", "241 characters (max 240)"),
        (front(slug="Not A Slug"), (8, 7), "S013", "small letters"),
        (front(date="2026-02-30"), (4, 7), "S014", "2026-02-30 is not a date: February 2026 has 28 days"),
        (front(date="2026-13-01"), (4, 7), "S014", "not a date"),
        (front(date="20 November 2026"), (4, 7), "S014", "write it as 2026-11-20"),
        (front(date="2026-11-20T06:00:00"), (4, 7), "S014", "no time zone"),
        (front(date="2026-11-20T25:00:00Z"), (4, 7), "S014", "not a time of day"),
        (front(date="[2026]"), (4, 7), "S014", "a date is expected"),
        (front(updated="2026-11-19"), (8, 10), "S014", "updated lies before date"),
        (front(status="publishd"), (5, 9), "S015", 'did you mean "published"?'),
        (front(status="corrected"), (5, 9), "S032", "no correction says what"),
        (front(authors="[ines, ine]"), (6, 17), "S016", 'unknown person "ine"; did you mean "ines"?'),
        (front(authors="[tomas]"), (6, 10), "S016", "no person holds editorial responsibility"),
        (front(authors="ines"), (6, 10), "S016", "write it as [a, b]"),
        (front(topics="[powr]"), (7, 10), "S017", 'unknown topic "powr"; did you mean "power"?'),
        (front(topics="[power, power]"), (7, 17), "S017", "twice"),
        (front(topics="[]"), (7, 9), "S017", "no topic"),
        (front(topics="[a, b, c, d]"), (7, 9), "S017", "4 items, 3 at most"),
        (front(sources="[northfield-2026]"), (8, 11), "S020", "listed but never cited"),
        (front(sources="[northfeld-2026]"), (8, 11), "S104", 'did you mean "northfield-2026"?'),
        (FRONT + DRAFTED % "", (8, 5), "S030", "no reviewer"),
        (FRONT + DRAFTED % ", reviewed_by: ine", (8, 51), "S030", 'did you mean "ines"?'),
        (FRONT + DRAFTED % ", reviewed_by: drafting-model", (8, 51), "S030", "a person must review"),
        (FRONT + DRAFTED % ", reviewed_by: tomas", (8, 51), "S030", '"tomas" is a writer; an editor answers'),
        (front(authors="[drafting-model, ines]"), (2, 1), "S030", '"drafting-model" is a model and one of the authors'),
        (front(authors="[drafting-model, ines]", ai="{involvement: none}"), (8, 19), "S030", "set ai.involvement to"),
        (FRONT + "email:\n  subject: " + "x" * 56 + "\n", (9, 12), "S040", "56 characters (max 55)"),
        (FRONT + "email:\n  skip: maybe\n", (9, 9), "S040", "neither true nor false"),
        (FRONT.replace("title", "tittle"), (2, 1), "S003", 'unknown key "tittle"; did you mean "title"?'),
        (FRONT + "email: {subjct: Short}\n", (8, 9), "S003", 'unknown key "email.subjct"; did you mean "subject"?'),
        (front(dek=None), (2, 1), "S004", 'no "dek"; add it'),
        (front(dek=""), (3, 1), "S004", 'no "dek"; add it'),
        (FRONT + "lang: [en]\n", (8, 7), "S006", "one text is expected"),
        (FRONT + "title: Again and again\n", (8, 1), "S002", "first on line 2"),
        (FRONT + "note: a: b\n", (8, 8), "S002", "double quotes"),
    ],
)
def test_front_matter(newsroom: Newsroom, changed: str, place: tuple[int, int], code: str, words: str) -> None:
    newsroom.article(front=changed)

    problem = newsroom.only_problem()

    assert (problem.path, problem.code) == ("content/articles/2026/2026-11-20-grid.md", code)
    assert (problem.line, problem.column) == place
    assert words in problem.message


def test_all_slips_of_a_file_are_told_at_once(newsroom: Newsroom) -> None:
    newsroom.article(
        "Cites [^nobody].\n", front=front(title="Short", date="2026-02-30", status="draft") + "tags: [x]\n"
    )

    assert newsroom.problems() == [
        ("2026-11-20-grid.md", 2, 8, "S010"),
        ("2026-11-20-grid.md", 4, 7, "S014"),
        ("2026-11-20-grid.md", 8, 1, "S003"),
        ("2026-11-20-grid.md", 10, 7, "S104"),
    ]


def test_two_articles_with_one_slug_are_each_told_of_the_other(newsroom: Newsroom) -> None:
    first = newsroom.article(slug="grid", date="2026-11-20")
    second = newsroom.article(slug="grid", date="2026-11-21", front=front(date="2026-11-21"))

    problems = newsroom.load().problems

    assert [(p.path, p.code) for p in problems] == [(first, "S013"), (second, "S013")]
    assert second in problems[0].message
    assert first in problems[1].message


@pytest.mark.parametrize(
    ("path", "severity", "code"),
    [
        ("content/articles/2026/grid.md", Severity.WARNING, "S007"),
        ("content/articles/2026-11-20-grid.md", Severity.WARNING, "S007"),
        ("content/articles/2026/2026-11-19-grid.md", Severity.WARNING, "S007"),
        ("content/articles/2026/2026-11-20-Das Netz.md", Severity.ERROR, "S013"),
    ],
)
def test_a_file_is_named_by_its_date_and_slug(newsroom: Newsroom, path: str, severity: Severity, code: str) -> None:
    newsroom.write(path, f"---\n{FRONT}---\nText.\n")

    problem = newsroom.only_problem()

    assert (problem.path, problem.code, problem.severity) == (path, code, severity)


def test_a_slug_of_its_own_frees_an_article_from_its_files_name(newsroom: Newsroom) -> None:
    newsroom.article(front=front(slug="another"))

    assert newsroom.load().article("another") is not None


@pytest.mark.parametrize(
    ("body", "place", "code", "words"),
    [
        ("Ü.[^northfeld-2026]", (9, 3), "S104", 'unknown source "northfeld-2026"; did you mean "northfield-2026"?'),
        ("A.[^Northfield-2026]", (9, 3), "S104", 'did you mean "northfield-2026"?'),
        ("A.[^zzz]", (9, 3), "S104", "add content/sources/zzz.yml"),
        ("A.[^../../../../etc/passwd]", (9, 3), "S104", "names no source; write [^id]"),
        ("A.[^northfield-2026 ]", (9, 3), "S104", "names no source; write [^id]"),
        ("A ![[../../people.x]].", (9, 3), "S104", "names no source; write [^id]"),
        ("A.\n\nB [^northfield-2026.peak]", (11, 3), "S104", 'no quote "peak"; add it under quotes:'),
        ("See ![](https://example.org/a.png)", (9, 5), "S041", "no alt text"),
        ("See [x](2026-11-19-water.md)", (9, 9), "S050", "which is no article"),
        ("See [x](../../pages/abut.md)", (9, 9), "S050", "content/pages/abut.md, which does not exist"),
        ("See [x](javascript:alert)", (9, 9), "S050", "write the whole address"),
        ("# A title\n\nText.", (9, 1), "S051", "write ##"),
        ("A title\n=======\n\nText.", (9, 1), "S051", "write ##"),
    ],
)
def test_bodies(newsroom: Newsroom, body: str, place: tuple[int, int], code: str, words: str) -> None:
    newsroom.article(body)

    problem = newsroom.only_problem()

    assert (problem.line, problem.column, problem.code) == (*place, code)
    assert words in problem.message


def test_links_to_published_articles_and_pages_are_fine_and_to_drafts_are_not(newsroom: Newsroom) -> None:
    newsroom.write("content/pages/about.md", "# About")
    newsroom.article(slug="water", date="2025-11-19", front=front(date="2025-11-19"))
    newsroom.article(slug="draft", front=front(status="draft"))
    newsroom.article(
        "[a](../2025/2025-11-19-water.md#x) [b](../../pages/about.md) [c](/archive/) [d](#x) `[e](no.md)`\n"
        "[f](2026-11-20-draft.md)\n"
    )

    problem = newsroom.only_problem()

    assert (problem.line, problem.column, problem.code) == (10, 5, "S050")
    assert "status is draft" in problem.message


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("The region needs 9.4 GW.", (9, 18)),
        ("It is so.[^northfield-2026]\nThe region needs 9.4 GW.\n", (10, 18)),
        ("It cost $5.5 billion then.", (9, 9)),
        ("- one.[^northfield-2026]\n- two is 17%\n", (10, 10)),
        ("| a | b |\n| - | - |\n| 1 [^northfield-2026] | 2 |\n| x | 3 |\n", (12, 7)),
        ("Two is 2.[^northfield-2026] Three is 3. Four is 4.[^northfield-2026]", (9, 38)),
    ],
)
def test_s201_a_number_without_a_citation_blocks(newsroom: Newsroom, body: str, place: tuple[int, int]) -> None:
    newsroom.article(body)

    (problem,) = [problem for problem in newsroom.load().problems if problem.code.startswith("S20")]

    assert (problem.line, problem.column, problem.code, problem.severity) == (*place, "S201", Severity.ERROR)


@pytest.mark.parametrize(
    "body",
    [
        "The region needs 9.4 GW.[^northfield-2026]",
        "The region[^northfield-2026] needs 9.4 GW.",
        "## 5 reasons\n\nText.",
        "1. first\n2. second\n",
        "`9.4` GW\n\n```\n9\n```\n",
        "Nine is 3 times 3. <!-- analysis -->",
        "Nine is 3 times 3.\n<!-- analysis -->\n",
        "In 2026 the GPT-4 and the H100 met in Q2.",
        "On 26 February 2026, or Feb. 26, they met under Article 50.",
        "See [the page](https://example.org/2026/11/5/a).",
        "| year | 1 |\n| - | - |\n| x | y |\n",
        "<!-- 9.4 -->Text.",
    ],
)
def test_what_is_no_figure_or_is_our_own_reading_needs_none(newsroom: Newsroom, body: str) -> None:
    newsroom.article(body)

    assert [problem for problem in newsroom.problems() if problem[3].startswith("S20")] == []


def test_no_source_is_called_as_the_folder_beside_the_pages_of_sources(newsroom: Newsroom) -> None:
    newsroom.source("snapshots")

    problem = newsroom.only_problem()

    assert (problem.path, problem.code) == ("content/sources/snapshots.yml", "S101")
    assert problem.message == '"snapshots" is the folder of the stored texts; give the source another id'


def test_numbers_in_a_draft_may_wait_for_their_citations(newsroom: Newsroom) -> None:
    newsroom.article("It needs 9.4 GW.", front=front(status="draft"))

    assert newsroom.problems() == []


@pytest.mark.parametrize(
    ("spoil", "place", "code", "words", "severity"),
    [
        (("id: north", "id: nort"), (1, 5), "S101", 'the file\'s name says "northfield-2026"', Severity.ERROR),
        (("id: northfield-2026", "id: North!"), (1, 5), "S101", "small letters", Severity.ERROR),
        (("https://", "ftp://"), (2, 6), "S102", "not a web address", Severity.ERROR),
        (("https://", "https://["), (2, 6), "S102", "not a web address", Severity.ERROR),
        (("https://", "http://"), (2, 6), "S102", "not https", Severity.WARNING),
        (("/outlook", "/outlook?utm_source=x"), (2, 6), "S102", "utm_source", Severity.WARNING),
        (("2026-02-26", "2026-02-31"), (5, 9), "S014", "28 days", Severity.ERROR),
        (("tier: primary", "tier: primry"), (6, 7), "S006", 'did you mean "primary"?', Severity.ERROR),
        (("tier: primary", "teir: primary"), (6, 1), "S003", 'did you mean "tier"?', Severity.ERROR),
        (("unit: GW", "unti: GW"), (8, 42), "S003", 'did you mean "unit"?', Severity.ERROR),
        (("tier: primary", "tier: primary\nvia: southfeld-2026"), (7, 6), "S104", "southfield-2026", Severity.ERROR),
        (("tier: primary", "tier: primary\nvia: northfield-2026"), (7, 6), "S104", "its own origin", Severity.ERROR),
        (("https://northfield", "https://www.southfield"), (2, 6), "S103", "same address", Severity.WARNING),
        (("tier: primary", "tier: primary\nsupersedes: x1"), (7, 13), "S104", "supersedes: unknown", Severity.ERROR),
        (
            ("tier: primary", "tier: primary\nsuperseded_by: northfield-2026"),
            (7, 16),
            "S104",
            "its own successor",
            Severity.ERROR,
        ),
        (("tier: primary", "tier: primary\nstatus: lve"), (7, 9), "S006", 'did you mean "live"?', Severity.ERROR),
        (("tier: primary", "tier: primary\nstatus_at: soon"), (7, 12), "S014", "not a date", Severity.ERROR),
        (("tier: primary", "tier: primary\narchive: here"), (7, 10), "S102", "not a web address", Severity.ERROR),
    ],
)
def test_sources(
    newsroom: Newsroom, spoil: tuple[str, str], place: tuple[int, int], code: str, words: str, severity: Severity
) -> None:
    file = newsroom.root / "content/sources/northfield-2026.yml"
    file.write_text(file.read_text().replace(*spoil))

    problems = [p for p in newsroom.load().problems if p.code == code]

    assert len(problems) == 1
    if code != "S103":
        assert (problems[0].line, problems[0].column) == place
    assert problems[0].severity is severity
    assert words in problems[0].message


def test_s110_a_quote_must_occur_in_the_stored_copy(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "halls under contract may need 8% to 17% of regional supply")

    problem = newsroom.only_problem()

    assert (problem.line, problem.column, problem.code) == (12, 17, "S110")
    assert "[-yours-] {+line 1+}" in problem.message
    assert "under contract may need [-8%-] {+9%+} to 17% of regional supply" in problem.message


def test_s110_a_quote_needs_a_stored_copy(newsroom: Newsroom) -> None:
    newsroom.source("westfield", "quotes: {share: {text: words}}\n")

    assert newsroom.only_problem().code == "S110"


def test_s111_a_quote_of_another_source_is_misattributed_not_invented(newsroom: Newsroom) -> None:
    newsroom.quoted_source("eastfield", "60% above our 2024 outlook")
    newsroom.quoted_source("westfield", "60% above our 2024 outlook", text="Something else.")

    problem = newsroom.only_problem()

    assert (Path(problem.path).stem, problem.code) == ("westfield", "S111")
    assert '"eastfield"' in problem.message


def test_s112_a_quote_that_occurs_twice_is_told_apart_by_the_words_beside_it(newsroom: Newsroom) -> None:
    text = "Halls took 9 GW in 2025.\nHalls will take 9 GW in 2030.\n"
    newsroom.quoted_source("westfield", "9 GW", text=text)
    file = newsroom.root / "content/sources/westfield.yml"
    plain = file.read_text()
    twice = newsroom.only_problem()

    file.write_text(plain.replace('text: "9 GW"', 'text: "9 GW", prefix: will take'))
    told_apart = newsroom.problems()
    file.write_text(plain.replace('text: "9 GW"', 'text: "9 GW", suffix: in 2035'))
    beside_nothing = newsroom.only_problem()

    assert (twice.code, twice.severity) == ("S112", Severity.WARNING)
    assert "occurs 2 times (lines 1 and 2)" in twice.message
    assert told_apart == []
    assert (beside_nothing.code, beside_nothing.severity) == ("S110", Severity.ERROR)


def test_s113_a_stored_copy_that_was_changed_is_noticed(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    (copy,) = (newsroom.root / "content/sources/snapshots").iterdir()
    copy.write_text(TEXT.replace("60%", "70%"))

    problem = newsroom.only_problem()

    assert (problem.line, problem.code) == (10, "S113")
    assert "was changed" in problem.message

    newsroom.article("It will take 60% more than it said in 2024.[^westfield]\n")
    assert newsroom.only_problem().code == "S113"  # and no number of it is called wrong


def test_s114_a_long_quote_is_a_warning(newsroom: Newsroom) -> None:
    long = " ".join(f"word{number}" for number in range(50))
    newsroom.quoted_source("westfield", long, text=long)

    assert (newsroom.only_problem().code, newsroom.only_problem().severity) == ("S114", Severity.WARNING)


def test_s114_a_quote_of_a_text_that_may_not_be_passed_on_is_a_small_part_of_it(newsroom: Newsroom) -> None:
    """S114: more than a line, and more than 5 % of the source."""
    words = [f"word{number:03}" for number in range(200)]
    line, more, text = " ".join(words[:10]), " ".join(words[:12]), " ".join(words)
    newsroom.quoted_source("a-line", line, text=text, redistribute="quote")
    newsroom.quoted_source("more", more, text=text, redistribute="quote")
    newsroom.quoted_source("passed-on", more, text=text)
    newsroom.keep_outside_git()

    problem = newsroom.only_problem()

    assert (Path(problem.path).stem, problem.code, problem.severity) == ("more", "S114", Severity.WARNING)
    assert "the quote is 6% of its source (max 5%)" in problem.message


def test_s115_a_text_that_may_not_be_redistributed_is_not_kept_here(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook", redistribute="quote")

    assert newsroom.only_problem().code == "S115"


def test_s115_nobody_may_pass_on_what_all_rights_are_reserved_of(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.write(
        "content/sources/westfield.yml",
        (newsroom.root / "content/sources/westfield.yml").read_text() + "licence: all-rights-reserved\n",
    )

    assert (newsroom.only_problem().code, newsroom.only_problem().line) == ("S115", 9)


def test_s117_a_number_that_only_an_aggregator_gives(newsroom: Newsroom) -> None:
    file = newsroom.root / "content/sources/northfield-2026.yml"
    file.write_text(file.read_text().replace("tier: primary", "tier: aggregator"))
    newsroom.article(
        "The peak demand was 9.4 GW in 2025.[^northfield-2026]\n"
        "The peak demand of 2025 was 9.4 GW.[^northfield-2026][^southfield-2026]\n"
        "It looks ahead.[^northfield-2026]\n"
    )

    problems = [problem for problem in newsroom.load().problems if problem.code == "S117"]

    assert [(p.line, p.column, p.severity) for p in problems] == [(9, 1, Severity.WARNING)]
    assert "rests on northfield-2026 alone" in problems[0].message


def test_s118_a_number_whose_copy_is_kept_elsewhere_could_not_be_looked_up(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook", redistribute="quote")
    newsroom.article("Halls may need 9% to 17% of regional supply by 2030.[^westfield]\nIt looks ahead.[^westfield]\n")
    newsroom.keep_outside_git()
    before = newsroom.problems()
    for copy in (newsroom.root / ".opensignal/snapshots").iterdir():
        copy.unlink()

    after = [problem for problem in newsroom.load().problems if problem.path.endswith(".md")]

    assert before == []
    assert [(p.line, p.column, p.code, p.severity) for p in after] == [(9, 1, "S118", Severity.WARNING)]
    assert "the stored copy of westfield is not here; run opensignal sources pull" in after[0].message


@pytest.mark.parametrize(
    ("old", "new"),
    [("superseded_by: southfield-2026\n", ""), ("", "supersedes: northfield-2026\n")],
    ids=["the old one says so", "the new one says so"],
)
def test_s116_a_source_that_a_newer_one_replaces(newsroom: Newsroom, old: str, new: str) -> None:
    newsroom.source("northfield-2026", old)
    newsroom.source("southfield-2026", new)
    newsroom.article("One.[^northfield-2026] Two.[^northfield-2026]\n")

    problem = newsroom.only_problem()

    assert (problem.line, problem.column, problem.code, problem.severity) == (9, 5, "S116", Severity.WARNING)
    assert 'superseded by "southfield-2026"' in problem.message


def test_s115_of_some_sources_not_even_words_may_be_passed_on(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook", redistribute="hash")
    newsroom.keep_outside_git()

    assert (newsroom.only_problem().code, newsroom.only_problem().line) == ("S115", 12)


def test_s116_who_compares_the_two_cites_both(newsroom: Newsroom) -> None:
    newsroom.source("southfield-2026", "supersedes: northfield-2026\n")
    newsroom.article("It grew.[^northfield-2026][^southfield-2026]\n")

    assert newsroom.problems() == []


def test_s116_the_newest_of_three_is_named_and_a_circle_ends(newsroom: Newsroom) -> None:
    newsroom.source("northfield-2026", "superseded_by: southfield-2026\n")
    newsroom.source("southfield-2026", "superseded_by: northfield-2027\n")
    newsroom.source("northfield-2027", "superseded_by: northfield-2026\n")
    newsroom.article("One.[^northfield-2026]\n")

    assert 'superseded by "northfield-2027"' in newsroom.only_problem().message


def test_s116_a_source_that_was_retracted(newsroom: Newsroom) -> None:
    newsroom.source("northfield-2026", "status: retracted\nstatus_at: 2026-11-20\n")
    newsroom.article("One.[^northfield-2026]\n")

    assert "was retracted" in newsroom.only_problem().message


def test_s118_a_quote_whose_copy_is_kept_elsewhere_could_not_be_checked(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook", redistribute="quote")
    (copy,) = (newsroom.root / "content/sources/snapshots").iterdir()
    copy.unlink()

    assert (newsroom.only_problem().code, newsroom.only_problem().severity) == ("S118", Severity.WARNING)


@pytest.mark.parametrize(
    ("name", "text", "place", "code", "words"),
    [
        ("topics", "- {id: power, name: Power}\n- {id: power, name: P}\n", (2, 8), "S008", "second time"),
        ("topics", "power: Power\n", (1, 1), "S006", "a list is expected"),
        ("topics", "- power\n", (1, 3), "S006", "keys are expected"),
        ("people", "- {id: ines, name: I, role: editr}\n", (1, 29), "S006", 'did you mean "editor"?'),
        ("feeds", "- {id: a1, url: x.org, publisher: A}\n", (1, 17), "S102", "https://"),
        ("feeds", "- {id: a1, url: 'https://x.test/', publisher: A, topics: [chps]}\n", (1, 59), "S017", '"chips"'),
        (
            "feeds",
            "- {id: a1, url: 'https://x.test/', publisher: A, min_interval: 1w}\n",
            (1, 64),
            "S006",
            "30m, 1h or 1d",
        ),
        (
            "feeds",
            "- {id: a1, url: 'https://x.test/', publisher: A}\n- {id: a2, url: 'https://x.test/', publisher: A}\n",
            (2, 17),
            "S103",
            "same address",
        ),
    ],
)
def test_lists(newsroom: Newsroom, name: str, text: str, place: tuple[int, int], code: str, words: str) -> None:
    newsroom.write(f"content/{name}.yml", text)

    problem = newsroom.only_problem()

    assert (problem.line, problem.column, problem.code) == (*place, code)
    assert words in problem.message


def test_a_folder_where_a_file_should_be(newsroom: Newsroom) -> None:
    (newsroom.root / "content/articles/2026/2026-11-20-grid.md").mkdir(parents=True)

    problem = newsroom.only_problem()

    assert str(problem) == (
        "content/articles/2026/2026-11-20-grid.md:1:1 S005 this is a folder; a file of this name is expected"
    )


def test_every_code_that_is_raised_is_in_the_table_and_every_code_of_the_table_is_raised() -> None:
    folder = Path(pipeline.library.__file__).parent
    texts = {path: path.read_text() for path in folder.rglob("*.py")}
    table = (folder / "checks/__init__.py").read_text().partition("CODES: Final = {")[2].partition("}\n")[0]
    raised = set(re.findall(r'"(S\d{3})"', "".join(texts.values()).replace(table, "")))

    assert raised == set(CODES)
