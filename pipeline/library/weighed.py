"""What was made of texts, kept up to so many characters: a long text takes the room of many short ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Weighed(Generic[K, V]):
    """The values made last or asked for last, of at most *most* characters together; the newest stays however long it is."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: K, make: Callable[[], V], *, characters: int) -> V:
        """The value of *key*; *make* makes it, of a text of so many *characters*, where it is not held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        value = make()
        with self._lock:
            if key not in self._held:
                self._held[key] = value, characters
                self._weight += characters
            while self._weight > self._most and len(self._held) > 1:
                self._weight -= self._held.popitem(last=False)[1][1]
        return value

    @property
    def weight(self) -> int:
        """The characters of the texts that are held."""
        return self._weight
