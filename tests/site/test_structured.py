"""What pages tell search engines (JSON-LD), and those who show a link to them (Open Graph, Twitter)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Settings
from pipeline.site import build_site
from tests.site.conftest import HOSTILE_PRINTED, NOW, SITE, write_article
from tests.site.reading import page, pages

# https://schema.org/IPTCDigitalSourceEnumeration
TRAINED = "https://schema.org/TrainedAlgorithmicMediaDigitalSource"
COMPOSITE = "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource"


def told(site: Path, name: str) -> Any:
    """The JSON-LD of a page, as whoever reads the page gets it."""
    return json.loads(page(site, name).one("script", type="application/ld+json").text)


def article(site: Path, slug: str) -> dict[str, Any]:
    data = told(site, f"articles/{slug}/index.html")
    assert data["@context"] == "https://schema.org"
    found: dict[str, Any] = data["@graph"][0]
    assert found["@type"] == "NewsArticle"
    return found


def test_an_article_tells_what_it_is(site: Path) -> None:
    data = article(site, "grid-queue")

    assert data["headline"] == "What the grid-queue tells us"
    assert data["description"] == "One sentence on the grid-queue."
    assert data["mainEntityOfPage"] == f"{SITE}articles/grid-queue/"
    assert (data["datePublished"], data["dateModified"]) == ("2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z")
    assert (data["articleSection"], data["keywords"]) == ("Power", "Money")
    assert data["publisher"] == {"@type": "NewsMediaOrganization", "name": "Open Signal", "url": SITE}
    assert data["inLanguage"] == "en"


def test_each_source_is_a_citation_in_order(site: Path) -> None:
    citations = article(site, "grid-queue")["citation"]

    assert [each["name"] for each in citations] == [
        'The queue, "counted" & <listed>',
        "The Wire (untitled page)",
        "A made-up page",
    ]
    assert citations[0] == {
        "@type": "CreativeWork",
        "name": 'The queue, "counted" & <listed>',
        "url": "https://grid.example.org/queue?year=2026&month=11",
        "publisher": {"@type": "Organization", "name": "Grid Office"},
        "datePublished": "2026-10",
    }


def test_a_correction_and_a_retraction_are_told(site: Path) -> None:
    correction = article(site, "corrected-one")["correction"]

    assert correction == {
        "@type": "CorrectionComment",
        "datePublished": "2026-11-21",
        "text": "We first wrote: “It was 5 <b>GW</b>.” It should have been: “It was 6 GW.” A slip.",
    }
    assert article(site, "retracted-one")["creativeWorkStatus"] == "Retracted"
    assert "creativeWorkStatus" not in article(site, "grid-queue")


def test_a_machine_is_no_author_and_is_told_of(site: Path) -> None:
    data = article(site, "grid-queue")

    assert data["digitalSourceType"] == TRAINED
    assert data["creditText"] == "AI-written, reviewed by Ines Halvorsen"
    assert data["author"]["@type"] == "NewsMediaOrganization"
    assert data["editor"] == {"@type": "Person", "name": "Ines Halvorsen", "url": f"{SITE}authors/ines-halvorsen/"}


@pytest.mark.parametrize(("involvement", "kind"), [("assisted", COMPOSITE), ("none", None)])
def test_a_person_who_wrote_it_is_its_author(own_settings: Settings, involvement: str, kind: str | None) -> None:
    path = write_article(own_settings.root, "by-tomas", date="2026-11-22")
    text = path.read_text("utf-8").replace("[drafting-model, ines-halvorsen]", "[tomas-reyl, ines-halvorsen]")
    path.write_text(text.replace("involvement: drafted", f"involvement: {involvement}"), "utf-8")

    site = build_site(own_settings, now=NOW).site_dir

    data = article(site, "by-tomas")
    assert data["author"] == {"@type": "Person", "name": "Tomas Reyl", "url": f"{SITE}authors/tomas-reyl/"}
    assert data.get("digitalSourceType") == kind


def test_breadcrumbs_lead_from_home_over_the_topic(site: Path) -> None:
    crumbs = told(site, "articles/grid-queue/index.html")["@graph"][1]

    assert crumbs["@type"] == "BreadcrumbList"
    assert [(c["position"], c["name"], c["item"]) for c in crumbs["itemListElement"]] == [
        (1, "Deep Signals", SITE),
        (2, "Power", f"{SITE}topics/power/"),
        (3, "What the grid-queue tells us", f"{SITE}articles/grid-queue/"),
    ]


def test_home_tells_of_the_site_and_no_other_page_does(site: Path) -> None:
    data = told(site, "index.html")

    assert (data["@type"], data["url"], data["name"]) == ("WebSite", SITE, "Deep Signals")
    telling = {each.url for each in pages(site) if each.all("script", type="application/ld+json")}
    assert telling == {SITE} | {
        u for u in (e.url for e in pages(site, below="articles")) if not u.endswith("receipts/")
    }


def test_hostile_words_cannot_end_the_script(site: Path) -> None:
    source = page(site, "articles/hostile/index.html").source
    script = source[source.index("application/ld+json") :]

    assert script.index("</script") == script.index("</script>\n</body>")
    assert "<!--" not in script
    assert article(site, "hostile")["headline"] == HOSTILE_PRINTED


def test_every_page_has_an_image_for_those_who_link_to_it(site: Path) -> None:
    for each in pages(site):
        if each.url.endswith("404.html"):
            continue
        image = each.one("meta", property="og:image").attributes["content"]
        assert (site / image.removeprefix(SITE)).is_file(), each.url
        assert each.one("meta", name="twitter:card").attributes["content"] == "summary_large_image"
        size = [each.one("meta", property=f"og:image:{side}").attributes["content"] for side in ("width", "height")]
        assert size == ["1200", "630"]
        assert each.one("meta", property="og:image:alt").attributes["content"]
    assert article(site, "grid-queue")["image"].startswith(f"{SITE}articles/grid-queue/share-")
