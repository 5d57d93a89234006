"""Preview: one article as readers will have it, beside what is wrong with it, while it is written.

    watch the files | read what changed | tell the browser | draw what it asks for

`desk` knows the articles and draws them as page, letter, digest, text and feed item; `server` speaks with the browser, on loopback
alone. Drafts and articles of days to come are shown as if they were out. Nothing is published, sent or recorded here.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from pipeline.config import Settings
from pipeline.preview.desk import Clock, Desk
from pipeline.preview.server import listening

LOOK_EVERY = 0.04  # seconds, at the article that is open
LOOK_AT_ALL_EVERY = 0.4  # seconds, at all other files

__all__ = ["Desk", "previewing", "run_preview"]


@contextlib.contextmanager
def previewing(settings: Settings, *, article: str = "", port: int = 0, clock: Clock) -> Iterator[str]:
    """The preview at work: the address of its page. *article* is a slug or a file; default: the one that was changed last.

    Raises `UsageError` where there is no such article, or where nobody can listen on *port*.
    """
    desk = Desk(settings, clock=clock)
    path = desk.path_of(article)
    if opened := desk.open(path):
        desk.view("web", opened)  # loads MkDocs and the templates, so that nobody waits for them later
    stop = threading.Event()
    with listening(desk, port=port, stop=stop) as address:
        watcher = threading.Thread(target=_watch, args=(desk, stop), daemon=True)
        watcher.start()
        try:
            yield f"{address}?article={path}"
        finally:
            stop.set()
            watcher.join()


def run_preview(
    settings: Settings, *, article: str, port: int, clock: Clock, ready: Callable[[str], None], stop: threading.Event
) -> None:
    """Preview until *stop* is set; *ready* is told the address."""
    with previewing(settings, article=article, port=port, clock=clock) as address:
        ready(address)
        while not stop.wait(0.5):
            pass


def _watch(desk: Desk, stop: threading.Event) -> None:
    looked = 0
    each = round(LOOK_AT_ALL_EVERY / LOOK_EVERY)
    while not stop.wait(LOOK_EVERY):
        looked += 1
        desk.look(all_files=looked % each == 0)
