"""Sets the words of a share image, in place of the renderer of its shapes: in an eighth of the time, and in the weight asked for.

    SVG | its shapes, drawn once for all images that have the same (`ground`) | its lines of text, set upon them | PNG (`packing`)

The words lie on plain paper: so they are set into an image of few colours. Where they do not, or the shapes have too many, the
image has all.

Only ``text`` at the top of the SVG is set here, with the attributes in `_KNOWN`, of letters that stand one behind the other, and
above everything else. Any other stays with the shapes.
"""

from __future__ import annotations

import functools
import io
import itertools
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, cast
from xml.etree import ElementTree as ET

from PIL import Image, ImageColor, ImageDraw, ImageFont

from pipeline.site.share.fonts import Fonts
from pipeline.site.share.ground import MOST, ROWS, SHADES, Box, Colour, Draw, Ground, bands_of, ground_of
from pipeline.site.share.packing import Band, png

SVG: Final = "{http://www.w3.org/2000/svg}"
_OF_A_SPAN: Final = frozenset({"fill"})
_NUMBERS: Final = {"x": 0.0, "y": 0.0, "font-size": 0.0, "font-weight": 400.0, "letter-spacing": 0.0}
_KNOWN: Final = frozenset({*_NUMBERS, "text-anchor", "font-family", "fill"})
_LARGE: Final = 60  # a size from which letters may stand half a point beside their place; else a quarter
_EM: Final = 1000  # a size at which rounding to points does not matter
# Unicode's bidirectional classes of letters that do not turn.
_ALONE: Final = frozenset({"L", "EN", "ES", "ET", "CS", "ON", "WS", "AN"})


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


def lettered(svg: str, fonts: Fonts, draw: Draw) -> bytes:
    """The PNG of *svg*, whose shapes *draw* draws. Raises `ValueError` for what is no SVG, or has a colour that is none."""
    try:
        root = ET.fromstring(svg)  # noqa: S314 -- made by the theme's own template
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    lines = list(_taken(root, fonts))
    sheet = _Sheet(ground_of(ET.tostring(root, encoding="unicode"), fonts.sha256, draw))
    for line in lines:
        _set(sheet, line, fonts)
    return sheet.packed()


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


# --- the sheet ----------------------------------------------------------------------------------------------------------------


