"""The theme's fonts, as the renderer of share images wants them: TrueType, each a family of the name of its file.

The renderer says nothing where a family is not known, and draws no text. So families are named by us, and `share` refuses a
template that names another one. Fonts of the machine are never used: every machine draws the same.

Reading a compressed font takes longer than drawing with it; what was read is kept in the state folder, by the hash of the files.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict

from pipeline.errors import BuildError, StoreError
from pipeline.files import put
from pipeline.keeping import keep_file, kept_file

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FOLDER: Final = "assets/fonts"
_KINDS: Final = frozenset({".woff2", ".woff", ".ttf", ".otf"})
# What stays of emoji when these are gone: what chooses their look, spells out a flag, or joins two of them.
_OF_PICTURES: Final = re.compile("[\ufe0f\U000e0020-\U000e007f]|\u200d(?!\\w)|(?<!\\w)\u200d")
_KEPT: Final = "5"  # the version of what is kept
_WIDTHS: Final = "widths.json"
_KERNING: Final = "kerning.json"
_UNSEEN: Final = frozenset({"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp"})  # drawn with the character before, or not at all
_PICTURES: Final = frozenset({"So", "Sk", "Cs", "Co", "Cn"})  # emoji and the like
_NAMES: Final = (1, 4, 6, 16)  # family, full name, PostScript name, typographic family
_WINDOWS_ENGLISH: Final = (
    3,
    1,
    0x409,
)  # platform, encoding and language: the renderer passes a font by that has no such name


@dataclass(frozen=True)
class Fonts:
    """The fonts of a theme, ready to draw and to measure with."""

    files: tuple[Path, ...]  # TrueType, in the order of their names
    widths: Mapping[str, Mapping[str, float]]  # by family and character, of a size of 1
    kerning_told: bytes  # `kerning` as JSON
    sha256: str  # of the theme's own files

    @cached_property
    def kerning(self) -> Mapping[str, Mapping[str, float]]:
        """By family and pair of characters, what is added between them. It is large, and who draws no words asks for none."""
        told: Mapping[str, Mapping[str, float]] = json.loads(self.kerning_told)
        return told

    @cached_property
    def characters(self) -> frozenset[str]:
        """Every character that can be drawn."""
        return frozenset(character for widths in self.widths.values() for character in widths)

    def family_of(self, character: str, *, first: str) -> str:
        """The family that has *character*: *first* where it does, or where none does."""
        if character in self.widths[first]:
            return first
        return next((family for family, widths in self.widths.items() if character in widths), first)

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """By family, where its TrueType file stands."""
        return {file.stem: str(file) for file in self.files}

    def drawable(self, text: str) -> str:
        """*text* in one line, without emoji; nothing at all where a letter of it could not be drawn."""
        kept = "".join(c for c in text if c in self.characters or unicodedata.category(c) not in _PICTURES)
        line = " ".join(_OF_PICTURES.sub("", kept).split())
        return "" if self.missing(line) else line

    def missing(self, text: str) -> str:
        """The letters of *text* that no font of the theme has."""
        lacking = set(text) - self.characters
        return "".join(sorted(c for c in lacking if unicodedata.category(c) not in _UNSEEN | _PICTURES))

    def width(self, text: str, *, family: str, size: float, spacing: float = 0.0) -> float:
        """How wide *text* is in *size*; *spacing* is added behind each letter, in parts of the size."""
        known, average = self.widths[family], 0.6
        return size * sum(known.get(c) or self._elsewhere.get(c, average) + spacing for c in text)

    @cached_property
    def _elsewhere(self) -> Mapping[str, float]:
        return {character: width for widths in self.widths.values() for character, width in widths.items()}


def load_fonts(theme: Path, kept: Path) -> Fonts:
    """The fonts in the folder of *theme*; in *kept* they are kept as they are needed. Raises `BuildError` for one that is none."""
    originals = sorted(path for path in (theme / FOLDER).glob("*") if path.suffix in _KINDS)
    if not originals:
        raise BuildError(f"{theme / FOLDER}: holds no font; share images are drawn with the theme's own: put them back")
    contents = [(path, path.read_bytes()) for path in originals]
    told = hashlib.sha256(_KEPT.encode())
    for path, raw in contents:
        told.update(f"{path.name}\0{hashlib.sha256(raw).hexdigest()}\0".encode())
    folder = kept / told.hexdigest()[:16]
    files = tuple(folder / f"{path.stem}.ttf" for path in originals)
    known = _read(folder, files)
    if known is None:
        folder = _writable(folder)
        files = tuple(folder / file.name for file in files)
        measured = {path.stem: _convert(path, file) for path, file in zip(originals, files, strict=True)}
        kerning = json.dumps({family: found["kerning"] for family, found in measured.items()}).encode()
        known = {family: found["widths"] for family, found in measured.items()}, kerning
        keep_file(folder / _KERNING, kerning)
        keep_file(folder / _WIDTHS, json.dumps([known[0], _sums(files)]).encode())
    return Fonts(files, *known, told.hexdigest())


def _writable(folder: Path) -> Path:
    """*folder*, or where nothing can be written there one that lasts as long as this process."""
    try:
        for path in folder.glob("*"):  # one that a damaged cache has in the place of a file
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        put(folder / ".writable", b"", sync=False)
    except (StoreError, OSError):
        return Path(_passing().name)
    (folder / ".writable").unlink(missing_ok=True)
    return folder


@functools.cache
def _passing() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="opensignal-fonts-")


def _read(folder: Path, files: Sequence[Path]) -> tuple[Mapping[str, Mapping[str, float]], bytes] | None:
    """Widths and kerning, as they are kept in *folder*; None where one of them, or of *files*, is not as it was written."""
    widths, kerning = kept_file(folder / _WIDTHS), kept_file(folder / _KERNING)
    if widths is None or kerning is None:
        return None
    measured, sums = json.loads(widths)
    try:
        return (measured, kerning) if sums == _sums(files) else None
    except OSError:
        return None


def _sums(files: Sequence[Path]) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


class Measures(TypedDict):
    """Of a font, in parts of its size."""

    widths: dict[str, float]  # of each character
    kerning: dict[str, float]  # of each pair of characters that stands closer, or wider


def _convert(original: Path, file: Path) -> Measures:
    """Write *original* to *file* as TrueType, its family called as the file is; how wide its characters are."""
    from fontTools.ttLib import TTFont, TTLibError  # not where the fonts are kept already

    try:
        font = TTFont(original)
        for name in _NAMES:
            font["name"].removeNames(nameID=name)
            font["name"].setName(original.stem, name, *_WINDOWS_ENGLISH)
        font.flavor = None
        made = io.BytesIO()
        font.save(made)
        units, advances = font["head"].unitsPerEm, font["hmtx"].metrics
        glyphs = {chr(code): glyph for code, glyph in (font.getBestCmap() or {}).items()}
        widths = {character: advances[glyph][0] / units for character, glyph in glyphs.items()}
        kerning = {pair: value / units for pair, value in _kerning(font, glyphs) if value}
    except (TTLibError, OSError, KeyError, AssertionError, ImportError) as error:
        raise BuildError(f"{original}: is no font that can be read ({error}); put another file in its place") from error
    put(file, made.getvalue(), sync=False)
    return {"widths": widths, "kerning": kerning}


_PAIRS: Final = 2  # the type of a look-up of GPOS that moves pairs of glyphs
_OF_CLASSES: Final = 2  # its format that tells of classes of glyphs


def _kerning(font: TTFont, glyphs: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Pairs of characters with what is added between them, in units of the font (OpenType 1.9, GPOS, look-up type 2)."""
    table = font["GPOS"].table if "GPOS" in font else None
    if table is None or table.FeatureList is None:
        return
    names: dict[str, list[str]] = {}
    for character, glyph in glyphs.items():
        names.setdefault(glyph, []).append(character)
    features = [each.Feature for each in table.FeatureList.FeatureRecord if each.FeatureTag == "kern"]
    found: dict[tuple[str, str], int] = {}
    for place in dict.fromkeys(index for feature in features for index in feature.LookupListIndex):
        decided: set[str] = set()  # left glyphs of which a table of classes has told everything
        for part in table.LookupList.Lookup[place].SubTable:
            subtable = getattr(part, "ExtSubTable", part)
            if subtable.LookupType == _PAIRS:
                covered = [each for each in enumerate(subtable.Coverage.glyphs) if each[1] in names.keys() - decided]
                for left, right, value in (_single if subtable.Format == 1 else _classes)(subtable, covered, names):
                    found.setdefault((left, right), value)
                if subtable.Format == _OF_CLASSES:
                    decided.update(left for _, left in covered)
    for (left, right), value in found.items():
        yield from ((one + other, value) for one in names[left] for other in names[right])


