"""What each sentence rests on: the weakest of its parts decides."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.library import Library, load_library
from pipeline.library.citations import find_citations
from pipeline.library.tracing import trace
from pipeline.library.tracing.statements import statements
from pipeline.model import Basis
from tests.builders import an_article
from tests.conftest import REPOSITORY
from tests.library.newsroom import Newsroom

PIECES = [
    *("Halls", "wait", " ", " ", "\n", "\n\n", "9.4 GW", "“", "”", '"', "'", "‘", "’", ".", "?", "…", "é", "中"),
    *("[^a1]", "[^a1.x]", "[^", "]", "[", "(", "![[a1.x]]", "[@a1; @b]", "[x](https://example.org/)", "**", "_", "\\"),
    *("> ", "- ", "1. ", "# ", "| a | b |\n| - | - |\n", "|", "`", "```\n", "!!! note\n    ", "\t", "    ", "&amp;"),
    *("<!-- analysis -->", "<!-- not a quotation -->", "<!--", "-->"),
]
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@pytest.fixture(scope="module")
def ours() -> Library:
    return load_library(REPOSITORY, now=dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(
    ("sentence", "basis"),
    [
        ("It is “60% above our 2024 outlook”.[^westfield]", Basis.QUOTED),
        ("It may take 17 percent by 2030.[^westfield]", Basis.TRACED),
        ("It is “60% above our 2024 outlook”, with 17 percent.[^westfield]", Basis.TRACED),
        ("The peak was 9.4 GW in 2025.[^northfield-2026]", Basis.RECORDED),
        ("It is “60% above our 2024 outlook”, at 9.4 GW.[^westfield][^northfield-2026]", Basis.RECORDED),
        ("Halls may need much.[^westfield]", Basis.CITED),
        ("Halls wait.", Basis.ANALYSIS),
        ("Twice nine is 18. <!-- analysis -->", Basis.ANALYSIS),
        ("Halls might take 777 of it.[^westfield] <!-- analysis -->", Basis.ANALYSIS),
        ("It is “70% above our 2024 outlook”.[^westfield]", Basis.UNTRACED),
        ("It is “70% above our 2024 outlook”.[^westfield] <!-- analysis -->", Basis.UNTRACED),
        ("It took 777 halls.[^westfield]", Basis.UNTRACED),
        ("It took 777 halls.", Basis.UNTRACED),
        ("It is “60% above our 2024 outlook”.[^northfield-2026]", Basis.UNSEEN),
    ],
)
def test_the_weakest_part_decides(newsroom: Newsroom, sentence: str, basis: Basis) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")

    article, library = newsroom.load_article(f"{sentence}\n")

    assert [claim.basis for claim in library.claims(article)] == [basis]


def test_a_claim_knows_where_it_stands(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    article, library = newsroom.load_article("One.\n\nIt *is* “60% above our 2024 outlook”.[^westfield.share] Two.\n")

    first, second, third = library.claims(article)

    assert [claim.number for claim in (first, second, third)] == [1, 2, 3]
    assert (second.line, second.column) == (11, 1)
    assert article.body[second.start : second.end] == "It *is* “60% above our 2024 outlook”.[^westfield.share]"
    assert second.text == "It is “60% above our 2024 outlook”."
    assert [citation.quote for citation in second.citations] == ["share"]


def test_a_quote_that_is_cited_by_name_is_shown_though_its_words_are_not_taken_up(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    article, library = newsroom.load_article("It says so itself.[^westfield.share]\n")

    (claim,) = library.claims(article)

    assert claim.basis is Basis.CITED
    assert [(p.kind, p.name, p.line, p.bears) for p in claim.passages] == [("quote", "share", 1, ())]


def test_what_stands_in_headings_and_code_is_no_claim(newsroom: Newsroom) -> None:
    article, library = newsroom.load_article("## 9 halls “wait for it all”\n\n```\n9 halls\n```\n\nText.\n")

    assert [claim.text for claim in library.claims(article)] == ["Text."]


def test_the_same_article_gives_the_same_claims(ours: Library) -> None:
    again = load_library(REPOSITORY, now=dt.datetime.now(dt.UTC))

    for article in ours.articles:
        assert trace(article, again) == ours.claims(article)


def test_every_factual_sentence_of_ours_cites_and_none_is_untraced(ours: Library) -> None:
    for article in ours.articles:
        for claim in ours.claims(article):
            assert claim.basis is not Basis.UNTRACED, (article.path, claim.text)
            assert claim.citations or not claim.is_factual, (article.path, claim.text)


def test_passages_stand_where_they_say(ours: Library) -> None:
    seen = 0
    for article in ours.articles:
        for claim in ours.claims(article):
            for passage in claim.passages:
                text, _ = ours.texts.of(ours.sources[passage.source])
                if text is not None and passage.line is not None:
                    following = "\n".join(text.split("\n")[passage.line - 1 :])
                    seen += passage.words.split(". ")[0][:40] in following
    assert seen >= 20


@given(MARKDOWN)
def test_no_body_stops_the_reading_and_no_citation_is_lost_or_doubled(body: str) -> None:
    article = an_article(body=body, citations=find_citations(body))

    found = statements(article, {})

    cited = [citation for statement in found for citation in statement.citations]
    assert len(cited) == len(set(map(id, cited)))
    assert set(cited) <= set(article.citations)
    for statement in found:
        assert len(statement.text) == len(statement.places)
        assert statement.text == statement.text.strip() != ""
        assert 0 <= statement.start < statement.end <= len(body)
        for quotation in statement.quotations:
            assert 0 <= quotation.start <= quotation.end <= len(statement.text)
