"""Bytes of a feed into entries: RSS 0.9x to 2.0, RSS 1.0, Atom 0.3 and 1.0, JSON Feed 1.0 and 1.1, well-formed or not.

The one place that knows feedparser, which is never given an address and so never fetches. What the bytes are is told by the bytes:
servers and XML declarations are wrong about type and charset too often. HTML leaves here through `library.clean` only, titles and
summaries as plain text, links as absolute http(s) addresses.

feedparser needs time that is quadratic in the number of unclosed tags; call `parse` through `sandbox.Sandbox`.
"""

from __future__ import annotations

import calendar
import codecs
import datetime as dt
import io
import json
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pipeline.errors import FetchError
from pipeline.ingest.clean import (
    NAME_LIMIT,
    SUMMARY_LIMIT,
    TITLE_LIMIT,
    identity,
    one_line,
    plausible,
    unescaped,
    web_url,
)
from pipeline.ingest.guard import check_xml
from pipeline.library.clean import clean_html, plain_text
from pipeline.library.urls import without_tracking
from pipeline.model import Entry

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # feedparser's own
    import feedparser

ITEMS: Final = 500  # of one feed; the rest is older, or a flood (T-32)
HTML_LIMIT: Final = 1_000_000  # characters of one item
AUTHORS: Final = 10
LONGEST_TTL: Final = dt.timedelta(days=7)
_SNIFFED: Final = 2_000  # characters looked at to tell what a text is

_HTML_TYPES: Final = ("text/html", "application/xhtml+xml")
_XML_ENCODING: Final = re.compile(r"""^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_HTTP_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_REFERENCE: Final = re.compile(r"&#([xX][0-9a-fA-F]{1,10}|[0-9]{1,10});?")
_BEFORE_DOCTYPE: Final = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ALTERNATE: Final = re.compile(r"<link\b[^>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""\b(rel|type|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_FEED_TYPES: Final = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
# Written in seven bits with escapes: such a text is valid ASCII and valid UTF-8, and means something else.
_SEVEN_BITS: Final = ("iso2022", "hz", "utf_7")
# What pages are written in (WHATWG Encoding 4.2), as Python calls it. Python knows many more, and some of them are no charsets:
# unicode_escape makes a "<" of six harmless characters (T-37).
_CHARSETS: Final = re.compile(
    r"cp(?:125\d|866|874|932|949|950)|iso8859_\d+|koi8_[rtu]|mac_(?:roman|cyrillic)|big5(?:hkscs)?|gb(?:2312|k|18030)|euc_(?:jp|kr)|"
    r"shift_jis|tis_620|iso2022_\w+|hz|utf_(?:7|8|16|32)\w*|ascii"
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a feed's bytes hold: its entries in their order, and how often its owner would like to be asked."""

    entries: tuple[Entry, ...]
    ttl: dt.timedelta | None = None


def parse(body: bytes, *, content_type: str, url: str, feed: str, now: dt.datetime) -> Parsed:
    """The entries in *body*, which came from *url* and belongs to the feed with the id *feed*.

    Raises `FetchError` for what is no feed, saying what it looks like instead and which feed an HTML page offers, and for XML that
    no reader should be given (`guard`).
    """
    text = decode(body, content_type=content_type)
    start = text[:_SNIFFED].lstrip().lower()
    if start.startswith(("{", "[")):
        return _json_feed(text, url=url, feed=feed, now=now)
    _refuse_what_is_no_feed(text, start, body, url=url)
    check_xml(text, url=url)
    return _xml_feed(text, url=url, feed=feed, now=now)


# --- bytes to text --------------------------------------------------------------------------------------------------


def decode(body: bytes, *, content_type: str) -> str:
    """The text of *body*, without what XML cannot hold.

    A byte order mark decides; then UTF-8 if the bytes are valid UTF-8, whatever anybody declares (other charsets hardly ever are by
    chance); then what the XML declaration or the server says; at last Windows-1252, in which every byte means something.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return _sound(body.decode(name, "replace"))
    if body[:2] == b"<\0" or body[:2] == b"{\0":
        return _sound(body.decode("utf-16-le", "replace"))
    if body[:2] in (b"\0<", b"\0{"):
        return _sound(body.decode("utf-16-be", "replace"))
    declared = _declared(body, content_type)
    if declared is not None and declared.startswith(_SEVEN_BITS):
        return _sound(body.decode("ascii" if declared == "utf_7" else declared, "replace"))
    try:
        return _sound(body.decode("utf-8"))
    except UnicodeDecodeError:
        return _sound(body.decode(_best(body, declared), "replace"))


def _declared(body: bytes, content_type: str) -> str | None:
    """Python's name of the charset that the document, or else the server, declares; None for none that is known."""
    found = _XML_ENCODING.search(body[:400].decode("latin-1").lstrip()) or _HTTP_CHARSET.search(content_type)
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1]).name.replace("-", "_")
    except (LookupError, ValueError):
        return None
    if not _CHARSETS.fullmatch(name):
        return None
    # As browsers do: what calls itself Latin-1 or ASCII is Windows-1252 (WHATWG Encoding 4.2).
    return "cp1252" if name in ("iso8859_1", "ascii") else name


