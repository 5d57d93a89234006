"""What a body says, statement by statement, and where each character of it stands."""

from __future__ import annotations

import pytest

from pipeline.library.citations import find_citations
from pipeline.library.tracing.statements import Statement, headings, labels, statements
from pipeline.model import Article, Quote, Source, Tier
from tests.builders import an_article


def _read(body: str) -> tuple[Statement, ...]:
    article: Article = an_article(body=body, citations=find_citations(body))
    quote = Quote("share", "may need 9%")
    return statements(article, {"a1": Source("a1", "https://example.org/", "A", Tier.PRIMARY, quotes={"share": quote})})


def _texts(body: str) -> list[str]:
    return [statement.text for statement in _read(body)]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ("One. Two.\nThree.", ["One.", "Two.", "Three."]),
        ("One.[^a1] Two.[^a1]", ["One.", "Two."]),
        ("It *is* **so** and __so__, _yes_.", ["It is so and so, yes."]),
        ("A snake_case_word and 3 * 4 * 5.", ["A snake_case_word and 3 * 4 * 5."]),
        ("See [the page](https://example.org/a_(b)) and [it][x].", ["See the page and it."]),
        ("See ![a chart](a.png) here.", ["See here."]),
        ("R&amp;D &#8211; so.", ["R&D – so."]),
        ("A <b>bold</b> word<br>here.", ["A bold word here."]),
        (r"\*Not\* emphasis.", ["*Not* emphasis."]),
        ("Wide.{: .class }", ["Wide."]),
        ("Run `make demo` now.", ["Run make demo now."]),
        ("It needs `5 GW`\n", ["It needs 5 GW"]),
        ("- run `make demo`\n- two\n", ["run make demo", "two"]),
        ("| what | how much |\n|---|---|\n| `make` | it is `5 GW` |\n", ["make | it is 5 GW"]),
        ("Now <!-- a comment --> go.", ["Now go."]),
        ("# Head\n\nText.", ["Text."]),
        ("## Head\nText.", ["Text."]),
        ("Head\n----\n\nText.", ["Text."]),
        ("- one\n- two\n  goes on\n1. three", ["one", "two goes on", "three"]),
        ("- [ ] to do\n- [x] done", ["to do", "done"]),
        ("Term\n:   what it means", ["Term", "what it means"]),
        ('!!! note "Title"\n    In the box.', ["In the box."]),
        ("```\ncode. More.\n```\n\nText.", ["Text."]),
        ("“It fell. It rose.” Then it stood.", ["“It fell. It rose.”", "Then it stood."]),
        ("“Why?” Ana Example asked. Nobody knew.", ["“Why?” Ana Example asked.", "Nobody knew."]),
        ("He said: “It fell. It rose”, and left. Then more.", ["He said: “It fell. It rose”, and left.", "Then more."]),
        ("It is one region's. The next is not.", ["It is one region's.", "The next is not."]),
        ("It is ![[a1.share]] so.", ["It is “may need 9%” so."]),
        ("> [^a1.share]\n", ["may need 9%"]),
        ("\n> [^a1.share]\n", ["may need 9%"]),
        ("![[a1.share]]\n", ["may need 9%"]),
        ("> ![[a1.share]]\n", ["may need 9%"]),
        ("- ![[a1.share]]\n- two\n", ["“may need 9%”", "two"]),
        ("> one\n>\n> ![[a1.share]]\n", ["one “may need 9%”"]),
        ("![[a1.share]] <!-- analysis -->\n", ["“may need 9%”"]),
        ("![[a1.share]][^b1]\n", ["“may need 9%”"]),
        ("![[nobody.share]] is unknown.", ["is unknown."]),
        ("[^a1]: a definition\n\nText.", ["Text."]),
        ("", []),
    ],
)
def test_a_statement_is_what_readers_read(body: str, texts: list[str]) -> None:
    assert _texts(body) == texts


@pytest.mark.parametrize(
    "body",
    [
        "A *word* and [a link](https://example.org/).[^a1]\nNext &amp; last, “as [it][x] is”.",
        "A word.\nNext and last, it is so. Third\n\n- An item\n",
        "A  word. \n  Next and\tlast,\u00a0it is so.",
        "> A word.\n> Next",
    ],
    ids=["with markup", "bare", "uneven", "quoted"],
)
def test_each_character_knows_its_place(body: str) -> None:
    for statement in _read(body):
        assert len(statement.places) == len(statement.text)
        for char, place in zip(statement.text, statement.places, strict=True):
            assert body[place] in (char, "&") or (char == " " and body[place].isspace()), (char, place)


