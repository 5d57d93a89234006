"""What Ghost's editors keep of a text that was never rendered, as HTML: Lexical (since 2023) and, before it, Mobiledoc.

Lexical is a tree of nodes with a type and children; the format of a text is a sum of bits. Mobiledoc 0.3 is a list of
sections that point into lists of markups, atoms and cards. Described at lexical.dev/docs (serialization),
bustle/mobiledoc-kit (MOBILEDOC.md) and by the names of cards in TryGhost/Koenig.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

_BITS: Final = ((1, "strong"), (2, "em"), (4, "s"), (16, "code"), (32, "sub"), (64, "sup"), (128, "mark"))


def lexical_html(document: Mapping[str, Any]) -> str:
    return _lexical_all(document["root"])


def _lexical_all(node: Mapping[str, Any]) -> str:
    return "".join(_lexical(child) for child in node.get("children", ()))


def _lexical(node: Mapping[str, Any]) -> str:
    kind, inner = str(node.get("type")), _lexical_all(node)
    if kind in ("text", "extended-text"):
        text = escape(str(node.get("text") or ""))
        bits = node.get("format") if isinstance(node.get("format"), int) else 0
        for bit, tag in _BITS:
            text = f"<{tag}>{text}</{tag}>" if bits and int(bits) & bit else text
        return text
    if kind == "linebreak":
        return "<br>"
    if kind in ("link", "autolink"):
        return f'<a href="{_attribute(node, "url")}">{inner}</a>'
    if kind in ("heading", "extended-heading"):
        named = str(node.get("tag"))
        tag = named if re.fullmatch(r"h[1-6]", named) else "h2"
        return f"<{tag}>{inner}</{tag}>"
    if kind in ("quote", "extended-quote", "aside"):
        return f"<blockquote>{inner}</blockquote>"
    if kind == "list":
        tag = "ol" if node.get("listType") == "number" else "ul"
        return f"<{tag}>{inner}</{tag}>"
    if kind == "listitem":
        return f"<li>{inner}</li>"
    if kind == "paragraph":
        return f"<p>{inner}</p>"
    return _card(kind, node) or inner


def mobiledoc_html(document: Mapping[str, Any]) -> str:
    return "".join(_section(section, document) for section in document["sections"])


def _section(section: Sequence[Any], document: Mapping[str, Any]) -> str:
    kind = section[0]
    if kind == 1:  # markup
        tag = section[1] if re.fullmatch(r"p|h[1-6]|blockquote|aside|pull-quote", str(section[1])) else "p"
        tag = "blockquote" if tag in ("aside", "pull-quote") else tag
        return f"<{tag}>{_markers(section[2], document)}</{tag}>"
    if kind == 2:  # image
        return f'<img src="{escape(str(section[1]))}" alt="">'
    if kind == 3:  # list
        tag = "ol" if section[1] == "ol" else "ul"
        return f"<{tag}>{''.join(f'<li>{_markers(item, document)}</li>' for item in section[2])}</{tag}>"
    name, payload = document["cards"][section[1]][:2]
    return _card(str(name), payload)


def _markers(markers: Sequence[Any], document: Mapping[str, Any]) -> str:
    out: list[str] = []
    opened: list[str] = []
    for what, opens, closes, value in markers:
        for index in opens:
            markup = document["markups"][index]
            tag = markup[0] if re.fullmatch(r"[a-z]{1,6}", str(markup[0])) else "span"
            given = dict(zip(markup[1][::2], markup[1][1::2], strict=False)) if len(markup) > 1 else {}
            link = f' href="{escape(str(given["href"]))}"' if "href" in given else ""
            out.append(f"<{tag}{link}>")
            opened.append(tag)
        if what == 0:
            out.append(escape(str(value)))
        else:  # an atom
            name, text = document["atoms"][value][:2]
            out.append("<br>" if name == "soft-return" else escape(str(text)))
        out.extend(f"</{opened.pop()}>" for _ in range(closes))
    return "".join(out)


def _card(kind: str, card: Mapping[str, Any]) -> str:
    """A card of either editor; nothing for one that holds nothing to read."""
    caption = f"<figcaption>{card.get('caption')}</figcaption>" if card.get("caption") else ""
    if kind in ("image", "extended-image"):
        return f'<figure><img src="{_attribute(card, "src")}" alt="{_attribute(card, "alt")}">{caption}</figure>'
    if kind == "gallery":
        images = card.get("images") or ()
        return (
            "<figure>"
            + "".join(f'<img src="{_attribute(i, "src")}" alt="{_attribute(i, "alt")}">' for i in images)
            + f"{caption}</figure>"
        )
    if kind in ("horizontalrule", "hr"):
        return "<hr>"
    if kind in ("codeblock", "code"):
        language = f' class="language-{_attribute(card, "language")}"' if card.get("language") else ""
        return f"<pre><code{language}>{escape(str(card.get('code') or ''))}</code></pre>"
    if kind == "html":
        return str(card.get("html") or "")
    if kind in ("markdown", "card-markdown"):
        return f"<p>{escape(str(card.get('markdown') or ''))}</p>"
    if kind in ("bookmark", "embed", "video", "audio", "file", "button"):
        meta = card.get("metadata") if isinstance(card.get("metadata"), dict) else {}
        url = card.get("url") or card.get("src") or card.get("buttonUrl") or ""
        title = card.get("title") or card.get("buttonText") or card.get("fileTitle") or (meta or {}).get("title") or url
        if kind == "embed":
            return f'<iframe src="{escape(str(url))}"></iframe>{caption}'
        return f'<p><a href="{escape(str(url))}">{escape(str(title))}</a></p>{caption}'
    if kind == "callout":
        return f"<blockquote>{card.get('calloutText') or ''}</blockquote>"
    if kind == "toggle":
        return f"<details><summary>{card.get('heading') or ''}</summary>{card.get('content') or ''}</details>"
    if kind == "header":
        return f"<h2>{escape(str(card.get('header') or ''))}</h2><p>{escape(str(card.get('subheader') or ''))}</p>"
    return ""


def _attribute(card: Mapping[str, Any], name: str) -> str:
    return escape(str(card.get(name) or ""))
