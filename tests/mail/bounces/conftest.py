from __future__ import annotations

import datetime as dt

import pytest

from pipeline.config import Settings
from pipeline.store import Store
from tests.mail.bounces.postroom import Postroom


@pytest.fixture
def postroom(sqlite_store: Store, settings: Settings, now: dt.datetime) -> Postroom:
    return Postroom(sqlite_store, settings, now)


@pytest.fixture
def postroom_of_each(store: Store, settings: Settings, now: dt.datetime) -> Postroom:
    """On SQLite, then on Postgres."""
    return Postroom(store, settings, now)
