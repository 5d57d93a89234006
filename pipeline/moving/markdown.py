"""HTML as services write it, said in Markdown as we read it.

    HTML | lxml | blocks and lines | Markdown, with what could not be said as remarks

What runs or counts goes (scripts, forms, pixels), what is embedded becomes a link, and every character that would mean
something to our renderer in a place where it meant nothing before is escaped. Where links lead and where images lie is asked
of the caller.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

from lxml import etree
from lxml import html as lxml_html

Element: TypeAlias = lxml_html.HtmlElement
DEEPEST: Final = 60  # levels of nested elements; below, only the words are kept
DEEPEST_LIST: Final = 6
DEEPEST_PARSED: Final = 500  # levels; libxml2 drops what lies below some hundreds or thousands of them
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_VOID: Final = frozenset("area base br col embed hr img input li link meta p param source td th tr track wbr".split())
_WRAPPERS: Final = re.compile(r"</?(?:div|span|section|article|center|font|main)\b[^>]*>", re.IGNORECASE)
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_UNSEEN: Final = re.compile(
    r"[\u200b\ufeff\u2060\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]"
)
_BLOCKS: Final = frozenset(
    """address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6
    header hgroup hr html iframe li main nav ol p pre section summary table tbody td tfoot th thead tr ul video audio object embed
    form""".split()
)
_DROPPED: Final = frozenset(
    "script style template noscript head meta link title base form input select textarea button canvas svg math map".split()
)
_TOLD_WHEN_DROPPED: Final = {"form": "a form", "canvas": "a drawing", "svg": "a drawing", "math": "a formula"}
_STRONG: Final = frozenset({"b", "strong"})
_EMPHASIS: Final = frozenset({"em", "i", "cite", "dfn", "var"})
_AS_HTML: Final = {
    "sup": "sup",
    "sub": "sub",
    "mark": "mark",
    "kbd": "kbd",
    "del": "del",
    "s": "del",
    "strike": "del",
    "small": "small",
}
# Boxes that ask to subscribe, share or comment: the new site has its own.
_BOXES: Final = frozenset(
    """subscription-widget-wrap subscription-widget subscription-widget-wrap-editor subscribe-widget kg-signup-card kg-email-card
    sharedaddy jp-relatedposts wp-block-jetpack-subscriptions captioned-button-wrap poll-embed install-substack-app-embed
    community-chat comment-count""".split()
)
_ASKS: Final = re.compile(
    r"[?&]action=(?:share|subscribe)|/subscribe/?(?:[?#]|$)|%%|/comments/?(?:[?#]|$)|[?&]utm_campaign=email-share",
    re.IGNORECASE,
)
_QUOTES: Final = frozenset({"pullquote", "kg-callout-card", "callout-block", "wp-block-pullquote"})
_POSTS: Final = frozenset(
    {"twitter-tweet", "instagram-media", "tiktok-embed", "bluesky-embed", "mastodon-embed", "text-post-media"}
)
_KINDS: Final = (
    (
        re.compile(r"(^|\.)(youtube(-nocookie)?\.com|youtu\.be|vimeo\.com|dailymotion\.com|loom\.com|wistia\.\w+)$"),
        "Video",
    ),
    (
        re.compile(r"(^|\.)(spotify\.com|soundcloud\.com|apple\.com|bandcamp\.com|megaphone\.fm|simplecast\.com)$"),
        "Audio",
    ),
    (
        re.compile(r"(^|\.)(twitter\.com|x\.com|instagram\.com|tiktok\.com|bsky\.app|threads\.net|facebook\.com)$"),
        "Post",
    ),
    (re.compile(r"^gist\.github\.com$"), "Code"),
)
_LANGUAGE: Final = re.compile(r"(?:^|\s)(?:language|lang|brush:)-?\s*([A-Za-z0-9+#-]{1,30})")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was not said as it was."""

    what: str
    next: str = ""
    lost: bool = False


Where: TypeAlias = Callable[[str], str | None]
"""Where a link leads now; None: nowhere that a reader could be sent."""
Picture: TypeAlias = Callable[[str], str | None]
"""Where an image lies now; None: it could not be had."""


