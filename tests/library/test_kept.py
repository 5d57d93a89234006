"""A library of which something was kept is the same as one that was read and checked from nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import marshal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import ContentError
from pipeline.library import Library, load_library
from pipeline.library.files import article_of
from pipeline.library.kept import Tell, open_kept
from pipeline.library.kept.article import MOST_HELD, KeptArticle, LateTexts, front_of, row_of
from pipeline.library.kept.rows import NOUNS, ExaminedRow
from pipeline.library.quotes import text as quotes_text
from pipeline.library.tracing import evidence
from tests.library.newsroom import TEXT, Newsroom

NOW = dt.datetime.now(dt.UTC)
SITE = "https://signals.example.org/"
BODY = "It is “60% above our 2024 outlook”.[^westfield]\nThe region needs 9.4 GW.[^northfield-2026]\n"


def kept(newsroom: Newsroom, *, tell: Tell | None = None) -> Library:
    state = newsroom.root / ".opensignal"
    return open_kept(newsroom.root, state=state, kept=None, site_url=SITE, now=NOW, tell=tell)


def assert_same(found: Library, wanted: Library) -> None:
    assert found.problems == wanted.problems
    assert found.articles == wanted.articles
    assert dict(found.sources) == dict(wanted.sources)
    assert (found.note, found.newer) == (wanted.note, wanted.newer)
    assert found.shown_texts == wanted.shown_texts
    assert found.related_sources == wanted.related_sources
    for ours, theirs in zip(found.articles, wanted.articles, strict=True):
        assert found.claims(ours) == wanted.claims(theirs)
        assert found.summary(ours) == wanted.summary(theirs)
        rendered = found.rendered(ours, site_url=SITE)
        assert rendered == wanted.rendered(theirs, site_url=SITE)
        assert found.origins(ours, rendered.cited) == wanted.origins(theirs, rendered.cited)


def test_what_is_kept_is_what_is_found_from_nothing_after_every_edit(newsroom: Newsroom) -> None:
    sources = newsroom.root / "content/sources"

    def lose_copies() -> None:
        for copy in (sources / "snapshots").iterdir():
            copy.unlink()

    edits: list[Callable[[], object]] = [
        lambda: newsroom.quoted_source("westfield", "60% above our 2024 outlook"),
        lambda: newsroom.article(BODY),
        lambda: newsroom.article(BODY.replace("60%", "70%")),
        lambda: newsroom.quoted_source("eastfield", "70% above", text=f"{TEXT} It is 70% above our 2024 outlook."),
        lambda: newsroom.article(f"{BODY}\n[It](https://nowhere.example.org/), and [no article](../2026/none.md).\n"),
        lambda: newsroom.source("northfield-2026", "note: the figure was read again\n"),
        lambda: newsroom.article("It is so.[^nobody]\n"),
        lambda: newsroom.quoted_source("nobody", "It is so"),
        lambda: newsroom.article("---\nno article at all"),
        lambda: newsroom.article(BODY),
        lambda: newsroom.source("northfield-2027", "supersedes: northfield-2026\n"),
        lambda: newsroom.source("northfield-2027"),
        lambda: newsroom.source("northfield-2026", "superseded_by: northfield-2027\n"),
        lose_copies,
    ]
    for number, edit in enumerate(edits):
        edit()
        wanted = load_library(newsroom.root, now=NOW, kept=newsroom.root / ".opensignal/snapshots")
        assert_same(kept(newsroom), wanted)
        again = kept(newsroom)
        assert_same(again, wanted)
        assert again.examined is not None
        assert again.examined.examined == 0, number


def test_a_source_that_is_not_cited_changes_nothing_where_all_is_well(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article(BODY)
    kept(newsroom)
    newsroom.source("eastfield")

    library = kept(newsroom)

    assert library.examined is not None
    assert library.examined.examined == 0


def test_s111_words_that_another_source_has_by_now_are_found_there(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article("It is “a bridge to an empty island”.[^westfield]\n")
    assert [problem.code for problem in kept(newsroom).problems] == ["S110"]

    newsroom.quoted_source("eastfield", "an empty island", text=f"{TEXT} It is a bridge to an empty island.")

    assert [problem.code for problem in kept(newsroom).problems] == ["S111"]


def test_a_text_that_nobody_asks_for_is_not_read(newsroom: Newsroom) -> None:
    newsroom.article("It waits.\n")
    kept(newsroom)
    library = kept(newsroom)
    (path,) = (newsroom.root / "content/articles").rglob("*.md")
    path.unlink()

    assert [article.title for article in library.articles]


def test_a_text_that_was_changed_meanwhile_is_not_taken_for_the_one_that_was_examined(newsroom: Newsroom) -> None:
    path = newsroom.root / newsroom.article("It waits.\n")
    library = kept(newsroom)
    path.write_text(path.read_text("utf-8") + "And more.\n", "utf-8")

    with pytest.raises(ContentError, match="was changed while it was read; run again"):
        library.articles[0].body  # noqa: B018


def test_the_texts_of_few_articles_are_held_and_others_are_read_again(newsroom: Newsroom) -> None:
    texts = LateTexts(newsroom.root, lambda path: hashlib.sha256((newsroom.root / path).read_bytes()).digest())
    made = []
    for number in range(5):
        path = newsroom.article(f"Article {number}. " + "It waits for lines. " * 15_000, slug=f"long-{number}")
        read = article_of((newsroom.root / path).read_bytes(), path)
        assert read is not None
        made.append(KeptArticle.made(path, row_of(read, NOUNS), texts=texts, packer=NOUNS))

    bodies = [article.body for article in (*made, *made)]

    assert [body[:10] for body in bodies] == [f"Article {number}." for number in range(5)] * 2
    assert 0 < texts._held.weight <= MOST_HELD


def test_the_folder_of_what_is_kept_may_go_at_any_time(newsroom: Newsroom) -> None:
    newsroom.article("It waits.\n")
    library = kept(newsroom)
    _delete(newsroom.root / ".opensignal/build")

    assert library.claims(library.articles[0])
    assert library.rendered(library.articles[0], site_url=SITE).html


def test_what_the_sources_of_many_articles_hold_does_not_stay(newsroom: Newsroom) -> None:
    for number in range(5):
        text = f"The field {number} waits.\n" + "halls that wait for lines " * 9_000
        newsroom.quoted_source(f"field-{number}", f"field {number} waits", text=text)
        newsroom.article(f"It says: “field {number} waits”.[^field-{number}]\n", slug=f"field-{number}")

    held: list[tuple[int, int]] = []

    library = kept(newsroom, tell=lambda *_: held.append((evidence._made.weight, quotes_text._made.weight)))
    held.append((evidence._made.weight, quotes_text._made.weight))

    assert not library.problems
    assert len(held) > 5
    assert 0 < max(indexed for indexed, _ in held) <= evidence.RESTING
    assert 0 < max(texts for _, texts in held) <= quotes_text.RESTING


def test_a_name_that_many_articles_look_up_is_held_and_written_once(newsroom: Newsroom) -> None:
    newsroom.article(BODY, slug="one")
    newsroom.article(BODY, slug="two")
    kept(newsroom)

    (file,) = (newsroom.root / ".opensignal/build").glob("library-*")
    table = marshal.loads(file.read_bytes()[4:])

    names = [name for row in table["examined"].values() for name in ExaminedRow._make(row).names]
    assert len({id(name) for name in names}) == len(set(names)) < len(names)


def _delete(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def test_the_fingerprint_of_an_article_is_made_of_its_values_and_not_of_who_holds_them(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article(BODY)
    (article,) = load_library(newsroom.root, now=NOW).articles
    alone = dataclasses.replace(article, title="".join(["Gr", "id"]), authors=("".join(["in", "es"]),))
    held = dataclasses.replace(
        article, title=sys.intern("".join(["Gr", "id"])), authors=(sys.intern("".join(["in", "es"])),)
    )

    assert front_of(alone, NOUNS) == front_of(held, NOUNS)
