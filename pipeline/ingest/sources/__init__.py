"""The sources that articles rest on: brought in one by one, kept, looked after.

    cite             a URL | fetch | extract | a file of content/sources, with its copy       `cite`
    check_sources    each source | fetch | do the words that we cite still stand there?       `recheck`
    refresh          each source without a copy | fetch | keep it                              `recheck`
    find_archived    each source that is gone | where the Wayback Machine keeps a copy         `wayback`
    import_sources   the file of a reference manager | a file of content/sources each         `references`

What is decided about a source is decided from what was fetched and what its file says: only `cite` and `recheck` fetch and write.
"""

from __future__ import annotations

from pipeline.ingest.sources.cite import Cited, cite
from pipeline.ingest.sources.recheck import check_sources, refresh
from pipeline.ingest.sources.references import import_sources
from pipeline.ingest.sources.wayback import find_archived

__all__ = ["Cited", "check_sources", "cite", "find_archived", "import_sources", "refresh"]