def to_markdown(html: str, *, link: Where, image: Picture) -> tuple[str, tuple[Remark, ...]]:
    """The Markdown for *html*, which may be broken in any way, and what to tell of it."""
    writer = _Writer(link, image)
    if _depth(html) > DEEPEST_PARSED:
        html = _WRAPPERS.sub(" ", html)
        if _depth(html) > DEEPEST_PARSED:
            writer.remarks.append(Remark("nested too deeply; only its words came over", "look at it"))
            html = f"<p>{re.sub(r'<[^>]*>', ' ', html)}</p>"
    body = parsed(html)
    if body is None:
        return "", ()
    _prepare(body)
    writer.shift = _shift_of_headings(body)
    blocks = writer.blocks(body, 0)
    return _joined(blocks), tuple(dict.fromkeys(writer.remarks))


def _depth(html: str) -> int:
    """How deep the tags of *html* nest at most, where it closes what it opens."""
    depth = deepest = 0
    for tag in _TAG.finditer(html):
        depth = max(0, depth - 1) if tag[1] else depth + (tag[2].lower() not in _VOID)
        deepest = max(deepest, depth)
    return deepest


def parsed(html: str) -> Element | None:
    """The tree of *html*; None where nothing is in it."""
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", _UNSEEN.sub("", html))
    if not text.strip():
        return None
    parser = lxml_html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True
    )
    try:
        return lxml_html.fragment_fromstring(
            f"<div>{text}</div>".encode("utf-8", "replace"), parser=parser, create_parent="div"
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def inner_html(element: Element) -> str:
    """What stands in *element*, as HTML."""
    parts = [escape_html(element.text or "")]
    parts += [etree.tostring(child, encoding="unicode", method="html") for child in element]
    return "".join(parts)


def escape_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def classes(element: Element) -> frozenset[str]:
    return frozenset((element.get("class") or "").split())


# --- before ---------------------------------------------------------------------------------------------------------------------


def _prepare(body: Element) -> None:
    """Set what services keep in attributes and boxes of their own into plain elements."""
    notes = [e for e in body.iter("div") if "footnote" in classes(e) and e.find_class("footnote-content")]
    if notes:
        _as_list(notes)
    for back in [*body.find_class("footnote-backref"), *body.find_class("footnote-return")]:
        back.drop_tree()
    for anchor in list(body.iter("a")):
        if classes(anchor) & {"footnote-anchor", "footnote-ref"} and not any(
            a.tag == "sup" for a in anchor.iterancestors()
        ):
            anchor.tag = "sup"
            anchor.attrib.pop("href", None)


def _as_list(notes: list[Element]) -> None:
    """Footnotes as the numbered list that they are."""
    first = notes[0]
    parent = first.getparent()
    assert parent is not None  # `parsed` puts all into an element of its own
    number = re.sub(r"\D", "", "".join(e.text_content() for e in first.find_class("footnote-number"))) or "1"
    listed = lxml_html.Element("ol", {"start": number})
    at = parent.index(first)
    parent.insert(at, lxml_html.Element("hr"))
    parent.insert(at + 1, listed)
    for element in notes:
        item = lxml_html.Element("li")
        for content in element.find_class("footnote-content"):
            item.append(content)
        element.drop_tree()
        listed.append(item)


def _shift_of_headings(body: Element) -> int:
    """How far headings move, so that the highest one is of the second level: the first is the title's."""
    levels = [int(e.tag[1]) for e in body.iter("h1", "h2", "h3", "h4", "h5", "h6") if e.text_content().strip()]
    return 2 - min(levels) if levels else 0


# --- blocks -----------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Writer:
    link: Where
    image: Picture
    remarks: list[Remark] = field(default_factory=list)
    shift: int = 0

    def blocks(self, element: Element, depth: int) -> list[str]:
        """The blocks in *element*; text between them is a paragraph."""
        if depth > DEEPEST:
            self._tell("nested too deeply; only its words came over", "look at it")
            return _paragraph(escaped(" ".join(element.text_content().split())))
        out: list[str] = []
        line = _escaped_text(element.text)
        for child in element:
            if isinstance(child.tag, str):
                if self._is_block(child):
                    out += _paragraph(line)
                    line = ""
                    out += self.block(child, depth + 1)
                else:
                    line = self._with(line, child, depth + 1, frozenset())
            line += _escaped_text(child.tail)
        return out + _paragraph(line)

    def block(self, element: Element, depth: int) -> list[str]:
        if _is_hidden(element) or (box := classes(element)) & _BOXES or self._is_dropped(element):
            return []
        tag = element.tag
        if embedded := self._embedded(element, box):
            return embedded
        if "button-wrapper" in box or "kg-button-card" in box:
            return self._button(element, depth)
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            return self._heading(element, depth)
        if tag == "hr":
            return ["---"]
        if tag == "pre" or "preformatted-block" in box:
            return _fenced(element)
        if tag == "blockquote" or box & _QUOTES:
            return _quoted(self.blocks(element, depth))
        if tag in ("ul", "ol"):
            return self._list(element, depth)
        if tag == "table":
            return self._table(element, depth)
        if tag == "figure" or "captioned-image-container" in box:
            return self._figure(element, depth)
        if tag == "details" or "kg-toggle-card" in box:
            return self._details(element, depth)
        if tag == "dt":
            words = self._line(element, depth)
            return [f"**{words}**"] if words and "*" not in words else _paragraph(words)
        return self.blocks(element, depth)

    def _is_block(self, element: Element) -> bool:
        if element.tag in _BLOCKS:
            return True
        if element.tag == "a" or element.tag in _DROPPED:
            return False
        return any(inner.tag in _BLOCKS for inner in element.iterdescendants() if isinstance(inner.tag, str))

    def _is_dropped(self, element: Element) -> bool:
        if element.tag == "script" and (source := element.get("src") or "") and "gist.github.com" in source:
            return False
        if element.tag not in _DROPPED:
            return False
        if told := _TOLD_WHEN_DROPPED.get(element.tag):
            self._tell(
                f"{told} cannot be said in Markdown and was left out", "describe it, or set a picture of it", lost=True
            )
        elif element.tag == "script":
            self._tell("a script was left out", "say in words what it showed")
        return True

    def _heading(self, element: Element, depth: int) -> list[str]:
        words = self._line(element, depth).replace("<br>", " ").replace("\n", " ")
        words = " ".join(words.split())
        if not words:
            return []
        if re.fullmatch(r"!\[[^\]]*\]\([^)]*\)", words):
            return [words]
        level = min(6, max(2, int(element.tag[1]) + self.shift))
        return [f"{'#' * level} {words.rstrip('#').rstrip() if words.endswith(' #') else words}"]

    def _list(self, element: Element, depth: int) -> list[str]:
        nested = sum(1 for above in element.iterancestors("ul", "ol"))
        items = [self.blocks(item, depth + 1) for item in element if isinstance(item.tag, str)]
        items = [item for item in items if item]
        if nested >= DEEPEST_LIST:
            self._tell("lists are nested too deeply; the innermost became paragraphs", "look at it")
            return [block for item in items for block in item]
        start = element.get("start") or "1"
        number = int(start) if start.isdigit() and len(start) < 4 else 1
        loose = any(len(item) > 1 and not (len(item) == 2 and _is_list(item[1])) for item in items)
        lines = []
        for at, item in enumerate(items):
            mark = f"{number + at}. " if element.tag == "ol" else "- "
            first, rest = item[0], item[1:]
            if not _is_paragraph(first):
                first, rest = "<!-- -->", item
                loose = True
            body = first.replace("\n", "\n    ")
            for block in rest:
                gap = "\n" if not loose and _is_list(block) else "\n\n"
                body += gap + _indented(block)
            lines.append(mark + body)
        return [("\n\n" if loose else "\n").join(lines)] if lines else []

    def _table(self, element: Element, depth: int) -> list[str]:
        rows = [row for row in element.iter("tr") if next(row.iterancestors("table")) is element]
        cells = [[cell for cell in row if cell.tag in ("td", "th")] for row in rows]
        width = max((len(row) for row in cells), default=0)
        is_layout = (
            element.get("role") == "presentation"
            or width < 2
            or len([row for row in cells if row]) < 2
            or any(e is not element for e in element.iter("table"))
        )
        if is_layout:  # boxes that hold a letter in shape
            out = [block for caption in element.iter("caption") for block in _paragraph(self._line(caption, depth))]
            for row in cells:
                for cell in row:
                    out += self.blocks(cell, depth + 1)
            return out if cells else self.blocks_of_rest(element, depth)
        if any(
            (cell.get("colspan") or "1") != "1" or (cell.get("rowspan") or "1") != "1" for row in cells for cell in row
        ):
            self._tell("a table has cells over several rows or columns, which were set apart", "look at the table")
        lines = [self._row(row, width, depth) for row in cells if row]
        head = [f"| {lines[0]} |", f"|{' --- |' * width}"]
        table = "\n".join([*head, *(f"| {line} |" for line in lines[1:])])
        captions = [block for c in element.iter("caption") for block in _paragraph(self._line(c, depth))]
        return [*captions, table]

    def blocks_of_rest(self, element: Element, depth: int) -> list[str]:
        """What stands in a table without rows."""
        return [block for child in element if isinstance(child.tag, str) for block in self.blocks(child, depth + 1)]

    def _row(self, row: list[Element], width: int, depth: int) -> str:
        said = []
        for cell in row:
            parts = [part.replace("\n", " ") for part in self.blocks(cell, depth + 1)]
            said.append("<br>".join(parts).replace("|", "\\|") or " ")
        return " | ".join([*said, *[" "] * (width - len(said))])

    def _figure(self, element: Element, depth: int) -> list[str]:
        captions = list(element.iter("figcaption"))
        caption = self._line(captions[0], depth) if captions else ""
        words = " ".join(captions[0].text_content().split()) if captions else ""
        for one in captions:
            one.drop_tree()
        out: list[str] = []
        images = list(element.iter("img"))
        if images and not list(element.iter("iframe", "video", "audio", "table", "pre")):
            for image in images:
                out += _paragraph(self._image(image, alt=words))
            if text := " ".join(_without_images(element).split()):
                out += _paragraph(escaped(text))
        else:
            out = self.blocks(element, depth)
        if caption:
            out.append(f"<small>{caption}</small>" if "\n" not in caption else caption)
        return out

    def _details(self, element: Element, depth: int) -> list[str]:
        heads = [*element.iter("summary"), *element.find_class("kg-toggle-heading-text")][:1]
        title = " ".join(heads[0].text_content().split()).replace('"', "”").replace("\\", "") if heads else "More"
        for head in heads:
            head.drop_tree()
        inner = self.blocks(element, depth)
        if not inner:
            return _paragraph(escaped(title))
        return [f'??? note "{title}"\n' + _indented(_joined(inner))]

    def _button(self, element: Element, depth: int) -> list[str]:
        links = [a.get("href") or "" for a in element.iter("a")]
        if any(_ASKS.search(url) for url in links) or not links:
            return []
        return self.blocks(element, depth)

    # -- what is embedded

    def _embedded(self, element: Element, box: frozenset[str]) -> list[str]:
        tag = element.tag
        if tag in ("iframe", "embed", "object", "video", "audio"):
            sources = [element.get(name) for name in ("src", "data-src", "data")]
            sources += [source.get("src") for source in element.iter("source")]
            return self._as_link(next((url for url in sources if url), ""), element.get("title") or "")
        if tag == "script":
            return self._as_link(re.sub(r"\.js(\?.*)?$", "", element.get("src") or ""), "")
        if box & _POSTS or (tag == "blockquote" and any(name.endswith("-embed") for name in box)):
            urls = [element.get("cite") or "", element.get("data-instgrm-permalink") or ""]
            urls += [a.get("href") or "" for a in element.iter("a")][::-1]
            url = next((url for url in urls if url.startswith("http")), "")
            words = _quoted(_paragraph(escaped(" ".join(element.text_content().split()))))
            return [*words, *self._as_link(url, "")] if words else self._as_link(url, "")
        if "kg-bookmark-card" in box or "wp-block-embed" in box or "graf--mixtapeEmbed" in box:
            urls = [a.get("href") or "" for a in element.iter("a", "iframe")] + [
                f.get("src") or "" for f in element.iter("iframe")
            ]
            bare = re.search(r"https?://\S+", element.text_content())
            titles = [*element.find_class("kg-bookmark-title"), *element.find_class("markup--strong")]
            url = next((url for url in urls if url.startswith("http")), bare[0] if bare else "")
            title = " ".join(titles[0].text_content().split()) if titles else ""
            return self._as_link(url, title) if url else []
        if attributes := _data_of(element):
            return self._from_data(attributes, box)
        return []

    def _from_data(self, data: dict[str, object], box: frozenset[str]) -> list[str]:
        """What Substack keeps of an embed in an attribute, and shows by a script."""
        video = data.get("videoId")
        if isinstance(video, str) and "youtube2" in box:
            return self._as_link(f"https://www.youtube.com/watch?v={video}", "")
        if isinstance(video, str) and "vimeo" in box:
            return self._as_link(f"https://vimeo.com/{video}", "")
        if isinstance(video, str | int) and "vimeo" in " ".join(box):
            return self._as_link(f"https://vimeo.com/{video}", "")
        url = next(
            (value for name in ("url", "canonical_url", "href", "src") if isinstance(value := data.get(name), str)), ""
        )
        title = next((value for name in ("title", "name", "full_text") if isinstance(value := data.get(name), str)), "")
        return self._as_link(url, title[:200]) if url.startswith("http") else []

    def _as_link(self, url: str, title: str) -> list[str]:
        url = _watched(f"https:{url}" if url.startswith("//") else url)
        to = self.link(url) if url else None
        host = urlsplit(url).hostname or "" if to else ""
        if not to:
            self._tell("something embedded has no address and was left out", "look at the old page", lost=True)
            return _paragraph(escaped(title)) if title else []
        kind = next((kind for shape, kind in _KINDS if shape.search(host)), "Embedded")
        self._tell(f"something embedded from {host} became a link")
        words = f"{kind}: {title}" if title else f"{kind} at {host}"
        return [f"[{escaped(' '.join(words.split()))}]({_address(to)})"]

    def _tell(self, what: str, then: str = "", *, lost: bool = False) -> None:
        self.remarks.append(Remark(what, then, lost))

    # -- lines

    def _line(self, element: Element, depth: int, inside: frozenset[str] = frozenset()) -> str:
        """All that is in *element*, as one line or lines with breaks."""
        if depth > 3 * DEEPEST:
            return escaped(" ".join(element.text_content().split()))
        line = _escaped_text(element.text)
        for child in element:
            if isinstance(child.tag, str):
                if child.tag in _BLOCKS and line and not line.endswith((" ", "\n")):
                    line += " "
                line = self._with(line, child, depth + 1, inside)
            line += _escaped_text(child.tail)
        return _tidied(line) if not inside else line

    def _with(self, line: str, element: Element, depth: int, inside: frozenset[str]) -> str:
        """*line* and behind it what is in *element*."""
        tag = element.tag
        if _is_hidden(element) or (tag in _DROPPED and self._is_dropped(element)):
            return line
        if tag == "br":
            return f"{line.rstrip(' ')}<br>\n"
        if tag == "wbr":
            return line
        if tag == "img":
            return line + self._image(element)
        if tag in ("iframe", "video", "audio", "embed", "object", "script"):
            return line + " ".join(self._embedded(element, classes(element)))
        if tag in ("code", "tt", "samp"):
            return line + _code(element.text_content())
        if tag == "a":
            return line + self._anchor(element, depth, inside)
        mark = "strong" if tag in _STRONG else "em" if tag in _EMPHASIS else _AS_HTML.get(tag)
        if mark is None or mark in inside:
            return line + self._line(element, depth, inside | {"within"})
        words = self._line(element, depth, inside | {mark})
        bare = words.strip()
        if not bare or bare == "<br>":
            return line + words
        before = words[: len(words) - len(words.lstrip())]
        after = words[len(words.rstrip()) :]
        star = {"strong": "**", "em": "*"}.get(mark)
        if (
            mark == "em"
            and "strong" in inside
            and not re.match(r"\w", element.tail or "")
            and not re.search(r"[\w_]$", line)
        ):
            star = "_"  # a second star would be told from the first by nobody
        is_bare = not re.search(r"(?<!\\)\*" if star != "_" else r"(?<!\\)_", bare)
        if star and is_bare and not line.endswith("*") and "\n" not in bare and not bare.endswith("\\"):
            return f"{line}{before}{star}{bare}{star}{after}"
        return f"{line}{before}<{mark}>{bare}</{mark}>{after}"

    def _anchor(self, element: Element, depth: int, inside: frozenset[str]) -> str:
        words = self._line(element, depth, inside | {"a"})
        url = (element.get("href") or "").strip()
        bare = words.strip()
        if not bare or not url or "a" in inside:
            return words
        if url.startswith("#"):
            return words
        if bare.startswith("![") and re.search(
            r"\.(?:png|jpe?g|gif|webp|avif|svg)(?:[?#]|$)|/image/fetch/", url, re.IGNORECASE
        ):
            return words  # leads to the image itself
        to = self.link(url)
        if to is None:
            self._tell(
                f"the link behind “{_short(element.text_content())}” leads nowhere, and only its words came over",
                "mend it",
            )
            return words
        before = words[: len(words) - len(words.lstrip())]
        after = words[len(words.rstrip()) :]
        return f"{before}[{bare}]({_address(to)}){after}"

    def _image(self, element: Element, *, alt: str = "") -> str:
        if _is_pixel(element):
            return ""
        source = _source_of(element)
        words = next(
            (
                w
                for w in map(_words, (element.get("alt"), alt, element.get("title"), _data_of(element).get("alt")))
                if w
            ),
            "",
        )
        to = self.image(source) if source else None
        if to is None:
            return escaped(words)
        if not words:
            self._tell("an image has no words for those who do not see it", "write them between its brackets")
        return f"![{escaped(words)}]({_address(to)})"


# --- pieces -----------------------------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """*text* so that Markdown shows it as it is."""
    text = _UNSEEN.sub("", text)
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")
    text = re.sub(r"([\\`*\[\]])", r"\\\1", text)
    text = re.sub(r"\{(?=[+\-=~>])", "&#123;", text)
    text = re.sub(r"(?<!&#123;)([{}])", r"\\\1", text)
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)


