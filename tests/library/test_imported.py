"""What came along from elsewhere owes no citations, and says so; nothing else can say that it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipeline.library import provenance
from pipeline.model import Basis, Problem, Severity
from tests.library.gitted import Gitted
from tests.library.newsroom import front

CAME = "{service: substack, id: 1401.grid, on: 2026-11-20, url: https://old.example.com/p/grid}"
BODY = "It named 42 halls in the spring.\n“We ask for more than they do,” said the office.\n"
LEDGER = "- {service: substack, on: 2026-11-20, articles: 1}\n"


@pytest.fixture
def gitted(tmp_path: Path) -> Gitted:
    newsroom = Gitted(tmp_path)
    newsroom.write("content/imports.yml", LEDGER)
    newsroom.article(BODY, front=front(imported=CAME))
    return newsroom


def errors(newsroom: Gitted) -> list[Problem]:
    return [problem for problem in newsroom.load().problems if problem.severity is Severity.ERROR]


def test_s208_what_came_along_owes_no_citation_and_claims_none(gitted: Gitted) -> None:
    library = gitted.load()

    assert library.problems == ()
    (article,) = library.articles
    assert [claim.basis for claim in library.claims(article)] == [Basis.IMPORTED, Basis.IMPORTED]
    assert library.summary(article).factual == 2
    assert provenance(article) == (
        "First published at old.example.com (Substack) and brought here on 20 November 2026, "
        "without sources to look it up in."
    )


def test_without_the_mark_the_same_text_must_cite(gitted: Gitted) -> None:
    gitted.article(BODY)

    assert [problem.code for problem in errors(gitted)] == ["S201", "S202"]


def test_its_title_and_dek_are_as_they_were_and_what_lacks_is_only_warned_of(gitted: Gitted) -> None:
    picture = gitted.root / "content/pages/images/a.png"
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(picture)
    gitted.article(
        "![](images/a.png)\n", front=front(imported=CAME, title="Hm", dek="One. Two.", topics="[]", authors="[tomas]")
    )

    found = {problem.code: problem.severity for problem in gitted.load().problems}

    assert set(found) == {"S017", "S041"}  # what can be made better without changing what readers read
    assert set(found.values()) == {Severity.WARNING}


def test_what_it_cites_is_looked_up_all_the_same(gitted: Gitted) -> None:
    gitted.article("The peak was 9.99 GW.[^northfield-2026]\n", front=front(imported=CAME))

    assert [problem.code for problem in errors(gitted)] == ["S301"]


def test_s208_an_article_after_the_import_did_not_come_with_it(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(imported=CAME.replace("2026-11-20", "2026-11-19")))
    gitted.write("content/imports.yml", LEDGER.replace("2026-11-20", "2026-11-19"))

    assert [problem.code for problem in errors(gitted)] == ["S208", "S201", "S202"]


def test_s208_an_import_that_nobody_made_brings_nothing(gitted: Gitted) -> None:
    gitted.write("content/imports.yml", LEDGER.replace("substack", "ghost"))

    (problem,) = errors(gitted)

    assert problem.code == "S208"
    assert problem.message == (
        "content/imports.yml knows of no import from substack on 2026-11-20; "
        "delete imported:, and cite, or bring the article along by: opensignal import"
    )


def test_s208_no_more_articles_than_the_import_brought(gitted: Gitted) -> None:
    gitted.article(BODY, front=front(imported=CAME, date="2026-11-19"), slug="new", date="2026-11-19")

    found = [problem for problem in errors(gitted) if problem.code == "S208"]

    assert [(problem.path, problem.line) for problem in found] == [("content/imports.yml", 1)]
    assert found[0].message == (
        "2 articles say that they came from substack on 2026-11-20, and that import brought 1; "
        "delete imported: where it was added by hand"
    )


def test_s208_what_was_ours_cannot_come_along_later(gitted: Gitted) -> None:
    gitted.article(BODY)
    gitted.commit("Ours")
    gitted.article(BODY, front=front(imported=CAME))

    (problem,) = errors(gitted)

    assert problem.code == "S208"
    assert "was here" in problem.message


def test_s208_a_sentence_written_after_the_import_cites_as_any_other(gitted: Gitted) -> None:
    gitted.commit("Import")
    front_now = front(
        imported=CAME,
        status="corrected",
        updated="2026-11-21T09:00:00Z",
        corrections="[{date: 2026-11-21, was: It named 42 halls in the spring., now: It named 43 halls in the spring.}]",
    )
    gitted.article(BODY.replace("42", "43"), front=front_now)

    (problem,) = errors(gitted)

    assert (problem.code, problem.line) == ("S201", 12)
    assert problem.message.endswith("this sentence was written after the import")


def test_moved_words_and_a_new_image_are_no_new_sentence(gitted: Gitted) -> None:
    gitted.commit("Import")
    gitted.article(BODY + "\n![Halls](images/halls.png)\n", front=front(imported=CAME))

    assert errors(gitted) == []
