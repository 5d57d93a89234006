"""The walk of `opensignal demo --once`: each step is done as its owner would do it, and believed only when seen from outside.

ingest | cite | check | build | verify | read | sign up | confirm | digest | unsubscribe | a second digest
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from pipeline import mail
from pipeline.config import Settings
from pipeline.demo import newsroom, visitor
from pipeline.demo.clock import DemoClock
from pipeline.demo.mailbox import Mailbox, text_of
from pipeline.errors import OpenSignalError
from pipeline.ingest import Fetcher, Limits, ingest, open_fetcher
from pipeline.library import Library, open_library
from pipeline.mail.gather import issue_key
from pipeline.mail.signups import title_of
from pipeline.mail.transport import open_transport
from pipeline.model import Cadence
from pipeline.site import build_site
from pipeline.site.verify import Verdict, verify
from pipeline.site.verify.places import read_folder
from pipeline.store import Store

A_LOOK = dt.timedelta(seconds=3)  # a person reads before they press; a machine does not
ANNA, BO, CEM = "anna@example.org", "bo@example.com", "cem@example.org"


class StepFailed(OpenSignalError):
    """A step was not seen to work."""


@dataclass
class Numbers:
    """What was counted on the way, each from outside."""

    articles: int = 0  # on the built site
    feed_items: int = 0  # in its feed
    inbox_cards: int = 0  # files in the inbox
    confirmed: int = 0  # people who pressed the button and were welcomed by mail
    sent: int = 0  # letters of issues that arrived
    unsubscribed: int = 0  # people whose leaving was honoured by the next issue


@dataclass
class Scene:
    """Everything that the steps act on."""

    settings: Settings
    store: Store
    mailbox: Mailbox
    clock: DemoClock
    publisher: str  # address of the sample publishers' site
    say: Callable[[str], None]
    numbers: Numbers = field(default_factory=Numbers)

    @property
    def site(self) -> str:
        return self.settings.site_url

    def library(self) -> Library:
        return open_library(self.settings, now=self.clock())


def walk(scene: Scene) -> None:
    """Walk the whole path. Raises `StepFailed` at the first step that was not seen to work."""
    prepare(scene)
    _walk(scene, _read, _sign_up, _confirm, _digest, _unsubscribe, _second_digest)


def prepare(scene: Scene) -> None:
    """Walk the editor's part, up to the built site. Raises `StepFailed`."""
    _walk(scene, _ingest, _cite, _check, _build, _verify)


def send_todays(scene: Scene) -> mail.SendReport:
    """Send the daily issue of the day that the demonstration's clock shows."""
    return _send(scene, issue_key(Cadence.DAILY, scene.clock().date()))


def _walk(scene: Scene, *steps: Callable[[Scene], str]) -> None:
    for step in steps:
        began = time.monotonic()
        told = step(scene)
        scene.say(f"  {_NAMES[step]:<16} {told}  ({time.monotonic() - began:.1f} s)")


def _ingest(scene: Scene) -> str:
    settings = scene.settings
    newsroom.add_sample_feeds(settings.root, scene.publisher)
    arguments: dict[str, Any] = {"inbox": settings.content / "inbox", "fetcher": _fetcher(settings)}
    feeds = scene.library().feeds
    ingest(scene.store, feeds, now=scene.clock(), **arguments)
    cards = sorted((settings.content / "inbox").glob("*.md"))
    again = ingest(scene.store, feeds, now=scene.clock(), force=True, **arguments)
    scene.numbers.inbox_cards = len(cards)
    _see(len(cards) == 2, f"two stories in two feeds should be two cards, found {len(cards)}")
    _see(again.entries == 0, "a second reading of the same feeds found something new")
    return f"{len(feeds)} feeds, 3 entries, {len(cards)} stories in the inbox; nothing new the second time"


def _fetcher(settings: Settings) -> Fetcher:
    return open_fetcher(settings, limits=Limits(pause=0))  # the sample publishers need no rest between two requests