class _Sheet:
    """A copy of *ground* that words are set upon: of few colours for as long as those of the words are few."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._image = ground.image.copy()
        self._palette = list(ground.palette)
        self._shades: dict[tuple[int, Colour], int] = {}  # where those from a colour of the palette to another begin
        self._inked: set[int] = set()  # bands that are not those of the ground any more
        self.size = self._image.size

    def ink(self, mask: Image.Image, corner: tuple[int, int], colour: Colour) -> None:
        """Lay *colour* where *mask* is, whose upper left corner stands at *corner*."""
        inner = mask.getbbox()
        if inner is None:
            return
        mask = mask.crop(inner)
        left, top = corner[0] + inner[0], corner[1] + inner[1]
        box = (left, top, left + mask.width, top + mask.height)
        if self._image.mode == "P":
            if self._shade(mask, box, colour):
                self._inked.update(range(top // ROWS, (box[3] - 1) // ROWS + 1))
                return
            self._image.putpalette(self._palette)
            self._image = self._image.convert("RGB")
        self._image.paste(colour, box, mask.point(_SHADES))

    def _shade(self, mask: Image.Image, box: Box, colour: Colour) -> bool:
        """Lay shades of *colour* where *mask* is, over *box*; False where there are too many of them."""
        paper = self._image.crop(box)
        low, high = cast("tuple[int, int]", paper.getextrema())  # of its one channel
        # On bare paper, which most words stand on, the whole box may be laid over.
        covered = None if low == high else mask.point(_ANY)
        under = [low] if covered is None else [place for place, many in enumerate(paper.histogram(covered)) if many]
        first = self._first_shade(under, colour)
        if first is None:
            return False
        shaded = mask.point([first + level if level else under[0] for level in _LEVELS])
        self._image.paste(shaded, box, covered)
        return True

    def _first_shade(self, under: Sequence[int], colour: Colour) -> int | None:
        """The place before that of the first shade of *colour*; None where there is no room, or the paper has several colours."""
        if len(under) != 1:
            return None
        key = (under[0], colour)
        if key not in self._shades:
            if len(self._palette) // 3 + SHADES > MOST:
                return None
            self._shades[key] = len(self._palette) // 3 - 1
            paper = self._palette[3 * under[0] : 3 * under[0] + 3]
            for step in range(1, SHADES + 1):
                self._palette += [round(p + (c - p) * step / SHADES) for p, c in zip(paper, colour, strict=True)]
        return self._shades[key]

    def packed(self) -> bytes:
        """It as PNG."""
        if self._image.mode == "P":
            return png(self._bands(), size=self.size, palette=self._palette)
        made = io.BytesIO()
        self._image.save(made, "PNG")
        return made.getvalue()

    def _bands(self) -> Iterator[Band]:
        """Those of the ground, and between them what has words upon it."""
        number = -(-self._image.height // ROWS)
        for inked, numbers in itertools.groupby(range(number), key=self._inked.__contains__):
            if inked:
                first, *more = numbers
                yield bands_of(self._image, first, first + 1 + len(more))
            else:
                yield from map(self._ground.band, numbers)


_LEVELS: Final = [round(v * SHADES / 255) for v in range(256)]  # of a point that is covered so much
_SHADES: Final = [round(level * 255 / SHADES) for level in _LEVELS]
_ANY: Final = [255 if level else 0 for level in _LEVELS]


# --- words -------------------------------------------------------------------------------------------------------------------


def _set(sheet: _Sheet, line: Line, fonts: Fonts) -> None:
    """Set *line* upon *sheet*."""
    letters, width = _placed(line, fonts)
    left = line.x - {"end": width, "middle": width / 2}.get(line.anchor, 0.0)
    for colour in dict.fromkeys(colour for _, colour in line.runs):
        tiles = [_tile(letter, left + letter.at, line) for letter in letters if letter.colour == colour]
        west, north, east, south = _box_of(tiles, sheet.size)
        mask = Image.new("L", (east - west, south - north))
        pen = ImageDraw.Draw(mask)
        for tile, x, y in tiles:
            pen.bitmap((x - west, y - north), tile, 255)
        sheet.ink(mask, (west, north), colour)


def _box_of(tiles: Sequence[_Tile], size: tuple[int, int]) -> Box:
    """The part of an image of *size* in which *tiles* lie."""
    left, top = max(0, min(x for _, x, _ in tiles)), max(0, min(y for _, _, y in tiles))
    right = min(size[0], max(x + tile.width for tile, x, _ in tiles))
    bottom = min(size[1], max(y + tile.height for tile, _, y in tiles))
    return left, top, max(left, right), max(top, bottom)


class _Letter(NamedTuple):
    character: str
    at: float  # from where the line begins
    font: str  # where its file stands
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
            file = fonts.paths[family]
            found.append(_Letter(character, at, file, colour))
            at += _width(file, character, line.weight) * line.size + line.spacing
            before = (family, character)
    return found, at - (line.spacing if found else 0.0)


@functools.lru_cache(maxsize=4096)
def _width(file: str, character: str, weight: float) -> float:
    """Of a size of 1."""
    return _font(file, _EM, weight).getlength(character) / _EM


@functools.lru_cache(maxsize=64)
def _font(file: str, size: float, weight: float) -> ImageFont.FreeTypeFont:
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


_Tile: TypeAlias = tuple[Image.Image, int, int]  # how much of each point a letter covers, and where its corner lies


def _tile(letter: _Letter, x: float, line: Line) -> _Tile:
    """How much of each point *letter* covers when it stands at *x*, and where the tile's corner lies."""
    finer = 2 if line.size >= _LARGE else 4
    across, beside = divmod(round(x * finer), finer)
    down, below = divmod(round(line.y * finer), finer)
    tile, left, top = _drawn(letter.font, letter.character, line.size, line.weight, finer, beside, below)
    return tile, across + left, down + top


@functools.lru_cache(maxsize=8192)
def _drawn(file: str, character: str, size: float, weight: float, finer: int, beside: int, below: int) -> _Tile:
    """A letter, drawn *finer* times larger and made smaller: edges without steps, and places between the points of the image."""
    font = _font(file, size * finer, weight)
    low_x, low_y, high_x, high_y = font.getbbox(character, anchor="ls")
    left, top = math.floor((low_x + beside) / finer), math.floor((low_y + below) / finer)
    wide, high = math.ceil((high_x + beside) / finer) - left, math.ceil((high_y + below) / finer) - top
    large = Image.new("L", (max(1, wide) * finer, max(1, high) * finer))
    place = (beside - left * finer, below - top * finer)
    ImageDraw.Draw(large).text(place, character, fill=255, font=font, anchor="ls")
    return large.reduce(finer), left, top
