"""The whole app: health, the theme's files, the built site beside it, and a server that starts and ends cleanly."""

from __future__ import annotations

import http.client
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.keys import rotate
from pipeline.mail.tokens import Purpose
from pipeline.store import Store
from pipeline.web import create_app
from pipeline.web.server import run_server, serving
from tests.web.conftest import REPOSITORY, Desk, opened


def raw_get(url: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """A request whose path nobody tidies up."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", "evil.test")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


# --- keys ------------------------------------------------------------------------------------------------------------


def test_links_of_the_old_and_the_new_key_open_while_the_server_runs(desk: Desk) -> None:
    """M-18: a key is changed by a command; `serve` needs no restart."""
    desk.joined("reader@example.org")
    old = desk.link(Purpose.UNSUBSCRIBE, "reader@example.org")
    rotate(desk.settings.state_dir, "token", now=desk.now)
    new = desk.link(Purpose.UNSUBSCRIBE, "reader@example.org")

    assert old != new
    assert [desk.get(link).status_code for link in (old, new)] == [200, 200]


def test_a_key_file_that_is_spoilt_meanwhile_is_no_crash(desk: Desk) -> None:
    link = desk.link(Purpose.UNSUBSCRIBE, desk.joined("reader@example.org").email or "")
    (desk.settings.state_dir / "keys" / "token.key").chmod(0o644)

    answer = desk.get(link)

    assert answer.status_code == 503
    assert "token.key" not in answer.text


# --- health ----------------------------------------------------------------------------------------------------------


def test_health_is_a_database_that_can_be_read(desk_of_each: Desk) -> None:
    answer = desk_of_each.get("healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert desk_of_each.session.head(f"{desk_of_each.url}healthz", timeout=20).status_code == 200


def test_health_is_503_when_it_cannot(desk: Desk) -> None:
    with desk.store.writing() as c:
        c.execute(sa.text("ALTER TABLE subscribers RENAME TO lost"))

    answer = desk.get("healthz")

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_theme(settings: Settings) -> None:
    shutil.copytree(REPOSITORY / "theme", settings.root / "theme")


@pytest.mark.usefixtures("with_theme")
def test_pages_have_the_look_of_the_site(sqlite_store: Store, settings: Settings, now) -> None:  # type: ignore[no-untyped-def]
    with opened(sqlite_store, settings, now) as desk:
        page = desk.get("subscribe").text
        path = page.partition('rel="stylesheet" href="/')[2].partition('"')[0]
        sheet = desk.get(path)
        font = desk.get("assets/fonts/newsreader-text.woff2")
        mark = desk.get("assets/mark.svg")

    assert path.startswith("assets/css/mailing-")
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "--paper" in sheet.text
    assert ".quiet" in sheet.text
    assert "@import" not in sheet.text
    assert font.headers["Content-Type"] == "font/woff2"
    assert mark.headers["Content-Type"] == "image/svg+xml"
    assert font.headers["X-Content-Type-Options"] == "nosniff"


def test_without_a_theme_the_pages_are_plain_and_work(desk: Desk) -> None:
    assert desk.get("subscribe").status_code == 200
    assert desk.get("assets/mark.svg").status_code == 404


def test_the_built_site_is_served_beside_the_pages(desk: Desk) -> None:
    """It may be built after the server has started, and again."""
    assert desk.get("").status_code == 404
    site = desk.settings.site_dir
    (site / "archive").mkdir(parents=True)
    (site / "assets").mkdir()
    (site / "index.html").write_text("<h1>Front page</h1>")
    (site / "404.html").write_text("<h1>Not here</h1>")
    (site / "archive" / "index.html").write_text("<h1>Archive</h1>")
    (site / "feed.xml").write_text("<rss/>")
    (site / "assets" / "site.css").write_text("b{}")
    (site.parent / "secret.txt").write_text("secret")

    assert "Front page" in desk.get("").text
    assert "Archive" in desk.get("archive/").text
    assert desk.get("archive").headers["Location"] == "./archive/"
    assert desk.get("feed.xml").headers["Content-Type"].startswith(("text/xml", "application/"))
    assert desk.get("assets/site.css").text == "b{}"
    missing = desk.get("nothing")
    assert (missing.status_code, missing.text) == (404, "<h1>Not here</h1>")
    assert desk.get("subscribe").text.count("Get Deep Signals in your inbox") == 1
    assert desk.post("feed.xml").status_code == 405


def test_the_sites_own_page_of_that_name_is_shown_where_there_is_one(desk: Desk) -> None:
    """The form without a slash stays, and both take the form."""
    form = desk.get("subscribe").text
    assert desk.get("subscribe/").text == form
    page = desk.settings.site_dir / "subscribe" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Why you may like it</h1>")

    with_slash, without = desk.get("subscribe/"), desk.get("subscribe")
    head = desk.session.head(f"{desk.url}subscribe/", timeout=20)
    sent = desk.post("subscribe/", {"email": "a@example.org"})
    put = desk.session.put(f"{desk.url}subscribe/", timeout=20)

    assert (with_slash.text, without.text) == ("<h1>Why you may like it</h1>", form)
    assert with_slash.headers["X-Content-Type-Options"] == "nosniff"
    assert (head.status_code, head.content) == (200, b"")
    assert "on its way" in sent.text
    assert put.status_code == 405
    page.unlink()
    assert desk.get("subscribe/").text == form


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/archive/../../secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//secret.txt",
        "/%00",
        "/assets/%00",
        "/" + "a" * 5_000,
        "/link.txt",
    ],
)
def test_nothing_outside_the_site_is_served(desk: Desk, path: str) -> None:
    site = desk.settings.site_dir
    (site / "archive").mkdir(parents=True)
    (site.parent / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(site.parent / "secret.txt")

    status, headers, body = raw_get(desk.url, path)

    assert status == 404
    assert b"secret" not in body
    assert "location" not in headers


@pytest.mark.parametrize("path", ["/archive", "//archive", "//evil.test/..//archive", "/archive/../archive"])
def test_no_redirect_leads_off_the_site(desk: Desk, path: str) -> None:
    (desk.settings.site_dir / "archive").mkdir(parents=True)
    (desk.settings.site_dir / "archive" / "index.html").write_text("Archive")

    _, headers, _ = raw_get(desk.url, path)

    assert headers.get("location", "./archive/") == "./archive/"


def test_pages_below_a_path_link_to_each_other_there(sqlite_store: Store, settings: Settings, now) -> None:  # type: ignore[no-untyped-def]
    settings = settings.model_copy(update={"web_url": "https://example.org/letters/"})
    with opened(sqlite_store, settings, now) as desk:
        page = desk.get("subscribe").text

    assert 'action="/letters/subscribe"' in page
    assert 'href="/letters/assets/css/' in page


# --- the server ------------------------------------------------------------------------------------------------------


def test_no_secret_reaches_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.joined("reader@example.org")
    paths = [desk.link(purpose, "reader@example.org") for purpose in Purpose]

    for path in paths:
        desk.get(path)
        desk.post(path, {"x": "a" * 9_000})
    with desk.store.writing() as c:
        c.execute(sa.text("ALTER TABLE subscribers RENAME COLUMN state TO lost"))
    answers = [desk.get(path) for path in paths]

    assert {answer.status_code for answer in answers} == {503}
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("opensignal", "uvicorn", "fastapi")))
    assert "web: " in ours
    for secret in ["reader@", *[path.rpartition("/")[2] for path in paths]]:
        assert secret not in ours


def test_an_answer_on_an_open_line_comes_at_once(desk: Desk) -> None:
    """Head and body go out as they are: held back for an acknowledgement (RFC 896), each answer took 40 ms more."""
    desk.get("subscribe")

    def took() -> float:
        began = time.perf_counter()
        desk.get("subscribe")
        return time.perf_counter() - began

    assert any(took() < 0.035 for _ in range(200)), "not one, however busy the machine is"


def test_an_address_in_use_is_said_and_not_traced(sqlite_store: Store, settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:\d+: .*; choose another --port"):
            run_server(sqlite_store, settings, port=taken.getsockname()[1])


def test_a_server_in_a_thread_ends_with_its_block(sqlite_store: Store, settings: Settings) -> None:
    with serving(create_app(sqlite_store, settings)) as url:
        assert requests.get(f"{url}healthz", timeout=20).status_code == 200

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}healthz", timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_lets_its_caller_clean_up(
    settings: Settings, sqlite_url: str, tmp_path: Path, number: int
) -> None:
    code = (
        "import sys; from pipeline.config import Settings; from pipeline.store import open_store;"
        "from pipeline.web.server import run_server; s = Settings.load(sys.argv[1], database_url=sys.argv[2]);"
        "run_server(open_store(s), s, port=0, started=lambda url: print(url, flush=True)); print('clean', flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.root), sqlite_url], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    answer = requests.get(f"{url}healthz", timeout=20)

    os.kill(process.pid, number)
    rest, _ = process.communicate(timeout=30)

    assert answer.status_code == 200
    assert rest == "clean\n"
    assert process.returncode == 0


def test_a_server_in_a_thread_that_is_asked_twice_to_end_ends_in_order(settings: Settings, sqlite_url: str) -> None:
    code = """
import sys, time
from pipeline.config import Settings
from pipeline.store import open_store
from pipeline.web.app import create_app
from pipeline.web.server import serving

settings = Settings.load(sys.argv[1], database_url=sys.argv[2])
try:
    with serving(create_app(open_store(settings), settings)) as url:
        print(url, flush=True)
        try:
            time.sleep(60)
        finally:
            print("once", flush=True)
except KeyboardInterrupt:
    time.sleep(0.5)  # for what the thread may have to complain of
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.root), sqlite_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGINT)
    process.stdout.readline()
    time.sleep(0.03)  # it waits for its thread, which looks every tenth of a second whether to end
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)

    assert "Exception in thread" not in complaint


def test_a_client_that_breaks_off_signs_nobody_up(desk: Desk) -> None:
    host, port = urlsplit(desk.url).hostname, urlsplit(desk.url).port
    before = desk.dump()
    with socket.create_connection((host, port), timeout=20) as line:
        line.sendall(
            b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 100\r\n\r\nemail=reader@example.or"
        )
        time.sleep(0.2)
    time.sleep(0.3)

    assert desk.dump() == before
    assert desk.get("healthz").status_code == 200
