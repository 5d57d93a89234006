"""What is kept of a file is a row: plain values by name, out of which its nouns come back."""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections.abc import Iterable
from typing import Any, Final

from pipeline import model
from pipeline.packing import Packer

# The last version of marshal's format that tells values alone: since the third, also what is interned or referred to twice.
BY_VALUE: Final = 2
NOUNS: Final = Packer(cls for cls in vars(model).values() if isinstance(cls, type) and cls.__module__ == model.__name__)


def shared(row: dict[str, Any]) -> dict[str, Any]:
    """*row* with the names that other rows have too, each of which is held once, and written once."""
    return {**row, **{part: [sys.intern(name) for name in row[part]] for part in ("names", "cited") if part in row}}


def alike(row: dict[str, Any], held: dict[Any, Any]) -> dict[str, Any]:
    """*row* of an article, whose lists of ids, and ids, are those of *held* where they are equal: held once, and written once."""
    values = row["row"] or ()
    same = tuple(
        held.setdefault(one, tuple(held.setdefault(id_, id_) for id_ in one)) if one.__class__ is tuple else one
        for one in values
    )
    return {**row, "row": same or None}


def digest(parts: Iterable[bytes]) -> bytes:
    """One fingerprint of *parts*, in their order."""
    return hashlib.blake2b(marshal.dumps(list(parts), BY_VALUE), digest_size=16).digest()
