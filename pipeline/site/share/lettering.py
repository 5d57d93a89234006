"""Sets the words of a share image, in place of the renderer of its shapes: in an eighth of the time, and in the weight asked for.

    SVG | its shapes, drawn once for all images that have the same | its lines of text, set upon them | PNG of few colours

A renderer of SVG hands over a PNG of millions of colours, and packing that takes nearly all the time that an image needs. The words
lie on plain paper: so they are set into an image of few colours. Where they do not, or the shapes have too many, the image has all.

Only ``text`` at the top of the SVG is set here, with the attributes in `_KNOWN`, of letters that stand one behind the other, and
above everything else. Any other stays with the shapes.
"""

from __future__ import annotations

import functools
import io
import math
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFont

from pipeline.site.share.fonts import Fonts

SVG: Final = "{http://www.w3.org/2000/svg}"
_OF_A_SPAN: Final = frozenset({"fill"})
_NUMBERS: Final = {"x": 0.0, "y": 0.0, "font-size": 0.0, "font-weight": 400.0, "letter-spacing": 0.0}
_KNOWN: Final = frozenset({*_NUMBERS, "text-anchor", "font-family", "fill"})
_STEPS: Final = 16  # shades between the paper and a colour
_MOST: Final = 256  # colours of an image with a palette
_PACKED: Final = 4  # of 9: two thirds of the time of 6, and a tenth more bytes
_LARGE: Final = 60  # a size from which letters may stand half a point beside their place; else a quarter
_EM: Final = 1000  # a size at which rounding to points does not matter
# Unicode's bidirectional classes of letters that do not turn.
_ALONE: Final = frozenset({"L", "EN", "ES", "ET", "CS", "ON", "WS", "AN"})

Colour = tuple[int, int, int]
Ground = Callable[[str], bytes]  # the PNG of an SVG


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, as the SVG has it."""

    runs: tuple[tuple[str, Colour], ...]
    x: float
    y: float  # of its foot
    anchor: str
    family: str
    size: float
    weight: float
    spacing: float  # points behind each letter


def lettered(svg: str, fonts: Fonts, ground: Ground) -> bytes:
    """The PNG of *svg*, whose shapes *ground* draws. Raises `ValueError` for what is no SVG, or has a colour that is none."""
    try:
        root = ET.fromstring(svg)  # noqa: S314 -- made by the theme's own template
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    lines = list(_taken(root, fonts))
    image = _ground(ET.tostring(root, encoding="unicode"), fonts.sha256, ground).copy()
    for line in lines:
        image = _set(image, line, fonts)
    made = io.BytesIO()
    image.save(made, "PNG", compress_level=_PACKED)
    return made.getvalue()


def _taken(root: ET.Element, fonts: Fonts) -> Iterator[Line]:
    """Take the lines out of *root* that can be set here."""
    for element in list(root):
        numbers = _numbers(element)
        if element.tag != f"{SVG}text" or numbers is None or not _is_plain(element, fonts):
            continue
        root.remove(element)
        own = _colour(element)
        runs = [(element.text or "", own)]
        for span in element:
            runs += [(span.text or "", _colour(span, own)), (span.tail or "", own)]
        yield Line(
            runs=tuple((text, colour) for text, colour in runs if text),
            x=numbers["x"],
            y=numbers["y"],
            anchor=element.get("text-anchor", "start"),
            family=element.get("font-family", ""),
            size=numbers["font-size"],
            weight=numbers["font-weight"],
            spacing=numbers["letter-spacing"],
        )


def _is_plain(element: ET.Element, fonts: Fonts) -> bool:
    words = "".join(element.itertext())
    return (
        set(element.keys()) <= _KNOWN
        and all(span.tag == f"{SVG}tspan" and not len(span) and set(span.keys()) <= _OF_A_SPAN for span in element)
        and element.get("font-family") in fonts.widths
        and all(unicodedata.bidirectional(c) in _ALONE and not unicodedata.combining(c) for c in words)
    )


def _numbers(element: ET.Element) -> dict[str, float] | None:
    """The attributes that are numbers; None where one is none (a unit, a word, a list), or the text has no size."""
    try:
        found = {name: float(element.get(name, otherwise)) for name, otherwise in _NUMBERS.items()}
    except ValueError:
        return None
    return found if found["font-size"] > 0 else None


def _colour(element: ET.Element, otherwise: Colour = (0, 0, 0)) -> Colour:
    fill = element.get("fill")
    return ImageColor.getcolor(fill, "RGB")[:3] if fill else otherwise  # type: ignore[index,return-value]  # RGB gives three


# --- shapes ------------------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=128)
def _ground(svg: str, fonts_sha256: str, ground: Ground) -> Image.Image:
    """The shapes of *svg*, drawn with such fonts; with a palette where that leaves room for the colours of the words."""
    drawn = Image.open(io.BytesIO(ground(svg))).convert("RGB")
    colours = drawn.getcolors(_MOST - 5 * _STEPS)
    if colours is None:
        return drawn
    image = drawn.quantize(len(colours), Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.putpalette((image.getpalette() or [])[: 3 * len(colours)])
    return image if ImageChops.difference(image.convert("RGB"), drawn).getbbox() is None else drawn


# --- words -------------------------------------------------------------------------------------------------------------------


def _set(image: Image.Image, line: Line, fonts: Fonts) -> Image.Image:
    """*line* upon *image*; another image where its colours are too many for a palette."""
    letters, width = _placed(line, fonts)
    left = line.x - {"end": width, "middle": width / 2}.get(line.anchor, 0.0)
    for colour in dict.fromkeys(colour for _, colour in line.runs):
        mask = Image.new("L", image.size)
        for letter in letters:
            if letter.colour == colour:
                tile, dx, dy = _tile(letter, left + letter.at, line)
                mask.paste(255, (dx, dy), tile)
        image = _inked(image, mask, colour)
    return image


@dataclass(frozen=True, slots=True)
class _Letter:
    character: str
    at: float  # from where the line begins
    font: Path
    colour: Colour


def _placed(line: Line, fonts: Fonts) -> tuple[list[_Letter], float]:
    """The letters of *line*, each in its place, and how wide they are together."""
    found: list[_Letter] = []
    at = 0.0
    before = ("", "")
    for text, colour in line.runs:
        for character in text:
            family = fonts.family_of(character, first=line.family)
            if before[0] == family:
                at += fonts.kerning[family].get(before[1] + character, 0.0) * line.size
            file = fonts.file_of(family)
            found.append(_Letter(character, at, file, colour))
            at += _width(file, character, line.weight) * line.size + line.spacing
            before = (family, character)
    return found, at - (line.spacing if found else 0.0)


@functools.lru_cache(maxsize=4096)
def _width(file: Path, character: str, weight: float) -> float:
    """Of a size of 1."""
    return _font(file, _EM, weight).getlength(character) / _EM


@functools.lru_cache(maxsize=64)
def _font(file: Path, size: float, weight: float) -> ImageFont.FreeTypeFont:
    # The other layout engine is there on some machines only.
    font = ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
    try:
        axes: list[Any] = font.get_variation_axes()
    except OSError:  # it has one weight
        return font
    for axis in axes:
        wanted = weight if axis["name"] == b"Weight" else axis["default"]
        axis["value"] = min(max(wanted, axis["minimum"]), axis["maximum"])
    font.set_variation_by_axes([axis["value"] for axis in axes])
    return font


def _tile(letter: _Letter, x: float, line: Line) -> tuple[Image.Image, int, int]:
    """How much of each point *letter* covers when it stands at *x*, and where the tile's corner lies."""
    finer = 2 if line.size >= _LARGE else 4
    across, beside = divmod(round(x * finer), finer)
    down, below = divmod(round(line.y * finer), finer)
    tile, left, top = _drawn(letter.font, letter.character, line.size, line.weight, finer, beside, below)
    return tile, across + left, down + top


