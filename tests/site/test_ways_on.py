"""The ways from one page to the next: related articles, series, authors, and older addresses."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.model import Status
from pipeline.site import build_site
from pipeline.site.related import related_articles, related_places
from pipeline.site.verify.places import read_folder
from tests.builders import an_article
from tests.site.conftest import NOW, SECRET, SITE, write_article
from tests.site.reading import page, pages, resolves

SERIES = "- {id: halls, name: The halls & <lines>, description: One after another.}\n- {id: quiet, name: Not begun}\n"


@pytest.fixture
def with_series(own_settings: Settings) -> Path:
    """A site with a series of three parts, the last of them still a draft."""
    (own_settings.content / "series.yml").write_text(SERIES, "utf-8")
    for number, status in enumerate(["published", "published", "draft"], start=1):
        write_article(
            own_settings.root, f"hall-{number}", date=f"2026-11-1{number}", status=status, more="series: halls\n"
        )
    write_article(own_settings.root, "not-yet", date="2026-11-14", status="draft", more="series: quiet\n")
    return build_site(own_settings, now=NOW).site_dir


# --- series -------------------------------------------------------------------------------------------------------------------


def test_an_article_leads_to_its_series_and_to_the_parts_beside_it(with_series: Path) -> None:
    first = page(with_series, "articles/hall-1/index.html").one("nav", **{"class": "series"})
    second = page(with_series, "articles/hall-2/index.html").one("nav", **{"class": "series"})

    assert " ".join(first.text.split()) == "Part 1 of the series The halls & <lines> Part 2 What the hall-2 tells us"
    assert " ".join(second.text.split()) == "Part 2 of the series The halls & <lines> Part 1 What the hall-1 tells us"


def test_a_series_lists_its_parts_in_order_and_none_that_is_a_draft(with_series: Path) -> None:
    parts = page(with_series, "series/halls/index.html").one("ol", **{"class": "rows wide parts"})

    assert re.findall(r"Part \d|What the hall-\d", parts.text) == [
        "Part 1",
        "What the hall-1",
        "Part 2",
        "What the hall-2",
    ]
    assert "The halls & <lines>" in page(with_series, "series/index.html").one("main").text


def test_a_series_that_has_not_begun_is_nowhere(with_series: Path) -> None:
    assert not (with_series / "series/quiet").exists()
    assert not [each.url for each in pages(with_series) if "Not begun" in each.source]


def test_a_site_without_series_has_no_page_of_them(site: Path) -> None:
    assert not (site / "series").exists()
    assert "series/" not in (site / "index.html").read_text("utf-8")


# --- authors ------------------------------------------------------------------------------------------------------------------


def test_every_author_has_a_page_that_says_plainly_what_they_are(site: Path) -> None:
    model, editor = (page(site, f"authors/{id_}/index.html") for id_ in ("drafting-model", "ines-halvorsen"))

    assert "AI. A language model, not a person." in model.one("main").text
    assert "Editor. A person." in editor.one("main").text
    assert [e.text for e in page(site, "authors/index.html").all("h2")][:2] == ["People", "Language models"]


def test_an_author_has_the_articles_that_they_wrote_or_reviewed(own_settings: Settings) -> None:
    path = write_article(own_settings.root, "by-tomas", date="2026-11-22")
    text = path.read_text("utf-8").replace("[drafting-model, ines-halvorsen]", "[tomas-reyl, ines-halvorsen]")
    path.write_text(text.replace("involvement: drafted", "involvement: assisted"), "utf-8")

    site = build_site(own_settings, now=NOW).site_dir

    titles = {
        id_: [e.text for e in page(site, f"authors/{id_}/index.html").all("a", **{"class": "title"})]
        for id_ in ("tomas-reyl", "ines-halvorsen", "drafting-model")
    }
    assert titles["tomas-reyl"] == ["What the by-tomas tells us"]
    assert len(titles["ines-halvorsen"]) == 7
    assert "What the by-tomas tells us" not in titles["drafting-model"]


def test_an_article_names_its_authors_with_what_each_is(site: Path) -> None:
    article = page(site, "articles/grid-queue/index.html")

    assert [e.attributes["href"] for e in article.all("a", rel="author")] == [
        "../../authors/drafting-model/",
        "../../authors/ines-halvorsen/",
    ]
    assert "Open Signal drafting model (AI)·Ines Halvorsen (editor)" in _dotted(article.source)


def _dotted(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html.replace('<span class="dot"></span>', "·"))


def test_an_author_of_many_articles_has_a_page_a_year(own_settings: Settings) -> None:
    for number in range(32):
        write_article(own_settings.root, f"many-{number}", date=f"2024-01-{number % 28 + 1:02}")

    site = build_site(own_settings, now=NOW).site_dir

    newest = page(site, "authors/ines-halvorsen/index.html")
    year = page(site, "authors/ines-halvorsen/2024/index.html")
    assert len(newest.all("time")) == 30
    assert len(year.all("time")) == 32
    assert year.one("h1").text == "Ines Halvorsen in 2024"
    for each in (newest, year):
        assert all(resolves(site, link) for link in each.links if link.startswith(SITE)), each.url


# --- related ------------------------------------------------------------------------------------------------------------------


def test_related_are_earlier_ones_with_the_same_sources_or_topics_the_nearest_first() -> None:
    cited = an_article("cited", days_old=1).citations
    assert cited == ()
    articles = [
        an_article("new", days_old=1, topics=("power", "chips")),
        an_article("before", days_old=2),
        an_article("other-topic", days_old=3, topics=("policy",)),
        an_article("second-topic", days_old=4, topics=("chips",)),
        an_article("retracted", days_old=5, status=Status.RETRACTED),
        an_article("lead-topic", days_old=6),
        an_article("lead-topic-older", days_old=7),
    ]

    related = related_articles(articles)

    assert [a.slug for a in related["new"]] == ["lead-topic", "lead-topic-older", "second-topic"]
    assert [a.slug for a in related["lead-topic-older"]] == []


def test_a_shared_source_weighs_more_than_a_shared_topic(own_settings: Settings) -> None:
    for number, (slug, topic, body) in enumerate(
        [
            ("newest", "power", "So.[^wire]"),
            ("between", "money", "A."),
            ("topic", "power", "B."),
            ("source", "chips", "C.[^wire]"),
        ]
    ):
        write_article(own_settings.root, slug, date=f"2026-11-2{3 - number}", topics=topic, body=body)
    for path in own_settings.content.glob("articles/*/*.md"):
        if not re.search(r"-(newest|between|topic|source)\.md$", path.name):
            path.unlink()
    own_settings.content.joinpath("articles/2025").rmdir()

    site = build_site(own_settings, now=NOW).site_dir

    related = page(site, "articles/newest/index.html").one("section", **{"class": "related"}).text
    assert related.index("What the source") < related.index("What the topic")


def test_a_new_article_changes_nothing_of_what_is_related_to_older_ones() -> None:
    older = [an_article(f"old-{n}", days_old=n + 2) for n in range(20)]
    new = an_article("new", days_old=1)

    before, after = related_articles(older), related_articles([new, *older])

    assert {slug: found for slug, found in after.items() if slug != "new"} == before
    assert [a.slug for a in after["new"]] == ["old-1", "old-2", "old-3"]
    assert related_articles([replace(new, topics=("chips",)), *older])["new"] == ()


@pytest.mark.parametrize("known", [0, 1, 7, 19, 20])
def test_related_articles_that_are_known_already_change_nothing_of_the_later_ones(known: int) -> None:
    articles = [an_article(f"a-{n}", days_old=n, topics=("power", "chips")[: 1 + n % 2]) for n in range(20)]
    articles[5] = replace(articles[5], status=Status.RETRACTED)
    found = related_places(articles)

    assert related_places(articles, known=found[:known]) == found


# --- older addresses ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_aliases(own_settings: Settings) -> Path:
    more = "aliases: [/2019/05/old-title/, /p/früher.html, /articles/old-slug]\n"
    write_article(own_settings.root, "moved", date="2026-11-22", title="Moved & <on>", more=more)
    write_article(own_settings.root, f"{SECRET}-9", status="draft", date="2026-11-22", more="aliases: [/secret/]\n")
    return build_site(own_settings, now=NOW).site_dir


@pytest.mark.parametrize("name", ["2019/05/old-title/index.html", "p/früher.html", "articles/old-slug/index.html"])
def test_an_older_address_sends_on_to_the_article(with_aliases: Path, name: str) -> None:
    moved = page(with_aliases, name)

    assert moved.one("link", rel="canonical").attributes["href"] == f"{SITE}articles/moved/"
    refresh = moved.one("meta", **{"http-equiv": "refresh"}).attributes["content"]
    assert refresh == f"0; url={moved.one('a').attributes['href']}"
    assert moved.links[-1] == f"{SITE}articles/moved/"
    assert moved.one("a").text == "Moved & <on>"


def test_hosts_that_read_redirects_are_told_of_both_ways_to_write_an_address(with_aliases: Path) -> None:
    assert (with_aliases / "_redirects").read_text("utf-8").splitlines() == [
        "/2019/05/old-title/ /articles/moved/ 301",
        "/2019/05/old-title /articles/moved/ 301",
        "/articles/old-slug/ /articles/moved/ 301",
        "/articles/old-slug /articles/moved/ 301",
        "/p/fr%C3%BCher.html /articles/moved/ 301",
    ]


def test_no_list_and_no_map_names_an_older_address(with_aliases: Path) -> None:
    for name in ("sitemap.xml", "feed.xml", "atom.xml", "feed.json", "archive/index.html"):
        assert "old-title" not in (with_aliases / name).read_text("utf-8"), name
    assert not (with_aliases / "secret").exists()


def test_a_site_below_a_folder_of_its_host_redirects_below_it(own_settings: Settings) -> None:
    write_article(own_settings.root, "moved", date="2026-11-22", more="aliases: [/old/]\n")
    settings = own_settings.model_copy(update={"site_url": "https://example.org/news/"})

    site = build_site(settings, now=NOW).site_dir

    assert (site / "_redirects").read_text("utf-8").startswith("/news/old/ /news/articles/moved/ 301\n")
    assert 'url=../articles/moved/"' in (site / "old/index.html").read_text("utf-8")


def test_a_page_of_the_site_comes_before_an_alias(own_settings: Settings) -> None:
    write_article(own_settings.root, "moved", date="2026-11-22", more="aliases: [/about/]\n")

    site = build_site(own_settings, now=NOW, check=False).site_dir

    assert page(site, "about/index.html").one("main")
    assert not (site / "_redirects").exists()


def test_a_site_with_older_addresses_can_be_verified(with_aliases: Path) -> None:
    assert read_folder(with_aliases, now=NOW)
