"""Make the pictures of the README from the real thing: `opensignal demo --once` leaves a site and an outbox, Chromium opens them.

make screenshots      writes .github/site.png and .github/mail.png
"""

from __future__ import annotations

import email
import email.policy
import functools
import http.server
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
        folder = Path(name) / "demo"
        command = [str(Path(sys.executable).parent / "opensignal"), "demo", "--once", "--keep", str(folder)]
        subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL)
        build = [command[0], "build", "--site-dir", str(folder / "plain")]
        subprocess.run(build, cwd=HERE, check=True, stdout=subprocess.DEVNULL)
        (folder / "plain" / "mail.html").write_text(_first_digest(folder / "outbox"), "utf-8")
        with _served(folder / "plain") as url:
            _picture(browser, url, PICTURES / "site.png", width=1280, height=900)
            _picture(browser, f"{url}mail.html", PICTURES / "mail.png", width=680, height=980)
    print(f"wrote {PICTURES / 'site.png'} and {PICTURES / 'mail.png'}")
    return 0


def _first_digest(outbox: Path) -> str:
    for path in sorted((outbox / "new").iterdir()):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = message.get_body(("html",))
        if message["List-Unsubscribe"] and part and "/articles/" in part.get_content():
            return str(part.get_content())
    raise SystemExit("screenshots: no digest in the outbox")


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
