"""A repository for real commands, and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import MailServer, mail_server
from tests.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.make(tmp_path / "repository")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server
