"""Make the pictures of the README from the real thing: the built site, and the newest daily issue as it would be sent.

make screenshots      writes .github/*.png, and to look at them whole build/letters/*.png

Letters are drawn as a mail program does that loads no pictures: light, dark, and as wide as a phone. The whole ones are digests of
the ten newest articles, and inverted too, as some programs make light letters dark.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.config import Settings
from pipeline.library import load_library
from pipeline.mail.compose import compose_parts
from tests.mail.every import issue

HERE = Path(__file__).parent.parent
PICTURES = HERE / ".github"
LETTERS = HERE / "build" / "letters"
TEN = 10  # articles of a digest that is drawn whole
RECEIPTS = "northfield-with-its-receipts"  # the article that rests on stored copies


PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
MAIL = {"width": 680, "height": 900}
INVERTED = "html { filter: invert(1); background: #fff }"


def main() -> int:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("screenshots: no Chromium found; install the package chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("build", "--site-dir", str(folder / "site"))
        _run("send", _newest_issue(), "--to", "reader@example.org", OPENSIGNAL_STATE_DIR=str(folder / "state"))
        [letter] = (folder / "state" / "outbox" / "new").iterdir()
        html = _html_of(letter)
        with _served(folder / "site") as url, _opened(browser) as chromium:
            _picture_of_site(chromium, url, "site")
            _picture_of_site(chromium, f"{url}articles/{RECEIPTS}/receipts/", "receipts")
            _picture_of_letter(chromium, html, PICTURES / "mail.png", MAIL)
            _picture_of_letter(chromium, html, PICTURES / "mail-dark.png", MAIL, dark=True)
            _picture_of_letter(chromium, html, PICTURES / "mail-phone.png", PHONE)
            _pictures_of_digests(chromium)
    for written in (PICTURES, LETTERS):
        print("wrote " + ", ".join(sorted(path.name for path in written.glob("*.png"))) + f" in {written}")
    return 0


@contextmanager
def _opened(browser: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def _picture_of_site(chromium: Any, url: str, name: str) -> None:
    page = chromium.new_page(viewport=DESK, color_scheme="light")
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=PICTURES / f"{name}.png")
    page.close()


def _pictures_of_digests(chromium: Any) -> None:
    """Digests of the ten newest articles, each from its first line to its last."""
    settings = Settings.load(HERE)
    library = load_library(HERE, now=dt.datetime.now(dt.UTC))
    newest = sorted(library.articles, key=lambda article: article.date, reverse=True)[:TEN]
    LETTERS.mkdir(parents=True, exist_ok=True)
    for cadence in ("daily", "weekly"):
        html = compose_parts(issue(cadence), newest, library=library, settings=settings).html
        _picture_of_letter(chromium, html, LETTERS / f"{cadence}.png", MAIL, whole=True)
        _picture_of_letter(chromium, html, LETTERS / f"{cadence}-dark.png", MAIL, dark=True, whole=True)
        _picture_of_letter(chromium, html, LETTERS / f"{cadence}-inverted.png", MAIL, style=INVERTED, whole=True)
        _picture_of_letter(chromium, html, LETTERS / f"{cadence}-phone.png", PHONE, whole=True)
        _picture_of_letter(chromium, html, LETTERS / f"{cadence}-phone-dark.png", PHONE, dark=True, whole=True)


def _picture_of_letter(
    chromium: Any,
    html: str,
    path: Path,
    size: dict[str, int],
    *,
    dark: bool = False,
    style: str = "",
    whole: bool = False,
) -> None:
    page = chromium.new_page(viewport=size, color_scheme="dark" if dark else "light")
    page.route("**/*", lambda route: route.abort())  # no pictures, no fonts, nothing
    page.set_content(html)
    if style:
        page.add_style_tag(content=style)  # in the head: before the doctype, it would make the letter one without
    page.screenshot(path=path, full_page=whole)
    page.close()


def _run(*words: str, **environment: str) -> None:
    command = [str(Path(sys.executable).parent / "opensignal"), *words]
    subprocess.run(command, cwd=HERE, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)


def _newest_issue() -> str:
    """The key of the daily issue of the day on which the newest article was published."""
    newest = max(path.name for path in (HERE / "content" / "articles").rglob("*.md"))
    return f"daily-{newest[:10]}"


def _html_of(letter: Path) -> str:
    message = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


if __name__ == "__main__":
    sys.exit(main())
