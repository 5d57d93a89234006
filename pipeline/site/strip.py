"""The signal strip, by which one sees at a glance what an article rests on. `theme/partials/strip.html` draws it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from pipeline.library import weight
from pipeline.model import Source


@dataclass(frozen=True)
class Strip:
    """The signal strip: a bar per source in order of citation, solid for primary."""

    sources: tuple[Source, ...]
    without: str = ""  # what is said of an article that has none, where that is not simply so

    PITCH = 12

    @cached_property
    def bars(self) -> tuple[bool, ...]:
        return tuple(source.is_primary for source in self.sources)

    @cached_property
    def words(self) -> str:
        return self.without if self.without and not self.sources else weight(self.sources)

    @property
    def alternative(self) -> str:
        """What the strip says to those who do not see it."""
        places = ", ".join(str(number) for number, primary in enumerate(self.bars, 1) if primary)
        which = f", primary is {places}" if places else ""
        return f"Signal strip, a bar for each source in order of citation: {len(self.bars)}{which}"

    @property
    def width(self) -> int:
        return len(self.bars) * self.PITCH - 5

    @property
    def solid(self) -> str:
        """The path of the tall, solid bars (SVG 1.1, 8.3)."""
        return self._path(primary=True, first=(0, 0), bar="h7v26h-7z")

    @property
    def hollow(self) -> str:
        """The path of the short, hollow bars; drawn with a stroke of 1.5."""
        return self._path(primary=False, first=(0.75, 9.75), bar="h5.5v15.5h-5.5z")

    def _path(self, *, primary: bool, first: tuple[float, float], bar: str) -> str:
        """The *bar* of each source that is *primary* or is not; that of the first of all would begin at *first*.

        Each begins as far from the one before it as their places are apart: a long strip is then the same few letters again
        and again, which compress to next to nothing (up to 240 bytes of a page were its strip).
        """
        places = [place for place, each in enumerate(self.bars) if each is primary]
        if not places:
            return ""
        x, y = first
        begin = f"M{places[0] * self.PITCH + x} {y}{bar}"
        return begin + "".join(f"m{(here - before) * self.PITCH} 0{bar}" for before, here in pairwise(places))
