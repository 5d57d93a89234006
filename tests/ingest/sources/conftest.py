from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.ingest.sandbox import Sandbox
from tests.library.newsroom import Newsroom


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path / "newsroom")


@pytest.fixture(scope="module")
def cage() -> Iterator[Sandbox]:
    """One child for many pages: starting it takes longer than they do."""
    with Sandbox() as cage:
        yield cage
