"""What is said of every article in one line, alike on the site, in feeds and in letters: who wrote it, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from pipeline.library.dates import date_words
from pipeline.model import Article, Correction, Person, Role, Source

SERVICES: Final[Mapping[str, str]] = {  # that an archive may come from, by their own spelling
    "substack": "Substack",
    "ghost": "Ghost",
    "wordpress": "WordPress",
    "medium": "Medium",
    "beehiiv": "beehiiv",
    "buttondown": "Buttondown",
    "jekyll": "Jekyll",
    "hugo": "Hugo",
    "pelican": "Pelican",
}
GENERATORS: Final = frozenset({"jekyll", "hugo", "pelican"})  # that made a site of the newsletter's own
ROLE_WORDS: Final[Mapping[Role, str]] = {Role.EDITOR: "editor", Role.WRITER: "writer", Role.MODEL: "AI"}


def authorship(article: Article, people: Mapping[str, Person]) -> str:
    """Who wrote it and which person answers for it: ``AI-written, reviewed by Ines Halvorsen``."""
    persons = [people[a].name for a in article.authors if a in people and people[a].role is not Role.MODEL]
    reviewer = people.get(article.ai.reviewed_by or "")
    reviewed = f", reviewed by {reviewer.name}" if reviewer else ""
    if article.ai.involvement == "drafted":
        return f"AI-written{reviewed}"
    by = f"By {' and '.join(persons)}" if persons else "Unsigned"
    return f"{by}, with help from AI{reviewed}" if article.ai.involvement == "assisted" else f"{by}{reviewed}"


def provenance(article: Article) -> str:
    """Where an article that came along was published before, and that nothing of it was looked up; nothing for one of ours."""
    came = article.imported
    if came is None:
        return ""
    name = SERVICES.get(came.service, came.service)
    host = urlsplit(came.url).hostname if came.url else None
    if came.service in GENERATORS:
        where = f"at {host}" if host else "elsewhere"
    else:
        where = f"at {host} ({name})" if host else f"on {name}"
    return f"First published {where} and brought here on {date_words(came.on)}, without sources to look it up in."


def correction_words(correction: Correction) -> str:
    """What was written, what is right, and why, as sentences."""
    return f"{first_wrote(correction.was, correction.now)} {ended(correction.why)}".rstrip()


def first_wrote(was: str, now: str) -> str:
    """What was written and what is right, as two sentences."""
    return f"We first wrote: {_quoted(was)} It should have been: {_quoted(now)}"


def _quoted(words: str) -> str:
    """*words* in quotation marks, with a full stop where they bring none."""
    return f"“{words.translate(_INNER)}”" + ("" if words.endswith(_ENDS) else ".")


def ended(words: str) -> str:
    """*words* with a full stop, where there are any and they bring none."""
    return words if not words or words.endswith(_ENDS) else f"{words}."


_ENDS: Final = (".", "!", "?", "…")
_INNER: Final = str.maketrans("“”", "‘’")


def weight(sources: Sequence[Source]) -> str:
    """The signal strip in words: ``12 sources, 8 primary``."""
    if not sources:
        return "no sources"
    primary = sum(source.is_primary for source in sources)
    return f"{len(sources)} source{'' if len(sources) == 1 else 's'}, {primary} primary"
