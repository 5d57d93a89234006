"""A copy of the newsletter's repository in which the demonstration can publish: with the sample publishers' feeds, two sources that
are fetched and stored for it, and the sample articles that rest on them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.config import ROOT_MARK, Settings
from pipeline.errors import UsageError
from pipeline.ingest import Fetcher, take_snapshot
from pipeline.library import read_library
from pipeline.library.sourcefile import snapshot_values
from pipeline.model import Role, Snapshot

SAMPLE = Path(__file__).parent / "sample"
AN_HOUR = dt.timedelta(hours=1)
FIVE_MINUTES = dt.timedelta(minutes=5)

SOURCES: Mapping[str, Mapping[str, Any]] = {
    "northfield-outlook": {
        "title": "Load outlook 2026 (invented sample)",
        "publisher": "Northfield Grid Authority",
        "page": "outlook-2026.html",
        "issued": "2026-11-18",
        "tier": "primary",
        "quotes": {
            "peak": "a summer peak of 9.4 gigawatts in 2026",
            "share": "may need 9% to 17% of regional supply by 2030",
            "revision": "60% above our 2024 outlook",
        },
    },
    "gazette-turbines": {
        "title": "Turbine makers quote five years (invented sample)",
        "publisher": "Harbour Line Gazette",
        "page": "turbines.html",
        "issued": "2026-11-19",
        "tier": "secondary",
        "quotes": {"delivery": "in the second half of 2031"},
    },
}


def copy_newsroom(root: Path, to: Path) -> None:
    """Copy what the newsletter is made of; its database, keys and outbox stay where they are."""
    to.mkdir(parents=True)
    for name in (ROOT_MARK, "pyproject.toml"):
        if (root / name).is_file():
            shutil.copy(root / name, to / name)
    for name in ("content", "theme"):
        if (root / name).is_dir():
            shutil.copytree(root / name, to / name)
    shutil.rmtree(to / "content" / "inbox", ignore_errors=True)


def add_sample_feeds(newsroom: Path, publisher: str) -> None:
    """Read the sample publishers' feeds at *publisher*, and no others: the demonstration asks nobody outside this machine."""
    topic = _first_topic(newsroom)
    feeds = [
        {
            "id": "northfield",
            "url": f"{publisher}northfield.xml",
            "publisher": "Northfield Grid Authority",
            "tier": "primary",
        },
        {"id": "gazette", "url": f"{publisher}gazette.xml", "publisher": "Harbour Line Gazette", "tier": "secondary"},
    ]
    _write_yaml(newsroom / "content" / "feeds.yml", [{**feed, "topics": [topic]} for feed in feeds])


def cite_sample_sources(newsroom: Path, publisher: str, fetcher: Fetcher, *, now: dt.datetime) -> None:
    """Fetch the sample pages, store their text, and write the sources with the quotes that articles lean on."""
    folder = newsroom / "content" / "sources"
    for name, source in SOURCES.items():
        url = publisher + source["page"]
        snapshot, _ = take_snapshot(fetcher, url, into=folder / "snapshots", now=now)
        _write_yaml(folder / f"{name}.yml", _source(name, source, url, snapshot, now))


def publish_sample(newsroom: Path, slug: str, *, date: dt.datetime) -> Path:
    """Publish the sample article *slug* at *date*."""
    text = (SAMPLE / f"{slug}.md").read_text("utf-8")
    filled = text.format(
        date=f"{date:%Y-%m-%dT%H:%M:%SZ}", editor=_first_editor(newsroom), topic=_first_topic(newsroom)
    )
    path = newsroom / "content" / "articles" / f"{date:%Y}" / f"{date:%Y-%m-%d}-sample-{slug}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(filled, "utf-8")
    return path


def newest_date(root: Path) -> dt.datetime:
    """When the newest article of the newsletter is published: the demonstration's clock starts there, on any date."""
    dates = [article.date for article in read_library(root).articles if article.status.is_final]
    if not dates:
        raise UsageError("content/articles holds no published article to show; start one with: opensignal new TITLE")
    return max(dates)


def settings_for(newsroom: Path, keep: Path, *, site_url: str, smtp_url: str) -> Settings:
    """The newsletter's own settings, but for where things are and who carries the mail."""
    own = Settings.load(newsroom)
    return Settings.load(
        newsroom,
        site_url=site_url,
        web_url=site_url,
        smtp_url=smtp_url,
        site_dir=keep / "site",
        outbox_dir=keep / "outbox",
        state_dir=keep / "state",
        database_url=f"sqlite:///{keep / 'opensignal.db'}",
        postal_address=own.postal_address or "Open Signal demonstration, nowhere",
        allow_private=True,
        signup_limits=False,  # who tries it out is one client, and may do so as often as they like
        timezone="UTC",
    )


def _source(name: str, source: Mapping[str, Any], url: str, snapshot: Snapshot, now: dt.datetime) -> dict[str, object]:
    return {
        "id": name,
        "type": "webpage",
        "title": source["title"],
        "publisher": source["publisher"],
        "issued": source["issued"],
        "accessed": f"{now:%Y-%m-%d}",
        "url": url,
        "tier": source["tier"],
        "licence": "CC0-1.0",
        "redistribute": "full",
        "sample": "true",
        "snapshot": snapshot_values(snapshot),
        "quotes": {quote: {"text": text} for quote, text in source["quotes"].items()},
    }


def _first_topic(newsroom: Path) -> str:
    return next(iter(read_library(newsroom).topics))


def _first_editor(newsroom: Path) -> str:
    people = read_library(newsroom).people.values()
    return next(person.id for person in people if person.role is Role.EDITOR)


def _write_yaml(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
