from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.fetch import Fetcher, Limits
from tests.ingest.site import Site, running

QUICK = Limits(connect=2, silence=1, total=2, body=200_000, pause=0)


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def other_site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "state" / "fetch.jsonl"


@pytest.fixture
def new_fetcher(log: Path) -> Callable[..., Fetcher]:
    def make(*, allow_private: bool = True, limits: Limits = QUICK, **more: Any) -> Fetcher:
        agent = "OpenSignal/0 (+https://deepsignals.example.org/; editors@example.org)"
        return Fetcher(user_agent=agent, allow_private=allow_private, log=log, limits=limits, **more)

    return make


@pytest.fixture
def fetcher(new_fetcher: Callable[..., Fetcher]) -> Fetcher:
    return new_fetcher()
