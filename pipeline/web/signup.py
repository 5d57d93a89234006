"""The sign-up page. Its answer is the same for every address, and it looks none up: that is `mail/signups.py`'s, later.

    form | checked | proof of work, or the page that asks for it | written with all that come at the same moment | answered

The site's own pages carry no script. So the page that answers their form does: it solves a challenge and posts the form on. Who
runs no script presses a button there. What comes by JSON is told the challenge, and has no other way.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import AddressError
from pipeline.keys import KeyRing
from pipeline.mail import caps, lifecycle
from pipeline.mail.addresses import parse_address
from pipeline.mail.lifecycle import ChoiceError
from pipeline.mail.signups import CONFIRM_FIRST, NO_SPAM, Asked, form_wording, promise_of, title_of, write_signups
from pipeline.model import Cadence
from pipeline.store import Connection, limits, solved
from pipeline.store.consents import Method, Trace
from pipeline.store.limits import Limit
from pipeline.web import clients, work
from pipeline.web.clients import Address
from pipeline.web.forms import Fields, read_form_or_json
from pipeline.web.office import Office
from pipeline.web.pages import HEADERS, sentence
from pipeline.web.script import Script
from pipeline.web.work import Proof
from pipeline.web.writer import Writer

PAGE = re.compile(r"[A-Za-z0-9/_.-]{0,200}")  # below the site's address: no query, and nothing like an address
DECOY = "website"  # a field that nobody sees; whoever fills it in is a machine
FORM = "subscribe"  # what challenges and tickets are bound to
SOLUTION, TICKET = "altcha", "ticket"  # fields
ASKED = (
    "If mail from us can reach this address, one e-mail is on its way to it. Nothing else is sent before you confirm."
)
PROVE = "Please solve the challenge and send the same again with the field altcha."
WITH_SCRIPT = f"{HEADERS['Content-Security-Policy']}; script-src 'self'; worker-src 'self'"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A sign-up on its way to the disk. *asked*: None for a machine, whose words are not kept."""

    asked: Asked | None
    proof: Proof | None
    limits: tuple[Limit, ...]


