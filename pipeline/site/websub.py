"""Tells a WebSub hub that feeds of ours have changed; the hub fetches them and sends them on to whoever subscribed there.

Feeds name the hub (``rel="hub"``, in JSON Feed ``hubs``) where the setting `websub_hub` does. WebSub leaves to publisher and hub
how the one tells the other (7); what every public hub takes is a form with ``hub.mode=publish`` and the feed's address, which some
call ``hub.url`` and others ``hub.topic``. The one place of the site that knows `requests`: the operator chose whom it speaks to.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import requests
import urllib3

from pipeline.config import Settings
from pipeline.printable import printable
from pipeline.site.feeds import FORMATS

TIMEOUT: Final = (5.0, 20.0)  # seconds: to connect, and between two pieces of the answer
WAITS: Final = (0.5, 2.0)  # seconds, before a hub that is busy is told again
REASON: Final = 200  # bytes of an answer that are shown
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Announced:
    """What a hub said to each feed that it was told of."""

    hub: str
    told: tuple[str, ...]  # addresses that it took
    problems: tuple[str, ...]  # for people: what it did not take, and why


def announce(settings: Settings, paths: Iterable[str]) -> Announced:
    """Tell the hub of the *settings* of every feed among *paths*, files below the site's address that are new there.

    Call it when they can be fetched, since the hub does so at once. Without a hub, or a feed among them, nobody is told. Never
    raises for what a hub does: the site is published, hub or no hub.
    """
    hub, feeds = settings.websub_hub, feeds_among(paths, site_url=settings.site_url)
    if not hub or not feeds:
        return Announced(hub, (), ())
    told: list[str] = []
    problems: list[str] = []
    with requests.Session() as session:
        for feed in feeds:
            try:
                said = _tell(session, hub, feed)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                left = f"{len(feeds) - len(told)} of {len(feeds)} feeds"
                problems.append(
                    f"{hub}: {_plain(error)}; it was not told of {left}, and learns of each when it next changes"
                )
                break
            if said:
                problems.append(f"{hub}: did not take {feed} ({said}); ask who runs it, or set another websub_hub")
            else:
                told.append(feed)
    return Announced(hub, tuple(told), tuple(problems))


def feeds_among(paths: Iterable[str], *, site_url: str) -> tuple[str, ...]:
    """The addresses of our feeds among *paths*, sorted."""
    names = {name for _, name, _ in FORMATS}
    return tuple(sorted(site_url + path for path in set(paths) if path.rpartition("/")[2] in names))


def _tell(session: requests.Session, hub: str, feed: str) -> str:
    """Tell *hub* that *feed* has changed; what it said instead of yes, if anything."""
    form = {"hub.mode": "publish", "hub.url": feed, "hub.topic": feed}
    for wait in (*WAITS, None):
        with session.post(hub, data=form, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
            if 200 <= answer.status_code < 300:
                return ""
            if answer.status_code in _BUSY and wait is not None:
                time.sleep(wait)
                continue
            return _said(answer)
    raise AssertionError("the last turn returns")


def _said(answer: requests.Response) -> str:
    if answer.is_redirect:
        return printable(f"{answer.status_code}, it is at {answer.headers.get('Location', 'another address')} now")
    body = next(answer.iter_content(REASON), b"")
    words = " ".join(body.decode("utf-8", "replace").split())
    kind = answer.headers.get("Content-Type", "")
    reason = words if words and "html" not in kind else str(answer.reason or "")
    return printable(f"{answer.status_code} {reason}".strip())


def _plain(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, requests.exceptions.SSLError):
            return "no protected connection to the hub"
        if isinstance(cause, TimeoutError | requests.exceptions.Timeout):
            return "the hub is silent"
        if isinstance(cause, requests.exceptions.ConnectionError):
            return "no connection to the hub"
    return "the hub's answer is not HTTP or was cut off"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