def _escaped_text(text: str | None) -> str:
    return escaped(_SPACE.sub(" ", text)) if text else ""


def _tidied(line: str) -> str:
    line = re.sub(r"[ \t]*<br>\n[ \t]*", "<br>\n", re.sub(r"[ \t]+", " ", line)).strip()
    line = re.sub(r"^(?:<br>\n?)+|(?:<br>\n?)+$", "", line)
    return line.strip(" \n")


_STARTS: Final = (
    (re.compile(r"^(#{1,6})(?=\s|$|[^\s#])"), r"\\\1"),
    (re.compile(r"^([-+])(?=\s|$|--)"), r"\\\1"),
    (re.compile(r"^(\d+)\.(?=\s|$)"), r"\1\\."),
    (re.compile(r"^>"), r"\\>"),
    (re.compile(r"^:(?=\s|-)"), "&#58;"),
    (re.compile(r"^="), "&#61;"),
    (re.compile(r"^~"), "&#126;"),
    (re.compile(r"^!!!"), r"\\!!!"),
    (re.compile(r"^\?\?\?"), "&#63;??"),
    (re.compile(r"^\|"), r"\\|"),
)


def _paragraph(line: str) -> list[str]:
    """A paragraph of *line*, none of whose lines begins anything else; nothing where nothing is said."""
    text = _tidied(line)
    if not text or not text.replace("<br>", "").strip(" \n\xa0"):
        return []
    lines = []
    for one in text.split("\n"):
        for shape, instead in _STARTS:
            one = shape.sub(instead, one)  # noqa: PLW2901 -- a pipe
        lines.append(one)
    return ["\n".join(lines)]


