"""Nouns as plain values and back, for files that hold values only: nobody who writes one can make it run anything (pickle would).

A tuple becomes a list, whatever else is no plain value a tuple that begins with its kind. Only classes that are named come back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import marshal
import zlib
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from operator import attrgetter
from typing import Any, Final, TypeVar

BROKEN: Final = (ValueError, TypeError, KeyError, EOFError, IndexError, zlib.error)  # what a spoilt file raises
_PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None)})
_PACKED: Final = frozenset({tuple, list})
_MOMENT, _DAY, _MAPPING, _SET = "@", "#", "{", "<"

T = TypeVar("T")


class Packer:
    """Packs and unpacks nouns of *classes* (dataclasses and enums)."""

    def __init__(self, classes: Iterable[type]) -> None:
        known = {cls.__name__: cls for cls in classes}
        enums = {name: cls for name, cls in known.items() if issubclass(cls, Enum)}
        self._classes = {name: cls for name, cls in known.items() if name not in enums}
        self._nouns = frozenset(self._classes.values())
        self._members = {name: {member.value: member for member in cls} for name, cls in enums.items()}

    def dumps(self, value: object) -> bytes:
        return zlib.compress(marshal.dumps(self.pack(value)), 1)

    def loads(self, data: bytes) -> Any:
        """Raises one of `BROKEN` for what nobody packed."""
        return self.unpack(marshal.loads(zlib.decompress(data)))  # noqa: S302 -- makes values, never objects of a class

    def pack(self, value: Any) -> Any:
        cls = value.__class__
        if cls in _PLAIN:
            return value
        if cls is tuple or cls is list:
            return self._packed(value)
        if cls in self._nouns:
            return (cls.__name__, *self._packed(_values_of(cls)(value)))
        if cls is dt.datetime:
            return (_MOMENT, value.isoformat())
        if cls is dt.date:
            return (_DAY, value.toordinal())
        if isinstance(value, Enum):
            return (cls.__name__, value.value)
        if isinstance(value, Mapping):
            return (_MAPPING, [(key, self.pack(one)) for key, one in value.items()])
        if isinstance(value, frozenset):
            return (_SET, sorted(value))
        return (cls.__name__, *self._packed(_values_of(cls)(value)))

    def _packed(self, values: Iterable[Any]) -> list[Any]:
        """Most values of most nouns are plain."""
        return [one if one.__class__ in _PLAIN else self.pack(one) for one in values]

    def unpack(self, plain: Any) -> Any:
        cls = plain.__class__
        if cls is list:
            return tuple(self._unpacked(plain))
        if cls is not tuple:
            return plain
        kind = plain[0]
        if noun := self._classes.get(kind):
            return noun(*self._unpacked(plain[1:]))
        if members := self._members.get(kind):
            return members[plain[1]]
        if kind == _MOMENT:
            return dt.datetime.fromisoformat(plain[1])
        if kind == _DAY:
            return dt.date.fromordinal(plain[1])
        if kind == _MAPPING:
            return {key: self.unpack(one) for key, one in plain[1]}
        if kind == _SET:
            return frozenset(plain[1])
        raise KeyError(kind)

    def _unpacked(self, values: Iterable[Any]) -> list[Any]:
        """Most values of most nouns are plain, or no value at all."""
        return [one if one.__class__ not in _PACKED else self.unpack(one) if one else () for one in values]


def with_at_hand(noun: T, **values: object) -> T:
    """*noun*, with the *values* of cached properties, which need not be worked out.

    What `dataclasses.replace` makes of it works out its own.
    """
    for name, value in values.items():
        assert isinstance(getattr(type(noun), name), functools.cached_property), name
        object.__setattr__(noun, name, value)  # a frozen class takes no other way
    return noun


@functools.cache
def _values_of(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    if len(names) == 1:
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names)
