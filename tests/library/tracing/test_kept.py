"""What was found before is not looked for again, unless something has changed on which it depends."""

from __future__ import annotations

import ast
import datetime as dt
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.library import Library, load_library
from pipeline.library.tracing.kept import files_of_code
from pipeline.model import Claim
from tests.library.newsroom import TEXT, Newsroom
from tests.repository import HERE

BODY = "It is “60% above our 2024 outlook”.[^westfield]\nThe region needs 9.4 GW.[^northfield-2026]\n"


def _load(newsroom: Newsroom) -> tuple[Library, tuple[Claim, ...]]:
    library = load_library(newsroom.root, now=dt.datetime.now(dt.UTC), state=newsroom.root / ".opensignal")
    return library, library.claims(library.articles[0])


def _files(newsroom: Newsroom) -> list[Path]:
    return sorted((newsroom.root / ".opensignal/claims").glob("*"))


def _is_new(newsroom: Newsroom) -> bool:
    """True when the claims were found anew: a file more is there, or one was written over."""
    before = {path.name: path.stat().st_ino for path in _files(newsroom)}
    _load(newsroom)
    return {path.name: path.stat().st_ino for path in _files(newsroom)} != before


@pytest.fixture
def known(newsroom: Newsroom) -> Newsroom:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article(BODY)
    _load(newsroom)
    return newsroom


def test_the_same_claims_come_back(known: Newsroom) -> None:
    fresh = known.load()

    library, claims = _load(known)

    assert not _is_new(known)
    assert claims == fresh.claims(fresh.articles[0])
    assert library.summary(library.articles[0]) == fresh.summary(fresh.articles[0])
    assert library.problems == fresh.problems


def test_a_changed_sentence_is_looked_at_again(known: Newsroom) -> None:
    known.article(BODY.replace("60%", "70%"))

    assert _is_new(known)
    assert "S110" in [problem.code for problem in _load(known)[0].problems]


def test_a_changed_source_is_looked_at_again(known: Newsroom) -> None:
    known.source("northfield-2026", "note: the figure was read again\n")

    assert _is_new(known)


def test_a_copy_that_is_no_longer_here_is_noticed(known: Newsroom) -> None:
    for copy in (known.root / "content/sources/snapshots").iterdir():
        copy.unlink()

    assert _is_new(known)
    assert "S118" in [problem.code for problem in _load(known)[1][0].problems]


def test_a_source_that_is_not_cited_changes_nothing_where_all_is_well(known: Newsroom) -> None:
    known.source("eastfield")

    assert not _is_new(known)


def test_s111_words_that_another_source_has_by_now_are_found_there(newsroom: Newsroom) -> None:
    newsroom.quoted_source("westfield", "60% above our 2024 outlook")
    newsroom.article("It is “a bridge to an empty island”.[^westfield]\n")
    assert [problem.code for problem in _load(newsroom)[1][0].problems] == ["S110"]

    newsroom.quoted_source("eastfield", "an empty island", text=f"{TEXT} It is a bridge to an empty island.")

    assert [problem.code for problem in _load(newsroom)[1][0].problems] == ["S111"]


@pytest.mark.parametrize("spoilt", ["", "{}", "[]", "null", '{"sources": ""}\n', '{"sources": ""}\n[{}]', "\ufffd"])
def test_a_broken_file_is_written_anew(known: Newsroom, spoilt: str) -> None:
    (file,) = _files(known)
    whole = file.read_text()
    file.write_text(spoilt)

    _, claims = _load(known)

    assert len(claims) == 2
    assert file.read_text() == whole


def test_a_folder_that_cannot_be_written_stops_nothing(newsroom: Newsroom) -> None:
    newsroom.article(BODY.partition("\n")[2])
    (newsroom.root / ".opensignal").mkdir()
    (newsroom.root / ".opensignal/claims").write_text("a file where a folder should be")

    _, claims = _load(newsroom)

    assert len(claims) == 1


def test_other_code_finds_other_claims() -> None:
    """Whatever module of ours the tracing uses, itself or through others, is part of what a kept file is named by."""
    known = set(files_of_code())
    waiting = sorted(path for path in known if path.parent.name == "tracing")
    used: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in used:
            used.add(path)
            waiting += _imported(path)

    assert len(used) > 25
    assert sorted(used - known) == []


def _imported(path: Path) -> list[Path]:
    """The files of our modules that *path* imports when it runs, at its beginning or in a function."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: list[str] = []
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    places = [HERE / name.replace(".", "/") for name in names if name.startswith("pipeline.")]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return [file for file in files if file.exists()]


def test_what_was_not_written_to_its_end_is_deleted_later(known: Newsroom) -> None:
    folder = known.root / ".opensignal/claims"
    old, new = folder / ".0123.99.1", folder / ".4567.99.1"
    for path in (old, new):
        path.write_text("{")
    hours_ago = time.time() - 2 * 3600
    os.utime(old, (hours_ago, hours_ago))

    known.article(BODY.replace("60%", "70%"))
    _load(known)

    assert (old.exists(), new.exists()) == (False, True)


def test_several_at_once_may_keep_the_claims_of_one_article(known: Newsroom) -> None:
    library, claims = _load(known)
    article, keep = library.articles[0], library.kept_claims
    assert keep is not None
    before = [(path.name, path.read_text()) for path in _files(known)]

    with ThreadPoolExecutor(8) as pool:
        tuple(pool.map(lambda _: keep.keep(article, library, claims), range(200)))

    assert [(path.name, path.read_text()) for path in _files(known)] == before


@pytest.mark.parametrize("said_by", ["the old one", "the new one"])
def test_a_source_that_is_replaced_by_now_is_looked_at_again(known: Newsroom, said_by: str) -> None:
    if said_by == "the new one":
        known.source("northfield-2027", "supersedes: northfield-2026\n")
    else:
        known.source("northfield-2027")
        known.source("northfield-2026", "superseded_by: northfield-2027\n")

    assert _is_new(known)
    assert _load(known)[0].newer == {"northfield-2026": "northfield-2027"}
