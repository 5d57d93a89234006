"""What the words of a share image are set upon: the shapes of its SVG, as an image of few colours.

    SVG | a sketch, a quarter as large | each part that is not bare paper, drawn | one image with a palette

A renderer of SVG hands over a PNG of millions of colours, and packing and unpacking the bare paper in it takes nearly all its time.
The sketch shows every stroke, and every filled shape with straight edges that is a point wide and high: the renderer looks at four
places along a point of what it draws. A filled shape that is finer than that may be missed; a stroke never is.
"""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from xml.etree import ElementTree as ET

from PIL import Image, ImageChops

from pipeline.site.share.packing import Band, band

Draw: TypeAlias = Callable[[str], bytes]  # the PNG of an SVG
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom
Colour: TypeAlias = tuple[int, int, int]
SHADES: Final = 16  # between the paper and a colour of words
MOST: Final = 256  # colours of an image with a palette
ROWS: Final = 10  # of a band, the least that is packed by itself
_OF_WORDS: Final = 5 * SHADES  # colours that are left to them
_SKETCHED: Final = 4  # so many times smaller
_SVG: Final = "http://www.w3.org/2000/svg"


class Ground:
    """The shapes; *image* has a palette where that leaves room for the colours of the words."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.palette: Sequence[int] = (image.getpalette() or ()) if image.mode == "P" else ()
        self._bands: dict[int, Band] = {}

    def band(self, number: int) -> Band:
        """The rows of its band *number*, packed once."""
        if number not in self._bands:
            self._bands[number] = bands_of(self.image, number, number + 1)
        return self._bands[number]


def bands_of(image: Image.Image, first: int, end: int) -> Band:
    """The rows of *image*, which has a palette, from its band *first* up to its band *end*, packed together."""
    part = image.crop((0, first * ROWS, image.width, min(end * ROWS, image.height)))
    return band(part.tobytes(), width=image.width)


@functools.lru_cache(maxsize=64)
def ground_of(svg: str, fonts_sha256: str, draw: Draw) -> Ground:
    """The shapes of *svg*, drawn with such fonts."""
    shapes = _sketched(svg, draw) or _whole(svg, draw)
    return Ground(_with_palette(shapes) or _of_all_colours(shapes))


@dataclass(frozen=True, slots=True)
class _Shapes:
    """An image of *size*: *paper*, and the parts of it that are not bare."""

    size: tuple[int, int]
    paper: Colour
    parts: tuple[tuple[Box, Image.Image], ...]


def _whole(svg: str, draw: Draw) -> _Shapes:
    image = _image(draw(svg))
    return _Shapes(image.size, (0, 0, 0), (((0, 0, *image.size), image),))


def _sketched(svg: str, draw: Draw) -> _Shapes | None:
    """The shapes of *svg* drawn where there are any; None where its size is not told in points, or there is hardly bare paper."""
    root = ET.fromstring(svg)  # noqa: S314 -- made by the theme's own template
    try:
        wide, high = int(root.get("width", "")), int(root.get("height", ""))
    except ValueError:
        return None
    root.set("overflow", "visible")
    inner = ET.tostring(root, encoding="unicode")

    def part(box: Box, size: tuple[int, int]) -> Image.Image:
        left, top, right, bottom = box
        view = f'viewBox="{left} {top} {right - left} {bottom - top}" preserveAspectRatio="none"'
        return _image(draw(f'<svg xmlns="{_SVG}" width="{size[0]}" height="{size[1]}" {view}>{inner}</svg>'))

    sketch = part((0, 0, wide, high), (-(-wide // _SKETCHED), -(-high // _SKETCHED)))
    paper: Colour = max(sketch.getcolors(sketch.width * sketch.height) or [])[1]  # type: ignore[assignment]  # RGB gives three
    boxes = list(_inked(ImageChops.difference(sketch, Image.new("RGB", sketch.size, paper)), (wide, high)))
    if sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) > wide * high / 2:
        return None
    parts = tuple((box, part(box, (box[2] - box[0], box[3] - box[1]))) for box in boxes)
    return _Shapes((wide, high), paper, parts)


def _inked(sketch: Image.Image, size: tuple[int, int]) -> Iterator[Box]:
    """The parts of an image of *size* that are not black in its *sketch*, with a point of that around each."""
    rows = [sketch.crop((0, y, sketch.width, y + 1)).getbbox() is not None for y in range(sketch.height)]
    near = [any(rows[max(0, y - 1) : y + 2]) for y in range(sketch.height)]
    for inked, run in itertools.groupby(range(sketch.height), key=near.__getitem__):
        top, *more = run
        bottom = top + 1 + len(more)
        box = sketch.crop((0, top, sketch.width, bottom)).getbbox() if inked else None
        if box:
            left, right = max(0, box[0] - 1), min(sketch.width, box[2] + 1)
            yield (
                left * size[0] // sketch.width,
                top * size[1] // sketch.height,
                -(-right * size[0] // sketch.width),
                -(-bottom * size[1] // sketch.height),
            )


def _with_palette(shapes: _Shapes) -> Image.Image | None:
    """*shapes* with a palette; None where they have too many colours."""
    high = sum(part.height for _, part in shapes.parts)
    pile = Image.new("RGB", (shapes.size[0], high + 1), shapes.paper)  # each part, and a row of paper
    at = [0, *itertools.accumulate(part.height for _, part in shapes.parts)]
    for top, (_, part) in zip(at, shapes.parts, strict=False):
        pile.paste(part, (0, top))
    colours = pile.getcolors(MOST - _OF_WORDS)
    if colours is None:
        return None
    few = pile.quantize(len(colours), Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.putpalette((few.getpalette() or [])[: 3 * len(colours)])
    if ImageChops.difference(few.convert("RGB"), pile).getbbox() is not None:
        return None
    image = few.resize(shapes.size, Image.Resampling.NEAREST, (0, high, 1, high + 1))
    for top, (box, part) in zip(at, shapes.parts, strict=False):
        image.paste(few.crop((0, top, part.width, top + part.height)), box)
    return image


def _of_all_colours(shapes: _Shapes) -> Image.Image:
    image = Image.new("RGB", shapes.size, shapes.paper)
    for box, part in shapes.parts:
        image.paste(part, box)
    return image


def _image(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")
