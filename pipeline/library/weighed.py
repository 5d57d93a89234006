"""What was made of texts, kept up to so many characters: a long text takes the room of many short ones.

An article asks for what is made of its sources at each of its sentences, so all of it must be held until the article is done. The
next article asks for little of it: who goes through many lets them `rest` between two.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Weighed(Generic[K, V]):
    """The values made last or asked for last, of at most *most* characters together; the newest stays however long it is.

    Where it is told how many characters are held *resting*, `rest` leaves no more than these.
    """

    def __init__(self, most: int, *, resting: int | None = None) -> None:
        self._most = most
        self._resting = most if resting is None else resting
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()
        if resting is not None:
            _with_rest.append(self)

    def get(self, key: K, make: Callable[[], V], *, characters: int | Callable[[V], int]) -> V:
        """The value of *key*; where it is not held, *make* makes it, of a text of so many *characters* (or what tells them)."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        value = make()
        with self._lock:
            if key not in self._held:
                weight = characters if isinstance(characters, int) else characters(value)
                self._held[key] = value, weight
                self._weight += weight
            self._let_go(self._most)
        return value

    def rest(self) -> None:
        """Let go of what was not asked for lately, down to what is held resting."""
        with self._lock:
            self._let_go(self._resting)

    @property
    def weight(self) -> int:
        """The characters of the texts that are held."""
        return self._weight

    def _let_go(self, most: int) -> None:
        while self._weight > most and len(self._held) > 1:
            self._weight -= self._held.popitem(last=False)[1][1]


_with_rest: Final[list[Weighed[Any, Any]]] = []  # those of modules, which live as long as the process


def rest() -> None:
    """Let everything that was made of texts rest: an article is done, and the next one cites other sources."""
    for held in _with_rest:
        held.rest()
