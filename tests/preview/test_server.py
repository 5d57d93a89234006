"""The preview over HTTP: who may ask, what may be shown, and what an article may not do."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.preview import previewing
from tests.mail.reading import tags
from tests.preview.test_desk import GRID
from tests.site.conftest import NOW, write_article


@pytest.fixture
def url(own_settings: Settings) -> Iterator[str]:
    with previewing(own_settings, article="grid-queue", clock=lambda: NOW) as address:
        assert address.endswith(f"/?article={GRID}")
        yield address.partition("?")[0]


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=60)


def view(url: str, kind: str, *, scheme: str = "light", images: str = "on", article: str = GRID) -> requests.Response:
    return get(f"{url}view/{scheme}/{images}/{kind}/articles/grid-queue/?article={article}")


def test_it_listens_on_loopback_alone_and_says_which_port_is_taken(own_settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*; choose another --port"),
            previewing(own_settings, port=port, clock=lambda: NOW),
        ):
            pass


@pytest.mark.parametrize(
    "path", ["", "articles", f"state?article={GRID}", f"view/light/on/web/articles/grid-queue/?article={GRID}"]
)
def test_another_name_of_this_machine_is_refused(url: str, path: str) -> None:
    """A name that leads here today and elsewhere tomorrow: its page could read what is not published yet."""
    assert get(url + path).status_code == 200
    assert get(url + path, Host="evil.example.com").status_code == 403
    assert get(url + path, Host="evil.example.com:80").status_code == 403


@pytest.mark.parametrize(
    "path",
    ["", "articles", f"state?article={GRID}", "events", f"view/light/on/web/articles/grid-queue/?article={GRID}"],
)
def test_another_sites_page_is_refused(url: str, path: str) -> None:
    for headers in ({"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}):
        answer = get(url + path, **headers)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_only_reading_is_possible(url: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert requests.request(method, url, timeout=20).status_code == 501


@pytest.mark.parametrize("kind", ["web", "mail", "digest", "text", "feed"])
def test_what_an_article_holds_may_do_nothing(url: str, kind: str) -> None:
    policy = view(url, kind).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert policy.endswith("; sandbox")
    assert "script" not in policy
    assert "img-src 'none'" in view(url, kind, images="off").headers["Content-Security-Policy"]


def test_light_and_dark_are_what_was_asked_for(url: str) -> None:
    light, dark = (view(url, "mail", scheme=scheme).text for scheme in ("light", "dark"))

    assert "@media not all {" in light
    assert "@media all {" in dark
    assert 'content="dark"' in dark
    assert "prefers-color-scheme" not in light + dark
    page = view(url, "web", scheme="dark").text
    sheet = page.partition('rel="stylesheet" href="../../')[2].partition('"')[0]
    assert "prefers-color-scheme" not in get(f"{url}view/dark/on/web/{sheet}").text


def test_fonts_and_pictures_come_from_the_repository_and_nothing_else_does(url: str, own_settings: Settings) -> None:
    (own_settings.root / "content/pages/chart.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (own_settings.root / "content/pages/notes.txt").write_text("not for readers")
    base = f"{url}view/light/on/web/"

    assert (
        get(f"{base}assets/fonts/newsreader-text.woff2", Origin="null").headers["Access-Control-Allow-Origin"] == "null"
    )
    assert get(f"{base}chart.png").headers["Content-Type"] == "image/png"
    for path in (
        "notes.txt",
        "../../pyproject.toml",
        "%2e%2e/mkdocs.yml",
        "assets/css/../../../pyproject.toml",
        "index.md",
    ):
        assert get(base + path).status_code == 404, path


def test_the_sites_own_pictures_are_shown_from_here(url: str, own_settings: Settings) -> None:
    write_article(
        own_settings.root, "pictured", body=f"![A chart]({own_settings.site_url}chart.png){{: width=10 height=10 }}"
    )
    path = "content/articles/2026/2026-11-20-pictured.md"
    deadline = time.monotonic() + 60
    while not any(each["path"] == path for each in get(f"{url}articles").json()["articles"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert 'src="/view/light/off/web/chart.png"' in view(url, "mail", images="off", article=path).text


def test_state_tells_the_lines_and_what_is_gone(url: str) -> None:
    state = get(f"{url}state?article={GRID}&kind=mail").json()

    assert state["title"] == "What the grid-queue tells us"
    assert state["lines"][0] == "---"
    assert state["inbox"]["subject"] == "What the grid-queue tells us"
    assert get(f"{url}state?article=nowhere.md").json()["gone"] is True
    assert get(f"{url}view/light/on/web/archive/").status_code == 404
    assert get(f"{url}view/light/on/nothing/x").status_code == 404


def test_each_change_is_told_at_once(url: str, own_settings: Settings) -> None:
    with requests.get(f"{url}events", stream=True, timeout=60) as events:
        lines = (line for line in events.iter_lines(chunk_size=1) if line)
        first = int(next(lines).removeprefix(b"data: "))
        path = own_settings.root / GRID
        path.write_text(path.read_text("utf-8") + "\nMore. <!-- analysis -->\n", "utf-8")

        assert int(next(lines).removeprefix(b"data: ")) > first


def test_hostile_words_stay_words(url: str, own_settings: Settings) -> None:
    hostile = get(f"{url}state?article=content/articles/2026/2026-11-21-hostile.md")

    assert hostile.headers["Content-Type"] == "application/json"
    assert "alert" in json.dumps(hostile.json())
    for kind in ("web", "mail", "digest", "text", "feed"):
        assert tags(view(url, kind, article="content/articles/2026/2026-11-21-hostile.md").text) & {
            "script",
            "img",
        } <= (
            {"script"} if kind == "web" else set()  # the page's JSON-LD
        )


def test_our_own_page_holds_nothing_of_an_article_and_allows_our_script_alone(url: str) -> None:
    answer = get(url)

    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert 'sandbox=""' in answer.text
    assert (Path(__file__).parents[2] / "pipeline/templates/preview/page.html").read_text("utf-8") == answer.text
    script = get(f"{url}preview.js").text
    assert not any(word in script for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval("))