def _cite(scene: Scene) -> str:
    fetcher = _fetcher(scene.settings)
    newsroom.cite_sample_sources(scene.settings.root, scene.publisher, fetcher, now=scene.clock())
    newsroom.publish_sample(
        scene.settings.root, "traced", date=scene.clock() - newsroom.AN_HOUR - newsroom.FIVE_MINUTES
    )
    stored = list((scene.settings.content / "sources" / "snapshots").glob("*.txt"))
    _see(len(stored) >= len(newsroom.SOURCES), "the sample pages were not stored")
    return f"{len(newsroom.SOURCES)} pages fetched and stored, one article written on them"


def _check(scene: Scene) -> str:
    """The check must find nothing, and must find a quotation that was altered."""
    library = scene.library()
    blocking = library.blocking(scene.clock())
    _see(not blocking, f"published content has errors: {'; '.join(map(str, blocking[:3]))}")
    source = scene.settings.content / "sources" / "northfield-outlook.yml"
    honest = source.read_text("utf-8")
    source.write_text(honest.replace("9% to 17%", "9% to 71%"), "utf-8")
    caught = [problem.code for problem in scene.library().blocking(scene.clock())]
    source.write_text(honest, "utf-8")
    _see("S110" in caught, "a falsified quotation passed the check")
    return (
        f"{len(library.articles)} articles, {len(library.sources)} sources, no errors; a falsified quotation was caught"
    )


def _build(scene: Scene) -> str:
    report = build_site(scene.settings, now=scene.clock())
    pages = list(report.site_dir.glob("articles/*/index.html"))
    feed = json.loads((report.site_dir / "feed.json").read_text("utf-8"))
    scene.numbers.articles, scene.numbers.feed_items = len(pages), len(feed["items"])
    _see(bool(pages) and bool(feed["items"]), "the site has no articles, or its feed no items")
    return f"{len(pages)} articles, {report.pages} pages, {len(feed['items'])} items in each feed"


def _verify(scene: Scene) -> str:
    """Every claim must be found again on the built site, and one that was altered there must not."""
    honest = read_folder(scene.settings.site_dir, now=scene.clock())
    page = "articles/sample-traced/"
    changed = (honest(page) or b"").replace(b"9.4 gigawatts", b"4.9 gigawatts")
    found = verify(honest)
    tampered = verify(lambda path: changed if path == page else honest(path))
    _see(not found.failures, f"a claim was not found again: {'; '.join(map(str, found.failures[:1]))}")
    _see(found.verdicts[Verdict.FOUND] >= len(newsroom.SOURCES), "no claim was found again in a stored text")
    _see(bool(tampered.failures), "a number that was altered on the site was not noticed")
    return f"{found.claims:,} claims looked up again, 0 failures; a number altered on the site was noticed"


def _read(scene: Scene) -> str:
    """A reader opens the site."""
    home = visitor.get(scene.site)
    article = visitor.get(f"{scene.site}articles/sample-traced/")
    missing = visitor.get(f"{scene.site}nothing-here/")
    _see(
        home.status == 200 and home.says("Sample: what it looks like"), "the home page does not show the newest article"
    )
    _see(article.status == 200 and 'href="#source-1"' in article.text, "the article does not link its sources")
    _see(article.says(title_of(scene.settings)), "the article has no sign-up box")
    _see(missing.status == 404, f"a page that is not there answers {missing.status}")
    return "the home page, an article with its sources, and a 404"


def _sign_up(scene: Scene) -> str:
    """Three people ask: by the form, by JSON, and one whom nobody will confirm."""
    url = f"{scene.site}subscribe"
    answers = [
        visitor.sign_up(url, {"email": ANNA, "cadence": "daily"}),
        visitor.sign_up(url, {"email": CEM, "cadence": "daily"}),
    ]
    by_json = visitor.sign_up_by_json(url, {"email": BO, "cadence": "daily", "topics": []})
    unproven = visitor.submit_json(url, {"email": BO, "cadence": "daily"})
    _see(unproven.status == 428, "a program may sign up without a proof of work")
    _see([page.status for page in [*answers, by_json]] == [200] * 3, f"the form answers {answers[0].status}")
    _see(answers[0].text == answers[1].text, "the answer tells who is known")
    hostile = visitor.submit(url, {"email": "a@example.org, b@example.org", "cadence": "daily"})
    _see(400 <= hostile.status < 500, f"two addresses in one answer {hostile.status}")
    for address in (ANNA, BO, CEM):
        _letter(scene, address, "/confirm/")
    return "three asked, three were mailed a question, two addresses in one field were refused"


