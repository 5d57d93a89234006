"""Makes the files of the site that are not in order yet, by several processes where there are many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.library.kept.workers import AtWork
from pipeline.site.drawing import Easel
from pipeline.site.manifest import slug_in
from pipeline.site.pages import Output

ENOUGH: Final = 60  # files that are worth other processes


class Painting:
    """The making of *outputs* below *folder*: by other processes where there are many, from now on until it is `done`.

    The files of an article are made together, in one process: they are made of the same text and claims, which are read once for
    all of them.
    """

    def __init__(self, outputs: Iterable[Output], easel: Easel, folder: Path) -> None:
        self._in_order = sorted(outputs, key=lambda output: output.path)
        together = [list(files) for _, files in groupby(self._in_order, key=_whose)]
        enough = 0 if len(self._in_order) > ENOUGH else len(self._in_order)
        self._at_work = AtWork(_paint_together, range(len(together)), _Job(together, easel, folder), enough=enough)

    def done(self, tell: Callable[[int, int], None]) -> dict[str, bytes]:
        """The SHA-256 of each file by its path, when all are made."""
        made = list(chain.from_iterable(self._at_work.results(tell)))
        self.stop()
        return {output.path: sha256 for output, sha256 in zip(self._in_order, made, strict=True)}

    def stop(self) -> None:
        """Make no more of them."""
        self._at_work.stop()


def _whose(output: Output) -> str:
    return slug_in(output.path) or output.path


class _Job(NamedTuple):
    together: Sequence[Sequence[Output]]
    easel: Easel
    folder: Path


def _paint_together(place: int, job: _Job) -> list[bytes]:
    contents = (job.easel.write(output, job.folder) for output in job.together[place])
    return [hashlib.sha256(content).digest() for content in contents]
