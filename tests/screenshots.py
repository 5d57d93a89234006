"""Make the pictures of the README from the real thing: the built site, and the newest daily issue as it would be sent.

make screenshots      writes .github/site.png and .github/mail.png
"""

from __future__ import annotations

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

HERE = Path(__file__).parent.parent
PICTURES = HERE / ".github"


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
        (folder / "site" / "mail.html").write_text(_html_of(letter), "utf-8")
        with _served(folder / "site") as url:
            _picture(browser, url, PICTURES / "site.png", width=1280, height=900)
            _picture(browser, f"{url}mail.html", PICTURES / "mail.png", width=680, height=900)
    print(f"wrote {PICTURES / 'site.png'} and {PICTURES / 'mail.png'}")
    return 0


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


def _picture(browser: str, url: str, path: Path, *, width: int, height: int) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
    subprocess.run([browser, *options, f"--screenshot={path}", url], check=True, capture_output=True, timeout=120)


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
