"""A clock that starts when the newest article is published, whatever the date is here, and can be moved on."""

from __future__ import annotations

import datetime as dt


class DemoClock:
    def __init__(self, start: dt.datetime) -> None:
        self._ahead = start - dt.datetime.now(dt.UTC)

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self._ahead

    def advance(self, by: dt.timedelta) -> None:
        self._ahead += by
