"""Makes the files of the site that are not in order yet, by several processes where there are many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Final

from pipeline.library.kept.workers import in_slices
from pipeline.site.drawing import Easel
from pipeline.site.manifest import slug_in
from pipeline.site.pages import Output

ENOUGH: Final = 60  # files that are worth other processes


@dataclass(frozen=True, slots=True)
class _Painting:
    together: Sequence[Sequence[Output]]
    easel: Easel
    folder: Path


def paint(
    outputs: Sequence[Output], easel: Easel, folder: Path, *, tell: Callable[[int, int], None]
) -> dict[str, bytes]:
    """Make *outputs* below *folder*; the SHA-256 of each by its path.

    The files of an article are made together, in one process: they are made of the same text and claims, which are read once for
    all of them.
    """
    in_order = sorted(outputs, key=lambda output: output.path)
    together = [list(files) for _, files in groupby(in_order, key=lambda output: slug_in(output.path) or output.path)]
    painting = _Painting(together, easel, folder)
    enough = 0 if len(in_order) > ENOUGH else len(in_order)
    made = chain.from_iterable(in_slices(_paint_together, range(len(together)), tell, painting, enough=enough))
    return {output.path: sha256 for output, sha256 in zip(in_order, made, strict=True)}


def _paint_together(place: int, painting: _Painting) -> list[bytes]:
    contents = (painting.easel.write(output, painting.folder) for output in painting.together[place])
    return [hashlib.sha256(content).digest() for content in contents]
