"""The files of a built site: what each is to a web server, and where it stands in the order of going public."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from pipeline.errors import PublishError
from pipeline.site.workplace import MARK

OWN: Final = ".opensignal"  # the folder at a target that holds what we keep there about it

FOR_EVER: Final = "public, max-age=31536000, immutable"  # its name changes with what it holds (RFC 8246)
FOR_A_DAY: Final = "public, max-age=86400"
ASK_FIRST: Final = "public, max-age=0, must-revalidate"


class Rank(IntEnum):
    """What a file is, in the order in which files go public: nothing before what it links to."""

    ASSET = 0  # style sheets, fonts, pictures, scripts, parts of the search index
    EVIDENCE = 1  # stored texts, claims
    ARTICLE = 2  # and its receipts
    LIST = 3  # every other page that leads to articles, and the entry of the search index
    HOME = 4
    FEED = 5
    MAP = 6  # what machines are led by: sitemaps, robots.txt


@dataclass(frozen=True, slots=True)
class Kind:
    """What a web server says of a file, and the file's rank."""

    rank: Rank
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a built site, as it was when it was looked at."""

    path: str  # from the site's folder, with forward slashes
    digest: str  # of what it holds
    size: int
    seen: tuple[int, int, int]  # mtime in ns, size, inode: changed when the file does

    @property
    def kind(self) -> Kind:
        return kind_of(self.path)


def outputs_of(site: Path) -> dict[str, Output]:
    """Every file of the built *site* by its path. Raises `PublishError` for what no site holds: a link, or a file that vanishes."""
    found = {}
    for path in sorted(path for path in site.rglob("*") if path.name != MARK):  # the mark is of this machine's folder
        name = path.relative_to(site).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise PublishError(f"{path}: is no plain file, and no site of ours has such; build the site again")
        if path.is_file() and name.partition("/")[0] != OWN:
            found[name] = _output(path, name)
    return found


def is_unchanged(site: Path, output: Output) -> bool:
    """True when the file of *output* is the one that was looked at."""
    try:
        return _stamp(site / output.path) == output.seen
    except OSError:
        return False


def kind_of(path: str) -> Kind:
    """What the file at *path* of a site is."""
    return Kind(_rank(path), _content_type(path), _cache_control(path))


def policy() -> str:
    """Changes when the rules above do, so that a target that keeps them is told anew."""
    rules = (*sorted(_TYPES.items()), *sorted(_NAMED_TYPES.items()), FOR_EVER, FOR_A_DAY, ASK_FIRST, _HASHED.pattern)
    return hashlib.sha256(repr(rules).encode()).hexdigest()[:16]


def has_hash(path: str) -> bool:
    """True when the name of the file changes with what it holds."""
    return _HASHED.search(path) is not None


def is_of_search(path: str) -> bool:
    """True for a file of the search index."""
    return path.startswith(_SEARCH)


# --- rules --------------------------------------------------------------------------------------------------------------------

_SEARCH: Final = "pagefind/"
_SEARCH_ENTRY: Final = "pagefind/pagefind-entry.json"
# assets/css/site-1a2b3c4d5e.css, a text by its sha256, pagefind/fragment/en_1a2b3c4.pf_fragment
_HASHED: Final = re.compile(
    r"-[0-9a-f]{8,64}\.[a-z0-9]+$|(^|/)[0-9a-f]{64}\.[a-z0-9]+$|^pagefind/.*[._][0-9a-f]{6,}\.pf_[a-z]+$"
)
_TYPES: Final = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".ics": "text/calendar; charset=utf-8",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",  # RFC 9239
    ".json": "application/json",  # RFC 8259: has no charset
    ".md": "text/markdown; charset=utf-8",  # RFC 7763
    ".mjs": "text/javascript; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".xml": "application/xml; charset=utf-8",
    ".xsl": "application/xslt+xml; charset=utf-8",
    ".yml": "text/yaml; charset=utf-8",
}
_NAMED_TYPES: Final = {
    "atom.xml": "application/atom+xml; charset=utf-8",
    "feed.json": "application/feed+json",
    "feed.xml": "application/rss+xml; charset=utf-8",
    "rss.xml": "application/rss+xml; charset=utf-8",
}
_BARE_TEXT: Final = "text/plain; charset=utf-8"  # _redirects and the like have no ending
_MAPS: Final = frozenset({"robots.txt", "llms.txt", "llms-full.txt", "_redirects", "_headers"})


def _rank(path: str) -> Rank:
    name = path.rpartition("/")[2]
    top = path.partition("/")[0]
    if path == "index.html":
        return Rank.HOME
    if path == _SEARCH_ENTRY:
        return Rank.LIST
    if name in _NAMED_TYPES or name.endswith(".opml"):
        return Rank.FEED
    if path in _MAPS or (name.startswith(("sitemap", "news-sitemap")) and name.endswith((".xml", ".xml.gz"))):
        return Rank.MAP
    if name.endswith(".html"):
        return Rank.ARTICLE if top == "articles" and path.count("/") > 1 else Rank.LIST
    if name.endswith((".json", ".txt", ".md")) and not path.startswith((_SEARCH, "assets/")):
        return Rank.EVIDENCE
    return Rank.ASSET


def _content_type(path: str) -> str:
    name = path.rpartition("/")[2]
    if name in _NAMED_TYPES:
        return _NAMED_TYPES[name]
    if path in _MAPS:
        return _BARE_TEXT
    suffix = Path(name).suffix.lower()
    # An allow-list first: what a machine's own table says of .js or .md differs from one to the next.
    return _TYPES.get(suffix) or mimetypes.types_map.get(suffix) or "application/octet-stream"


def _cache_control(path: str) -> str:
    if has_hash(path):
        return FOR_EVER
    return FOR_A_DAY if _rank(path) is Rank.ASSET and not path.startswith(_SEARCH) else ASK_FIRST


# --- reading ------------------------------------------------------------------------------------------------------------------


def _output(path: Path, name: str) -> Output:
    try:
        seen = _stamp(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    except OSError as error:
        raise PublishError(f"{path}: cannot be read: {error.strerror}; build the site again") from error
    return Output(name, digest, seen[1], seen)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def total_size(outputs: Iterator[Output] | list[Output] | tuple[Output, ...]) -> int:
    return sum(output.size for output in outputs)
