"""What feeds write, made into plain values: one line of text, a web address, an identity, a date. Pure functions, no HTML here:
markup is cleaned by `library.clean`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from pipeline.library.urls import canonical_url

TITLE_LIMIT: Final = 300  # characters
SUMMARY_LIMIT: Final = 2_000
NAME_LIMIT: Final = 200
URL_LIMIT: Final = 2_000
EARLIEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)  # before the web; such dates are mistakes
LATEST_AHEAD: Final = dt.timedelta(days=2)  # of now: zones and clocks that run fast

_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
# Marks that turn the direction of writing, and characters without width: they make a title look like another one.
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NOT_IN_HOST: Final = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_KEPT_IN_PATH: Final = "/%:@!$&'()*+,;=~-._"  # RFC 3986 3.3; "%": what is escaped already stays as it is
_KEPT_IN_QUERY: Final = _KEPT_IN_PATH + "?[]"  # brackets stand in many queries


def one_line(text: str, *, limit: int) -> str:
    """*text* without control and invisible characters, on one line, cut at a word to at most *limit* characters."""
    text = _INVISIBLE.sub(_blank_for_a_break, _CONTROL.sub("", text))
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    at_word = kept.rfind(" ")
    return (kept[:at_word] if at_word > limit // 2 else kept).rstrip() + "…"


def unescaped(text: str) -> str:
    """*text* with its character references resolved, also where a feed escaped them twice: ``AT&amp;amp;T`` is AT&T."""
    for _ in range(2):
        if not _ENTITY.search(text):
            break
        text = html.unescape(text)
    return text


def web_url(address: str | None, *, base: str | None = None) -> str | None:
    """*address* as an absolute http(s) address, or None where it is none that we would link to.

    Refused: other schemes, passwords, an empty host, control characters inside, more than 2,000 characters.
    """
    if not address or _CONTROL.search(address):
        return None
    try:
        parts = urlsplit(urljoin(base or "", address.strip()))
        host, port = _ascii_host(parts.hostname or ""), parts.port  # raises for a port that is no number
    except ValueError:  # UnicodeError too: a host that no name server could know
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    absolute = urlunsplit(
        parts._replace(
            netloc=f"{host}:{port}" if port else host,
            path=quote(parts.path, safe=_KEPT_IN_PATH),
            query=quote(parts.query, safe=_KEPT_IN_QUERY),
            fragment=quote(parts.fragment, safe=_KEPT_IN_QUERY),
        )
    )
    return None if _NOT_IN_HOST.search(host) or len(absolute) > URL_LIMIT else absolute


def _ascii_host(host: str) -> str:
    """*host* in lower case as the name system knows it; an IPv6 address in brackets."""
    if ":" in host:
        return f"[{host.lower()}]"
    return host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()


def identity(given: str | None, url: str | None, title: str, published: dt.datetime | None) -> str:
    """What tells an entry from the others of its feed: its own id, else its canonical address, else its title and date."""
    if given and given.strip():
        return given.strip()
    if url:
        return canonical_url(url)
    return title_and_date(title, published)


def title_and_date(title: str, published: dt.datetime | None) -> str:
    """The identity of what has no address: SHA-1 of its title and date."""
    date = published.isoformat() if published else ""
    return "sha1:" + hashlib.sha1(f"{title}\n{date}".encode(), usedforsecurity=False).hexdigest()


def plausible(when: dt.datetime | None, *, now: dt.datetime) -> dt.datetime | None:
    """*when* in whole seconds, unless it lies before 1990 or more than two days ahead."""
    if when is None or not EARLIEST <= when <= now + LATEST_AHEAD:
        return None
    return when.replace(microsecond=0)


def _blank_for_a_break(match: re.Match[str]) -> str:
    return " " if match[0] in "\u2028\u2029" else ""
