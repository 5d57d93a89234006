"""Whether the text of a source may be passed on: what its licence says, as far as a licence can be known by its name."""

from __future__ import annotations

from typing import Final

# SPDX identifiers, without their versions, of licences that let anybody pass a text on in whole, and in another form than it had:
# what is stored is extracted from a page. That rules out the -ND ones; -NC ones are left to an editor, who knows what is sold.
_FREE: Final = (
    "cc0",
    "cc-by",
    "cc-by-sa",
    "cc-pddc",
    "pddl",
    "odc-by",
    "odbl",
    "ogl-uk",
    "ogl-canada",
    "etalab",
    "dl-de-by",
    "dl-de-zero",
)
_FREE_WORDS: Final = frozenset({"us-gov", "public-domain"})
RESERVED: Final = "all-rights-reserved"


def may_be_passed_on(licence: str) -> bool:
    """True for a licence under which the whole text of a source may stand in a repository that all can read."""
    name = licence.strip().lower()
    if name in _FREE_WORDS:
        return True
    stem = name.rstrip("0123456789.").rstrip("-")
    return stem in _FREE