def _joined(blocks: list[str]) -> str:
    """*blocks* with an empty line between them; two lists in a row are kept apart."""
    out: list[str] = []
    for block in blocks:
        if out and _is_list(block) and _is_list(out[-1]):
            out.append("<!-- -->")
        out.append(block)
    return "\n\n".join(out)


def _is_list(block: str) -> bool:
    return re.match(r"(?:- |\d+\. )", block) is not None


def _is_paragraph(block: str) -> bool:
    return re.match(r"(?:- |\d+\. |> |`{3,}|#{1,6} |\| |---$|\?\?\? )", block) is None


def _indented(block: str) -> str:
    return "\n".join(f"    {line}" if line.strip() else "" for line in block.split("\n"))


def _quoted(blocks: list[str]) -> list[str]:
    if not blocks:
        return []
    return ["\n".join(f"> {line}".rstrip() for line in _joined(blocks).split("\n"))]


def _fenced(element: Element) -> list[str]:
    for gap in element.iter("br"):
        gap.tail = "\n" + (gap.tail or "")
    code = _UNSEEN.sub("", element.text_content()).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not code.strip():
        return []
    named = [element.get("class") or "", *(inner.get("class") or "" for inner in element.iter("code"))]
    named += [element.get("data-code-block-lang") or ""]
    found = next((found for name in named if (found := _LANGUAGE.search(name))), None)
    language = found[1].lower() if found else ""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", code)), default=0))
    return [f"{fence}{language}\n{code}\n{fence}"]


