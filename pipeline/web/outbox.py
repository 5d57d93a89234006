"""The demonstration's outbox in a browser: a list of letters, each as text, as HTML and as it was sent.

The HTML of a letter is shown under a policy that lets it load and run nothing, as mail programs do.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from pipeline.config import Settings
from pipeline.web.files import load_sheet
from pipeline.web.pages import Pages

SHOWN = ("From", "To", "Subject", "Date", "List-Unsubscribe")
LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def add_outbox(app: FastAPI, settings: Settings, folder: Path, *, next_day: Callable[[], str]) -> None:
    """Show the Maildir *folder* at ``/outbox``. The button there calls *next_day* and shows what it tells."""
    pages = Pages(settings, stylesheet=load_sheet(settings.root / "theme").path)

    def listing(told: str = "") -> Response:
        letters = [
            {"number": number, "to": letter["To"], "subject": letter["Subject"]}
            for number, letter in enumerate(map(_read, _files(folder)), start=1)
        ]
        return pages.page("outbox.html", letter=None, letters=letters[::-1], told=told)

    @app.get("/outbox", response_model=None)
    def show_all() -> Response:
        return listing()

    @app.post("/outbox/next-day", response_model=None)
    def let_a_day_pass() -> Response:
        return listing(next_day())

    @app.get("/outbox/{number}", response_model=None)
    def show_one(number: int) -> Response:
        letter = _read(_file(folder, number))
        headers = [(name, str(letter[name])) for name in SHOWN if letter[name]]
        text = _with_links(_part(letter, "plain"))
        shown = {"number": number, "subject": letter["Subject"], "headers": headers, "text": text}
        return pages.page("outbox.html", letter=shown)

    @app.get("/outbox/{number}/html", response_model=None)
    def show_html(number: int) -> HTMLResponse:
        html = _part(_read(_file(folder, number)), "html")
        return HTMLResponse(html, headers={"Content-Security-Policy": LETTER_POLICY})

    @app.get("/outbox/{number}/source", response_model=None)
    def show_source(number: int) -> Response:
        return Response(_file(folder, number).read_bytes(), media_type="text/plain; charset=utf-8")


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "new").iterdir())


def _file(folder: Path, number: int) -> Path:
    files = _files(folder)
    if not 1 <= number <= len(files):
        raise HTTPException(404)
    return files[number - 1]


def _read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _part(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    return str(part.get_content()) if part else ""


def _with_links(text: str) -> list[dict[str, object]]:
    """The text in pieces, so that a template can make links of addresses and escape the rest."""
    return [
        {"text": piece, "link": bool(re.match(r"https?://", piece))} for piece in re.split(r"(https?://[^\s<>]+)", text)
    ]
