"""Older addresses that lead to an article: none that a page of the site has, and none twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.library.files import Read
from pipeline.library.links import PAGES
from pipeline.model import Article, Problem

if TYPE_CHECKING:
    from pipeline.library import Library

LISTS: Final = frozenset({"archive", "topics", "authors", "series", "sources", "corrections", "articles", "search"})
# Whatever stands below these is ours, or the mailing pages' where they share the site's address.
_OURS: Final = frozenset(
    "assets confirm decline edit erase export healthz hooks outbox pagefind preferences subscribe unsubscribe".split()
)
_FILES: Final = re.compile(r"|404\.html?")  # the home page, by its key, and the one for addresses that do not exist
_GENERATED: Final = re.compile(r"archive/\d{4}/")


def check_aliases(reads: Iterable[Read[Article]], library: Library, root: Path) -> Iterator[Problem]:
    """S052: an alias with which two pages would stand at one address. Capitals make no difference: not every disk knows them."""
    reads = [read for read in reads if read.noun.aliases]
    if not reads:
        return
    taken = dict(_addresses(library, root))
    seen: dict[str, str] = {}
    files = {_key(alias): read.path for read in reads for alias in read.noun.aliases if not alias.endswith("/")}
    for read in reads:
        for index, alias in enumerate(read.noun.aliases):
            key = _key(alias)
            if clash := taken.get(key) or _of_the_site(key) or _again(seen.get(key), read.path) or _below(key, files):
                message = f"the alias /{alias} is {clash}; give another, or delete it"
                yield read.problem("S052", ("aliases", index), message)
            seen.setdefault(key, read.path)


def taken_addresses(library: Library, root: Path) -> Callable[[str], str]:
    """Tells whose address an alias would be; nothing where it is free."""
    taken = dict(_addresses(library, root))

    def whose(alias: str) -> str:
        key = _key(alias if alias.endswith(("/", ".html", ".htm")) else f"{alias}/")
        return taken.get(key) or _of_the_site(key)

    return whose


def _addresses(library: Library, root: Path) -> Iterator[tuple[str, str]]:
    """Each address that content/ itself makes, with whose it is."""
    lists = {"topics": library.topics, "authors": library.people, "series": library.series, "sources": library.sources}
    for kind, ids in lists.items():
        yield from ((f"{kind}/{id_}/", f"the address of a page of {kind}") for id_ in ids)
    for article in library.articles:
        for path in (article.url_path, f"{article.url_path}receipts/"):
            yield _key(path), f"the address of {article.path}"
    for file in (root / PAGES).rglob("*.md"):
        name = file.relative_to(root / PAGES).as_posix()
        place = re.sub(r"(^|/)(index|README)/$", r"\1", name.removesuffix(".md") + "/")
        yield _key(place), f"the address of {PAGES}{name}"


def _of_the_site(key: str) -> str:
    first = key.partition("/")[0]
    is_ours = first in _OURS or key.rstrip("/") in LISTS or _FILES.fullmatch(key) or _GENERATED.fullmatch(key)
    return "an address of the site's own" if is_ours else ""


def _again(where: str | None, path: str) -> str:
    if where is None:
        return ""
    return "here a second time" if where == path else f"an alias of {where} too"


def _below(key: str, files: Mapping[str, str]) -> str:
    """No disk holds a file and a folder of one name."""
    folders = key.rstrip("/").split("/")[:-1]
    file = next((one for end in range(1, len(folders) + 1) if (one := "/".join(folders[:end])) in files), None)
    return f"below /{file}, an alias of {files[file]} that is a file" if file is not None else ""


def _key(path: str) -> str:
    return re.sub(r"(^|/)index\.html?$", r"\1", path).lstrip("/").casefold()
