"""Hooks: addresses that a mail provider calls with news of deliveries. Each is there only where its secret is set.

    POST /hooks/ses | postmark | mailgun | sendgrid | events

The provider's signature says that the news is genuine; whom it is about, only a signature of ours in it can say (M-24). Whatever
is forged, old or too large changes nothing, and is one line in the log without a word of what was sent.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Annotated

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.config import Settings
from pipeline.mail.bounces.intake import event_key, take_in
from pipeline.store import bounces
from pipeline.web.hooks.amazon import AmazonHook, Fetch
from pipeline.web.hooks.call import Call, Hook, Refused
from pipeline.web.hooks.mailgun import MailgunHook
from pipeline.web.hooks.own import OwnHook
from pipeline.web.hooks.postmark import PostmarkHook
from pipeline.web.hooks.sendgrid import SendGridHook
from pipeline.web.office import Office

log = logging.getLogger("opensignal")


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


class HookPages:
    """Raises `SettingsError` for a key that cannot be one."""

    def __init__(self, office: Office, *, fetch: Fetch) -> None:
        self._office = office
        self._hooks = {hook.name: hook for hook in _configured(office, fetch)}

    def receive(self, request: Request, name: str, body: Body) -> Response:
        """Take in what a provider tells, and answer 200 when it is on disk: so that the provider asks again until it is."""
        hook = self._hooks.get(name)
        if hook is None:
            raise HTTPException(404)
        office, now = self._office, self._office.clock()
        try:
            news = hook.read(Call(request.headers, body, now))
        except Refused as refusal:
            log.warning("hooks: a call of %s was refused: %s", name, refusal)
            return office.pages.text(f"refused: {refusal}", status=refusal.status)
        report = take_in(office.store, office.settings, news, origin=name, now=now)
        return office.pages.text(f"taken in: {len(report.settled)}")


def _configured(office: Office, fetch: Fetch) -> list[Hook]:
    settings: Settings = office.settings
    hooks: list[Hook] = []
    if settings.hook_secret:
        hooks.append(OwnHook(settings.hook_secret))
    if settings.ses_topic:
        hooks.append(AmazonHook(settings.ses_topic, fetch))
    if settings.postmark_secret:
        hooks.append(PostmarkHook(settings.postmark_secret))
    if settings.mailgun_key:
        hooks.append(MailgunHook(settings.mailgun_key, lambda *seen: _remember(office, *seen)))
    if settings.sendgrid_key:
        hooks.append(SendGridHook(settings.sendgrid_key))
    return hooks


def _remember(office: Office, token: str, event: str, until: dt.datetime) -> bool:
    with office.store.writing() as connection:
        return bounces.remember_call(connection, event_key("token", token), event, until=until, now=office.clock())
