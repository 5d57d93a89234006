"""The pages behind the two links that are mailed when a person asks for them: see everything, erase everything (P-04, P-05).

GET shows what the button would do and changes nothing; POST does it, once, and only as a person's press (`nonce.py`).
"""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipeline.mail import person, requests
from pipeline.mail.addresses import masked
from pipeline.mail.lifecycle import Outcome, Result
from pipeline.mail.tokens import Purpose
from pipeline.store import subscribers
from pipeline.store.consents import Evidence, Method
from pipeline.store.requests import RequestKind
from pipeline.web.forms import Form
from pipeline.web.office import Office
from pipeline.web.pages import HEADERS, NOINDEX

log = logging.getLogger("opensignal")


class RequestPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    def export(self, request: Request, token: str, fields: Form) -> Response:
        """GET: the question. POST: the archive."""
        office = self._office
        ref = office.ref(Purpose.EXPORT, token)
        if request.method != "POST" or not office.pressed(ref, fields):
            return self._ask(RequestKind.EXPORT, ref, again=request.method == "POST")
        with office.store.writing() as connection:
            result = requests.use(connection, ref, RequestKind.EXPORT, now=office.clock())
            if result.outcome is not Outcome.DONE:
                return self._page(RequestKind.EXPORT, ref, result)
            assert result.subscriber is not None
            email_key = subscribers.email_key(connection, result.subscriber.id)
            assert email_key is not None
            dossier = person.collect(connection, email_key, office.suppression_key)
        archive = person.as_zip(dossier, office.settings)
        headers = {**HEADERS, **NOINDEX, "Content-Disposition": 'attachment; filename="everything.zip"'}
        return Response(archive, media_type="application/zip", headers=headers)

    def erase(self, request: Request, token: str, fields: Form) -> Response:
        """GET: the question. POST: erased, before this answer leaves."""
        office = self._office
        ref = office.ref(Purpose.ERASE, token)
        if request.method != "POST" or not office.pressed(ref, fields):
            return self._ask(RequestKind.ERASE, ref, again=request.method == "POST")
        now, email_key = office.clock(), None
        with office.store.writing() as connection:
            result = requests.use(connection, ref, RequestKind.ERASE, now=now)
            if result.outcome is Outcome.DONE and result.subscriber is not None:
                email_key = subscribers.email_key(connection, result.subscriber.id)
                evidence = Evidence(Method.LINK, f"{office.settings.web_url}erase")
                assert email_key is not None
                person.erase_rows(connection, email_key, evidence, keys=office.suppression_key, now=now)
        ref_of_person = result.subscriber.ref if result.subscriber else ""
        if email_key and not person.sweep(office.store, office.settings, email_key, ref=ref_of_person):
            log.warning("web: an erasure waits for the database's journal to be emptied; the retention job does it")
        return self._page(RequestKind.ERASE, ref, result, asking=False)

    def schema(self) -> Response:
        """What the archive's JSON looks like."""
        return JSONResponse(person.schema(), headers={"X-Content-Type-Options": "nosniff"})

    def _ask(self, kind: RequestKind, ref: str, *, again: bool) -> Response:
        with self._office.store.reading() as connection:
            result = requests.look_at(connection, ref, kind, now=self._office.clock())
        return self._page(kind, ref, result, asking=result.outcome is Outcome.DONE, again=again)

    def _page(
        self, kind: RequestKind, ref: str, result: Result, *, asking: bool = False, again: bool = False
    ) -> Response:
        address = result.subscriber.email if result.subscriber else ""
        return self._office.pages.page(
            f"{kind.value}.html",
            status=200 if result.outcome is Outcome.DONE else 410,
            asking=asking,
            again=again,
            nonce=self._office.nonce(ref),
            outcome=result.outcome.value,
            address=masked(address) if address else "",
            schema=person.SCHEMA_PATH,
        )
