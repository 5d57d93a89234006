"""A hub learns of feeds that have changed, and those who follow them get them from it."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import feedparser
import pytest

from pipeline.config import Settings
from pipeline.errors import SettingsError
from pipeline.site import build_site, websub
from pipeline.site.websub import announce, feeds_among
from tests.site.conftest import NOW, SITE, write_article
from tests.site.hub import Hub, running_hub, running_subscriber, serving_site

PATHS = ("index.html", "feed.xml", "topics/power/atom.xml", "feeds/index.html", "feeds.opml")


@pytest.fixture
def hub() -> object:
    with running_hub() as hub:
        yield hub


def settings_with(repository: Path, hub: str, **more: str) -> Settings:
    return Settings.load(repository, websub_hub=hub, **more)


def test_who_follows_a_feed_gets_it_when_it_has_changed(repository: Path, tmp_path: Path, hub: Hub) -> None:
    target = tmp_path / "public"
    with serving_site(target) as address, running_subscriber() as subscriber:
        settings = settings_with(repository, hub.address, site_url=address)
        build_site(settings, now=NOW, site_dir=target)
        links = {link.rel: link.href for link in feedparser.parse(f"{address}topics/chips/atom.xml").feed.links}
        asked = {"hub.mode": "subscribe", "hub.topic": links["self"], "hub.callback": subscriber.address}
        urllib.request.urlopen(links["hub"], data=urlencode(asked).encode(), timeout=5).close()
        write_article(repository, "brand-new", date="2026-11-23", topics="chips")
        build_site(settings, now=NOW, site_dir=target)

        announced = announce(settings, ["topics/chips/atom.xml", "feed.xml", "articles/brand-new/index.html"])

        assert announced.told == (f"{address}feed.xml", f"{address}topics/chips/atom.xml")
        assert announced.problems == ()
        [(link, body)] = subscriber.got
        assert link == f'<{hub.address}>; rel="hub", <{address}topics/chips/atom.xml>; rel="self"'
        assert feedparser.parse(body).entries[0].title == "What the brand-new tells us"


def test_only_feeds_are_told_of() -> None:
    assert feeds_among([*PATHS, "feed.xml"], site_url=SITE) == (f"{SITE}feed.xml", f"{SITE}topics/power/atom.xml")


def test_without_a_hub_or_a_feed_nobody_is_told(repository: Path, hub: Hub) -> None:
    assert announce(settings_with(repository, ""), PATHS).told == ()
    assert announce(settings_with(repository, hub.address), ["index.html"]).told == ()
    assert hub.published == []


def test_a_hub_that_is_busy_is_told_again(repository: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websub, "WAITS", (0.01, 0.01))
    hub.answers += [(503, "", {}), (429, "", {})]

    announced = announce(settings_with(repository, hub.address), ["feed.xml"])

    assert announced.told == (f"{SITE}feed.xml",)
    assert hub.published == [f"{SITE}feed.xml"]


def test_a_hub_that_stays_busy_is_a_problem_and_no_error(
    repository: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websub, "WAITS", (0.01, 0.01))
    hub.answers += [(503, "come back\nlater", {"Content-Type": "text/plain"})] * 3

    announced = announce(settings_with(repository, hub.address), ["feed.xml", "topics/power/feed.xml"])

    assert announced.told == (f"{SITE}topics/power/feed.xml",)
    assert announced.problems == (
        f"{hub.address}: did not take {SITE}feed.xml (503 come back later); ask who runs it, or set another websub_hub",
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, "unknown\x1b[31m topic", {}), "400 unknown?[31m topic"),
        ((404, "<h1>Nothing</h1>", {"Content-Type": "text/html"}), "404 Not Found"),
        ((308, "", {"Location": "https://new.example.org/"}), "308, it is at https://new.example.org/ now"),
        ((301, "", {}), "301 Moved Permanently"),
    ],
)
def test_what_a_hub_says_instead_of_yes_is_told(
    repository: Path, hub: Hub, answer: tuple[int, str, dict[str, str]], said: str
) -> None:
    hub.answers.append(answer)

    [problem] = announce(settings_with(repository, hub.address), ["feed.xml"]).problems

    assert f"({said})" in problem
    assert hub.published == []


def test_a_hub_that_cannot_be_reached_is_asked_once(repository: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        hub = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        announced = announce(settings_with(repository, hub), ["feed.xml", "atom.xml"])

    assert announced.told == ()
    assert announced.problems == (
        f"{hub}: no connection to the hub; it was not told of 2 of 2 feeds, and learns of each when it next changes",
    )


def test_a_silent_hub_holds_nobody_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websub, "TIMEOUT", (0.5, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        announced = announce(
            settings_with(repository, f"http://127.0.0.1:{silent.getsockname()[1]}/"), ["feed.xml", "atom.xml"]
        )

    assert "the hub is silent" in announced.problems[0]
    assert len(announced.problems) == 1


@pytest.mark.parametrize(
    "hub", ["hub.example.org", "ftp://hub.example.org/", "https://", "https://a b/", "https://u:p@h.example/"]
)
def test_what_is_no_address_is_no_hub(repository: Path, hub: str) -> None:
    with pytest.raises(SettingsError, match="websub_hub"):
        settings_with(repository, hub)
