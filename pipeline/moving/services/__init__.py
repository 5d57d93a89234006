"""One module a service: what its export looks like, and how that becomes an `Export`. Each says where the shape is described.

substack.py    zip: posts.csv, posts/*.html, the list of subscribers
ghost.py       JSON of the site, CSV of its members             `richtext` reads what its editors keep
wordpress.py   WXR, which is RSS with elements of its own       `shortcodes` reads what stands in posts
medium.py      zip: posts/*.html
beehiiv.py     CSV of posts, CSV of subscribers
buttondown.py  zip: emails.csv, emails/*.md; CSV of subscribers
jekyll.py      the repository of a site                         `liquid` fills in the tags in posts
hugo.py        the repository of a site                         `hugo_shortcodes` says what stands for something else in posts
pelican.py     the repository of a site
sitefiles.py   texts with front matter, alike in these three
lists.py       the lists of subscribers, alike in all of them
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pipeline.errors import UsageError
from pipeline.moving.archive import Archive
from pipeline.moving.export import Export
from pipeline.moving.services import (
    beehiiv,
    buttondown,
    ghost,
    hugo,
    jekyll,
    medium,
    pelican,
    substack,
    wordpress,
)
from pipeline.moving.services.lists import take_lists_named

# In the order in which they are asked: who is surest of their own comes first.
_ALL: Final[dict[str, ModuleType]] = {
    "jekyll": jekyll,
    "pelican": pelican,
    "hugo": hugo,
    "wordpress": wordpress,
    "ghost": ghost,
    "substack": substack,
    "beehiiv": beehiiv,
    "medium": medium,
    "buttondown": buttondown,
}
NAMES: Final = tuple(sorted(_ALL))


def read_export(archive: Archive, service: str | None) -> Export:
    """All that *archive* holds, read as the export of *service*, or of the one that it is recognised by.

    Raises `UsageError` where it is none of those that are known, or an unknown *service* is named.
    """
    if service is not None and service not in _ALL:
        raise UsageError(f'"{service}" is no service that is known; name one of {", ".join(NAMES)}')
    chosen = service or next((name for name, module in _ALL.items() if module.recognises(archive)), None)
    if chosen is None:
        raise UsageError(
            f"this looks like no export of {', '.join(NAMES)}; name the file as it was downloaded, or say whose it is with --from"
        )
    export: Export = _ALL[chosen].read(archive)
    if export.is_site:
        take_lists_named(export, archive)
    export.notes[:0] = archive.notes
    return export