def test_a_cell_that_is_code_is_told_with_the_others() -> None:
    (row,) = _read("| what | how much |\n|---|---|\n| `make` | `5 GW` |\n")

    assert row.columns == (("what", "make"), ("how much", "5 GW"))


def test_a_citation_behind_the_stop_belongs_to_the_sentence_before_it() -> None:
    first, second, third = _read("One.[^a1][^b1] Two.\n[^c1] Three[^d1] is here.")

    assert [[c.source for c in s.citations] for s in (first, second, third)] == [["a1", "b1"], ["c1"], ["d1"]]
    assert (first.start, first.end) == (0, len("One.[^a1][^b1]"))


def test_a_row_has_its_own_citations_and_the_heads_of_its_columns() -> None:
    body = "| Who | Load, GW |\n| --- | ---: |\n| North[^a1] | 3.2 |\n| South \\| East | 4.2[^b1] |\n"

    first, second = _read(body)

    assert (first.kind, first.text) == ("row", "North | 3.2")
    assert first.columns == (("Who", "North"), ("Load, GW", "3.2"))
    assert second.columns == (("Who", "South | East"), ("Load, GW", "4.2"))
    assert [[c.source for c in s.citations] for s in (first, second)] == [["a1"], ["b1"]]


def test_a_head_of_a_table_that_cites_covers_its_column() -> None:
    body = "| Who | Load 2026[^a1] | Note |\n| --- | --- | --- |\n| North | 3.2 | x |\n| South | | 9 |\n| East[^b1] | 5 | |\n"
    head, north, south, east = _read(body)

    assert (head.text, [c.source for c in head.citations]) == ("Who | Load 2026 | Note", ["a1"])
    assert [[c.source for c in row.citations] for row in (north, south, east)] == [["a1"], [], ["b1", "a1"]]
    assert body[north.start : north.end] == "North | 3.2 | x"


@pytest.mark.parametrize("rule", ["---", "***", "* * *", "___", "- - -", "> ---"])
def test_a_line_across_the_page_says_nothing(rule: str) -> None:
    assert _texts(f"One.\n\n{rule}\n\nTwo.") == ["One.", "Two."]


def test_what_the_page_leaves_out_is_not_read() -> None:
    assert _texts("It does <script>not</script> rise, <TEMPLATE>or</TEMPLATE> does <b>it</b>.") == [
        "It does rise, does it."
    ]


def test_a_sentence_in_code_is_one_and_code_is_not() -> None:
    said, code = _read("`The wait is 42 months`\n\nRun `sleep 42 and wait` here.")

    assert (said.verbatim, [code.text[low:high] for low, high in code.verbatim]) == ((), ["sleep 42 and wait"])


def test_the_words_beside_the_sentences_are_known() -> None:
    body = (
        '!!! note "Of 42 months"\n    Text.\n\n??? quote "“We lied”"\n    Text.\n\n| a | 42 GW |\n|---|---|\n| b | c |\n\n'
        '![a chart](a.png "A &amp; B")\n\n[it](https://example.org/){title="of 9"} <abbr title=\'eight\'>8</abbr>\n'
    )
    article = an_article(body=body, citations=())

    found = list(labels(article))

    assert [one.text for one in found] == [
        "Of 42 months",
        "“We lied”",
        "a | 42 GW",
        "a chart",
        "A & B",
        "of 9",
        "eight",
    ]
    assert [q.words for q in found[1].quotations] == ["We lied"]


def test_a_heading_stands_above_all_that_is_less() -> None:
    body = "## One\n\nText.\n\n### Two\n\nText.\n\nThree\n-----\n\nText.\n"

    found = [(heading.text, body[end : end + 5]) for heading, end in headings(an_article(body=body, citations=()))]

    assert found == [("One", "Three"), ("Two", "Three"), ("Three", "")]


def test_our_own_reading_is_marked_by_paragraph() -> None:
    ours = _read("One.\nTwo. <!-- analysis -->\n\nThree.\n\nFour.\n<!-- analysis -->\n")

    assert [statement.analysis for statement in ours] == [True, True, False, True]


