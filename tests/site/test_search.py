"""The search index holds the articles that readers may see, with what they can be found and sifted by, and nothing else."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Settings
from pipeline.errors import BuildError, UsageError
from pipeline.site import build_site
from pipeline.site.search import index_site
from pipeline.site.workplace import undisturbed
from tests.site.conftest import NOW, SECRET

MARK = b"pagefind_dcd"  # what each part begins with, unpacked


def _fragments(site: Path) -> dict[str, Any]:
    """What the index says of each article, by its address."""
    texts = (gzip.decompress(path.read_bytes()) for path in (site / "pagefind" / "fragment").iterdir())
    found = [json.loads(text.removeprefix(MARK)) for text in texts]
    return {fragment["url"]: fragment for fragment in found}


@pytest.fixture(scope="module")
def indexed(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("indexed") / "site"
    shutil.copytree(site, copy)
    index_site(copy)
    return copy


def test_every_article_is_in_it_and_no_other_page(indexed: Path) -> None:
    articles = {f"/articles/{page.parent.name}/" for page in indexed.glob("articles/*/index.html")}

    assert articles
    assert _fragments(indexed).keys() == articles


def test_an_article_is_found_by_its_text_and_sifted_by_topic_and_year(indexed: Path) -> None:
    queue = _fragments(indexed)["/articles/grid-queue/"]

    assert queue["meta"]["title"] == "What the grid-queue tells us"
    assert queue["meta"]["dek"] == "One sentence on the grid-queue."
    assert queue["meta"]["date"].startswith("2026-11-22")
    assert (sorted(queue["filters"]["topic"]), queue["filters"]["year"]) == (["Money", "Power"], ["2026"])
    assert "The queue is long." in queue["content"]
    assert "the-count" in {anchor["id"] for anchor in queue["anchors"]}


def test_what_was_corrected_or_retracted_is_found_with_the_word(indexed: Path) -> None:
    marks = {url.split("/")[2]: told["meta"].get("mark") for url, told in _fragments(indexed).items()}

    assert {slug: mark for slug, mark in marks.items() if mark} == {
        "corrected-one": "Corrected",
        "retracted-one": "Retracted",
    }


def test_neither_marks_of_citations_nor_what_stands_around_the_text_is_text(indexed: Path) -> None:
    content = _fragments(indexed)["/articles/grid-queue/"]["content"]

    assert "Grid Office" not in content
    assert "Subscribe" not in content
    assert "long. 1" not in content


def test_no_draft_and_nothing_of_tomorrow_is_in_it(indexed: Path) -> None:
    parts = [path.read_bytes() for path in (indexed / "pagefind").rglob("*") if path.is_file()]

    assert not any(SECRET in str(fragment) for fragment in _fragments(indexed).values())
    assert not any(SECRET.encode() in (gzip.decompress(p) if p[:2] == b"\x1f\x8b" else p) for p in parts)


def test_only_what_our_own_page_loads_is_published(indexed: Path) -> None:
    names = {path.name for path in (indexed / "pagefind").iterdir() if path.suffix in (".js", ".css", ".html", ".json")}

    assert "pagefind.js" in names
    assert not {name for name in names if "ui" in name or name.endswith((".css", ".html"))}


def test_while_the_articles_are_the_same_the_index_is_the_same_and_it_follows_them(site: Path, tmp_path: Path) -> None:
    copy, kept = tmp_path / "site", tmp_path / "kept"
    shutil.copytree(site, copy)

    def index() -> dict[str, bytes]:
        index_site(copy, kept=kept)
        return {str(path): path.read_bytes() for path in (copy / "pagefind").rglob("*") if path.is_file()}

    first = index()
    shutil.rmtree(copy / "pagefind")
    again = index()
    shutil.rmtree(copy / "articles" / "grid-queue")
    index()

    assert first == again
    assert "/articles/grid-queue/" not in _fragments(copy)
    assert len(list(kept.iterdir())) == 2  # the index, and its hash


@pytest.mark.parametrize("damage", ["changed", "cut", "taken away"])
def test_a_kept_index_that_is_damaged_is_not_published(site: Path, tmp_path: Path, damage: str) -> None:
    copy, kept = tmp_path / "site", tmp_path / "kept"
    shutil.copytree(site, copy)
    index_site(copy, kept=kept)
    shutil.rmtree(copy / "pagefind")
    part = next(kept.rglob("*.pf_meta"))
    raw = part.read_bytes()
    spoilt = {"changed": raw[:20] + bytes([raw[20] ^ 1]) + raw[21:], "cut": raw[:20]}.get(damage)
    part.unlink()
    if spoilt:
        part.write_bytes(spoilt)

    index_site(copy, kept=kept)

    (meta,) = (copy / "pagefind").glob("*.pf_meta")
    assert gzip.decompress(meta.read_bytes()).startswith(MARK)
    assert meta.read_bytes() != spoilt


def test_no_build_goes_on_while_the_index_is_made(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.site.workplace.PATIENCE", 0.1)
    build_site(own_settings, now=NOW)

    with undisturbed(own_settings, own_settings.site_dir), pytest.raises(BuildError, match="another build"):
        build_site(own_settings, now=NOW)

    build_site(own_settings, now=NOW)


def test_a_folder_that_is_no_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no built site; run opensignal build first"):
        index_site(tmp_path)


def test_where_it_cannot_be_made_the_old_one_stays(indexed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "site"
    shutil.copytree(indexed, copy)
    before = _fragments(copy)
    for page in copy.glob("articles/*/index.html"):
        page.unlink()
        page.mkdir()  # not to be read

    with pytest.raises(BuildError):
        index_site(copy)

    assert _fragments(copy) == before
