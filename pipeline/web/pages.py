"""Drawing pages: the templates of templates/web, the headers that every one of them carries, and the pages for what went wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from pipeline.config import Settings
from pipeline.library import direction
from pipeline.web.forms import JSON_TYPE, content_type

TEMPLATES = Path(__file__).parent.parent / "templates" / "web"
# T-12, T-13, M-43: nothing but our own style sheet and fonts; no frame, no cache, no referrer with a token in it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NOINDEX = {"X-Robots-Tag": "noindex"}
# Code of a problem -> what happened and what next. A refusal in other words is shown as it is.
PROBLEMS = {
    "busy": "Too much is going on here just now. Nothing was changed; please try again in a minute.",
    "broken": "We cannot read or write what we need just now. Nothing was changed; please try again in a few minutes.",
    "unexpected": "Something went wrong on our side. Nothing was changed; please try again in a few minutes.",
    "too-large": "What was sent is larger than any form of ours. Nothing was changed; please use the form on the page.",
    "no-form": "This page reads forms, and what was sent is none. Nothing was changed; please use the form on the page.",
    "unreadable": "What was sent cannot be read. Nothing was changed; please use the form on the page.",
    "no-object": "What was sent is no JSON object. Please send one with the fields email, cadence and topics.",
    "no-text": "A field is neither a text nor a list of texts. Please send email, cadence and topics so.",
    "elsewhere": "This was sent by a page that is not ours. Nothing was changed; please use the form on our own page.",
    "Not Found": "There is no page at this address. Please check the link, or start from the front page.",
    "Method Not Allowed": "This page cannot be used that way. Please open it in a browser.",
}
TITLES = {
    400: "That could not be read",
    403: "That is not possible from there",
    404: "No such page",
    405: "That is not possible here",
    413: "That is too large",
    415: "That could not be read",
    422: "Please look at this again",
    431: "That is too large",
    500: "That did not work",
    503: "Please try again soon",
}


def sentence(error: object) -> str:
    """The words of *error*, which begin small and end without a full stop, as a visitor reads them."""
    words = str(error).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."


class Pages:
    """Renders the templates for one publication."""

    def __init__(self, settings: Settings, *, stylesheet: str) -> None:
        self._settings = settings
        self._base = urlsplit(settings.web_url).path or "/"
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(settings=settings, path=self.path, stylesheet=stylesheet)
        self._templates.filters["day"] = self._day
        self._templates.filters["direction"] = direction

    def path(self, name: str) -> str:
        """The address of a page of ours, for links and forms: below the path of `web_url`."""
        return f"{self._base}{name}"

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        index: bool = False,
        **values: Any,
    ) -> Response:
        """The page *template* with *values*."""
        html = self._templates.get_template(template).render(values)
        extra = {} if index else NOINDEX
        return Response(html, status, {**HEADERS, **extra, **(headers or {})}, "text/html; charset=utf-8")

    def text(self, text: str, *, status: int = 200) -> Response:
        """One plain line, for machines."""
        return PlainTextResponse(f"{text}\n", status, headers={**HEADERS, **NOINDEX})

    def json(
        self, values: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        return JSONResponse(dict(values), status, {**HEADERS, **NOINDEX, **(headers or {})})

    def problem(
        self, request: Request, status: int, what: str, *, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The page, or the JSON for who sent JSON, that says what went wrong and what next."""
        words = PROBLEMS.get(what) or sentence(what)
        if content_type(request) == JSON_TYPE:
            return self.json({"error": words}, status=status, headers=headers)
        title = TITLES.get(status, "That did not work")
        return self.page("problem.html", status=status, headers=headers, title=title, words=words)

    def _day(self, moment: dt.datetime) -> str:
        local = moment.astimezone(self._settings.zone)
        return f"{local.day} {local:%B %Y}"
