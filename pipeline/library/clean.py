"""HTML that can do nothing but be read: the one allow-list, kept by nh3. Scripts, styles, frames, forms and handlers go.

`clean_html` is for HTML that others wrote (feeds, pages): text, tables, links and images, no class, no id.
`clean_rendered` is for HTML that `render` made of our Markdown, in which an author can still write any tag and, by attribute lists,
any attribute: the same list, and beside it the classes that our renderer uses and the ids that it made.
`plain_text` is for titles and the like: no markup at all.

Addresses: only whole ``http(s)`` ones and ``mailto``. nh3 by itself keeps as "relative" what browsers run as a script once they
have dropped a control character from it (``java\\x01script:``), and addresses of other hosts (``//evil.example``); we keep none.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

import nh3

from pipeline.library.urls import without_tracking

Resolve: TypeAlias = Callable[[str], str | None]

TAGS: Final = frozenset(
    """a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i
    img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var""".split()
)
ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "a": frozenset({"href", "title"}),
    "abbr": frozenset({"title"}),
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "details": frozenset({"open"}),
    "img": frozenset({"src", "alt", "title", "width", "height"}),
    "ol": frozenset({"start", "reversed"}),
    "td": frozenset({"colspan", "rowspan", "align"}),
    "th": frozenset({"colspan", "rowspan", "align", "scope"}),
}
SILENCED: Final = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title", "textarea"}
)
_ADDRESSES: Final = frozenset({"href", "src"})
_NUMBERS: Final = frozenset({"width", "height", "start", "span", "colspan", "rowspan"})
_NUMBER: Final = re.compile(r"\s*(\d{1,4})(?:px)?\s*", re.IGNORECASE)
_ALIGN: Final = frozenset({"left", "right", "center"})
_SCOPE: Final = frozenset({"row", "col", "rowgroup", "colgroup"})

# Classes that rendered Markdown may carry, by tag; what a theme needs to style what our extensions make.
_ADMONITIONS: Final = frozenset(
    """note abstract info tip success question warning failure danger bug example quote summary tldr hint important check done
    help faq caution attention fail missing error cite seealso""".split()
)
_CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "div": frozenset({"admonition", "highlight"}) | _ADMONITIONS,
    "details": frozenset({"tab"}) | _ADMONITIONS,
    "p": frozenset({"admonition-title", "label"}),
    "span": frozenset({"filename"}),
    "sup": frozenset({"cite", "cite-sep"}),
}
_LANGUAGE: Final = re.compile(r"language-[a-z0-9+#-]{1,30}")  # on code and on the box around it
_PYGMENTS: Final = re.compile(r"[a-z][a-z0-9]{0,2}")  # Pygments' short token classes
_TAB_GROUP: Final = re.compile(r"tabs-\d{1,4}")
_HEADING_ID: Final = re.compile(r"(?!source-\d|cite-\d)[a-z0-9_][a-z0-9_-]{0,120}")
_CITATION_ID: Final = re.compile(r"cite-\d{1,4}-\d{1,4}")
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

_BLOCKS: Final = frozenset(
    """address article blockquote br dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre section table td th tr
    ul""".split()
)
_NEVER_IN_URL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\\]"
)  # browsers drop some of these, and then read another address
_ENCODED_IN_URL: Final = re.compile(r"[ \xa0\u2000-\u200f\u2028-\u202f\ufeff<>\"^`{|}]")
_PIXEL: Final = re.compile(
    r'<img(?=[^>]* (?:width|height)="0*[0-3]")[^>]*>'
)  # seen by nobody: it only tells who opened the page
_IMAGE_OF_NOTHING: Final = re.compile(r"<img(?![^>]* src=)[^>]*>")  # safe here: nh3 writes no ">" inside a tag


def clean_html(html: str, *, base_url: str = "") -> str:
    """The harmless part of HTML that others wrote. Relative addresses are resolved against *base_url*, or dropped without one.

    Nothing in it counts its readers: images of a pixel or two go, and so do the parameters of addresses that say who sent somebody
    (T-34).
    """

    def whole(url: str) -> str | None:
        address = absolute_url(url, base_url)
        return without_tracking(address) if address else None

    def keep(tag: str, name: str, value: str) -> str | None:
        return _plain_attribute(name, value, resolve=whole)

    return _PIXEL.sub("", _clean(html, ATTRIBUTES, keep))


def clean_rendered(html: str, *, resolve: Resolve, ids: set[str] | None = None) -> str:
    """The harmless part of HTML that our renderer made.

    *resolve* turns each address into a whole one, or into None where it leads nowhere; the answer is checked once more.
    *ids* are the ids that the renderer gave, each kept once; by default every id that looks like one of a heading is kept.
    """
    left = None if ids is None else set(ids)

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            return _known_classes(tag, value)
        if name == "id":
            return _made_by_us(tag, value, left)
        if name == "name":
            return value if _TAB_GROUP.fullmatch(value) else None
        return _plain_attribute(name, value, resolve=lambda url: _safe_url(resolve(url) or ""))

    return _clean(html, _RENDERED_ATTRIBUTES, keep)


def plain_text(html: str) -> str:
    """The words of *html* in one line: no markup, no scripts, entities read, white space collapsed."""
    bare = nh3.clean(
        html, tags=set(_BLOCKS), clean_content_tags=set(SILENCED - {"title", "textarea"}), attributes={}, link_rel=None
    )
    return " ".join(entities.unescape(re.sub(r"<[^>]*>", " ", bare)).split())


def absolute_url(url: str, base_url: str = "") -> str | None:
    """*url* as a whole http(s) or mailto address, read from the page *base_url*; None where it is none or is not safe."""
    url = url.strip(" \t\n\r\f")
    if _NEVER_IN_URL.search(url):
        return None
    url = _ENCODED_IN_URL.sub(lambda m: quote(m[0]), url)
    try:
        return _safe_url(urljoin(base_url, url) if base_url else url)
    except ValueError:  # a bracket of an IPv6 address is missing
        return None


def _clean(html: str, attributes: Mapping[str, frozenset[str]], keep: Callable[[str, str, str], str | None]) -> str:
    cleaned = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(SILENCED),
        attributes={tag: set(names) for tag, names in attributes.items()},
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    return _IMAGE_OF_NOTHING.sub("", cleaned)


def _plain_attribute(name: str, value: str, *, resolve: Resolve) -> str | None:
    if name in _ADDRESSES:
        address = resolve(value)
        return None if address and name == "src" and not address.startswith("http") else address
    if name in _NUMBERS:
        number = _NUMBER.fullmatch(value)
        return number[1] if number else None
    if name == "align":
        return value if value in _ALIGN else None
    if name == "scope":
        return value if value in _SCOPE else None
    if name in ("open", "reversed"):
        return ""
    return value


def _safe_url(url: str) -> str | None:
    """*url* if it is a whole http(s) or mailto address without credentials, or leads to a place on the same page."""
    if url.startswith("#"):
        return url if re.fullmatch(r"#[\w.:-]*", url) else None
    if _NEVER_IN_URL.search(url) or _ENCODED_IN_URL.search(url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        return url if host and "@" not in parts.netloc else None
    return url if parts.scheme == "mailto" and "@" in parts.path else None


def _known_classes(tag: str, value: str) -> str | None:
    known = _CLASSES.get(tag, frozenset())
    kept = [
        name
        for name in value.split()
        if name in known
        or (tag in ("code", "div", "pre") and _LANGUAGE.fullmatch(name))
        or (tag == "span" and _PYGMENTS.fullmatch(name))
    ]
    return " ".join(kept) or None


def _made_by_us(tag: str, value: str, left: set[str] | None) -> str | None:
    shape = _HEADING_ID if tag in _HEADINGS else _CITATION_ID
    if not shape.fullmatch(value):
        return None
    if left is None:
        return value
    if value not in left:
        return None
    left.remove(value)
    return value


_RENDERED_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    **ATTRIBUTES,
    **{tag: ATTRIBUTES.get(tag, frozenset()) | {"class"} for tag in (*_CLASSES, "code", "pre")},
    **dict.fromkeys(_HEADINGS, frozenset({"id"})),
    "a": ATTRIBUTES["a"] | {"id"},
    "details": ATTRIBUTES["details"] | {"class", "name"},
}
