"""Every message that we send, made as it is for real: letters of the three cadences, and every notice."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence

from pipeline.config import Settings
from pipeline.library import Library
from pipeline.mail.compose import compose
from pipeline.mail.notices import write_notice
from pipeline.mail.stamp import Stamp
from pipeline.model import Article, Cadence, Citation, Issue, Person, Role, Source, Tier, Topic
from pipeline.store.notices import ClaimedNotice, NoticeKind
from tests.builders import NOW, an_article
from tests.repository import HERE

KEY = bytes(range(32))
REF = "0123456789abcdef" * 2
EMAIL = "reader@example.org"
CONFIRMED = dt.datetime(2026, 9, 24, 8, tzinfo=dt.UTC)
LETTERS = ("daily", "weekly", "each")
NOTICES = tuple(kind.value for kind in NoticeKind)
EVERY = (*LETTERS, *NOTICES)

SOURCES = {
    name: Source(name, f"https://{name}.example.com/report?a=1&b=2", f"The {name} office", tier)
    for name, tier in [("census", Tier.PRIMARY), ("gazette", Tier.SECONDARY), ("meter", Tier.PRIMARY)]
}
BODY = """\
A first paragraph that leans on its source.[^census] It has [a link](https://example.com/a?x=1&y=2) too.

.A line that begins with a dot, and one that holds "quotes", dashes - and an ümlaut.[^gazette]

## A heading

| what | how much |
|---|---|
| heat | 12 |

> A quotation.

    a line of code

1. One
2. Two with `code`

The last paragraph.[^meter]
"""
PEOPLE = {"ines-halvorsen": Person("ines-halvorsen", "Ines Halvorsen", Role.EDITOR)}
TOPICS = {"power": Topic("power", "Power & heat")}


def with_theme(settings: Settings, **changes: object) -> Settings:
    """*settings* with the theme's colours in their repository, changed by *changes*."""
    target = settings.root / "theme" / "assets" / "css"
    if not target.exists():
        shutil.copytree(HERE / "theme" / "assets" / "css", target)
    return settings.model_copy(update=changes)


def articles(**changes: object) -> tuple[Article, Article]:
    """A lead that cites every source, with *changes*, and a second article."""
    cited = tuple(Citation(name, None, 1, 1) for name in SOURCES)
    values: dict[str, object] = {"body": BODY, "citations": cited, **changes}
    return an_article("grid", **values), an_article("heat", citations=cited[-1:])


def issue(cadence: str) -> Issue:
    date = dt.date(2026, 11, 23)
    keys = {"daily": "daily-2026-11-23", "weekly": "weekly-2026-W48", "each": "each-grid"}
    return Issue(keys[cadence], Cadence(cadence), date=date, closes_at=NOW, slug="grid" if cadence == "each" else None)


def composed(cadence: str, settings: Settings, carried: Sequence[Article] = ()) -> bytes:
    """A letter with its blanks."""
    carried = carried or articles()
    library = Library(articles=tuple(carried), sources=SOURCES, topics=TOPICS, people=PEOPLE)
    chosen = carried[:1] if cadence == "each" else carried
    return compose(issue(cadence), chosen, library=library, settings=settings).message


def claimed(kind: str, *, email: str = EMAIL, ref: str = REF) -> ClaimedNotice:
    return ClaimedNotice(
        id=7,
        kind=NoticeKind(kind),
        attempts=0,
        created_at=NOW,
        email=email,
        ref=ref,
        cadence=Cadence.DAILY,
        confirmation="f" * 32,
        asked_at=NOW,
        confirmed_at=CONFIRMED,
        request="e" * 32,
    )


def message(what: str, settings: Settings, *, email: str = EMAIL, ref: str = REF) -> bytes:
    """One of `EVERY`, as one reader gets it."""
    if what in NOTICES:
        return write_notice(claimed(what, email=email, ref=ref), settings, token_key=KEY)
    stamp = Stamp(composed(what, settings), issue_key=issue(what).key, token_key=KEY)
    return stamp.copy_for(email=email, ref=ref, confirmed_at=CONFIRMED)


def every_message(settings: Settings) -> Mapping[str, bytes]:
    return {what: message(what, settings) for what in EVERY}
