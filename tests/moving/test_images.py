"""Images that are not in the export are fetched where the editor wants that, once, and edited articles stay as they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.ingest.fetch import Fetcher, Limits
from pipeline.moving import Moved, Options, move_in
from tests.ingest.site import Site, running
from tests.moving.newsletter import png, table, write_zip

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
QUICK = Limits(connect=2, silence=1, total=2, body=200_000, pause=0)


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(user_agent="OpenSignal/0", allow_private=True, log=tmp_path / "fetch.jsonl", limits=QUICK)


def export(folder: Path, *images: str) -> Path:
    body = "<p>Words.</p>" + "".join(f'<figure><img src="{url}" alt="A quay"></figure>' for url in images)
    fields = {
        "post_id": "1.grid",
        "post_date": "2024-03-01",
        "is_published": "true",
        "type": "newsletter",
        "title": "A title of it",
    }
    return write_zip(folder / "export.zip", {"posts.csv": table(fields, [fields]), "posts/1.grid.html": body})


def take(settings: Settings, path: Path, fetcher: Fetcher | None) -> Moved:
    return move_in(settings, [path], Options(), fetcher=fetcher, now=NOW)


def article(settings: Settings) -> Path:
    return settings.content / "articles/2024/2024-03-01-grid.md"


def test_an_image_is_fetched_once_and_the_article_shows_it(
    settings: Settings, tmp_path: Path, site: Site, fetcher: Fetcher
) -> None:
    path = export(tmp_path, site.put("/a/quay.png?w=600", png(7)))

    first = take(settings, path, fetcher)
    again, without = take(settings, path, fetcher), take(settings, path, None)

    (image,) = (settings.content / "pages/images/archive/grid").iterdir()
    assert image.read_bytes() == png(7)
    assert f"![A quay](images/archive/grid/{image.name})" in article(settings).read_text("utf-8")
    assert (first.images, first.ok, first.images_away) == (1, True, {})
    assert (again.outcomes, without.outcomes) == ({"unchanged": 1}, {"unchanged": 1})
    assert site.count("/a/quay.png?w=600") == 1


def test_images_may_be_fetched_by_a_later_run(settings: Settings, tmp_path: Path, site: Site, fetcher: Fetcher) -> None:
    url = site.put("/quay.png", png(7))
    path = export(tmp_path, url)

    assert take(settings, path, None).images_away == {"127.0.0.1": 1}
    assert f"![A quay]({url})" in article(settings).read_text("utf-8")

    assert take(settings, path, fetcher).outcomes == {"completed": 1}
    assert "![A quay](images/archive/grid/quay-" in article(settings).read_text("utf-8")


def test_an_image_that_is_gone_stays_a_link_and_is_told(
    settings: Settings, tmp_path: Path, site: Site, fetcher: Fetcher
) -> None:
    url = site.put("/quay.png", "gone", status=404)

    report = take(settings, export(tmp_path, url, site.put("/page.png", "<html>no image</html>")), fetcher)

    assert not report.ok
    lost = [str(one) for one in report.notes if one.lost]
    assert any("404" in one for one in lost)
    assert any("it is no image that we know" in one for one in lost)
    assert f"![A quay]({url})" in article(settings).read_text("utf-8")


def test_an_edited_article_waits_for_nobody_to_write_over_it(
    settings: Settings, tmp_path: Path, site: Site, fetcher: Fetcher
) -> None:
    path = export(tmp_path, site.put("/quay.png", png(7)))
    take(settings, path, None)
    edited = article(settings).read_text("utf-8") + "\nOurs.\n"
    article(settings).write_text(edited, "utf-8")

    assert take(settings, path, fetcher).outcomes == {"kept": 1}
    assert site.asked == []
    assert not (settings.content / "pages/images").exists()
    assert article(settings).read_text("utf-8") == edited
