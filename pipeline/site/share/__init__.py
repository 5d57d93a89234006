"""Share images: what others show beside a link to an article, 1200 by 630 pixels, drawn of the theme's `share.svg`.

    an article | what its image shows | share.svg | shapes by resvg, words by `lettering` | PNG, kept by what it was drawn of

An image's name holds a hash of what it is drawn of, so that whoever keeps images by their address never shows an old one; it is
known before the image is drawn. Which images the site has is told in `files`. Where a letter of a headline is in no font of the
theme, the headline is left out, and the strip takes its place: no empty boxes, and the same image on every machine.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import jinja2
import resvg_py

from pipeline.errors import BuildError
from pipeline.keeping import keep_file, kept_file
from pipeline.site.compiled import CompiledTemplates
from pipeline.site.share.fonts import FOLDER, Fonts, balanced, is_right_to_left, load_fonts
from pipeline.theme import design_tokens

WIDTH: Final = 1200
HEIGHT: Final = 630
TEMPLATE: Final = "share.svg"
IMAGES: Final = "share"  # the folder of the state folder
_MARK: Final = "\u200f"  # right-to-left mark
_FAMILY: Final = re.compile(r"font-family=[\"']([^\"']*)[\"']")
_IDEOGRAPHS: Final = r"\u3040-\u30ff\u3400-\u9fff"  # between which a line may end
_WORD: Final = re.compile(rf"\s*(?:[{_IDEOGRAPHS}][、。，：；！？」』）]*|[^\s{_IDEOGRAPHS}]+)")
_OURS: Final = ("__init__.py", "fonts.py", "ground.py", "lettering.py", "packing.py")
_NAMES_OTHERS: Final = re.compile(rb"\{%[-+]?\s*(?:include|import|extends|from)\b")


class Shown(NamedTuple):
    """What one image shows; of the site's own all but its name is empty."""

    site: str
    title: str = ""
    topic: str = ""
    date: str = ""
    weight: str = ""  # "12 sources, 8 primary"
    mark: str = ""  # "Corrected", "Retracted"
    solid: str = ""  # the strip, as paths of SVG
    hollow: str = ""
    strip_width: int = 0
    line: str = ""  # of the site's image: what it says of itself


class Headline(NamedTuple):
    """A title in lines that fit."""

    lines: tuple[str, ...]
    size: float
    right_to_left: bool


