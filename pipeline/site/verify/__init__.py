"""Takes a publication at its word: every sentence of its articles is looked up again, from the claims files alone.

    index | each article: its pages, its claims file, the stored texts | each sentence | Verified

Read `papers` and `pages` for what is read, `places` for where it is read from, `bearing` for when words bear out a number. Nothing
here asks the rules by which the articles were checked when they were built (`library.tracing`), nor the files that editors write:
whoever has a copy of the site can run this, and needs no network for it. What both share is how a quotation is found in a text
(`library.quotes`). The exception is a clone: the claims files are not in Git, so `places.clone` has them made as a build would.

It says that words and numbers stand in the stored copies; it does not say that they are true.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pipeline.errors import ContentError
from pipeline.library.quotes import normal, occurs, text_of
from pipeline.model import Basis, PassageKind
from pipeline.site.claims import INDEX, text_path
from pipeline.site.reading import article_words, words_of, words_sha256
from pipeline.site.receipts import source_path
from pipeline.site.sealing import SEAL, sealed
from pipeline.site.verify.bearing import bears_out, figures, worked_out
from pipeline.site.verify.pages import (
    RegisterRow,
    SourcePage,
    read_source_page,
    rows_of_register,
    wrong_with_article,
    wrong_with_receipts,
    wrong_with_register,
    wrong_with_source,
)
from pipeline.site.verify.papers import (
    Claim,
    ClaimsFile,
    Index,
    Listed,
    Passage,
    Source,
    UnreadableError,
    read_index,
)

__all__ = ["Failure", "Read", "Verdict", "Verified", "verify"]

Read = Callable[[str], bytes | None]  # what stands at a path below the site's address; None where nothing does


@dataclass(frozen=True, slots=True)
class Unbuilt:
    """Reads what a site would be made of."""

    read: Read

    def __call__(self, path: str) -> bytes | None:
        return self.read(path)


CONTEXT: Final = 4  # sentences before one, with whose numbers it may reckon
SHOWN: Final = 100  # characters of a sentence or a passage in a message
# How much of one claim is looked up, so that no file of a stranger keeps us busy for ever; no claim of ours has near as many.
MOST_PARTS: Final = 300  # that its passages are said to bear out
MOST_FIGURES: Final = 100  # that no passage is named for


class Verdict(StrEnum):
    """What came of looking up one sentence."""

    FOUND = "found again in a stored text"
    RECORDED = "recorded by an editor, no stored copy yet"
    AWAY = "not re-checkable here: the stored text is not published"
    NAMED = "names its source, with nothing to look up"
    OURS = "our own reading"
    IMPORTED = "came along from elsewhere, without sources"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """What is not as it is said to be."""

    article: str  # its address, or the path of the file that is wrong
    claim: int | None  # number of the sentence; None where the whole file is meant
    sentence: str
    message: str

    def __str__(self) -> str:
        place = f"{self.article}#claim-{self.claim}" if self.claim else self.article
        return f"{place}: {self.message}" + (f"\n    | {_short(self.sentence)}" if self.sentence else "")


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of looking up all of them."""

    articles: int
    verdicts: Counter[Verdict]
    failures: tuple[Failure, ...]
    away: tuple[str, ...]  # ids of the sources whose stored text is not here

    @property
    def claims(self) -> int:
        return self.verdicts.total()

    def as_dict(self) -> object:
        return {
            "claims": self.claims,
            "articles": self.articles,
            "failures": [
                {"article": f.article, "claim": f.claim, "sentence": f.sentence, "message": f.message}
                for f in self.failures
            ],
            "verdicts": {verdict.name.lower(): self.verdicts[verdict] for verdict in Verdict},
            "texts_not_here": list(self.away),
        }

    def lines(self) -> Iterator[str]:
        yield from map(str, self.failures)
        yield f"{_counted(self.claims, 'claim')}, {_counted(len(self.failures), 'failure')}"
        for verdict in Verdict:
            if self.verdicts[verdict]:
                yield f"{self.verdicts[verdict]:>9,} {verdict.value}"
        if self.away:
            yield f"texts that are not here: {', '.join(self.away)}"


