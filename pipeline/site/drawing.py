"""Draws the pages that articles make with the theme's templates, and writes each file.

The templates are given what MkDocs gives its own pages as far as ours need it (``page``, ``config``, ``base_url``), and the filter
``url``. Plugins beside ours that change finished pages (``on_post_page``) are asked to change these as well.
"""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import jinja2
from mkdocs.utils import normalize_url

from pipeline.errors import BuildError
from pipeline.library import direction
from pipeline.site.pages import Drawn, Output

_UNUSUAL: Final = re.compile(r"^$|^[/#]|[:\\\\?]|(?:^|/)\.{1,2}(?:/|$)")  # for MkDocs itself

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """What templates know as ``page``."""

    title: str
    url: str  # below the site's address
    content: str = ""
    toc: tuple[()] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    canonical_url: str = ""


class Easel:
    """Draws pages in the environment *env*; *values* are what every page is given."""

    def __init__(self, env: jinja2.Environment, config: MkDocsConfig, values: Mapping[str, Any]) -> None:
        self._env = env
        self._config = config
        self._values = values
        ours = config.plugins.get("opensignal")
        self._changed_by_others = any(
            getattr(method, "__self__", None) is not ours for method in config.plugins.events["post_page"]
        )

    def make(self, output: Output) -> bytes:
        """The bytes of the file *output*. Raises `BuildError` for a template that fails, naming file and line."""
        content = output.make()
        if isinstance(content, Drawn):
            content = self._drawn(content, output.url or output.path)
        return content if isinstance(content, bytes) else content.encode("utf-8", "xmlcharrefreplace")

    def write(self, output: Output, folder: Path) -> bytes:
        """Write the file *output* below *folder*; its bytes."""
        content = self.make(output)
        path = folder / output.path
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return content

    def _drawn(self, page: Drawn, url: str) -> str:
        shown = DrawnPage(page.title, url, canonical_url=page.head.canonical or "")
        values = {
            "page": shown,
            "config": self._config,
            "base_url": _relative("", url),
            **self._values,
            "head": page.head,
            **page.values,
        }
        try:
            text = self._env.get_template(page.template).render(values)
        except (
            Exception
        ) as error:  # whatever a template does wrong; its place is lost on the way out of another process
            if mistake := template_mistake(error):
                raise BuildError(mistake) from error
            raise
        if self._changed_by_others:
            text = self._config.plugins.on_post_page(text, page=cast("Page", shown), config=self._config)
        return text


@jinja2.pass_context
def relative_url(context: jinja2.runtime.Context, value: str) -> str:
    """The address *value* as seen from the page that is drawn: what the filter ``url`` of MkDocs gives, in a third of the time."""
    page = context.get("page")
    text = str(value)
    if page is None or _UNUSUAL.search(text):
        return normalize_url(text, page=page, base=context["base_url"])
    return _relative(text, page.url)


FILTERS: Final[Mapping[str, Callable[..., str]]] = {"url": relative_url, "direction": direction}  # of every template


@functools.lru_cache(maxsize=256)  # the receipts of an article link each of its sources at many sentences
def _relative(url: str, page: str) -> str:
    here = _folder(page)
    parts = [part for part in url.split("/") if part]
    common = 0
    for ours, theirs in zip(here, parts, strict=False):
        if ours != theirs:
            break
        common += 1
    found = "/".join([".."] * (len(here) - common) + parts[common:]) or "."
    return f"{found}/" if url.endswith("/") else found


@functools.lru_cache(maxsize=64)
def _folder(page: str) -> tuple[str, ...]:
    folder, _, name = page.rpartition("/")
    return tuple(part for part in (folder if "." in name else page).split("/") if part not in ("", "."))


def template_mistake(error: BaseException) -> str | None:
    """What is wrong with a template, and where; None where the mistake is not in a template."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or error.name}:{error.lineno}: {error.message}; mend the template"
    if isinstance(error, jinja2.TemplateNotFound):
        return f"theme: no template {error.name!r}; add it, or mend what asks for it"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".html")]
    return f"{frames[-1].filename}:{frames[-1].lineno}: {error}; mend the template" if frames else None