@dataclass(frozen=True)
class Studio:
    """Draws the images of one theme."""

    theme: Path
    kept: Path  # folder of what was drawn before

    @cached_property
    def fonts(self) -> Fonts:
        return load_fonts(self.theme, self.kept / "fonts")

    def key(self, *parts: bytes | str) -> str:
        """A name for what is drawn of *parts* and with all that this studio draws with: another one where any of it is another."""
        told = hashlib.blake2b(self._made_with.encode(), digest_size=8)
        for part in parts:
            told.update(b"\0" + (part if isinstance(part, bytes) else part.encode()))
        return told.hexdigest()

    def path(self, key: str) -> Path:
        """Where the image *key* is kept."""
        return self.kept / key[:2] / f"{key}.png"

    def kept_keys(self) -> list[str]:
        """The keys of all images that are kept."""
        found: list[str] = []
        for folder in self.kept.glob("??"):  # names of the many in it are made in a fifth of the time of paths
            with contextlib.suppress(OSError), os.scandir(folder) as entries:  # it may be no folder
                found += [entry.name[:-4] for entry in entries if entry.name.endswith(".png")]
        return found

    def image(self, key: str, shown: Callable[[], Shown]) -> bytes:
        """The image *key*, as PNG: as it is kept, or drawn of what *shown* gives."""
        made = kept_file(self.path(key))
        if made is None:
            made = self.draw(shown())
            keep_file(self.path(key), made)
        return made

    def draw(self, shown: Shown) -> bytes:
        """Draw the image of *shown*. Raises `BuildError` for a template that cannot be drawn."""
        from pipeline.site.share.lettering import lettered  # not where all images are kept already

        try:
            return lettered(self.svg(shown), self.fonts, self.shapes)
        except ValueError as error:
            raise BuildError(f"{self.theme / TEMPLATE}: cannot be drawn: {error}; mend the template") from error

    def shapes(self, svg: str) -> bytes:
        """The PNG of *svg*, words and all. Raises `ValueError` where it cannot be drawn."""
        # It reads all fonts each time, which takes half of the time of a small image.
        files = [str(file) for file in self.fonts.files] if "text" in svg else []
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, font_files=files, skip_system_fonts=True))

    def svg(self, shown: Shown) -> str:
        """The image of *shown* as SVG."""
        words = {
            name: self.fonts.drawable(value) if isinstance(value, str) else value
            for name, value in shown._asdict().items()
        }
        words |= {"solid": shown.solid, "hollow": shown.hollow}
        light, _ = design_tokens(self.theme)
        values = {**words, "tokens": {name.replace("-", "_"): value for name, value in light.items()}}
        text = self._template.render(values, headline=self.headline)
        for families in _FAMILY.findall(text):
            if families not in self.fonts.widths:
                known = ", ".join(self.fonts.widths)
                raise BuildError(
                    f"{self.theme / TEMPLATE}: no font {families!r} in {FOLDER}, so that its words would not be drawn; "
                    f"name one of {known}"
                )
        return text

    def headline(
        self,
        title: str,
        *,
        family: str,
        width: float,
        height: float,
        sizes: Sequence[float],
        leading: float,
        spacing: float = 0,
    ) -> Headline:
        """*title* in the largest of *sizes* in which its lines fit into *width* and *height*; for the template."""
        words: list[str] = _WORD.findall(title)
        for size in sizes:
            lines = self._lines(words, family, width, int(height // (size * leading)), size, spacing)
            if lines is not None:
                return self._turned(title, lines, size)
        most = max(1, int(height // (sizes[-1] * leading)))
        lines = self._lines(list(title), family, width, len(title), sizes[-1], spacing) or []  # broken anywhere
        lines = lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]
        return self._turned(title, lines, sizes[-1])

    def _lines(
        self, words: Sequence[str], family: str, width: float, lines: int, size: float, spacing: float
    ) -> list[str] | None:
        def measure(word: str) -> float:
            return self.fonts.width(word, family=family, size=size, spacing=spacing)

        return balanced(words, most=width, lines=lines, measure=measure)

    def _turned(self, title: str, lines: Sequence[str], size: float) -> Headline:
        if not is_right_to_left(title):
            return Headline(tuple(lines), size, right_to_left=False)
        # The renderer takes every line to run from left to right: marks keep the punctuation at its ends where it belongs. It looks
        # no further for fonts once it has met a letter that none has, so that a mark may stand first only where one has it.
        first = _MARK if _MARK in self.fonts.characters else ""
        return Headline(tuple(f"{first}{line}{_MARK}" for line in lines), size, right_to_left=True)

    @cached_property
    def _made_with(self) -> str:
        """The fonts, the colours, the template, the renderer and this code; where the template names others, all of the theme."""
        told = hashlib.sha256(
            f"{self.fonts.sha256} {resvg_py.__resvg_version__} {version('pillow')} {design_tokens(self.theme)[0]}".encode()
        )
        ours = [Path(__file__).with_name(name) for name in _OURS]
        template = _read(self.theme / TEMPLATE)
        others = self.theme.rglob("*") if _NAMES_OTHERS.search(template) else ()
        told.update(template)
        for path in (*ours, *sorted(path for path in others if path.is_file())):
            told.update(_read(path))
        return told.hexdigest()

    @cached_property
    def _template(self) -> jinja2.Template:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self.theme),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            bytecode_cache=CompiledTemplates(self.kept),
        )
        return environment.get_template(TEMPLATE)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BuildError(f"{path}: cannot be read: {error.strerror}; put it back") from error


@functools.lru_cache(maxsize=2)
def studio_of(theme: Path, state: Path) -> Studio | None:
    """The one studio of *theme*, which reads the fonts once and keeps images below *state*; None where there is no template."""
    return Studio(theme, state / IMAGES) if (theme / TEMPLATE).is_file() else None