def verify(read: Read, *, only: str = "") -> Verified:
    """Look up every sentence of the site that *read* reads, or *only* those of the article at that path below its address.

    Raises `ContentError` where there is no list of claims, or no such article in it.
    """
    given = read(INDEX)
    if given is None:
        raise ContentError(f"{INDEX} is not there, so this is no site with receipts; name the address or folder of one")
    try:
        index = read_index(given)
    except UnreadableError as error:
        raise ContentError(f"{INDEX} {error}; build the site again, or name another") from error
    texts = _Texts(read)
    wanted = [listed for listed in index.articles if not only or listed.url == index.site + only]
    if only and not wanted:
        raise ContentError(f"{INDEX} lists no article at {only}; look for its address on the site")
    sources = _SourcePages(read)
    found = [_Article(listed, index, read, texts, sources).looked_up() for listed in wanted]
    verdicts: Counter[Verdict] = Counter()
    for each in found:
        verdicts.update(each.verdicts)
    failures = tuple(failure for each in found for failure in each.failures)
    away = dict.fromkeys(source for each in found for source in each.away)
    return Verified(len(found), verdicts, failures, tuple(sorted(away)))


class _Texts:
    """The stored texts, each read and hashed once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[str, tuple[str | None, str]] = {}

    def of(self, source: Source) -> tuple[str | None, str]:
        """The text (None where it is not here), and what is wrong with it."""
        assert source.snapshot is not None  # asked of stored copies only
        sha256 = source.snapshot.text_sha256
        if sha256 not in self._known:
            self._known[sha256] = self._had(sha256, promised=source.snapshot.text is not None)
        return self._known[sha256]

    def _had(self, sha256: str, *, promised: bool) -> tuple[str | None, str]:
        given = self._read(text_path(sha256))
        if given is None:
            return None, f"the stored text should stand at {text_path(sha256)}, and does not" if promised else ""
        if (is_ := hashlib.sha256(given).hexdigest()) != sha256:
            return None, f"the stored text at {text_path(sha256)} was changed: its sha256 is {is_[:12]}..."
        try:
            return given.decode("utf-8"), ""
        except UnicodeDecodeError:
            return None, f"the stored text at {text_path(sha256)} is not UTF-8"


class _SourcePages:
    """What the page of all sources and those of each show, each page read once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[str, SourcePage | None] = {}

    @functools.cached_property
    def register(self) -> Mapping[str, RegisterRow] | None:
        """The rows of the page of all sources, where there is one."""
        given = self._read("sources/")
        return None if given is None else rows_of_register(given)

    def of(self, id_: str) -> SourcePage | None:
        """The page of the source *id_*, where there is one."""
        if id_ not in self._known:
            given = self._read(source_path(id_))
            self._known[id_] = None if given is None else read_source_page(given, id_)
        return self._known[id_]


