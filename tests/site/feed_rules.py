"""What RSS 2.0, RFC 4287, the RSS Advisory Board's profile and the W3C's feed validator ask, as far as our feeds could break it.

`faults` reads a feed as they do and says in words what is wrong with it: errors and warnings alike, for we want neither. Rules
about elements that we never write are summed up in one: only those that are named here may stand there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from html.entities import html5
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
OLDEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)  # what is older is taken for a slip

ONCE_IN_CHANNEL = frozenset("title link description language generator docs pubDate lastBuildDate".split())
ONCE_IN_ITEM = frozenset("title link guid pubDate description".split()) | {f"{CONTENT}encoded"}
ONCE_IN_FEED = frozenset(f"{ATOM}{name}" for name in "title subtitle id updated generator".split())
ONCE_IN_ENTRY = frozenset(f"{ATOM}{name}" for name in "title id updated published summary content".split())
RELATIONS = frozenset("alternate enclosure hub license related replies self via".split())
OF_LINKS = frozenset("href rel type title hreflang length".split())
ATTRIBUTES = {  # of the elements that may have any
    "guid": {"isPermaLink"}, f"{ATOM}link": OF_LINKS, f"{ATOM}feed": {LANG}, f"{ATOM}entry": {LANG}, f"{ATOM}category": {"term"},
    **{f"{ATOM}{name}": {"type"} for name in "title subtitle summary content".split()},
}  # fmt: skip

FULL_URL = re.compile(r"https?://[a-z0-9.\-\[\]:]+/[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]*")
MEDIA_TYPE = re.compile(r"[^\s()<>,;:\"/\[\]?=]+/[^\s()<>,;:\"/\[\]?=]+")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MARKUP = re.compile(r"</\w+>")  # what the validator takes for it in words that are not said to be HTML
ADDRESS_OF_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
BAD_CHARACTERS = re.compile("[\x7f-\x9f]")
NO_CHARACTERS = re.compile(
    f"[\ufdd0-\ufdef{''.join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))}]"
)
REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]+);|#([0-9]+);|([A-Za-z][A-Za-z0-9]*;)|)")
STYLE_VALUE = re.compile(r"(?:[\w\s.,%#!]|(?<=\w)-(?=\w)|'[\w\s]+'|\([\d,\s]+\))+")

ELEMENTS = frozenset(
    """a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i
    img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead time tr
    u ul var""".split()
)
WITHOUT_END = frozenset("br col hr img".split())
PARENTS = {
    "td": "tr", "th": "tr", "tr": "table thead tbody tfoot", "thead": "table", "tbody": "table", "tfoot": "table",
    "caption": "table", "colgroup": "table", "col": "colgroup",
}  # fmt: skip
NOT_IN_A_PARAGRAPH = frozenset("blockquote dl div figure h1 h2 h3 h4 h5 h6 hr ol p pre table ul".split())
PROPERTIES = frozenset(
    """background background-color border border-collapse border-color border-left border-spacing border-style border-width color
    font-family font-size font-style font-weight height line-height margin margin-bottom margin-left margin-right margin-top padding
    padding-bottom padding-left padding-right padding-top text-align text-decoration vertical-align white-space width""".split()
)


def faults(feed: str, *, address: str, now: dt.datetime) -> list[str]:
    """What is wrong with the RSS or Atom *feed* that is found at *address*; nothing where all is well."""
    return list(_faults(feed, address, now))


def _faults(feed: str, address: str, now: dt.datetime) -> Iterator[str]:
    if not feed.startswith('<?xml version="1.0" encoding="utf-8"?>\n'):
        yield "does not begin with an XML declaration of UTF-8"
    if "<!DOCTYPE" in feed or "<!ENTITY" in feed:
        yield "has a document type"
    if BAD_CHARACTERS.search(feed):
        yield "holds control characters"
    try:
        root = ET.fromstring(feed.encode())
    except ET.ParseError as error:
        yield f"is not XML: {error}"
        return
    for element in root.iter():
        if element is not root and (unknown := set(element.attrib) - ATTRIBUTES.get(element.tag, set())):
            yield f"attributes of {_name(element)}: {sorted(unknown)}"
    if NO_CHARACTERS.search(feed):
        yield "holds what is no character"
    yield from _character_data(feed)
    if root.tag == "rss":
        yield from _rss(root, address, now)
    elif root.tag == f"{ATOM}feed":
        yield from _atom(root, address, now)
    else:
        yield f"is neither RSS nor Atom but {root.tag}"


# --- RSS --------------------------------------------------------------------------------------------------------------------------


def _rss(root: ET.Element, address: str, now: dt.datetime) -> Iterator[str]:
    if root.attrib != {"version": "2.0"}:
        yield f"attributes of rss: {root.attrib}"
    channels = list(root)
    if [channel.tag for channel in channels] != ["channel"]:
        yield "not one channel"
        return
    [channel] = channels
    items = channel.findall("item")
    yield from _children(
        channel, once=ONCE_IN_CHANNEL, many={"item", f"{ATOM}link"}, wanted={"title", "link", "description"}
    )
    for name in ("title", "description", "generator"):
        yield from _plain(channel.find(name))
    for name in ("link", "docs"):
        yield from _url(channel.find(name))
    for name in ("pubDate", "lastBuildDate"):
        yield from _rfc822(channel.find(name), now)
    if not LANGUAGE.fullmatch(channel.findtext("language", "")):
        yield f"language {channel.findtext('language')!r}"
    yield from _links(channel, address, media_type="application/rss+xml")
    for item in items:
        yield from _item(item, now)
    yield from _unique("guid", [item.findtext("guid") for item in items])


def _item(item: ET.Element, now: dt.datetime) -> Iterator[str]:
    many = {f"{ATOM}link", f"{DC}creator", "category"}
    yield from _children(item, once=ONCE_IN_ITEM | {"author"}, many=many, wanted={"title", "guid", "description"})
    tags = [child.tag for child in item]
    if "author" in tags and f"{DC}creator" in tags:
        yield "author and dc:creator"
    if "author" in tags and not ADDRESS_OF_MAIL.match(item.findtext("author", "")):
        yield "author is no address of mail"
    if f"{CONTENT}encoded" in tags and "description" in tags[tags.index(f"{CONTENT}encoded") :]:
        yield "content:encoded before description"
    for element in (item.find("title"), *item.findall("category"), *item.findall(f"{DC}creator")):
        yield from _plain(element)
    yield from _url(item.find("link"))
    yield from _rfc822(item.find("pubDate"), now)
    guid = item.find("guid")
    if guid is not None:
        if guid.get("isPermaLink", "true") not in ("true", "false"):
            yield "isPermaLink is neither true nor false"
        if guid.get("isPermaLink", "true") == "true":
            yield from _url(guid)
    yield from _links(item, None)
    for name in ("description", f"{CONTENT}encoded"):
        yield from html_faults(item.findtext(name, ""))


def _character_data(feed: str) -> Iterator[str]:
    """Words for which readers differ on whether they are HTML: & and < of them are to be hexadecimal references."""
    ahead, _, _ = feed.partition("<item>")  # the description of an item is HTML
    found = re.findall(r"<(title|category|dc:creator|generator|language|name|subtitle|summary)>([^<]*)</", feed)
    for name, words in (*found, *re.findall(r"<(description)>([^<]*)</", ahead)):
        if re.search(r"&(?!#x[0-9A-F]+;)", words):
            yield f"{name} with an entity that is no hexadecimal reference"
    for words in re.findall(r'<(?:atom:)?link[^>]* title="([^"]*)"', feed):
        if re.search(r"&(?!#x[0-9A-F]+;)", words):
            yield "title of a link with an entity that is no hexadecimal reference"


# --- Atom -------------------------------------------------------------------------------------------------------------------------


def _atom(root: ET.Element, address: str, now: dt.datetime) -> Iterator[str]:
    entries = root.findall(f"{ATOM}entry")
    many = {f"{ATOM}{name}" for name in ("author", "category", "link", "entry")}
    yield from _children(
        root, once=ONCE_IN_FEED, many=many, wanted={f"{ATOM}{name}" for name in ("title", "id", "updated")}
    )
    tags = [child.tag for child in root]
    if entries and any(tag != f"{ATOM}entry" for tag in tags[tags.index(f"{ATOM}entry") :]):
        yield "what is told of the feed stands behind an entry"
    yield from _links(root, address, media_type="application/atom+xml")
    yield from _common(root, now)
    for name in ("subtitle", "generator"):
        yield from _plain(root.find(f"{ATOM}{name}"))
    for entry in entries:
        yield from _entry(entry, now, has_author=f"{ATOM}author" in tags)
    yield from _unique("id", [entry.findtext(f"{ATOM}id") for entry in entries])
    yield from _unique("updated", [entry.findtext(f"{ATOM}updated") for entry in entries])
    newest = max((entry.findtext(f"{ATOM}updated", "")[:19] for entry in entries), default="")
    if newest > root.findtext(f"{ATOM}updated", "")[:19]:
        yield "an entry was updated after its feed"


def _entry(entry: ET.Element, now: dt.datetime, *, has_author: bool) -> Iterator[str]:
    many = {f"{ATOM}{name}" for name in ("author", "category", "link")}
    yield from _children(
        entry, once=ONCE_IN_ENTRY, many=many, wanted={f"{ATOM}{name}" for name in ("title", "id", "updated")}
    )
    if not has_author and entry.find(f"{ATOM}author") is None:
        yield "an entry without an author"
    yield from _links(entry, None)
    yield from _common(entry, now)
    yield from _rfc3339(entry.find(f"{ATOM}published"), now)
    if entry.findtext(f"{ATOM}published", "")[:19] > entry.findtext(f"{ATOM}updated", "")[:19]:
        yield "an entry was updated before it was published"
    summary, content = entry.find(f"{ATOM}summary"), entry.find(f"{ATOM}content")
    yield from _plain(summary)
    if content is None or content.get("type") != "html" or not (content.text or "").strip():
        yield "an entry without content that says it is HTML"
    else:
        yield from html_faults(content.text or "")


def _common(element: ET.Element, now: dt.datetime) -> Iterator[str]:
    """What feeds and entries of Atom have alike."""
    if LANG in element.attrib and not LANGUAGE.fullmatch(element.attrib[LANG]):
        yield f"xml:lang {element.attrib[LANG]!r}"
    yield from _plain(element.find(f"{ATOM}title"))
    yield from _rfc3339(element.find(f"{ATOM}updated"), now)
    yield from _canonical(element.find(f"{ATOM}id"))
    for author in element.findall(f"{ATOM}author"):
        yield from _children(author, once={f"{ATOM}name", f"{ATOM}uri"}, many=set(), wanted={f"{ATOM}name"})
        yield from _plain(author.find(f"{ATOM}name"))
        if ADDRESS_OF_MAIL.search(author.findtext(f"{ATOM}name", "")):
            yield "an address of mail for a name"
        yield from _url(author.find(f"{ATOM}uri"))
    for category in element.findall(f"{ATOM}category"):
        if not category.get("term", "").strip():
            yield "a category without a term"


def _canonical(element: ET.Element | None) -> Iterator[str]:
    words = (element.text or "") if element is not None else ""
    yield from _url(element)
    host = words.partition("://")[2].partition("/")[0]
    if host != host.lower() or re.search(r":(80|443)$", host) or re.search(r"/\.{1,2}(/|$)|%[0-9a-f]?[a-f]|%7E", words):
        yield f"id {words!r} could be written otherwise"


# --- what both have ---------------------------------------------------------------------------------------------------------------


def _children(
    element: ET.Element, *, once: set[str] | frozenset[str], many: set[str], wanted: set[str]
) -> Iterator[str]:
    counted = Counter(child.tag for child in element)
    for tag, count in counted.items():
        if tag not in once and tag not in many:
            yield f"{_name(element)} holds {tag}"
        elif count > 1 and tag not in many:
            yield f"{_name(element)} holds {count} of {tag}"
    for tag in wanted - counted.keys():
        yield f"{_name(element)} without {tag}"
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        yield f"{_name(element)} holds words beside its elements"


def _links(element: ET.Element, address: str | None, *, media_type: str = "") -> Iterator[str]:
    found = element.findall(f"{ATOM}link")
    own = [(link.get("href"), link.get("type")) for link in found if link.get("rel") == "self"]
    if address is not None and own != [(address, media_type)]:
        yield f"is found at {address} and says it is at {own}"
    if address is None and own:
        yield f"an entry says that it is at {own}"
    for link in found:
        if set(link.attrib) - OF_LINKS or "href" not in link.attrib:
            yield f"attributes of a link: {sorted(link.attrib)}"
        if (link.text or "").strip() or len(link):
            yield "a link holds something"
        if link.get("rel", "alternate") not in RELATIONS:
            yield f"a link with rel={link.get('rel')!r}"
        if not FULL_URL.fullmatch(link.get("href", "")):
            yield f"a link to {link.get('href')!r}"
        if "type" in link.attrib and not MEDIA_TYPE.fullmatch(link.attrib["type"]):
            yield f"a link of type {link.attrib['type']!r}"
        if "title" in link.attrib and (not link.attrib["title"].strip() or MARKUP.search(link.attrib["title"])):
            yield f"a link with the title {link.attrib['title']!r}"
    alternates = [
        (link.get("type"), link.get("hreflang")) for link in found if link.get("rel", "alternate") == "alternate"
    ]
    yield from _unique("type of an alternate link", alternates)


def _plain(element: ET.Element | None) -> Iterator[str]:
    if element is None:
        return
    words = element.text or ""
    if not words.strip():
        yield f"{_name(element)} is blank"
    if element.get("type") == "html":
        yield from html_faults(words)
    elif MARKUP.search(words):
        yield f"{_name(element)} holds markup: {words!r}"


def _url(element: ET.Element | None) -> Iterator[str]:
    if element is not None and not FULL_URL.fullmatch(element.text or ""):
        yield f"{_name(element)} is no full address: {element.text!r}"


def _rfc822(element: ET.Element | None, now: dt.datetime) -> Iterator[str]:
    if element is None:
        return
    words = element.text or ""
    try:
        moment = parsedate_to_datetime(words if RFC822.fullmatch(words) else "")
    except ValueError:
        yield f"{_name(element)} is no date of RFC 822: {words!r}"
        return
    if f"{moment:%a}" != words[:3]:
        yield f"{_name(element)} names the wrong day: {words!r}"
    yield from _plausible(element, moment, now)


def _rfc3339(element: ET.Element | None, now: dt.datetime) -> Iterator[str]:
    if element is None:
        return
    words = element.text or ""
    try:
        moment = dt.datetime.fromisoformat(words if RFC3339.fullmatch(words) else "")
    except ValueError:
        yield f"{_name(element)} is no date of RFC 3339: {words!r}"
        return
    yield from _plausible(element, moment, now)


def _plausible(element: ET.Element, moment: dt.datetime, now: dt.datetime) -> Iterator[str]:
    if not OLDEST <= moment <= now + dt.timedelta(minutes=10):
        yield f"{_name(element)} is not plausible: {element.text}"


def _unique(what: str, values: list[object] | list[str | None] | list[tuple[str | None, str | None]]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{count} times the {what} {value}"


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


# --- HTML in it -------------------------------------------------------------------------------------------------------------------


def html_faults(html: str) -> list[str]:
    """What is wrong with *html* where any program may show it: what acts, what depends on a page, what is not nested."""
    reader = _Html()
    reader.feed(html)
    reader.close()
    return [*reader.found, *(f"<{tag}> is not closed" for tag in reader.open), *_slips(html)]


def _slips(html: str) -> Iterator[str]:
    """What a parser of HTML mends in silence: signs that are not written as such, and references to no character."""
    if re.search(r"<(?![a-zA-Z/])", html):
        yield "a bare < in HTML"
    for found in REFERENCE.finditer(html):
        code = int(found[1], 16) if found[1] else int(found[2] or 32)
        is_control = (code < 32 and code not in (9, 10)) or 0x7F <= code <= 0x9F
        is_none = code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or NO_CHARACTERS.search(chr(code))
        if found[0] == "&" or is_control or is_none or (found[3] and found[3] not in html5):
            yield f"a reference that is none: {html[found.start() : found.start() + 12]!r}"


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.found.append(f"<{tag}> has no place in a feed")
        if (
            "p" in self.open
            and tag in NOT_IN_A_PARAGRAPH
            and self.open[-1] not in ("td", "th", "li", "dd", "blockquote", "div")
        ):
            self.found.append(f"<{tag}> in a paragraph")
        if tag in PARENTS and not set(PARENTS[tag].split()) & set(self.open[-1:]):
            self.found.append(f"<{tag}> where none may be")
        if len({name for name, _ in attrs}) < len(attrs):
            self.found.append(f"<{tag}> names an attribute twice")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.found.append(f"</{tag}> closes something else")

    def handle_comment(self, data: str) -> None:
        self.found.append("a comment")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name in ("srcdoc", "formaction"):
            self.found.append(f"{name} of <{tag}>")
        if name in ("href", "src", "cite", "data", "poster", "srcset") and not re.match(
            r"(https?://|mailto:)\S+$", value
        ):
            self.found.append(f"{name} of <{tag}> is {value!r}")
        if name == "style":
            for declaration in filter(None, value.split(";")):
                key, colon, given = declaration.partition(":")
                if not colon or key.strip() not in PROPERTIES or not STYLE_VALUE.fullmatch(given):
                    self.found.append(f"style {declaration!r} of <{tag}>")
