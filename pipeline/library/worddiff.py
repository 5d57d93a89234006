"""What two texts differ in, word by word, as one line for a person: ``it named [-24-] {+42+} halls``."""

from __future__ import annotations

import difflib
from typing import Final

from pipeline.library.quotes import normal

CONTEXT: Final = 3  # words that are shown on either side of a difference


def word_diff(was: str, now: str, *, most: int = 300) -> str:
    """The places in which *now* differs from *was*, compared in normal form; empty where no word differs.

    What went is in ``[- -]``, what came in ``{+ +}``. Of long texts the first places are shown, up to about *most* characters.
    """
    old, new = normal(was).split(), normal(now).split()
    groups = list(difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT))
    places: list[str] = []
    for group in groups:
        place = " ".join(word for opcode in group for word in _told(opcode, old, new))
        before = "… " if group[0][3] > 0 else ""
        after = " …" if group[-1][4] < len(new) else ""
        places.append(f"{before}{_cut(place, most)}{after}")
        if sum(map(len, places)) > most:
            break
    left = len(groups) - len(places)
    return "; ".join(places) + (f"; and {left} more place{'' if left == 1 else 's'}" if left else "")


def _told(opcode: tuple[str, int, int, int, int], old: list[str], new: list[str]) -> list[str]:
    tag, old_start, old_end, new_start, new_end = opcode
    if tag == "equal":
        return new[new_start:new_end]
    went = [f"[-{' '.join(old[old_start:old_end])}-]"] if old_end > old_start else []
    came = [f"{{+{' '.join(new[new_start:new_end])}+}}"] if new_end > new_start else []
    return went + came


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2].rstrip()} … {text[-most // 2 :].lstrip()}"