@dataclass
class _Article:
    """One article: where its files stand, and what was found wrong so far."""

    listed: Listed
    index: Index
    read: Read
    texts: _Texts
    sources: _SourcePages
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    away: list[str] = field(default_factory=list)

    @property
    def has_pages(self) -> bool:
        """False of a clone, of which no page was made yet but the words of articles."""
        return not isinstance(self.read, Unbuilt)

    def looked_up(self) -> _Article:
        file = self._claims_file()
        if file is None:
            self.verdicts[Verdict.FAILED] += 1  # we cannot know how many there were
            return self
        self._whole(file)
        page_words = self._page_words(file)
        sources = {source.id: source for source in file.sources}
        self._stored_texts(file)
        at = 0
        for place, claim in enumerate(file.claims):
            wrong = list(self._wrong_with(claim, sources, before=file.claims[max(0, place - CONTEXT) : place]))
            if page_words is not None:
                where = page_words.find(_bare(claim.text), at)
                if where < 0:
                    wrong.append("this sentence does not stand in the article, or not in this order")
                else:
                    at = where + len(_bare(claim.text))
            for message in wrong:
                self._fail(message, claim)
            self.verdicts[Verdict.FAILED if wrong else self._verdict(claim, sources)] += 1
        return self

    # -- files

    def _claims_file(self) -> ClaimsFile | None:
        given = self._at(self.listed.claims)
        if given is None:
            self._fail(f"its claims file {self.listed.claims} is not there")
            return None
        if hashlib.sha256(given).hexdigest() != self.listed.sha256:
            self._fail(f"the claims file was changed: its sha256 is not the one in {INDEX}")
        try:
            file, bare = ClaimsFile.read(given)
        except UnreadableError as error:
            self._fail(f"the claims file {error}")
            return None
        self._sealed(bare)
        return file

    def _sealed(self, bare: dict[str, Any]) -> None:
        if bare.get(SEAL) != sealed(bare):
            self._fail(f"the claims file was changed: what it holds does not have the {SEAL} that it names")

    def _whole(self, file: ClaimsFile) -> None:
        """Nothing was left out, added or told twice."""
        if file.article.url != self.listed.url:
            self._fail(f"the claims file is of {file.article.url}")
        if [claim.number for claim in file.claims] != list(range(1, len(file.claims) + 1)):
            self._fail("the sentences are not numbered from 1 on")
        counted = Counter(claim.basis.value for claim in file.claims)
        if file.counts != {"claims": len(file.claims), **counted}:
            self._fail(f"the counts are {file.counts}, and the sentences are {dict(counted)}")
        ids = [source.id for source in file.sources]
        if len(set(ids)) != len(ids) or sorted(id_ for group in file.origins for id_ in group) != sorted(ids):
            self._fail("the origins do not name each source once")

    def _page_words(self, file: ClaimsFile) -> str | None:
        """The words of the article's page, bare of all space, to look sentences up in."""
        given = self._at(self.listed.url)
        if given is None:
            self._fail("its page is not there")
            return None
        words = article_words(given.decode("utf-8", "replace"))
        if words_sha256(words) != file.article.words_sha256:
            self._fail(
                "the article's text was changed: the words of its page do not have the sha256 that the claims file names"
            )
        if self.has_pages:
            for message in wrong_with_article(given, file):
                self._fail(message)
            self._receipts_page(file)
            self._source_pages(file)
        return _bare(words)

    def _receipts_page(self, file: ClaimsFile) -> None:
        given = self._at(f"{self.listed.url}receipts/")
        if given is None:
            self._fail(f"its receipts page {self.listed.url}receipts/ is not there")
            return
        for message in wrong_with_receipts(given, file):
            self._fail(message)
        shown = words_of(given.decode("utf-8", "replace"), {("p", "sentence"), ("p", "bearing")}, inside="receipts")
        meant = [text for claim in file.claims for text in (claim.text, *(each.words or "" for each in claim.passages))]
        meant = [words for words in meant if words]
        for here, there in zip([*shown, ""], [*meant, ""], strict=False):
            if _bare(here) != _bare(there):
                self._fail(f'the receipts page shows "{_short(here)}" where the claims file has "{_short(there)}"')
                return

    def _source_pages(self, file: ClaimsFile) -> None:
        listed = self.sources.register
        if listed is None:
            return
        for message in wrong_with_register(listed, file):
            self._fail(message)
        for source in file.sources:
            page = self.sources.of(source.id) if source.id in listed else None
            for message in wrong_with_source(page, source) if page is not None else ():
                self._fail(message)

    def _stored_texts(self, file: ClaimsFile) -> None:
        for source in file.sources:
            if source.snapshot is None:
                continue
            path = text_path(source.snapshot.text_sha256)
            if source.snapshot.text not in (None, path):
                self._fail(
                    f"{source.id}: its stored text is said to stand at {source.snapshot.text}, and not at {path}"
                )
            elif source.snapshot.text is None and self.has_pages and self.texts.of(source)[0] is not None:
                self._fail(f"{source.id}: its stored text stands at {path}, and the claims file does not say so")
            text, wrong = self.texts.of(source)
            if wrong:
                self._fail(f"{source.id}: {wrong}")
            elif text is None:
                self.away.append(source.id)

    def _at(self, address: str) -> bytes | None:
        """What stands at an address of the site, wherever the site is read from."""
        if not address.startswith(self.index.site):
            return None
        return self.read(address.removeprefix(self.index.site))

    # -- a sentence

    def _wrong_with(self, claim: Claim, sources: dict[str, Source], *, before: Sequence[Claim]) -> Iterator[str]:
        if sum(1 + len(passage.bears) for passage in claim.passages) > MOST_PARTS:
            yield f"more than {MOST_PARTS} parts of it are said to be borne out, and so many are not looked up"
            return
        for citation in claim.citations:
            if citation.source not in sources:
                yield f"it cites {citation.source}, which is none of the article's sources"
        for passage in claim.passages:
            source = sources.get(passage.source)
            if source is None:
                yield f"a passage is of {passage.source}, which is none of the article's sources"
                continue
            yield from self._wrong_with_passage(passage, source)
            yield from _wrong_with_parts(passage, self._words(passage, sources), claim, before)
        yield from _wrong_with_basis(claim)
        if claim.basis in (Basis.QUOTED, Basis.TRACED, Basis.RECORDED):
            yield from self._unborne(claim, before, sources)

    def _wrong_with_passage(self, passage: Passage, source: Source) -> Iterator[str]:
        if passage.kind is PassageKind.FACT:
            return
        if source.snapshot is None:
            yield f"a passage is of {source.id}, of which there is no stored copy"
            return
        text, _ = self.texts.of(source)  # what is wrong with it is told once, of the file
        if text is None:
            return
        words = _words_in(text, passage)
        if words is None:
            yield f"the words of {source.id} do not have the sha256 that is named, or stand elsewhere in its text"
        elif not _stands(words, text):
            yield f'{source.id} does not say "{_short(words)}"'
        elif passage.line is not None and not _stands_at(words, text, passage.line):
            yield f'"{_short(words)}" stands in {source.id}, but not on line {passage.line}'

    def _words(self, passage: Passage, sources: dict[str, Source]) -> str | None:
        """The words of a passage; None where they may not be passed on, and the text is not here."""
        source = sources.get(passage.source)
        if passage.words is not None or source is None or source.snapshot is None:
            return passage.words
        text, _ = self.texts.of(source)
        return _words_in(text, passage) if text is not None else None

    def _unborne(self, claim: Claim, before: Sequence[Claim], sources: dict[str, Source]) -> Iterator[str]:
        """Numbers of a sentence that no passage is said to bear out, and that do not follow from those beside and before them."""
        borne = [normal(part) for passage in claim.passages for part in passage.bears]
        passages = [self._words(passage, sources) or "" for passage in claim.passages]
        earlier = [words for one in before for words in (one.text, *(passage.words or "" for passage in one.passages))]
        text = _without_names(claim.text, sources)
        bare = [each for each in dict.fromkeys(figures(text)) if not any(each in part for part in borne)]
        if len(bare) > MOST_FIGURES:
            yield f"no passage is named for {len(bare):,} of its numbers, and so many are not looked up"
            return
        for figure in bare:
            if not worked_out(figure, claim.text, passages, earlier):
                yield f"no passage is named for {figure}, and it does not follow from the numbers before it"

    def _verdict(self, claim: Claim, sources: dict[str, Source]) -> Verdict:
        """Of a sentence with which nothing is wrong."""
        if claim.basis is Basis.ANALYSIS:
            return Verdict.OURS
        if claim.basis is Basis.IMPORTED:
            return Verdict.IMPORTED
        if claim.basis is Basis.CITED:
            return Verdict.NAMED
        stored = [passage for passage in claim.passages if passage.kind is not PassageKind.FACT]
        if claim.basis is Basis.UNSEEN or any(self.texts.of(sources[p.source])[0] is None for p in stored):
            return Verdict.AWAY
        return Verdict.RECORDED if claim.basis is Basis.RECORDED else Verdict.FOUND

    def _fail(self, message: str, claim: Claim | None = None) -> None:
        number, text = (claim.number, claim.text) if claim else (None, "")
        self.failures.append(Failure(self.listed.url, number, text, message))


