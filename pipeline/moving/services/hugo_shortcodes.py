"""The shortcodes of Hugo in a text, such as ``{{< figure src="quay.png" >}}``. Described at gohugo.io (shortcodes).

What Hugo's own make becomes what it is; of others what stands between them is kept, and told. Where other texts stand, and what a
text says of itself, is asked of `hugo`. Those of WordPress are in `shortcodes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Final, NamedTuple

from pipeline.moving.services.sitefiles import fenced, outside_code, without_ids

# Each ends at the next opening sign at the latest, so that a text which opens much and closes nothing is read once.
_CODE: Final = re.compile(
    r"\{\{[<%]\s*+highlight\s++\"?([\w+#.-]++)[^>%{]*+[>%]\}\}[ \t]*\n?((?:(?!\{\{[<%]\s*highlight\b).)*?)"
    r"\{\{[<%]\s*+/\s*+highlight\s*+[>%]\}\}",
    re.DOTALL,
)
_SHORTCODE: Final = re.compile(
    r"\{\{([<%])\s*+(/?)\s*+([\w/.-]++)"
    r"((?:\s++(?:[\w-]++=)?(?:\"(?:\\.|[^\"\\])*+\"|`[^`]*+`|(?:[^\s\"`>%{]|[>%](?!\}\}))++))*+)\s*+[>%]\}\}"
)
_SHOWN: Final = re.compile(r"\{\{([<%])/\*((?:(?!\{\{[<%]/\*).)*?)\*/([>%])\}\}", re.DOTALL)  # written about, not used
_LEFT: Final = re.compile(r"\{\{[<%](?!/\*)")
_ARGUMENT: Final = re.compile(r"(?:([\w-]+)=)?(?:\"((?:\\.|[^\"\\])*)\"|`([^`]*)`|([^\s\"`]+))")
_EMBEDDED: Final[Mapping[str, str]] = {
    "youtube": "https://www.youtube.com/embed/{}",
    "vimeo": "https://player.vimeo.com/video/{}",
    "gist": "https://gist.github.com/{}/{}",
    "instagram": "https://www.instagram.com/p/{}/",
    "twitter": "https://x.com/{}/status/{}",
    "tweet": "https://x.com/{}/status/{}",
    "x": "https://x.com/{}/status/{}",
}


class Written(NamedTuple):
    """A text without its shortcodes."""

    text: str
    unknown: tuple[str, ...]  # names of those that mean nothing here
    is_whole: bool  # none is left because it is opened and not closed


def without_shortcodes(text: str, *, reference: Callable[[str], str], param: Callable[[str], str]) -> Written:
    """*text* with what its shortcodes stand for; *reference* tells where another text is, *param* what this one says of itself."""
    unknown: dict[str, None] = {}

    def meant(found: re.Match[str]) -> str:
        name = found[3].lower().rstrip("/")
        named, given = _arguments(found[4])
        if name in ("ref", "relref"):
            return reference(named.get("path", given[0] if given else ""))
        if name == "figure":
            return _figure(named)
        if name in _EMBEDDED and not found[2]:
            return _embedded(name, named, given)
        if name == "param" and given:
            return param(given[0])
        unknown[name] = None
        return ""

    text = _CODE.sub(lambda found: fenced(found[1], found[2]), text)
    text = _SHORTCODE.sub(meant, text)
    is_whole = _LEFT.search(text) is None
    text = outside_code(_SHOWN.sub(r"{{\1\2\3}}", text), without_ids)
    return Written(text, tuple(unknown), is_whole)


def _arguments(written: str) -> tuple[dict[str, str], list[str]]:
    """Those that have a name, and those that have none."""
    named: dict[str, str] = {}
    given: list[str] = []
    for one in _ARGUMENT.finditer(written):
        value = one[2].replace('\\"', '"') if one[2] is not None else one[3] or one[4] or ""
        if one[1]:
            named[one[1]] = value
        else:
            given.append(value)
    return named, given


def _figure(named: Mapping[str, str]) -> str:
    image = f'<img src="{escape(named.get("src", ""))}" alt="{escape(named.get("alt", ""))}">'
    if link := named.get("link"):
        image = f'<a href="{escape(link)}">{image}</a>'
    says = " ".join(filter(None, (named.get("title", ""), named.get("caption", ""), named.get("attr", ""))))
    return f"\n<figure>{image}{f'<figcaption>{escape(says)}</figcaption>' if says else ''}</figure>\n"


def _embedded(name: str, named: Mapping[str, str], given: list[str]) -> str:
    parts = [value for value in (named.get("user", ""), named.get("id", "")) if value] or given
    shape = _EMBEDDED[name]
    if len(parts) < shape.count("{}"):
        return ""
    address = escape(shape.format(*parts))
    return f'\n<iframe src="{address}"></iframe>\n' if name in ("youtube", "vimeo") else f"\n<{address}>\n"
