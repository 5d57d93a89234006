"""What an editor may do to words that stay a quotation: leave some out, put some in brackets, end on the stop of his own sentence.

    “halls … may need power”      words left out; the parts follow one another within a paragraph
    “[T]he outlook”               a capital that the source has as a small letter, or the other way round
    “it expect[ed] more”          an ending of the editor's
    “it [the authority] expects”  words of the editor's, in place of the source's or beside them
    “60% above our outlook,”      a comma or a full stop of the editor's own sentence (the American way)

What stands in brackets must hold no digit and no negation: those are the source's to say.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipeline.library.late import Late
from pipeline.library.quotes.text import MARKER, Token, tokens

_ELISION: Final = r"\[\s*\.{3,4}\s*\]|\(\s*\.{3,4}\s*\)|\.\s\.\s\.(?:\s\.)?|\.{3,}"
_SPECIAL: Final = Late(
    rf"(?P<elision>{_ELISION})|\[(?P<letter>[^\W\d_])\](?=\w)|(?<=\w)\[(?P<ending>[^\W\d_]{{1,4}})\](?!\w)|\[(?P<insert>[^\[\]]{{1,80}})\]"
)
_SAYS_TOO_MUCH: Final = Late(r"\d|\b(?:not|no|never|none|nor|neither|without|cannot)\b|n't\b", re.IGNORECASE)
_STOPS: Final = frozenset(",.;:")
_CLOSING: Final = _STOPS | {'"'}
_REST_OF_WORD: Final = Late(r"\w+(?:'\w+)*")
REPLACED: Final = 8  # words that an insertion may stand for


class Part(NamedTuple):
    """Words of a quotation that must follow one another."""

    tokens: tuple[Token, ...]
    first_letter: bool = False  # its first letter may be of the other case
    stem: bool = False  # its last word may end otherwise
    passed_by: int | None = 0  # words that the source may have before it, behind the part before; None: an elision
    bare: bool = False  # the elision has no brackets: where the source has dots, they are the source's own

    def without_stop(self) -> Part | None:
        """The part without the comma or stop at its end; None where it has none or is nothing else."""
        last = len(self.tokens)
        while last and self.tokens[last - 1].key in _CLOSING:
            last -= 1
        kept = (*self.tokens[:last], *(token for token in self.tokens[last:] if token.key not in _STOPS))
        return self._replace(tokens=kept) if last and len(kept) < len(self.tokens) else None


def plain(wanted: str) -> tuple[Part, ...]:
    """*wanted*, in normal form, as it stands: its brackets and dots are those of the source."""
    found = tuple(tokens(wanted))
    return (Part(found),) if found else ()


def edited(wanted: str, flat: str) -> tuple[Part, ...]:
    """*wanted* with its dots read as an editor's, and those brackets that the source has not; empty where they say too much."""
    wanted = MARKER.sub("", wanted)
    parts: list[Part] = []
    opening = Part(())  # what is known of the part that comes next
    at = 0
    for special in _SPECIAL.finditer(wanted):
        said = special["insert"]
        if not special["elision"] and special[0] in flat:
            continue
        if said is not None and _SAYS_TOO_MUCH.search(said):
            return ()
        held = (*opening.tokens, *tokens(wanted[at : special.start()]))
        if held:
            parts.append(opening._replace(tokens=held, stem=special["ending"] is not None))
            opening = Part(())
        at = special.end()
        if special["letter"]:
            rest = _REST_OF_WORD.match(wanted, at)
            at = rest.end() if rest else at
            opening = opening._replace(
                tokens=tuple(tokens(special["letter"] + (rest[0] if rest else ""))), first_letter=True
            )
        elif special["elision"]:
            opening = Part((), passed_by=None, bare=special[0].startswith("."))
        elif said is not None and opening.passed_by is not None:
            opening = Part((), passed_by=REPLACED)
    held = (*opening.tokens, *tokens(wanted[at:]))
    return (*parts, opening._replace(tokens=held)) if held else tuple(parts)