def _confirm(scene: Scene) -> str:
    for address in (ANNA, BO):
        link = visitor.link_in(_letter(scene, address, "/confirm/"), "/confirm/")
        looked = visitor.get(link)
        _see(looked.status == 200 and "<form" in looked.text, "the link of the mail shows no button")
        welcomed = [x for x in scene.mailbox.to(address) if "/preferences/" in text_of(x)]
        _see(not welcomed, "looking at the link confirmed it")
        scene.clock.advance(A_LOOK)
        visitor.press(link, looked, {"confirm": "yes"})
        _letter(scene, address, "/preferences/")
        scene.numbers.confirmed += 1
    return f"{scene.numbers.confirmed} confirmed by a button and were welcomed; a look at the link changed nothing"


def _digest(scene: Scene) -> str:
    key = issue_key(Cadence.DAILY, scene.clock().date())
    report = _send(scene, key)
    letters = {address: _letter(scene, address, "/articles/") for address in (ANNA, BO)}
    scene.numbers.sent += len(letters)
    _see(report.sent == 2, f"{report.sent} letters were sent instead of 2")
    _see(
        not [x for x in scene.mailbox.to(CEM) if "/articles/" in text_of(x)],
        "somebody who never confirmed got an issue",
    )
    for letter in letters.values():
        link = visitor.link_in(letter, "/articles/")
        _see(visitor.get(link).status == 200, f"a link of the letter leads nowhere: {link}")
    _see(_send(scene, key).sent == 0, "the same issue was sent twice")
    return f'{key}: {report.sent} letters, "{letters[ANNA]["Subject"]}"; run again, it sent nothing'


def _unsubscribe(scene: Scene) -> str:
    letter = _letter(scene, ANNA, "/articles/")
    answer = visitor.one_click(letter)
    _see(answer.status == 200, f"one-click unsubscribe answers {answer.status}")
    preferences = visitor.link_in(_letter(scene, BO, "/articles/"), "/preferences/")
    page = visitor.get(preferences)
    _see(page.status == 200 and BO not in page.text, "the preferences page is not there, or shows the address")
    return "one left by one click from the letter's own headers; the other looked at the preferences"


def _second_digest(scene: Scene) -> str:
    scene.clock.advance(dt.timedelta(days=1))
    newsroom.publish_sample(scene.settings.root, "followup", date=scene.clock() - newsroom.FIVE_MINUTES)
    before = {address: len(scene.mailbox.to(address)) for address in (ANNA, BO)}
    key = issue_key(Cadence.DAILY, scene.clock().date())
    report = _send(scene, key)
    scene.numbers.sent += len(scene.mailbox.to(BO)) - before[BO]
    _see(report.sent == 1 and len(scene.mailbox.to(BO)) == before[BO] + 1, "who stayed did not get the next issue once")
    _see(len(scene.mailbox.to(ANNA)) == before[ANNA], "who left was mailed again")
    newest = text_of(scene.mailbox.to(BO)[-1])
    _see("a second article" in newest and "what it looks like" not in newest, "the second digest repeats the first")
    scene.numbers.unsubscribed = 1
    return f"{key}: one letter to who stayed, none to who left, and nothing repeated"


def _send(scene: Scene, key: str) -> mail.SendReport:
    transport = open_transport(scene.settings)
    return mail.send_issue(scene.store, scene.library(), scene.settings, key, transport=transport, clock=scene.clock)


def _letter(scene: Scene, address: str, holding: str) -> EmailMessage:
    """The letter to *address* whose text holds a link with *holding*; waits for it a little."""
    letter = scene.mailbox.wait_for(address, lambda letter: holding in text_of(letter))
    if letter is None:
        raise StepFailed(f"no letter with a link to {holding} reached {address}")
    return letter


def _see(true: bool, otherwise: str) -> None:
    if not true:
        raise StepFailed(otherwise)


_NAMES: Mapping[Callable[[Scene], str], str] = {
    _ingest: "ingest",
    _cite: "cite",
    _check: "check",
    _build: "build",
    _verify: "verify",
    _read: "read",
    _sign_up: "sign up",
    _confirm: "confirm",
    _digest: "digest",
    _unsubscribe: "unsubscribe",
    _second_digest: "second digest",
}