# --- what a sentence must be -------------------------------------------------------------------------------------------------


def _wrong_with_parts(passage: Passage, words: str | None, claim: Claim, before: Sequence[Claim]) -> Iterator[str]:
    beside = " ".join((claim.text, *(one.text for one in before)))
    for part in passage.bears:
        if _bare(part) not in _bare(claim.text):
            yield f'"{_short(part)}" is said to be borne out, and does not stand in the sentence'
        elif words is not None and not bears_out(part, words, beside=beside):
            yield f'"{_short(part)}" is not borne out by "{_short(words)}" ({passage.source})'


def _wrong_with_basis(claim: Claim) -> Iterator[str]:
    """A verdict must have what it needs: the words readers are told rest on it."""
    kinds = {passage.kind for passage in claim.passages}
    if claim.basis is Basis.UNTRACED:
        yield "a number or a quotation of it stands in none of its sources"
    elif claim.basis in (Basis.QUOTED, Basis.TRACED) and not kinds & {PassageKind.QUOTE, PassageKind.TEXT}:
        yield f"it is said to be {claim.basis.value}, and no passage of a stored copy is named"
    elif claim.basis is Basis.RECORDED and PassageKind.FACT not in kinds:
        yield "it is said to be recorded, and no recorded figure is named"
    if claim.basis in (Basis.QUOTED, Basis.TRACED, Basis.RECORDED) and not claim.citations:
        yield f"it is said to be {claim.basis.value}, and cites nothing"


