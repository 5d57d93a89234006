"""The claims files as a stranger finds them: read strictly, trusted in nothing. `site.claims` writes them.

The nouns have the names they have in `model`; what they hold here is what such a file has of them.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.model import Basis, PassageKind
from pipeline.site.claims import FORMAT, INDEX_FORMAT, VERSION

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Place = Annotated[int, Field(ge=1)]
Words = Annotated[str, Field(max_length=100_000)]  # of a sentence or a passage: none of ours is near as long


class UnreadableError(Exception):
    """A file is not what it should be; the message says how."""


class _Paper(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_P = TypeVar("_P", bound=_Paper)


class Listed(_Paper):
    url: str
    claims: str
    sha256: Sha256


class Index(_Paper):
    format: Literal["opensignal-claims-index"]
    version: int
    site: str
    articles: list[Listed]


class Article(_Paper):
    url: str
    title: str
    date: str
    modified: str
    status: str
    language: str
    words_sha256: Sha256


class Snapshot(_Paper):
    text_sha256: Sha256
    sha256: Sha256
    at: str
    tool: str
    text: str | None


class Source(_Paper):
    id: str
    number: Place
    url: str
    title: str | None
    publisher: str
    issued: str | None
    accessed: str | None
    tier: str
    via: str | None
    licence: str
    redistribute: Literal["full", "quote", "hash"]
    status: str
    archive: str | None
    sample: bool
    snapshot: Snapshot | None


class Citation(_Paper):
    source: str
    quote: str | None


class Passage(_Paper):
    source: str
    kind: Annotated[PassageKind, Field(strict=False)]
    name: str | None
    words: Words | None  # None where they may not be passed on
    words_sha256: Sha256 | None  # of those
    words_at: Count | None  # where those begin in the stored text, all of it on one line
    words_length: Count | None
    line: Place | None
    page: Place | None
    bears: list[str]


class Claim(_Paper):
    number: Place
    text: Words
    basis: Annotated[Basis, Field(strict=False)]
    citations: list[Citation]
    origins: Count
    disagree: bool
    passages: list[Passage]


class ClaimsFile(_Paper):
    format: Literal["opensignal-claims"]
    version: int
    article: Article
    counts: dict[str, Count]
    origins: list[list[str]]
    sources: list[Source]
    claims: list[Claim]
    sha256: Sha256

    @classmethod
    def read(cls, given: bytes) -> tuple[Self, dict[str, Any]]:
        """The file, and the very JSON it was read from. Raises `UnreadableError`."""
        bare = _json(given, FORMAT)
        return _checked(cls, bare), bare


def read_index(given: bytes) -> Index:
    """The list of all claims files of a site. Raises `UnreadableError`."""
    return _checked(Index, _json(given, INDEX_FORMAT))


def _json(given: bytes, format_: str) -> dict[str, Any]:
    try:
        read = json.loads(given.decode("utf-8"), object_pairs_hook=_once)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UnreadableError(f"is not JSON ({_short(error)})") from error
    if not isinstance(read, dict) or read.get("format") != format_:
        raise UnreadableError(f'does not say that it is "{format_}"')
    if read.get("version") != VERSION:
        raise UnreadableError(
            f"is of version {read.get('version')!r}, and this program reads version {VERSION}; take the program of that version"
        )
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _checked(kind: type[_P], bare: dict[str, Any]) -> _P:
    try:
        return kind.model_validate(bare)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnreadableError(f"{place}: {first['msg']}") from error


MOST_WORDS: Final = 120


def _short(error: Exception) -> str:
    return str(error)[:MOST_WORDS]
