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
from pipeline.errors import SettingsError

TEMPLATES = Path(__file__).parent.parent / "templates" / "email"
WIDTH = 72  # columns of plain text
MAX_PREHEADER = 110  # characters that an inbox shows behind the subject


def render_html(kind: str, settings: Settings, values: Mapping[str, Any]) -> str:
    """The HTML part of a letter of this kind, styles inlined."""
    light, dark = design_tokens(settings.root / "theme" / "assets" / "css" / "tokens.css")
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


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),  # plain text has nothing to escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["wrap"] = wrap
    return environment


_INLINER = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=False, load_remote_stylesheets=False)

_ROOT_BLOCK = re.compile(r":root\s*\{(.*?)\}", re.DOTALL)
_VARIABLE = re.compile(r"--([a-z0-9-]+)\s*:\s*([^;]+);")


@functools.cache
def design_tokens(path: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The light and the dark values of the tokens in *path*. Raises `SettingsError` for a file that is not as the theme's is."""
    try:
        css = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}; letters take their colours from it") from error
    blocks = [dict(_VARIABLE.findall(block)) for block in _ROOT_BLOCK.findall(css)]
    if len(blocks) < 2:
        raise SettingsError(f"{path}: wants a :root block and one in @media (prefers-color-scheme: dark)")
    return blocks[0], {**blocks[0], **blocks[1]}