def _best(body: bytes, declared: str | None) -> str:
    """*declared* if it fits, UTF-8 if only a few bytes are off, or Windows-1252."""
    if declared is not None and not declared.startswith("utf"):
        return declared
    marks = body.decode("utf-8", "replace")
    broken = marks.count("\ufffd")
    good = sum(1 for character in marks if character > "\x7f") - broken
    return "utf-8" if good > broken else "cp1252"


def _sound(text: str) -> str:
    return _NOT_IN_XML.sub("", text.removeprefix("\ufeff"))


# --- what is no feed ------------------------------------------------------------------------------------------------


def _refuse_what_is_no_feed(text: str, start: str, body: bytes, *, url: str) -> None:
    if not start:
        raise FetchError(f"not a feed: {url} is empty; it is tried again next time")
    if body[:5] == b"%PDF-":
        raise FetchError(f"not a feed: {url} is a PDF; give the address of a feed")
    after = start[_BEFORE_DOCTYPE.match(start).end() :]  # type: ignore[union-attr]  # matches the empty text too
    if after.startswith(("<!doctype html", "<html", "<head", "<body")):
        offered = _offered(text, url=url)
        hint = f"the page offers {offered}; use that address" if offered else "the page offers no feed; ask its owner"
        raise FetchError(f"not a feed: {url} looks like an HTML page; {hint}")
    if "<" not in start:
        raise FetchError(f"not a feed: {url} holds neither XML nor JSON; check the address")


def _offered(text: str, *, url: str) -> str | None:
    """The feed that an HTML page names in ``<link rel=alternate>``, if any."""
    for tag in _ALTERNATE.findall(text[:200_000]):
        given = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(tag)}
        if "alternate" in given.get("rel", "").lower().split() and given.get("type", "").lower() in _FEED_TYPES:
            return web_url(unescaped(given.get("href", "")), base=url)
    return None


# --- RSS and Atom ---------------------------------------------------------------------------------------------------


def _xml_feed(text: str, *, url: str, feed: str, now: dt.datetime) -> Parsed:
    data = _REFERENCE.sub(_sound_reference, text.lstrip()).encode("utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = feedparser.parse(
                io.BytesIO(data),  # never a string: that could be an address
                response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
                sanitize_html=False,  # `library.clean` does it, four times as fast
                resolve_relative_uris=False,
            )
        except (LookupError, AttributeError, TypeError, ValueError, AssertionError) as error:
            # Of XML that is not well-formed: an end in the middle of a beginning takes away what it then looks for.
            why = f"not read: {url} breaks the parser ({type(error).__name__}); ask its owner"
            raise FetchError(why) from error
    items: list[dict[str, Any]] = found["entries"][:ITEMS]
    if not items and not found["version"]:
        root = re.search(r"<([A-Za-z][\w:.-]{0,60})", text)
        what = f"XML with the root <{root[1]}>" if root else "no XML"
        raise FetchError(f"not a feed: {url} is {what}, neither RSS nor Atom; check the address")
    ids = Counter(_field(item, "id") for item in items)
    entries = (_xml_entry(item, ids, url=url, feed=feed, now=now) for item in items)
    return Parsed(_unlike(entries), _ttl(_field(found["feed"], "ttl")))


def _xml_entry(item: dict[str, Any], ids: Counter[str], *, url: str, feed: str, now: dt.datetime) -> Entry:
    link = _link(_field(item, "feedburner_origlink") or _field(item, "link"), url=url)
    title = _plain(_given(item, "title_detail"))
    published = _moment(item, "published_parsed", now=now)
    updated = _moment(item, "updated_parsed", now=now)
    contents = [c for c in _given(item, "content") or [] if isinstance(c, dict)]
    summary = _given(item, "summary_detail")
    html = next((_html(c, url=url) for c in contents if c.get("value")), "") or _html(summary, url=url)
    given = _field(item, "id")
    return Entry(
        feed=feed,
        id=identity(given if ids[given] == 1 else "", link, title, published or updated),
        url=link,
        title=title or one_line(plain_text(html), limit=120),
        html=html,
        summary=one_line(plain_text(_html(summary, url=url) or html), limit=SUMMARY_LIMIT),
        published=published or updated,
        updated=updated,
        authors=_names(author.get("name") for author in _given(item, "authors") or []),
    )


def _sound_reference(match: re.Match[str]) -> str:
    """A reference to a character, or nothing where no text can hold that (XML 1.0 4.1): feedparser would break at it."""
    number = int(match[1][1:], 16) if match[1][0] in "xX" else int(match[1])
    return match[0] if number <= sys.maxunicode and not _NOT_IN_XML.match(chr(number)) else ""


