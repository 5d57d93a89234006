"""A library that tells what was looked up in it, so that one knows what a value was made of without any rule about it.

Each thing that can be looked up has a name (`source`, `article`, ...) and a fingerprint. What was worked out of an article holds as
long as everything that was looked up meanwhile, found or not, has the fingerprint that it had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from pipeline.library.snapshots import StoredTexts
from pipeline.model import Source

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model import Article

V = TypeVar("V")
ALL: Final = "*"  # behind the letter of a kind: all of its things, and in which order


class Asked:
    """What was looked up since it was last `begun`."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def begin(self) -> None:
        self.names = {}

    def __call__(self, name: str) -> None:
        self.names[name] = None

    def told(self) -> list[str]:
        """The names; those of single things are left out where all of their kind were looked at."""
        whole = {name[:2] for name in self.names if name.endswith(":" + ALL)}
        return [name for name in self.names if name[:2] not in whole or name.endswith(":" + ALL)]


def source(id_: str) -> str:
    return f"s:{id_}"


class Watched(Mapping[str, V]):
    """*things*, each look-up told to *asked* under the letter *kind*."""

    def __init__(self, kind: str, things: Mapping[str, V], asked: Asked) -> None:
        self._kind = f"{kind}:"
        self._things = things
        self._asked = asked

    def __getitem__(self, key: str) -> V:
        self._asked(self._kind + key)
        return self._things[key]

    def __contains__(self, key: object) -> bool:
        self._asked(f"{self._kind}{key}")
        return key in self._things

    def get(self, key: str, default: Any = None) -> Any:
        self._asked(self._kind + key)
        return self._things.get(key, default)

    def __iter__(self) -> Iterator[str]:
        self._asked(self._kind + ALL)
        return iter(self._things)

    def __len__(self) -> int:
        self._asked(self._kind + ALL)
        return len(self._things)


class WatchedArticles(Sequence["Article"]):
    """All articles of the library; who goes through them is told to have seen all."""

    def __init__(self, articles: Sequence[Article], asked: Asked) -> None:
        self._articles = articles
        self._asked = asked

    @overload
    def __getitem__(self, at: int) -> Article: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Article]: ...
    def __getitem__(self, at: int | slice) -> Article | Sequence[Article]:
        self._asked("a:" + ALL)
        return self._articles[at]

    def __len__(self) -> int:
        self._asked("a:" + ALL)
        return len(self._articles)


class WatchedTexts(StoredTexts):
    """The stored texts of sources; a look at one is a look at its source, whose fingerprint holds which texts are here."""

    def __init__(self, root: Path, kept: Path | None, asked: Asked) -> None:
        super().__init__(root, kept)
        self._asked = asked

    def of(self, source_: Source) -> tuple[str | None, str]:
        self._asked(source(source_.id))
        return super().of(source_)

    def in_git(self, source_: Source) -> bool:
        self._asked(source(source_.id))
        return super().in_git(source_)

    def page(self, source_: Source) -> str:
        self._asked(source(source_.id))
        return super().page(source_)


def fingerprint_of(names: Iterable[str], told: Callable[[str], bytes]) -> bytes:
    """One fingerprint of all that *names* name."""
    made = hashlib.blake2b(digest_size=16)
    for name in names:
        made.update(name.encode("utf-8", "surrogatepass"))
        made.update(told(name))
        made.update(b"\0")
    return made.digest()
