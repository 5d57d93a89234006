"""The reader's side of the demonstration: what a browser and a mail program do, over real HTTP."""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage

from pipeline.demo.mailbox import text_of
from pipeline.web import work

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered."""

    status: int
    text: str

    def says(self, words: str) -> bool:
        return words in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", self.text))


def get(url: str) -> Page:
    return _ask(urllib.request.Request(url))  # noqa: S310 -- addresses of this demonstration only


def submit(url: str, fields: Mapping[str, str]) -> Page:
    """Press a form's button."""
    return _post(url, urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded")


def press(url: str, page: Page, fields: Mapping[str, str]) -> Page:
    """Press a button of *page*, which stands at *url*: what the form holds beside it goes along."""
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    return submit(url, {**{name: html.unescape(value) for name, value in hidden.items()}, **fields})


def sign_up(url: str, fields: Mapping[str, str]) -> Page:
    """Fill in the sign-up form: its answer asks for a proof of work, which the browser finds by itself."""
    page = submit(url, fields)
    challenge = re.search(r'data-challenge="([^"]+)"', page.text)
    if challenge is None:
        return page
    return press(url, page, {"altcha": work.solve(json.loads(html.unescape(challenge[1])))})


def sign_up_by_json(url: str, fields: Mapping[str, object]) -> Page:
    """As a program does that has read the handbook: it asks for a challenge first."""
    challenge = json.loads(get(f"{url}/challenge").text)["challenge"]
    return submit_json(url, {**fields, "altcha": work.solve(challenge) if challenge else ""})


def submit_json(url: str, fields: Mapping[str, object]) -> Page:
    return _post(url, json.dumps(fields).encode(), "application/json")


def one_click(letter: EmailMessage) -> Page:
    """Unsubscribe as a mailbox provider does, from the letter alone (RFC 8058 3.2)."""
    address = re.fullmatch(r"<(https?://[^>]+)>.*", str(letter["List-Unsubscribe"]))
    if address is None or str(letter["List-Unsubscribe-Post"]) != "List-Unsubscribe=One-Click":
        return Page(0, "the letter offers no one-click unsubscribe")
    return submit(address[1], {"List-Unsubscribe": "One-Click"})


def link_in(letter: EmailMessage, part: str) -> str:
    """The address in the letter's text that holds *part*, or nothing."""
    found = re.search(rf"https?://\S*{re.escape(part)}\S*", text_of(letter))
    return found[0] if found else ""


def _post(url: str, body: bytes, kind: str) -> Page:
    return _ask(urllib.request.Request(url, data=body, headers={"Content-Type": kind}, method="POST"))  # noqa: S310


def _ask(request: urllib.request.Request) -> Page:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return Page(answer.status, answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Page(0, str(error))
