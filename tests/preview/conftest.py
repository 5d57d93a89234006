"""A small newsletter's repository to preview articles of."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.preview import Desk
from tests.site.conftest import NOW, write_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = write_repository(tmp_path / "repository")
    (root / "pyproject.toml").write_text(
        '[tool.opensignal]\npostal_address = "Deep Signals, 1 Sample Street, Example Town"\n', "utf-8"
    )
    return root


@pytest.fixture
def own_settings(repository: Path) -> Settings:
    return Settings.load(repository)


@pytest.fixture
def desk(own_settings: Settings) -> Desk:
    return Desk(own_settings, clock=lambda: NOW)