_Pair: TypeAlias = tuple[str, str, int]  # two glyphs, and what is added between them


def _single(subtable: Any, covered: Iterable[tuple[int, str]], names: Collection[str]) -> Iterator[_Pair]:
    for at, left in covered:
        for each in subtable.PairSet[at].PairValueRecord:
            if each.SecondGlyph in names:
                yield left, each.SecondGlyph, _added(each)


def _classes(subtable: Any, covered: Iterable[tuple[int, str]], names: Collection[str]) -> Iterator[_Pair]:
    rights: dict[int, list[str]] = {}
    for glyph in names:
        rights.setdefault(subtable.ClassDef2.classDefs.get(glyph, 0), []).append(glyph)
    for _, left in covered:
        row = subtable.Class1Record[subtable.ClassDef1.classDefs.get(left, 0)].Class2Record
        for class_, glyphs in rights.items():
            if value := _added(row[class_]):
                yield from ((left, right, value) for right in glyphs)


def _added(record: Any) -> int:
    return getattr(record.Value1, "XAdvance", 0) or 0


def is_right_to_left(text: str) -> bool:
    """True when the first letter of *text* that has a direction runs from right to left (Unicode 3.3.1, P2)."""
    kinds = (unicodedata.bidirectional(c) for c in text)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), False)


def balanced(words: Sequence[str], *, most: float, lines: int, measure: Callable[[str], float]) -> list[str] | None:
    """*words*, of which each brings the space before it, in as few lines of at most *most* as they need, all of about one length.

    None where *lines* do not do, or a word is too wide.
    """
    measured = [(word, measure(word), measure(word.lstrip())) for word in words]
    first = _filled(measured, most)
    if first is None or len(first) > lines:
        return None
    low, high = 0.0, most
    while high - low > 1:
        middle = (low + high) / 2
        tried = _filled(measured, middle)
        if tried is None or len(tried) > len(first):
            low = middle
        else:
            first, high = tried, middle
    return first


def _filled(measured: Sequence[tuple[str, float, float]], most: float) -> list[str] | None:
    """The words in lines that are filled one by one; each with its width behind another word, and at the head of a line."""
    lines: list[str] = []
    left = 0.0
    for word, behind, alone in measured:
        if alone > most:
            return None
        if lines and behind <= left:
            lines[-1] += word
            left -= behind
        else:
            lines.append(word.lstrip())
            left = most - alone
    return lines