@pytest.mark.parametrize(
    ("body", "analysis"),
    [
        ("- One. <!-- analysis -->\n- Two.", [True, False]),
        ("- One.\n- Two.\n  goes on <!-- analysis -->", [False, True]),
        ("- One.\n- Two.\n<!-- analysis -->", [False, True]),
        ("One.\n<!-- analysis -->\nTwo.", [True, False]),
        ("One.\n<!-- no -->\nTwo. <!-- analysis -->", [False, True]),
        ("<!-- analysis --> One.\n\nTwo.", [True, False]),
        ("| a | b |\n|---|---|\n| One | 1 | <!-- analysis -->\n| Two | 2 |", [True, False]),
        ("| a | b |\n|---|---|\n| One | 1 |\n| Two | 2 |\n<!-- analysis -->", [True, True]),
        ("One.\n\n<!-- analysis -->", [False]),
        ("One.\n```\n<!-- analysis -->\n```", [False]),
    ],
)
def test_the_mark_of_our_own_reading_frees_its_own_block(body: str, analysis: list[bool]) -> None:
    assert [statement.analysis for statement in _read(body)] == analysis


def test_a_quotation_that_is_interrupted_cites_at_its_end() -> None:
    first, second, third = _read("“It rose,” the authority writes. “It fell.”[^a1] “It stood,” we write.")

    assert [[c.source for c in s.citations] for s in (first, second, third)] == [["a1"], ["a1"], []]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("He said ‹one thing›.", ["one thing"]),
        ("He said 「one thing」.", ["one thing"]),
        ("He said ``one thing''.", ["one thing"]),
        ("He said <q>one *thing*</q> and <q>two</q>.", ["one thing", "two"]),
        ("He said “one <q>thing</q>”.", ["one thing"]),
        ("He said <q>one thing </q>\n\n<!-- a note --> It is <q> </q>", ["one thing"]),
        ("He said: “One.\n\n“Two.” Three.", ["One.", "Two."]),
    ],
)
def test_all_marks_of_quotations_are_known(body: str, words: list[str]) -> None:
    assert [quotation.words for statement in _read(body) for quotation in statement.quotations] == words


def test_what_stands_before_and_above_is_known() -> None:
    _, second, third = _read("## In 2024\n\nOne. Two.\n\nThree.")

    assert (second.before, second.heading) == ("One.", "In 2024")
    assert (third.before, third.heading) == ("", "In 2024")


def test_words_that_are_not_ours_are_set_apart() -> None:
    (statement,) = _read("It is “9% of it”, in `a 5 b`, at https://example.org/2026/7 and ![[a1.share]].")

    apart = [statement.text[low:high] for low, high in statement.verbatim]

    assert apart == ["“9% of it”", "a 5 b", "https://example.org/2026/7", "“may need 9%”"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("He said “one thing” and “another”.", ["one thing", "another"]),
        ('He said "one “inner” thing".', ["one “inner” thing"]),
        ("He said “one “inner” thing”.", ["one “inner” thing"]),
        ("He said “one 'inner' thing”.", ["one 'inner' thing"]),
        ("Er sagt „eine Sache“ und »noch eine«.", ["eine Sache", "noch eine"]),
        ("He said 'that it was not theirs' then.", ["that it was not theirs"]),
        ("The firms' plans and the authority's too.", []),
        ("The '90s were the firms' years, he said.", []),
        ("A so-called ‘smart grid’ is here.", []),
        ('A 12" wafer and an 8" one.', []),
        ("(“In brackets”)", ["In brackets"]),
    ],
)
def test_quotations_are_found_by_their_marks(body: str, words: list[str]) -> None:
    assert [q.words for s in _read(body) for q in s.quotations] == words


def test_a_mark_without_its_partner_is_an_open_one() -> None:
    (statement,) = _read("He said “one thing and left.")

    assert [quotation.kind for quotation in statement.quotations] == ["open"]


def test_no_citation_is_lost() -> None:
    body = "One.[^a1]\n\n- two[^a2]\n\n| a |\n| - |\n| b[^a3] |\n\n> three[^a4]\n\nFour![[a1.share]] [@a5; @a6].\n"
    article = an_article(body=body, citations=find_citations(body))

    found = [citation for statement in _read(body) for citation in statement.citations]

    assert found == list(article.citations)