class SignupPages:
    def __init__(self, office: Office, *, solver: Script, guesser: Script) -> None:
        self._office = office
        self._solver = solver
        self._guesser = guesser
        self._writer = Writer(office.store, self._write)
        self._is_flooded = False
        self._proxies = office.settings.proxies
        self._ring, self._keys_good_until = office.token_keys, 0.0
        self._asked = office.pages.page("asked.html", words=ASKED)
        self._asked_json = office.pages.json({"message": ASKED})
        self._origins = {_origin(url) for url in (office.settings.site_url, office.settings.web_url)}

    async def subscribe(self, request: Request) -> Response:
        """GET: the form. POST: the same answer for every address that is one (T-01)."""
        if request.method != "POST":
            return self._form(Fields())
        if not self._comes_from_us(request):
            raise HTTPException(403, "elsewhere")
        fields = await read_form_or_json(request)
        client = clients.client_of(request, self._proxies)
        try:
            asked = self._read(request, fields, client)
        except (AddressError, ChoiceError) as error:
            return self._refused(fields, error)
        proof = self._proof(fields)
        if proof is None and self._office.settings.proof_of_work:
            return self._ask_for_work(fields)
        asked = replace(asked, proven=proof is None or proof.is_work)
        if not await self._writer.submit(self._entry(fields, client, asked, proof)):
            return self._ask_for_work(fields)
        return self._asked_json if fields.is_json else self._asked

    async def challenge(self, request: Request) -> Response:
        """A challenge for whoever signs up by JSON."""
        return self._office.pages.json(
            {"challenge": self._challenge() if self._office.settings.proof_of_work else None}
        )

    # -- reading

    def _comes_from_us(self, request: Request) -> bool:
        """Whether a page of ours sent it, as far as a browser tells; other programs tell nothing, and need no page (T-05).

        Our pages tell no referrer, so the browser says "null" where it would name their origin (Fetch, "append a request Origin").
        """
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if origin is not None and origin != "null":
            return origin in self._origins
        return site in (None, "same-origin", "none")

    def _read(self, request: Request, fields: Fields, client: Address | None) -> Asked:
        office = self._office
        return Asked(
            address=parse_address(fields.one("email")),
            choice=lifecycle.parse_choice(
                fields.one("cadence", Cadence.DAILY), fields.all("topics"), known=office.topics
            ),
            method=Method.API if fields.is_json else Method.FORM,
            page=self._page(request),
            wording=None if fields.is_json else form_wording(office.settings),
            at=office.clock(),
            language=office.settings.language,
            trace=Trace(ip=clients.trace_of(client) if client else None, agent=clients.agent_of(request)),
        )

    def _proof(self, fields: Fields) -> Proof | None:
        now = self._office.clock()
        if solution := fields.one(SOLUTION):
            return work.read_solution(self._keys(), FORM, solution, now=now)
        if (ticket := fields.one(TICKET)) and not fields.is_json:
            return work.read_ticket(self._keys(), FORM, ticket, now=now)
        return None

    def _keys(self) -> KeyRing:
        """The keys, asked for anew once a second: each time costs two looks at the disk, in the loop that serves everybody."""
        if (moment := time.monotonic()) > self._keys_good_until:
            self._ring, self._keys_good_until = self._office.token_keys, moment + 1
        return self._ring

    def _entry(self, fields: Fields, client: Address | None, asked: Asked, proof: Proof | None) -> _Entry:
        wanted: tuple[Limit, ...] = ()
        if self._office.settings.signup_limits and client is not None:
            wanted = caps.of_client(self._keys().newest, clients.network_of(client), proven=asked.proven)
        if fields.one(DECOY):
            self._office.count("forms filled in by machines")
            return _Entry(None, proof, wanted)
        return _Entry(asked, proof, wanted)

    def _page(self, request: Request) -> str:
        """The page that showed the form: one of the site's, if the browser says so, or ours. Never what a stranger likes to say."""
        settings = self._office.settings
        referer = request.headers.get("referer", "")
        for ours in (settings.site_url, settings.web_url):
            if referer.startswith(ours) and PAGE.fullmatch(referer.removeprefix(ours)):
                return referer
        return f"{settings.web_url}subscribe"

    # -- writing

    def _write(self, connection: Connection, entries: Sequence[_Entry]) -> list[bool]:
        """Write what came at the same moment; False where a proof had been spent before."""
        now = self._office.clock()
        self._is_flooded = caps.is_flooded(connection, now=now)
        fresh = solved.spend(connection, {e.proof.challenge: e.proof.expires_at for e in entries if e.proof})
        kept, told = [], []
        for entry in entries:
            told.append(entry.proof is None or entry.proof.challenge in fresh)
            if not told[-1]:
                continue
            if entry.proof:
                fresh.remove(entry.proof.challenge)
            within = all(limits.count(connection, limit, now=now) == 0 for limit in entry.limits)
            if entry.asked and within:
                kept.append(entry.asked)
        write_signups(connection, kept)
        return told

    # -- answering

    def _challenge(self) -> dict[str, Any]:
        settings = self._office.settings
        guesses = settings.proof_of_work * (work.FLOOD if self._is_flooded else 1)
        return work.make_challenge(self._keys(), FORM, guesses=guesses, now=self._office.clock())

    def _ask_for_work(self, fields: Fields) -> Response:
        """The page that asks for a proof of work, with the form in it. It is the only one of ours with a script."""
        office, challenge = self._office, self._challenge()
        if fields.is_json:
            return office.pages.json({"error": PROVE, "challenge": challenge}, status=428)  # RFC 6585 3
        return office.pages.page(
            "work.html",
            headers={"Content-Security-Policy": WITH_SCRIPT},
            kept=[pair for pair in fields.pairs if pair[0] in ("email", "cadence", "topics", DECOY)],
            challenge=json.dumps(challenge),
            guesses=challenge["parameters"]["data"]["guesses"],
            ticket=work.make_ticket(self._keys(), FORM, now=office.clock()),
            again=bool(fields.one(SOLUTION) or fields.one(TICKET)),
            solver=self._solver.path,
            guesser=self._guesser.path,
        )

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
            title=title_of(self._office.settings),
            promise=promise_of(self._office.settings),
            fine=f"{NO_SPAM} {CONFIRM_FIRST}",
            email="".join(c for c in fields.one("email") if c.isprintable()),  # no page holds a NUL
            cadence=fields.one("cadence", Cadence.DAILY),
            chosen=fields.all("topics"),
            topics=list(self._office.topics.values()),
            problem=problem,
            at=at,
        )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
