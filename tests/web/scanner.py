"""A scanner of mail: it opens every link, reads its forms, and presses every button within a second.

python -m tests.web.scanner URL forwards|backwards      reads paths from standard input, a line each; prints what it met as JSON
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    action: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)


class Forms(HTMLParser):
    """The forms of a page, with what a browser would send of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values.get("action", "")))
        if tag == "input" and values.get("type") in ("hidden", "text", "email"):
            self.found[-1].fields.append((values["name"], values.get("value", "")))
        if tag == "input" and "checked" in values:
            self.found[-1].fields.append((values["name"], values["value"]))
        if tag == "button":
            self.found[-1].buttons.append(values)


class Scanner:
    """A robot with one keep-alive line: HEAD, GET, GET, then each button of each form, in the page's order or against it."""

    def __init__(self, url: str, *, backwards: bool) -> None:
        self._line = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
        self._backwards = backwards
        self.told: Counter[int] = Counter()
        self.presses = 0

    def close(self) -> None:
        self._line.close()

    def scan(self, path: str) -> None:
        self._ask("HEAD", path)
        self._ask("GET", path)
        forms = Forms(self._ask("GET", path)).found
        steps = [(form, button) for form in forms for button in form.buttons]
        for form, button in reversed(steps) if self._backwards else steps:
            sent = [*form.fields, (button["name"], button["value"])]
            self._ask("POST", form.action or path, urllib.parse.urlencode(sent))
            self.presses += 1

    def _ask(self, method: str, path: str, body: str | None = None) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        self._line.request(method, path, body, headers)
        answer = self._line.getresponse()
        self.told[answer.status] += 1
        return answer.read().decode()


if __name__ == "__main__":
    scanner = Scanner(sys.argv[1], backwards=sys.argv[2] == "backwards")
    for line in sys.stdin:
        scanner.scan(line.strip())
    scanner.close()
    print(json.dumps({"presses": scanner.presses, "told": dict(scanner.told)}))
