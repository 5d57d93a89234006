"""What stands in a post of WordPress, as HTML: shortcodes in brackets, comments of blocks, and line ends that mean paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Final

_CODE: Final = re.compile(
    r"\[(?P<close>/?)(?P<name>[a-z][\w-]*)(?P<attributes>(?:\s[^\]\[]*)?)(?P<alone>/?)\]", re.IGNORECASE
)
_ATTRIBUTE: Final = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))|(\S+)""")
_BLOCK: Final = re.compile(
    r"^\s*</?(?:address|article|aside|blockquote|details|div|dl|fieldset|figure|footer|form|h[1-6]|header|hr|iframe|li|main|nav|ol|p"
    r"|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul|video|audio|script|style|!--)\b",
    re.IGNORECASE,
)
_KEPT: Final = re.compile(r"<(pre|script|style|textarea)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
# Known to be boxes without words.
_SILENT: Final = frozenset(
    {"contact-form", "contact-form-7", "subscribe", "jetpack_subscription_form", "subscription-form", "sharing"}
)
_PLAYERS: Final = frozenset(
    {"audio", "video", "youtube", "vimeo", "embed", "soundcloud", "spotify", "tweet", "gist", "playlist"}
)


@dataclass(frozen=True, slots=True)
class Attachment:
    url: str
    alt: str = ""
    caption: str = ""


@dataclass(slots=True)
class Attachments:
    by_id: dict[str, Attachment] = field(default_factory=dict)

    def add(self, id_: str, url: str, alt: str, caption: str) -> None:
        if id_ and url:
            self.by_id[id_] = Attachment(url, alt, caption)


def as_html(content: str, attachments: Attachments) -> tuple[str, list[tuple[str, str]]]:
    """The HTML for *content*, and what to tell of it: (what, what next)."""
    remarks: list[tuple[str, str]] = []
    is_blocks = "<!-- wp:" in content
    text = re.sub(r"<!--\s*(?:more|nextpage|noteaser).*?-->", "\n\n", content)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = _without_shortcodes(text, attachments, remarks)
    return (text if is_blocks else _paragraphs(text)), list(dict.fromkeys(remarks))


# --- shortcodes -----------------------------------------------------------------------------------------------------------------


def _without_shortcodes(text: str, attachments: Attachments, remarks: list[tuple[str, str]]) -> str:
    kept: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x1a{len(kept) - 1}\x1a"

    text = re.sub(r"<(pre|code)\b.*?</\1\s*>", set_aside, text, flags=re.DOTALL | re.IGNORECASE)
    text = re.sub(r"\[\[([^\[\]]+)\]\]", lambda m: f"&#91;{m[1]}&#93;", text)  # written out, to be shown as it is
    text = re.sub(
        r"\[caption\b([^\]]*)\](.*?)\[/caption\]",
        lambda m: _captioned(m[1], m[2]),
        text,
        flags=re.DOTALL | re.IGNORECASE,
    )
    text = re.sub(
        r"\[(code|sourcecode|php|python|bash|css|html|javascript|js|xml|sql)\b([^\]]*)\](.*?)\[/\1\]",
        lambda m: _source(m[1], m[2], m[3]), text, flags=re.DOTALL | re.IGNORECASE,
    )  # fmt: skip
    text = re.sub(
        r"\[(embed|youtube|vimeo|tweet)\b[^\]]*\]\s*(https?://\S+?)\s*\[/\1\]",
        lambda m: _player(m[2]),
        text,
        flags=re.IGNORECASE,
    )
    closed = {match["name"].lower() for match in _CODE.finditer(text) if match["close"]}
    text = _CODE.sub(lambda m: _said_of(m, attachments, remarks, closed), text)
    return re.sub("\x1a(\\d+)\x1a", lambda m: kept[int(m[1])], text)


def _said_of(match: re.Match[str], attachments: Attachments, remarks: list[tuple[str, str]], closed: set[str]) -> str:
    name = match["name"].lower()
    given = dict(_attributes(match["attributes"] or ""))
    looks_like_words = (
        not given and not match["close"] and name not in closed and name not in _SILENT | _PLAYERS | {"gallery"}
    )
    if looks_like_words or name == "caption":
        return match[0]  # "[sic]", "[…]"
    if match["close"]:
        return ""
    if name == "gallery":
        images = [
            attachments.by_id[id_] for id_ in re.findall(r"\d+", given.get("ids", "")) if id_ in attachments.by_id
        ]
        if not images:
            remarks.append(("a gallery names images that are not in the export", "set them by hand"))
        inner = "".join(f'<img src="{escape(i.url)}" alt="{escape(i.alt or i.caption)}">' for i in images)
        return f"\n\n<figure>{inner}</figure>\n\n" if inner else ""
    if name in _PLAYERS:
        url = next((value for value in given.values() if value.startswith("http")), "")
        if name == "youtube" and not url and (code := re.search(r"[\w-]{11}", match["attributes"] or "")):
            url = f"https://www.youtube.com/watch?v={code[0]}"
        if url:
            return _player(url)
    if name not in _SILENT:
        remarks.append(
            (f"the shortcode [{name}] was left out; what it enclosed came over", "say in words what it showed")
        )
    return ""


def _captioned(attributes: str, inner: str) -> str:
    """``[caption caption="..."]<img>[/caption]`` of old, or with the words behind the image."""
    given = dict(_attributes(attributes))
    image = re.match(r"\s*((?:<a\b[^>]*>)?\s*<img\b[^>]*>\s*(?:</a>)?)", inner, re.DOTALL | re.IGNORECASE)
    if image is None:
        return inner
    words = given.get("caption") or inner[image.end() :].strip()
    caption = f"<figcaption>{words}</figcaption>" if words else ""
    return f"\n\n<figure>{image[1]}{caption}</figure>\n\n"


def _source(name: str, attributes: str, code: str) -> str:
    given = dict(_attributes(attributes))
    language = (
        given.get("language") or given.get("lang") or ("" if name.lower() in ("code", "sourcecode") else name.lower())
    )
    marked = f' class="language-{escape(language)}"' if language else ""
    return f"\n\n<pre><code{marked}>{code.strip()}</code></pre>\n\n"


def _player(url: str) -> str:
    return f'\n\n<iframe src="{escape(url)}"></iframe>\n\n'


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for at, found in enumerate(_ATTRIBUTE.finditer(text.strip().strip("/"))):
        if found[1]:
            yield found[1].lower(), next((value for value in found.group(2, 3, 4) if value is not None), "")
        elif found[5].startswith(("http", "=http")):
            yield str(at), found[5].lstrip("=")


# --- paragraphs -----------------------------------------------------------------------------------------------------------------


def _paragraphs(text: str) -> str:
    """Empty lines part paragraphs, and single line ends are breaks, outside of blocks."""
    kept: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\n\n\x1a{len(kept) - 1}\x1a\n\n"

    text = _KEPT.sub(set_aside, text.replace("\r\n", "\n").replace("\r", "\n"))
    out = []
    for part in re.split(r"\n\s*\n", text):
        block = part.strip()
        if not block:
            continue
        if _BLOCK.match(block) or block.startswith("\x1a"):
            out.append(block)
        elif re.fullmatch(r"https?://\S+", block):  # alone on a line: shown in a player
            out.append(f'<figure class="wp-block-embed">{escape(block)}</figure>')
        else:
            out.append("<p>" + block.replace("\n", "<br>\n") + "</p>")
    return re.sub("\x1a(\\d+)\x1a", lambda m: kept[int(m[1])], "\n\n".join(out))
