"""The sitemap as a search engine reads it: real dates, in parts where it grows too long; and the sitemap of news."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from pipeline.config import Settings
from pipeline.library import load_library
from pipeline.site import BuildReport
from pipeline.site.publication import Publication
from pipeline.site.sitemap import MOST, news_sitemap, sitemaps
from tests.site.conftest import HOSTILE, NOW, SITE, write_article
from tests.site.reading import resolves

SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"


def rows(text: str, tag: str = "url") -> dict[str, str | None]:
    found = ET.fromstring(text).iter(f"{SPACE}{tag}")
    return {str(row.findtext(f"{SPACE}loc")): row.findtext(f"{SPACE}lastmod") for row in found}


def news(settings: Settings, now: dt.datetime) -> ET.Element:
    library = load_library(settings.root, now=now)
    return ET.fromstring(news_sitemap(Publication(settings, library, now=now)))


def test_the_sitemap_names_every_page_that_can_be_found(site: Path, report: BuildReport) -> None:
    found = rows((site / "sitemap.xml").read_text("utf-8"))

    assert len(found) == report.pages - 1  # all but 404.html
    assert all(resolves(site, url) for url in found)


def test_the_sitemaps_dates_are_real(site: Path) -> None:
    found = rows((site / "sitemap.xml").read_text("utf-8"))

    assert found[f"{SITE}articles/corrected-one/"] == "2026-11-21T08:00:00Z"
    assert found[f"{SITE}articles/grid-queue/"] == "2026-11-22T06:00:00Z"
    assert found[f"{SITE}archive/"] == "2026-11-22T06:00:00Z"
    assert found[f"{SITE}archive/2025/"] == "2025-12-30T06:00:00Z"
    assert found[f"{SITE}topics/chips/"] == "2026-11-18T06:00:00Z"
    assert found[SITE] == "2026-11-22T06:00:00Z"
    assert found[f"{SITE}topics/policy/"] is None
    assert found[f"{SITE}about/"] is None


def test_beyond_fifty_thousand_pages_there_are_several_sitemaps_and_a_list_of_them() -> None:
    pages = [(f"{SITE}articles/{number:05}/", NOW - dt.timedelta(days=number)) for number in range(MOST + 1)]

    files = {path: part.text() for path, part in sitemaps(reversed(pages), site_url=SITE)}

    assert list(files) == ["sitemap.xml", "sitemap-1.xml", "sitemap-2.xml"]
    assert rows(files["sitemap.xml"], "sitemap") == {
        f"{SITE}sitemap-1.xml": "2026-11-23T09:00:00Z",
        f"{SITE}sitemap-2.xml": f"{NOW - dt.timedelta(days=MOST):%Y-%m-%dT%H:%M:%SZ}",
    }
    listed = [*rows(files["sitemap-1.xml"]), *rows(files["sitemap-2.xml"])]
    assert listed == [address for address, _ in pages]
    assert len(rows(files["sitemap-1.xml"])) == MOST
    assert max(len(text.encode()) for text in files.values()) < 50 * 2**20


def test_fifty_thousand_pages_are_one_sitemap() -> None:
    found = sitemaps([(f"{SITE}{number}/", None) for number in range(MOST)], site_url=SITE)

    assert [path for path, _ in found] == ["sitemap.xml"]


def test_the_sitemap_of_news_holds_the_articles_of_two_days(site: Path) -> None:
    root = ET.parse(site / "news-sitemap.xml").getroot()

    [row] = root.iter(f"{SPACE}url")
    assert row.findtext(f"{SPACE}loc") == f"{SITE}articles/grid-queue/"
    assert row.findtext(f"{NEWS}news/{NEWS}publication/{NEWS}name") == "Deep Signals"
    assert row.findtext(f"{NEWS}news/{NEWS}publication/{NEWS}language") == "en"
    assert row.findtext(f"{NEWS}news/{NEWS}publication_date") == "2026-11-22T06:00:00Z"
    assert row.findtext(f"{NEWS}news/{NEWS}title") == "What the grid-queue tells us"


def test_news_grow_old_and_what_was_retracted_is_none(own_settings: Settings) -> None:
    write_article(own_settings.root, "taken-back", date="2026-11-22", status="retracted")

    before = news(own_settings, dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC))
    after = news(own_settings, dt.datetime(2026, 11, 23, 6, 0, 1, tzinfo=dt.UTC))
    much_later = news(own_settings, dt.datetime(2027, 1, 1, tzinfo=dt.UTC))

    titles = [row.text for row in before.iter(f"{NEWS}title")]
    assert titles == ["What the grid-queue tells us", HOSTILE]
    assert [row.text for row in after.iter(f"{NEWS}title")] == titles[:1]
    assert list(much_later) == []


def test_news_in_chinese_say_in_which_script(own_settings: Settings) -> None:
    named = {"zh": "zh-cn", "zh-Hans-SG": "zh-cn", "zh-TW": "zh-tw", "zh-Hant": "zh-tw", "pt-BR": "pt"}
    for number, lang in enumerate(named):
        write_article(
            own_settings.root, f"news-{number}", date="2026-11-22", title=f"News in {lang}", more=f"lang: {lang}\n"
        )

    told = news(own_settings, NOW)

    titles = [row.text or "" for row in told.iter(f"{NEWS}title")]
    languages = [row.text for row in told.iter(f"{NEWS}language")]
    found = {title.removeprefix("News in "): lang for title, lang in zip(titles, languages, strict=True)}
    assert {lang: found[lang] for lang in named} == named


def test_robots_are_told_where_the_sitemaps_are(site: Path) -> None:
    text = (site / "robots.txt").read_text("utf-8")

    assert re.findall(r"^Sitemap: (.*)$", text, re.MULTILINE) == [f"{SITE}sitemap.xml", f"{SITE}news-sitemap.xml"]
    assert text.startswith("User-agent: *\nAllow: /\n")