def _words_in(text: str, passage: Passage) -> str | None:
    """The words of a passage, which it may name by their place, length and hash alone; None where these are not of one another."""
    if passage.words is not None:
        return passage.words
    if passage.words_at is None or passage.words_length is None:
        return None
    words = text_of(text).flat[passage.words_at : passage.words_at + passage.words_length]
    return words if words_sha256(words) == passage.words_sha256 else None


def _without_names(text: str, sources: dict[str, Source]) -> str:
    """*text* without the publishers that it names: a number in a name is none."""
    for source in sources.values():
        text = text.replace(source.publisher, "") if source.publisher[:1].isalpha() else text
    return text


def _stands(words: str, text: str) -> bool:
    bare = _bare(words)
    return occurs(words, text) or any(bare in line for line in _bare_lines(text))


def _stands_at(words: str, text: str, number: int) -> bool:
    """True when the passage stands, or begins, on that line."""
    lines = _bare_lines(text)
    if number > len(lines):
        return False
    following = "".join(lines[number - 1 : number + 2])
    return 0 <= following.find(_bare(words)) < len(lines[number - 1]) or occurs(words, _lines(text)[number - 1])


@functools.lru_cache(maxsize=8)
def _lines(text: str) -> list[str]:
    return text.split("\n")


@functools.lru_cache(maxsize=8)
def _bare_lines(text: str) -> list[str]:
    return [_bare(line) for line in _lines(text)]


def _bare(words: str) -> str:
    """In normal form and without any space, so that it does not matter where lines end and cells of a table are parted."""
    return "".join(normal(words).replace("|", "").split())


def _short(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[: SHOWN - 2]} …"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
