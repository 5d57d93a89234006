"""Makes the files of the site that are not in order yet, by several processes where there are many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.library.kept.workers import in_slices
from pipeline.site.drawing import Easel
from pipeline.site.pages import Output

ENOUGH: Final = 60  # files that are worth other processes


@dataclass(frozen=True, slots=True)
class _Painting:
    outputs: Sequence[Output]
    easel: Easel
    folder: Path


def paint(
    outputs: Sequence[Output], easel: Easel, folder: Path, *, tell: Callable[[int, int], None]
) -> dict[str, bytes]:
    """Make *outputs* below *folder*; the SHA-256 of each by its path.

    In the order of their paths, so that the files of an article are made together: they are made of the same text and claims, which
    are read once for all of them.
    """
    in_order = sorted(outputs, key=lambda output: output.path)
    painting = _Painting(in_order, easel, folder)
    made = in_slices(_paint_one, range(len(in_order)), tell, painting, enough=ENOUGH)
    return {output.path: sha256 for output, sha256 in zip(in_order, made, strict=True)}


def _paint_one(place: int, painting: _Painting) -> bytes:
    content = painting.easel.write(painting.outputs[place], painting.folder)
    return hashlib.sha256(content).digest()
