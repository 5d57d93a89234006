"""The library as `load_library` makes it, at the price of what has changed since the last run.

    open_kept    files | which are other ones | read those | examine what leans on them | Library
                 `sight`, `contents`, `reading` | `lookups`, `desk`, `examining`, `pasts` | `examined`

A file is read again when its bytes are others. An article is *examined* (checked, traced, rendered) again when its file or
anything that was looked up meanwhile (`lookups`) is another; the verdict, its sentences and its HTML lie in `pipeline.keeping`, by
a name made of just these things. So there are no rules about what depends on what, and nothing is ever out of date. Many articles
are examined by several processes (`workers`).

Read `desk` first. What is kept of a file is a row (`rows`); `table` holds what every run needs of every file, in files that `index`
reads and writes; `article` is an article whose text is read when it is asked for. Whatever is kept may be deleted at any time. That
the library is the same as one which nothing was kept of is held by tests/library/test_kept.py.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.library.kept.desk import FOLDER, Desk, Tell
from pipeline.library.kept.examined import Examined

if TYPE_CHECKING:
    from pipeline.library import Library

__all__ = ["FOLDER", "Examined", "Tell", "open_kept"]


def open_kept(
    root: Path, *, state: Path, kept: Path | None, site_url: str, now: dt.datetime, tell: Tell | None = None
) -> Library:
    """The library of *root* at *now*. Raises `ContentError` where a file was changed while it was read."""
    desk = Desk(root, state=state, kept=kept, site_url=site_url, now=now, tell=tell or (lambda *_: None))
    try:
        return desk.library()
    finally:
        desk.keep.close()