@functools.lru_cache(maxsize=8192)
def _drawn(
    file: Path, character: str, size: float, weight: float, finer: int, beside: int, below: int
) -> tuple[Image.Image, int, int]:
    """A letter, drawn *finer* times larger and made smaller: edges without steps, and places between the points of the image."""
    font = _font(file, size * finer, weight)
    low_x, low_y, high_x, high_y = font.getbbox(character, anchor="ls")
    left, top = math.floor((low_x + beside) / finer), math.floor((low_y + below) / finer)
    wide, high = math.ceil((high_x + beside) / finer) - left, math.ceil((high_y + below) / finer) - top
    large = Image.new("L", (max(1, wide) * finer, max(1, high) * finer))
    place = (beside - left * finer, below - top * finer)
    ImageDraw.Draw(large).text(place, character, fill=255, font=font, anchor="ls")
    return large.reduce(finer), left, top


def _inked(image: Image.Image, mask: Image.Image, colour: Colour) -> Image.Image:
    """*image* with *colour* where *mask* is."""
    box = mask.getbbox()
    if box is None:
        return image
    mask = mask.crop(box).point(_SHADES)
    here = image.crop(box)
    if image.mode == "P":
        under = [place for place, many in enumerate(here.histogram(mask.point(_ANY))) if many]
        palette = image.getpalette() or []
        if len(under) == 1 and len(palette) // 3 + _STEPS <= _MOST:
            paper = palette[3 * under[0] : 3 * under[0] + 3]
            first = len(palette) // 3 - 1
            for step in range(1, _STEPS + 1):
                palette += [round(p + (c - p) * step / _STEPS) for p, c in zip(paper, colour, strict=True)]
            image.putpalette(palette)
            image.paste(mask.point([first + level for level in _LEVELS]), box, mask.point(_ANY))
            return image
        image = image.convert("RGB")
    image.paste(colour, box, mask)
    return image


_LEVELS: Final = [round(v * _STEPS / 255) for v in range(256)]  # of a point that is covered so much
_SHADES: Final = [round(level * 255 / _STEPS) for level in _LEVELS]
_ANY: Final = [255 if level else 0 for level in _LEVELS]
