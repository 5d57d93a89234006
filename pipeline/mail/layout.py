"""The templates of letters: a plain text and an HTML part each, in templates/email/<kind>/, with the site's own colours."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import css_inline
import jinja2

from pipeline.config import Settings
from pipeline.library import direction
from pipeline.theme import design_tokens

TEMPLATES = Path(__file__).parent.parent / "templates" / "email"
WIDTH = 72  # columns of plain text
MIN_PREHEADER = 40  # characters; a shorter one is followed by what else there is to say
MAX_PREHEADER = 110  # characters that an inbox shows behind the subject


def render_html(kind: str, settings: Settings, values: Mapping[str, Any]) -> str:
    """The HTML part of a letter of this kind, styles inlined."""
    light, dark = design_tokens(settings.root / "theme")
    preheader = str(values.get("preheader", ""))
    html = (
        _templates()
        .get_template(f"{kind}/body.html")
        .render(
            settings=settings,
            lang=settings.language,
            light=light,
            dark=dark,
            # Invisible characters, so that no other text of the letter follows the preheader in the inbox.
            padding=max(0, MAX_PREHEADER - len(preheader)) if preheader else 0,
            **{"preheader": "", **values},
        )
    )
    # Half a character, as YAML may have it, is no text to the inliner.
    html = html.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"\n\s*\n+", "\n", _INLINER.inline(html))


def render_text(kind: str, settings: Settings, values: Mapping[str, Any]) -> str:
    """The plain text part of a letter of this kind."""
    text = _templates().get_template(f"{kind}/body.txt").render(settings=settings, **values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_subject(kind: str, settings: Settings, values: Mapping[str, Any]) -> str:
    """The subject of a letter of this kind."""
    return _templates().get_template(f"{kind}/subject.txt").render(settings=settings, **values).strip()


def wrap(text: object) -> str:
    """*text* as a paragraph of plain text; addresses are never broken."""
    return textwrap.fill(str(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def underlined(text: str) -> str:
    """*text*, which is wrapped, as a heading of plain text."""
    return f"{text}\n{'-' * max(map(len, text.splitlines()), default=0)}"


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),  # plain text has nothing to escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["direction"] = direction
    environment.filters["wrap"] = wrap
    environment.filters["underlined"] = underlined
    return environment


_INLINER = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=False, load_remote_stylesheets=False)
