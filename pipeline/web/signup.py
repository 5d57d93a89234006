"""The sign-up page. Its answer is the same for every address, and it looks none up: that is `mail/signups.py`'s, later."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import AddressError
from pipeline.mail.lifecycle import ChoiceError
from pipeline.mail.signups import CONFIRM_FIRST, FORM_WORDING, NO_SPAM, PROMISE, TITLE, record_signup
from pipeline.model import Cadence
from pipeline.store.consents import Method
from pipeline.web.forms import Fields, read_form_or_json
from pipeline.web.office import Office
from pipeline.web.pages import sentence

PAGE = re.compile(r"[A-Za-z0-9/_.-]{0,200}")  # below the site's address: no query, and nothing like an address
DECOY = "website"  # a field that nobody sees; whoever fills it in is a machine
ASKED = (
    "If mail from us can reach this address, one e-mail is on its way to it. Nothing else is sent before you confirm."
)


class SignupPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def subscribe(self, request: Request, fields: Annotated[Fields, Depends(read_form_or_json)]) -> Response:
        """GET: the form. POST: the same answer for every address that is one (T-01)."""
        if request.method != "POST":
            return self._form(Fields())
        try:
            self._record(request, fields)
        except (AddressError, ChoiceError) as error:
            return self._refused(fields, error)
        if fields.is_json:
            return self._office.pages.json({"message": ASKED})
        return self._office.pages.page("asked.html", words=ASKED)

    def _record(self, request: Request, fields: Fields) -> None:
        office = self._office
        if fields.one(DECOY):
            return
        record_signup(
            office.store,
            email=fields.one("email"),
            cadence=fields.one("cadence", Cadence.DAILY),
            topics=fields.all("topics"),
            known_topics=office.topics,
            method=Method.API if fields.is_json else Method.FORM,
            page=self._page(request),
            wording=None if fields.is_json else FORM_WORDING,
            now=office.clock(),
        )

    def _page(self, request: Request) -> str:
        """The page that showed the form: one of the site's, if the browser says so, or ours. Never what a stranger likes to say."""
        settings = self._office.settings
        referer = request.headers.get("referer", "")
        for ours in (settings.site_url, settings.web_url):
            if referer.startswith(ours) and PAGE.fullmatch(referer.removeprefix(ours)):
                return referer
        return f"{settings.web_url}subscribe"

    def _refused(self, fields: Fields, error: Exception) -> Response:
        words = sentence(error)
        if fields.is_json:
            field = "email" if isinstance(error, AddressError) else "cadence or topics"
            return self._office.pages.json({"error": words, "field": field}, status=422)
        return self._form(
            fields, problem=words, at="email" if isinstance(error, AddressError) else "choice", status=422
        )

    def _form(self, fields: Fields, *, problem: str = "", at: str = "", status: int = 200) -> Response:
        return self._office.pages.page(
            "subscribe.html",
            status=status,
            index=status == 200,
            title=TITLE,
            promise=PROMISE,
            fine=f"{NO_SPAM} {CONFIRM_FIRST}",
            email="".join(c for c in fields.one("email") if c.isprintable()),  # no page holds a NUL
            cadence=fields.one("cadence", Cadence.DAILY),
            chosen=fields.all("topics"),
            topics=list(self._office.topics.values()),
            problem=problem,
            at=at,
        )
