"""Nouns for tests, each valid by itself; a test says only what it is about."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.mail.tokens import new_ref
from pipeline.model import Article, Status
from pipeline.store import Store
from pipeline.store.tables import subscribers

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


def an_article(slug: str = "grid", *, days_old: float = 1, **changes: Any) -> Article:
    """A published article of *days_old* before `NOW`."""
    values: dict[str, Any] = {
        "slug": slug,
        "title": f"The {slug} is the story",
        "dek": f"What the {slug} tells us.",
        "date": NOW - dt.timedelta(days=days_old),
        "status": Status.PUBLISHED,
        "authors": ("ines-halvorsen",),
        "topics": ("power",),
        "body": f"A first paragraph on the {slug}.\n\nA second one.\n",
        "path": f"content/articles/2026/{slug}.md",
    }
    return Article(**{**values, **changes})


def add_subscribers(
    store: Store,
    *emails: str,
    cadence: str = "daily",
    topics: str = "",
    state: str = "active",
    confirmed_at: dt.datetime | None = NOW - dt.timedelta(days=60),
    paused_until: dt.datetime | None = None,
) -> list[str]:
    """Write subscribers straight into the database; returns their refs."""
    rows = [
        {
            "ref": new_ref(),
            "email": email,
            "email_key": email.casefold(),
            "state": state,
            "cadence": cadence,
            "topics": topics,
            "created_at": NOW - dt.timedelta(days=61),
            "confirmed_at": confirmed_at,
            "paused_until": paused_until,
        }
        for email in emails
    ]
    with store.writing() as connection:
        connection.execute(subscribers.insert(), rows)
    return [str(row["ref"]) for row in rows]