def _given(item: dict[str, Any], name: str) -> Any:
    """What *item* itself holds. A FeedParserDict's own ``get`` answers for names that were not given, and warns of it."""
    return dict.get(item, name)


def _field(item: dict[str, Any], name: str) -> str:
    value = _given(item, name)
    return _sound(value).strip() if isinstance(value, str) else ""


def _plain(detail: dict[str, Any] | None) -> str:
    """A title as one line of text, whether it came as text, as HTML, or escaped once too often."""
    if not detail:
        return ""
    value = _sound(str(detail.get("value") or ""))[:HTML_LIMIT]
    text = plain_text(value) if detail.get("type") in _HTML_TYPES else value
    return one_line(unescaped(text), limit=TITLE_LIMIT)


def _html(detail: dict[str, Any] | None, *, url: str) -> str:
    """A summary or content as harmless HTML, its links absolute against ``xml:base`` or the feed's address."""
    if not detail:
        return ""
    value = _sound(str(detail.get("value") or ""))[:HTML_LIMIT]
    if detail.get("type") not in _HTML_TYPES:
        value = value.replace("&", "&amp;").replace("<", "&lt;")
    return clean_html(value, base_url=web_url(str(detail.get("base") or ""), base=url) or url).strip()


def _moment(item: dict[str, Any], name: str, *, now: dt.datetime) -> dt.datetime | None:
    value = _given(item, name)
    try:
        when = dt.datetime.fromtimestamp(calendar.timegm(value), tz=dt.UTC) if value else None
    except (ValueError, TypeError, OverflowError, OSError):  # the year 10000
        return None
    return plausible(when, now=now)


def _ttl(minutes: str) -> dt.timedelta | None:
    if not minutes.isdecimal():
        return None
    return min(dt.timedelta(minutes=int(minutes[:6])), LONGEST_TTL)


# --- JSON Feed ------------------------------------------------------------------------------------------------------


def _json_feed(text: str, *, url: str, feed: str, now: dt.datetime) -> Parsed:
    """JSON Feed 1.0 and 1.1 (jsonfeed.org): like a browser, forgiving about each item, not about what the whole is."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise FetchError(f"not a feed: {url} begins like JSON but is none{place}; ask its owner") from error
    version = document.get("version") if isinstance(document, dict) else None
    if (
        not isinstance(version, str)
        or "jsonfeed.org/version/1" not in version
        or not isinstance(document.get("items"), list)
    ):
        raise FetchError(f"not a feed: {url} is JSON but no JSON Feed; check the address")
    items = [item for item in document["items"] if isinstance(item, dict)][:ITEMS]
    ids = Counter(_text(item, "id") for item in items)
    return Parsed(_unlike(_json_entry(item, ids, url=url, feed=feed, now=now) for item in items))


def _json_entry(item: dict[str, Any], ids: Counter[str], *, url: str, feed: str, now: dt.datetime) -> Entry:
    link = _link(_text(item, "url") or _text(item, "external_url"), url=url)
    title = one_line(unescaped(_text(item, "title")), limit=TITLE_LIMIT)
    published, updated = (_rfc3339(_text(item, name), now=now) for name in ("date_published", "date_modified"))
    html = clean_html(_text(item, "content_html")[:HTML_LIMIT], base_url=url).strip()
    words = _text(item, "content_text")[:HTML_LIMIT]
    given = _text(item, "id")
    people = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    return Entry(
        feed=feed,
        id=identity(given if ids[given] == 1 else "", link, title, published or updated),
        url=link,
        title=title or one_line(words or plain_text(html), limit=120),
        html=html or clean_html(words.replace("&", "&amp;").replace("<", "&lt;")),
        summary=one_line(_text(item, "summary") or words or plain_text(html), limit=SUMMARY_LIMIT),
        published=published or updated,
        updated=updated,
        authors=_names(person.get("name") for person in people or [] if isinstance(person, dict)),
    )


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _sound(str(value)).strip()


def _rfc3339(value: str, *, now: dt.datetime) -> dt.datetime | None:
    try:
        when = dt.datetime.fromisoformat(value)
        when = when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return plausible(when, now=now)


# --- both -----------------------------------------------------------------------------------------------------------


def _link(address: str, *, url: str) -> str | None:
    """Where an entry leads, without what would tell its owner that a feed sent the reader (T-34)."""
    whole = web_url(address, base=url)
    return without_tracking(whole) if whole else None


def _names(names: Iterable[object]) -> tuple[str, ...]:
    cleaned = (one_line(unescaped(name), limit=NAME_LIMIT) for name in names if isinstance(name, str))
    return tuple(dict.fromkeys(name for name in cleaned if name))[:AUTHORS]


def _unlike(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that say anything, each once."""
    kept: dict[str, Entry] = {}
    for entry in entries:
        if entry.title or entry.url:
            kept.setdefault(entry.id, entry)
    return tuple(kept.values())
