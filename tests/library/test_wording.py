"""What counts as a change of the text: any word of it, and nothing else. Tried on the articles of this repository."""

from __future__ import annotations

import datetime as dt
import random
import re
from dataclasses import replace

import pytest

from pipeline.library import Library, load_library
from pipeline.library.citations import prose
from pipeline.library.wording import changed_lines, same_wording, wording, wording_hash
from pipeline.model import Article
from tests.conftest import REPOSITORY
from tests.library.newsroom import Newsroom

EDITS = 8  # in each article


@pytest.fixture(scope="module")
def ours() -> Library:
    return load_library(REPOSITORY, now=dt.datetime.now(dt.UTC))


def without_citations(body: str) -> str:
    return re.sub(r"\[\^[^\]]*\]", "", body)


VARIANTS = {
    "other marks": lambda body: body.translate(str.maketrans({"“": '"', "”": '"', "'": "’"})),
    "no citations": without_citations,
    "fewer lines": lambda body: re.sub(r"(?<=[.”])((?:\[\^[^\]]*\])*)\n(?=[A-Z])", r"\1 ", body),
    "emphasis": lambda body: re.sub(r"(?<=\n)(The|It|A) ", r"**\1** ", body),
    "soft hyphens": lambda body: re.sub(r"(?<=\n)The ", "T\u00adhe ", body),
    "links": lambda body: re.sub(r"(?<=\n)The (\w+) ", r"The [\1](https://example.org/) ", body),
    "comments": lambda body: body.replace("<!-- analysis -->", ""),
    "no definitions": lambda body: body.partition("\n<!-- sources -->")[0],
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_typography_markup_and_sources_are_no_change(ours: Library, variant: str) -> None:
    changed = 0
    for article in ours.articles:
        other = replace(article, body=VARIANTS[variant](article.body))
        changed += other.body != article.body

        assert same_wording(article, other, ours.sources), article.path
    assert changed >= 5


def test_every_edit_of_a_single_word_is_a_change(ours: Library) -> None:
    chance = random.Random(31)
    tried = 0
    for article in ours.articles:
        before = wording(article, ours.sources)
        for edited in _edits(article, chance):
            tried += 1
            assert wording(edited, ours.sources) != before, (article.path, changed_lines(article.body, edited.body))
            assert changed_lines(article.body, edited.body)[0] >= 1

    assert tried >= 100


def _edits(article: Article, chance: random.Random) -> list[Article]:
    """The article with one word or number left out, doubled, or written otherwise."""
    text = re.sub(r"!?\[[\[^][^\]]*\]+|\]\([^)]*\)", lambda m: " " * len(m[0]), prose(article.body))
    words = list(re.finditer(r"(?<![\w[(])[A-Za-z0-9]+(?![\w\])])", text))
    edits = []
    for m in chance.sample(words, EDITS):
        other = chance.choice(["", f"{m[0]} {m[0]}", f"{m[0]}x", m[0].swapcase() if m[0].isalpha() else f"{m[0]}0"])
        edits.append(replace(article, body=article.body[: m.start()] + other + article.body[m.end() :]))
    return edits


def test_the_lines_that_differ_are_counted_and_the_first_is_named() -> None:
    was = "One.\n\nTwo.[^a]\nThree.\n\n<!-- sources -->\n[^a]: x\n<!-- sources -->\n"

    assert changed_lines(was, was.replace("[^a]\n", "[^b]\n")) == (0, None)
    assert changed_lines(was, was.replace("Two", "2")) == (1, 3)
    assert changed_lines(was, "New.\n" + was.replace("Three", "3")) == (2, 1)
    assert changed_lines(was, was.replace("Three.\n", "")) == (1, 3)
    assert changed_lines(was, "") == (3, 1)


def test_the_hash_of_a_text_is_the_same_for_ever(newsroom: Newsroom) -> None:
    """Reviews are kept by it: whoever changes the normal form raises `wording.FORM`, and renews this hash."""
    article, library = newsroom.load_article("The office named **24** halls, it's said.\n\n- one\n- two\n")

    assert wording(article, library.sources).endswith("The office named 24 halls, it's said. one two")
    assert (
        wording_hash(article, library.sources) == "1:5f3ac6ca52d9efcb2029a91d675d90c23e197343d72846385377b5aee0e5b265"
    )