def _code(text: str) -> str:
    text = _UNSEEN.sub("", _SPACE.sub(" ", text))
    if not text.strip():
        return text
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{gap}{text.strip()}{gap}{ticks}"


def _address(url: str) -> str:
    return re.sub(r"[()<> \"\\]", lambda m: f"%{ord(m[0]):02X}", url)


def _words(text: object) -> str:
    return " ".join(str(text).split()) if text else ""


def _short(text: str) -> str:
    text = _words(text)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _data_of(element: Element) -> dict[str, object]:
    try:
        data = json.loads(element.get("data-attrs") or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _source_of(image: Element) -> str:
    """The address of the image in its full size."""
    kept = _data_of(image).get("src")
    sources = [
        kept if isinstance(kept, str) else "",
        image.get("data-src") or "",
        image.get("data-lazy-src") or "",
        image.get("src") or "",
    ]
    sources += [(image.get("srcset") or "").split(",")[-1].split()[0]] if (image.get("srcset") or "").strip() else []
    real = [source.strip() for source in sources if source.strip()]
    return next((source for source in real if not source.startswith("data:")), real[0] if real else "")


def _is_pixel(image: Element) -> bool:
    sizes = [image.get("width") or "", image.get("height") or ""]
    return any(re.fullmatch(r"[0-3](px)?", size.strip()) for size in sizes)


def _is_hidden(element: Element) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return "display:none" in style or "mso-hide:all" in style or element.get("hidden") is not None


def _without_images(element: Element) -> str:
    return "".join(_texts(element))


def _texts(element: Element) -> Iterator[str]:
    if isinstance(element.tag, str) and element.tag not in _DROPPED:
        yield element.text or ""
        for child in element:
            yield from _texts(child)
            yield child.tail or ""


def _watched(url: str) -> str:
    """The page of a video in place of its player."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host, path = parts.hostname or "", parts.path
    if found := re.match(r"/embed/([\w-]{6,20})$", path) if re.search(r"youtube(-nocookie)?\.com$", host) else None:
        return f"https://www.youtube.com/watch?v={found[1]}"
    if host == "player.vimeo.com" and (found := re.match(r"/video/(\d+)", path)):
        return f"https://vimeo.com/{found[1]}"
    if host == "cdn.embedly.com" and (inner := parse_qs(parts.query).get("url")):
        return inner[0]
    return url
