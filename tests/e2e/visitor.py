"""A visitor of the mailing pages whose browser runs no script: follows the forms that the pages give, as a person would."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import requests

from tests.e2e.table import Unmet

READING_TIME = 2.0  # seconds that a person needs before pressing a button
PRESSES = 4  # a page may ask to press again; not for ever


@dataclass
class Control:
    """An input, or a button, of a form."""

    kind: str
    name: str
    value: str
    checked: bool = False
    hidden: bool = False  # nobody sees it
    label: str = ""


@dataclass
class Form:
    action: str
    method: str = "get"
    controls: list[Control] = field(default_factory=list)

    @property
    def buttons(self) -> list[Control]:
        return [c for c in self.controls if c.kind == "submit" and not c.hidden]

    def filled(self, answers: Mapping[str, str], button: Control) -> list[tuple[str, str]]:
        """What the browser sends when *button* is pressed."""
        pairs = []
        for control in self.controls:
            if control.kind in ("submit", "button", "reset", "image") or not control.name:
                continue
            if control.kind in ("radio", "checkbox"):
                wanted = answers[control.name] == control.value if control.name in answers else control.checked
                if wanted:
                    pairs.append((control.name, control.value))
            else:
                typed = control.value if control.hidden else answers.get(control.name, control.value)
                pairs.append((control.name, typed))
        return [*pairs, (button.name, button.value)] if button.name else pairs


@dataclass
class Page:
    url: str
    status: int
    html: str
    forms: list[Form]

    @property
    def words(self) -> str:
        text = re.sub(r"(?s)<(script|style|head)\b.*?</\1>|<[^>]+>", " ", self.html)
        return " ".join(text.split())

    def form_with(self, label: str) -> tuple[Form, Control]:
        """The form with a button that reads *label*."""
        for form in self.forms:
            for button in form.buttons:
                if re.search(label, button.label, re.IGNORECASE):
                    return form, button
        raise Unmet(f"no button {label!r} on {self.url} ({self.status}); it says: {self.words[:600]}")


class Visitor:
    """Keeps no cookies: no page of ours may need one."""

    def __init__(self, authority: Path) -> None:
        self._authority = str(authority)

    def open(self, url: str) -> Page:
        return self._page(requests.get(url, verify=self._authority, timeout=30))

    def press(self, page: Page, label: str, answers: Mapping[str, str] | None = None) -> Page:
        """Fill the form with *answers*, take a moment, and press the button; once more where the page asks for it."""
        for _ in range(PRESSES):
            form, button = page.form_with(label)
            time.sleep(READING_TIME)
            url = urljoin(page.url, form.action) if form.action else page.url
            pairs = form.filled(answers or {}, button)
            if form.method == "post":
                answer = requests.post(url, data=pairs, verify=self._authority, timeout=60)
            else:
                answer = requests.get(url, params=pairs, verify=self._authority, timeout=60)
            page = self._page(answer)
            asks_again = re.search(
                r"one more press|press (the button )?(once more|again)|go on here", page.words, re.IGNORECASE
            )
            if not asks_again:
                return page
            label = f"{label}|again|once more|send me"
        raise Unmet(f"{page.url} asks to press again, for the {PRESSES}th time: {page.words[:600]}")

    def _page(self, answer: requests.Response) -> Page:
        if answer.status_code >= 500:
            raise Unmet(f"{answer.url} answers {answer.status_code}: {answer.text[:600]}")
        return Page(answer.url, answer.status_code, answer.text, _forms(answer.text))


def _forms(html: str) -> list[Form]:
    reader = _FormReader()
    reader.feed(html)
    return reader.forms


class _FormReader(HTMLParser):
    """Collects the forms of a page. What is hidden from those who read by ear, or from all, is marked so."""

    _VOID = frozenset({"input", "br", "img", "meta", "link", "hr", "source", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: list[tuple[str, bool]] = []  # element, and whether it hides what is in it
        self._form: Form | None = None
        self._button: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        hides = given.get("aria-hidden") == "true" or "hidden" in given or tag == "template"
        hidden = hides or any(h for _, h in self._open)
        if tag not in self._VOID:
            self._open.append((tag, hides))
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        if tag in ("input", "button"):
            control = Control(
                "hidden" if kind == "hidden" else kind,
                given.get("name", ""),
                given.get("value", "on" if kind in ("radio", "checkbox") else ""),
                checked="checked" in given,
                hidden=hidden or kind == "hidden",
                label=given.get("value", "") if tag == "input" else "",
            )
            self._form.controls.append(control)
            if tag == "button":
                self._button = control

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.label = f"{self._button.label} {data}".strip()

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop()[0] == tag:
                break
        if tag == "button":
            self._button = None
        if tag == "form":
            self._form = None
