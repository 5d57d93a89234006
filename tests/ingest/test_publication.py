"""Another's publication is read by somebody who says who that is (F-10)."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.config import Settings
from pipeline.ingest.publication import read_publication
from tests.ingest.site import Site

NOW = dt.datetime(2026, 11, 26, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize("is_reader", [True, False])
def test_f_10_who_looks_a_publication_up_says_who_it_is(site: Site, settings: Settings, is_reader: bool) -> None:
    site.put("/claims.json", b"{}")

    read = read_publication(site.url, allow_private=True, now=NOW, own=None if is_reader else settings)
    assert read("claims.json") == b"{}"
    assert read("none.json") is None

    agent = {asked.headers["User-Agent"] for asked in site.asked}.pop()
    contact = f"+{site.url}/; a reader" if is_reader else f"+{settings.site_url}; "
    assert agent.startswith("OpenSignal/")
    assert f"({contact}" in agent
