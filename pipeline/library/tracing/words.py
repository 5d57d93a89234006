"""The words of a sentence, looked at before an expression that finds nothing where none of its words stands.

Most sentences have no figure, no name and nobody who says something. To see that costs one set of their words, which every rule
asks for; to have each expression try each letter costs twenty times as much.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from pipeline.library.tracing.units import in_our_letters

_WORD: Final = re.compile(r"[a-z]+")
_SMALL_LETTERS: Final = {code: chr(code).lower() if chr(code).isalpha() else " " for code in range(128)}


@functools.lru_cache(maxsize=256)  # several rules ask for those of one sentence, one after the other
def words_in(text: str) -> frozenset[str]:
    """The words of *text* in small letters; of what holds other letters than A to Z, the pieces between them."""
    if text.isascii():  # most are, and are cut in half the time
        return frozenset(text.translate(_SMALL_LETTERS).split())
    return frozenset(_WORD.findall(in_our_letters(text).lower()))
