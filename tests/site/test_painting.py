"""Files are made one article after the other, whatever order they are named in."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import cast

from pipeline.site.drawing import Easel
from pipeline.site.pages import Output
from pipeline.site.painting import ENOUGH, Painting

PATHS = (
    "articles/tides/index.html",
    "articles/wind/index.html",
    "index.html",
    "articles/tides/index.html.md",
    "articles/wind/receipts/index.html",
    "articles/tides/claims.json",
)


class Recorder:
    """An easel that writes nothing and tells what it was given."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def write(self, output: Output, folder: Path) -> bytes:
        self.made.append(output.path)
        return output.path.encode()


def test_the_files_of_an_article_are_made_behind_one_another(tmp_path: Path) -> None:
    easel = Recorder()
    outputs = [Output(path, b"", lambda: "") for path in PATHS]

    made = Painting(outputs, cast("Easel", easel), tmp_path).done(lambda *_: None)

    assert [path.split("/")[-2] for path in easel.made[:3]] == ["tides"] * 3
    assert [path.split("/")[1] for path in easel.made[3:5]] == ["wind"] * 2
    assert made == {path: sha256(path.encode()).digest() for path in PATHS}


class Signer:
    """An easel that writes nothing and tells which process it is in."""

    def write(self, output: Output, folder: Path) -> bytes:
        return str(os.getpid()).encode()


def test_the_files_of_an_article_are_made_in_one_process(tmp_path: Path) -> None:
    outputs = [Output(f"articles/{number}/{name}", b"", lambda: "") for name in "abc" for number in range(ENOUGH)]

    made = Painting(outputs, cast("Easel", Signer()), tmp_path).done(lambda *_: None)

    for number in range(ENOUGH):
        assert len({made[f"articles/{number}/{name}"] for name in "abc"}) == 1
