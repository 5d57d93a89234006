"""The pages behind mailed links: confirm, "this was not me", unsubscribe, preferences.

Each is one address: GET shows what the button would do, POST does it, in one transaction that is committed before the answer. The
token says who it is and what the link may do; whoever holds the mail holds the link, so the address is shown masked. A POST that no
person can have made (`nonce.py`) gets the page again; one-click needs nothing but the link.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from pipeline.config import Settings
from pipeline.mail import lifecycle, requests
from pipeline.mail.addresses import masked
from pipeline.mail.lifecycle import ChoiceError, Outcome, Result
from pipeline.mail.notices import confirmation_id
from pipeline.mail.signups import NO_SPAM, promise_of
from pipeline.mail.tokens import Purpose
from pipeline.model import Cadence, Choice, State, Subscriber
from pipeline.store import Connection, consents, subscribers
from pipeline.store.consents import Evidence, Method, Trace
from pipeline.store.requests import RequestKind
from pipeline.web import nonce
from pipeline.web.clients import agent_of
from pipeline.web.forms import Fields, Form, read_form
from pipeline.web.office import Office
from pipeline.web.pages import sentence
from pipeline.web.writer import Writer

ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058 3.1
LEFT = "You are unsubscribed."
LOOKING = 4  # unsubscribes that are looked up at once
PAUSES = (7, 30, 90)  # days
GONE_STATUS = {Outcome.EXPIRED: 410, Outcome.SPENT: 410, Outcome.GONE: 410}  # the link was good once


def confirm_wording(settings: Settings) -> str:
    """All that the page asks who confirms, kept with the consent."""
    return "\n".join(("Shall we write to you?", f"{promise_of(settings)} {NO_SPAM}".strip(), "Yes, send it to me"))


@dataclass(frozen=True, slots=True)
class _Leaver:
    ref: str
    method: Method


class LinkPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._looking = ThreadPoolExecutor(LOOKING, thread_name_prefix="leaving")
        self._leaving = Writer(office.store, self._let_go)

    # -- confirm

    def confirm(self, request: Request, token: str, fields: Form) -> Response:
        """GET: the question. POST: the answer, yes unless it says `decline`."""
        office, now = self._office, self._office.clock()
        ref = office.ref(Purpose.CONFIRM, token)
        pressed = request.method == "POST" and office.pressed(ref, fields)
        if not pressed:
            with office.store.reading() as connection:
                result, choice = lifecycle.look_at(connection, ref, now=now)
            asking = result.outcome is Outcome.DONE
            return self._confirm_page(result, ref, choice=choice, asking=asking, again=request.method == "POST")
        if fields.one("decline"):
            return self._declined(ref)
        with office.store.writing() as connection:
            shown = consents.remember_wording(connection, confirm_wording(office.settings), now=now)
            trace = Trace(
                agent=agent_of(request),
                message_id=confirmation_id(connection, ref, office.settings),
                token=hashlib.sha256(token.strip().lower().encode()).hexdigest(),
            )
            page, language = f"{office.settings.web_url}confirm", office.settings.language
            evidence = Evidence(Method.LINK, page, shown, language, trace)
            result = lifecycle.confirm(connection, ref, evidence, key=office.suppression_key, now=now)
        return self._confirm_page(result, ref, choice=_choice(result), asking=False)

    def _confirm_page(self, result: Result, ref: str, *, choice: Choice, asking: bool, again: bool = False) -> Response:
        person = result.subscriber
        return self._office.pages.page(
            "confirm.html",
            status=GONE_STATUS.get(result.outcome, 200),
            outcome=result.outcome.value,
            asking=asking,
            again=again,
            nonce=self._office.nonce(ref),
            wording=confirm_wording(self._office.settings).splitlines(),
            address=_masked(person),
            choice=choice,
            topic_names=self._topic_names(choice),
            decline=self._office.link(Purpose.DECLINE, ref),
            preferences=self._office.link(Purpose.PREFERENCES, person.ref) if person else "",
        )

    # -- this was not me

    def decline(self, request: Request, token: str, fields: Form) -> Response:
        """GET: whether it really was not them. POST: never again."""
        office = self._office
        ref = office.ref(Purpose.DECLINE, token)
        if request.method == "POST" and office.pressed(ref, fields):
            return self._declined(ref)
        with office.store.reading() as connection:
            result, _ = lifecycle.look_at(connection, ref, now=office.clock())
        return self._decline_page(
            result, ref, asking=result.outcome is not Outcome.GONE, again=request.method == "POST"
        )

    def _declined(self, ref: str) -> Response:
        office = self._office
        evidence = Evidence(Method.LINK, f"{office.settings.web_url}decline")
        with office.store.writing() as connection:
            result = lifecycle.decline(connection, ref, evidence, key=office.suppression_key, now=office.clock())
        return self._decline_page(result, ref, asking=False)

    def _decline_page(self, result: Result, ref: str, *, asking: bool, again: bool = False) -> Response:
        gone = result.outcome is Outcome.GONE
        return self._office.pages.page(
            "decline.html",
            status=410 if gone else 200,
            asking=asking,
            again=again,
            nonce=self._office.nonce(ref),
            gone=gone,
            address=_masked(result.subscriber),
        )

    # -- unsubscribe

    async def unsubscribe(self, request: Request) -> Response:
        """GET: the button. POST by it, or by a mail program's one click: out, before this answer leaves (M-15, M-16, M-17).

        It has threads of its own, and all who leave at the same moment share one commit: nobody queues behind sign-ups (T-14).
        """
        fields = await read_form(request)
        ref = self._office.ref(Purpose.UNSUBSCRIBE, request.path_params["token"])
        loop = asyncio.get_running_loop()
        one_click = ONE_CLICK in fields.pairs
        asked = request.method == "POST" and (one_click or bool(fields.one("unsubscribe")))
        # Leaving is easy: only what shows itself to be a scanner's, by the page's own nonce or decoy, is asked again.
        is_guarded = not one_click and fields.holds(nonce.FIELD, nonce.DECOY)
        again = asked and is_guarded and not self._office.pressed(ref, fields)
        person = await loop.run_in_executor(self._looking, self._look, ref)
        leaves = asked and not again
        if leaves and not (one_click and _has_left(person)):  # a link that is pressed a thousand times is written once
            method = Method.ONE_CLICK if one_click else Method.LINK
            person = await self._leaving.submit(_Leaver(ref, method))
        if leaves and one_click:
            return self._office.pages.text(LEFT)
        return self._unsubscribe_page(person, ref, again=again)

    def _look(self, ref: str) -> Subscriber | None:
        with self._office.store.reading() as connection:
            return subscribers.by_ref(connection, ref)

    def _let_go(self, connection: Connection, leavers: Sequence[_Leaver]) -> list[Subscriber | None]:
        """All who leave at the same moment, in one order everywhere, so that two processes do not wait for each other."""
        office, told = self._office, {}
        for leaver in sorted(set(leavers), key=lambda each: (each.ref, each.method)):
            evidence = Evidence(leaver.method, f"{office.settings.web_url}unsubscribe")
            told[leaver] = lifecycle.unsubscribe(connection, leaver.ref, evidence, now=office.clock()).subscriber
        return [told[leaver] for leaver in leavers]

    def _unsubscribe_page(self, person: Subscriber | None, ref: str, *, again: bool = False) -> Response:
        here = person is not None and person.state in (State.PENDING, State.ACTIVE, State.PAUSED)
        return self._office.pages.page(
            "unsubscribe.html",
            here=here,
            again=again,
            nonce=self._office.nonce(ref),
            state=person.state.value if person else "",
            choice=person.choice if person else Choice(),
            may_return=_may_return(person),
            address=_masked(person),
            preferences=self._office.link(Purpose.PREFERENCES, ref),
        )

    # -- preferences

    def preferences(self, request: Request, token: str, fields: Form) -> Response:
        """GET: what they get. POST: the one thing that the pressed button says, named by the field ``do``."""
        office = self._office
        ref = office.ref(Purpose.PREFERENCES, token)
        what = fields.one("do") or ("save" if fields.one("cadence") else "")
        again = request.method == "POST" and bool(what or fields.one(nonce.DECOY)) and not office.pressed(ref, fields)
        if request.method != "POST" or not what or again:
            with office.store.reading() as connection:
                return self._preferences_page(subscribers.by_ref(connection, ref), ref, again=again)
        try:
            result = self._act(ref, what, fields)
        except ChoiceError as error:
            with office.store.reading() as connection:
                person = subscribers.by_ref(connection, ref)
            return self._preferences_page(person, ref, problem=sentence(error), status=422)
        return self._preferences_page(result.subscriber, ref, did=what, outcome=result.outcome)

    def _act(self, ref: str, what: str, fields: Fields) -> Result:
        office, now = self._office, self._office.clock()
        evidence = Evidence(Method.LINK, f"{office.settings.web_url}preferences")
        with office.store.writing() as connection:
            if what == "save":
                choice = lifecycle.parse_choice(fields.one("cadence"), fields.all("topics"), known=office.topics)
                return lifecycle.change_choice(connection, ref, choice, evidence, now=now)
            if what == "weekly":
                person = subscribers.by_ref(connection, ref, lock=True)
                topics = person.choice.topics if person else ()
                choice = Choice(Cadence.WEEKLY, frozenset(topics))
                return lifecycle.change_choice(connection, ref, choice, evidence, now=now)
            if what == "pause":
                return lifecycle.pause(connection, ref, evidence, until=_until(fields.one("days"), now), now=now)
            if what == "resume":
                return lifecycle.resume(connection, ref, evidence, now=now)
            if what == "unsubscribe":
                return lifecycle.unsubscribe(connection, ref, evidence, now=now)
            if what == "resubscribe":
                return lifecycle.resubscribe(connection, ref, evidence, now=now)
            if what in set(RequestKind):
                return requests.ask(connection, ref, RequestKind(what), now=now)
        raise ChoiceError("please use the buttons on this page")

    def _preferences_page(
        self,
        person: Subscriber | None,
        ref: str,
        *,
        again: bool = False,
        did: str = "",
        outcome: Outcome | None = None,
        problem: str = "",
        status: int = 200,
    ) -> Response:
        office, now = self._office, self._office.clock()
        gone = person is None or not person.email
        return office.pages.page(
            "preferences.html",
            status=410 if gone else status,
            gone=gone,
            again=again,
            nonce=office.nonce(ref),
            state=_standing(person, now),
            paused_until=person.paused_until if person else None,
            choice=person.choice if person else Choice(),
            topics=list(office.topics.values()),
            pauses=PAUSES,
            may_return=_may_return(person),
            address=_masked(person),
            did=did if outcome in (Outcome.DONE, Outcome.ALREADY) else "",
            problem=problem,
        )

    def _topic_names(self, choice: Choice) -> list[str]:
        return [topic.name for topic in self._office.topics.values() if topic.id in choice.topics]


def _standing(person: Subscriber | None, now: dt.datetime) -> str:
    """The state as its owner sees it: a pause that is over is none."""
    if person is None:
        return ""
    return State.ACTIVE.value if person.receives_mail(now) else person.state.value


def _has_left(person: Subscriber | None) -> bool:
    return person is None or person.state in (State.UNSUBSCRIBED, State.SUPPRESSED)


def _may_return(person: Subscriber | None) -> bool:
    return person is not None and person.state is State.UNSUBSCRIBED and person.confirmed_at is not None


def _masked(person: Subscriber | None) -> str:
    return masked(person.email) if person and person.email else ""


def _choice(result: Result) -> Choice:
    return result.subscriber.choice if result.subscriber else Choice()


def _until(days: str, now: dt.datetime) -> dt.datetime | None:
    """When a pause ends; None for one without an end. Raises `ChoiceError` for a length that we do not offer."""
    if not days:
        return None
    if days not in map(str, PAUSES):
        raise ChoiceError(f"please choose a pause of {', '.join(map(str, PAUSES[:-1]))} or {PAUSES[-1]} days")
    return now + dt.timedelta(days=int(days))
