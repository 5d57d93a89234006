"""What was published stays published: texts are corrected in the open, addresses stay, and a review is of the text that came out.

Each article is compared with its own past in Git (`history`). A version counts from the moment on at which readers could see it: it
was committed with a final status, and its date had come before the next version. The text to compare with is that of the first such
version, or of the last one that came with a correction and a new `updated`, and so of a text that readers have been told of.

Adding a source, mending a link, a change of markup or typography is no change of the text (`wording`). Words that the build sets
from a source are those that the source had at the time.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pipeline.library.citations import inserted_in
from pipeline.library.files import SOURCES, Read, article_of, source_of
from pipeline.library.frontmatter import Unreadable, decode, split
from pipeline.library.history import History, Version, blob_of
from pipeline.library.worddiff import word_diff
from pipeline.library.wording import carried_out, changed_lines, same_wording, wording, wording_hash, written_out
from pipeline.model import Article, Correction, Problem, Severity, Source, Status

if TYPE_CHECKING:
    from pipeline.library import Library

ALIKE: Final = 0.5  # share of words that two files have in common when one is the other, moved and not yet committed
LONG_BEFORE: Final = dt.timedelta(days=365)
# By path and front matter, which is most of the work to read and seldom changes.
_Known: TypeAlias = dict[tuple[str, str], Article | None]
_RANK: Final = {status: rank for rank, status in enumerate(Status)}


class Edition(NamedTuple):
    """An article as readers saw it from one version on."""

    version: Version
    article: Article  # with the words that the build set in it


class Past(NamedTuple):
    """What an article was before, as far as Git knows."""

    editions: tuple[Edition, ...]  # those that readers saw, oldest first
    # Those of them whose text readers were told of: the first, and each that came with a correction.
    standing: tuple[Edition, ...]
    reviewed: Article | None  # as it stood at ai.review_commit; None where that is not known here
    committed: Edition | None = None  # as it stands in the last commit, whether readers saw it or not
    is_whole: bool = True  # False where this clone lacks a version
    is_known: bool = False  # True where Git has all that ever was, so that what it does not name is nowhere
    begun: dt.datetime | None = None  # when its first version was committed
    signed: Article | None = None  # as it stood when its reviewer of today was first named
    first: Edition | None = None  # as it was first committed, whether readers saw it or not


def check_published(reads: Sequence[Read[Article]], library: Library, pasts: Mapping[str, Past]) -> Iterator[Problem]:
    """S013, S015, S030, S031, S032 for all articles, each beside its past."""
    for read in reads:
        past = pasts[read.path]
        if past.editions:
            yield from _check_address(read, past)
            yield from _check_status(read, past)
            if read.noun.status.is_final:
                yield from _check_text(read, past, library.sources)
        if read.noun.status.is_final and read.noun.ai.review_commit:
            yield from _check_review(read, past, library.sources)
        elif read.noun.status.is_final and read.noun.ai.involvement == "drafted" and read.noun.ai.reviewed_by:
            yield from _check_unrecorded_review(read, past, library.sources)
        yield from _check_day_of_review(read, past)


# --- the past -------------------------------------------------------------------------------------------------------------------


def pasts_of(
    articles: Sequence[Article], sources: Mapping[str, Source], history: History, *, now: dt.datetime
) -> dict[str, Past]:
    """What each article was before, by the path of its file, at the price of one look into Git's store."""
    look = look_back(articles, chains_of(articles, history), history)
    return {article.path: look(article, sources, now) for article in articles}


def chains_of(articles: Sequence[Article], history: History) -> dict[str, tuple[Version, ...]]:
    """The versions of each of all *articles*, oldest first, by its path; moved and renamed files included."""
    return _chains_of_addresses(articles, _chains(articles, history), history)


def is_as_committed(article: Article, chain: Sequence[Version], history: History) -> bool:
    """True when the file of *article* was committed once, as it is, so that it was never another one."""
    return len(chain) == 1 and _is(article.path, _bytes(history.root / article.path), chain[0])


def look_back(
    articles: Sequence[Article], chains: Mapping[str, tuple[Version, ...]], history: History
) -> Callable[[Article, Mapping[str, Source], dt.datetime], Past]:
    """Fetch from Git's store at once what *articles* were, for a function that tells it of each of them."""
    wanted: list[str] = []
    raws: dict[str, bytes] = {}
    for article in articles:
        chain = chains[article.path]
        raws[article.path] = raw = _bytes(history.root / article.path) if chain else b""
        if len(chain) > 1 or (chain and not _is(article.path, raw, chain[0])):
            wanted += [version.blob for version in chain if version.blob]
        wanted += _names_of_review(article, chain, history)
    texts = history.texts(wanted)
    texts |= history.texts(_names_of_inserted(articles, chains, texts, history))

    def past(article: Article, sources: Mapping[str, Source], now: dt.datetime) -> Past:
        return _past(article, raws[article.path], chains[article.path], texts, sources, history, now=now)

    return past


def _past(
    article: Article,
    raw: bytes,
    chain: tuple[Version, ...],
    texts: Mapping[str, bytes],
    sources: Mapping[str, Source],
    history: History,
    *,
    now: dt.datetime,
) -> Past:
    known: _Known = {}
    with suppress(Unreadable):
        known[article.path, split(decode(raw))[0]] = article
    editions = tuple(
        Edition(edition.version, _written_out(edition.article, edition.version.commit, texts, sources, history))
        for edition in _editions(article, chain, texts, known, now=now)
    )
    standing: list[Edition] = []
    for edition in editions:
        if not standing or same_wording(standing[-1].article, edition.article, sources):
            standing = [*standing[:-1], edition] if standing else [edition]
        elif in_order(standing[-1].article, edition.article, sources):
            standing.append(edition)
    found = (texts[name] for name in _names_of_review(article, chain, history) if name in texts)
    read = next((read for raw in found if (read := article_of(raw, article.path))), None)
    commit = article.ai.review_commit or ""
    reviewed = _written_out(read, commit, texts, sources, history) if read else None
    is_whole = len(chain) < 2 or all(version.blob in texts for version in chain if version.blob)
    return Past(
        editions,
        tuple(standing),
        reviewed,
        _committed(article, chain, texts, known, is_all=len(chain) == 1),
        is_whole,
        is_known=is_whole and bool(history.versions) and not history.is_cut,
        begun=chain[0].at if chain else None,
        signed=_signed(article, chain, texts, known, sources, history),
        first=_committed(article, chain[:1], texts, known, is_all=len(chain) == 1),
    )


def _signed(
    today: Article,
    chain: tuple[Version, ...],
    texts: Mapping[str, bytes],
    known: _Known,
    sources: Mapping[str, Source],
    history: History,
) -> Article | None:
    for version in chain:
        if version.blob and version.blob in texts:
            article = _as_it_was(texts[version.blob], version.path, known)
        else:
            article = today if len(chain) == 1 else None
        if article and (article.ai.reviewed_by, article.ai.reviewed_at) == (today.ai.reviewed_by, today.ai.reviewed_at):
            return _written_out(article, version.commit, texts, sources, history)
    return None


def _committed(
    today: Article, chain: tuple[Version, ...], texts: Mapping[str, bytes], known: _Known, *, is_all: bool
) -> Edition | None:
    """The article at the end of *chain*; what was not fetched is the very text of today where that is all that there *is_all*."""
    last = chain[-1] if chain else None
    if last is None or last.blob is None:
        return None
    if last.blob not in texts:
        return Edition(last, today) if is_all else None
    article = _as_it_was(texts[last.blob], last.path, known)
    return Edition(last, article) if article else None  # as it is typed


def _editions(
    today: Article, chain: tuple[Version, ...], texts: Mapping[str, bytes], known: _Known, *, now: dt.datetime
) -> Iterator[Edition]:
    for version, later in itertools.zip_longest(chain, chain[1:]):
        if version.blob is None:
            continue
        if version.blob in texts:
            article = _as_it_was(texts[version.blob], version.path, known)
        else:  # what was not fetched is the very text of today, or is not in this clone
            article = today if len(chain) == 1 else None
        if article and article.status.is_final and article.date <= (later.at if later else now):
            yield Edition(version, article)


def _as_it_was(raw: bytes, path: str, known: _Known) -> Article | None:
    try:
        front, body, _ = split(decode(raw))
    except Unreadable:
        return None
    if (path, front) not in known:
        known[path, front] = article_of(raw, path)
    article = known[path, front]
    return article and replace(article, body=body)


def _names_of_inserted(
    articles: Iterable[Article], chains: Mapping[str, tuple[Version, ...]], texts: Mapping[str, bytes], history: History
) -> Iterator[str]:
    """The files of the sources whose words the build set in an article, at each of its commits."""
    for article in articles:
        blobs = [version.blob for version in chains[article.path] if version.blob]
        bodies = [article.body, *(texts[blob].decode("utf-8", "replace") for blob in blobs if blob in texts)]
        ids = {source for body in bodies for source, _ in inserted_in(body)}
        commits = [version.commit for version in chains[article.path]]
        if article.ai.review_commit and history.versions:
            commits.append(article.ai.review_commit)
        for id_ in sorted(ids):
            yield from (history.name_at(commit, f"{SOURCES}/{id_}.yml") for commit in commits)


def _written_out(
    article: Article, commit: str, texts: Mapping[str, bytes], sources: Mapping[str, Source], history: History
) -> Article:
    ids = {source for source, _ in inserted_in(article.body)}
    paths = {id_: f"{SOURCES}/{id_}.yml" for id_ in ids}
    raws = {id_: texts.get(history.name_at(commit, path)) for id_, path in paths.items()}
    then = {id_: found for id_, raw in raws.items() if raw and (found := source_of(raw, paths[id_]))}
    return written_out(article, {**sources, **then}) if ids else article


def in_order(was: Article, now: Article, sources: Mapping[str, Source]) -> bool:
    """True when *now* tells its readers of each word that *was* did not have, and when it was corrected."""
    return not missing_for_order(was, now) and not _untold(was, now, sources)[0]


def _untold(was: Article, now: Article, sources: Mapping[str, Source]) -> tuple[str, list[Correction]]:
    """The changed words that no correction of *now* tells of, and the corrections that tell of nothing."""
    told = [correction for correction in now.corrections if correction not in was.corrections]
    as_told, idle = carried_out(told, was, now, sources)
    new = wording(now, sources)
    return (word_diff(as_told, new) or "the order of words") if as_told != new else "", idle


def missing_for_order(was: Article, now: Article) -> str:
    """What is missing in *now* for its readers to know that it says something else than *was*; nothing where all is there."""
    if len(now.corrections) <= len(was.corrections):
        return "without a correction"
    newest = max(correction.date for correction in now.corrections)
    # The day of a correction is one of the newsletter's zone, the time of an update is in UTC.
    if now.updated is None or now.updated < was.modified or now.updated.date() + dt.timedelta(days=1) < newest:
        return "with a correction, but updated does not say when"
    return ""


def _chains(articles: Iterable[Article], history: History) -> dict[str, tuple[Version, ...]]:
    """The versions of each article; of one that was moved and not committed yet, those of the file that it was."""
    chains = {article.path: history.versions.get(article.path, ()) for article in articles}
    new = [path for path, chain in chains.items() if not chain]
    gone = {path: chain for path, chain in history.versions.items() if chain[-1].blob and path not in chains}
    gone = {path: chain for path, chain in gone.items() if not (history.root / path).exists()}
    if not new or not gone:
        return chains
    before = history.texts(chain[-1].blob or "" for chain in gone.values())
    lines = {path: set(before.get(chain[-1].blob or "", b"").split()) for path, chain in gone.items()}
    for path in new:
        ours = set(_bytes(history.root / path).split())
        likeness = {old: len(ours & theirs) / max(len(ours | theirs), 1) for old, theirs in lines.items()}
        best = max(likeness, key=lambda old: likeness[old], default=None)
        if best is not None and likeness[best] >= ALIKE:
            chains[path] = gone[best]
            del lines[best]
    return chains


def _chains_of_addresses(
    articles: Sequence[Article], chains: Mapping[str, tuple[Version, ...]], history: History
) -> dict[str, tuple[Version, ...]]:
    """*chains*, and before each the versions of a file that is gone and stood at the same address: whatever a file is called, and
    however little of its text is left, readers know it by its slug."""
    known = {version.commit + version.path for chain in chains.values() for version in chain}
    left = {
        path: versions
        for path, chain in history.versions.items()
        if path not in chains and not (history.root / path).exists()
        if (versions := tuple(v for v in chain if v.blob and v.commit + v.path not in known))
    }
    texts = history.texts(versions[-1].blob or "" for versions in left.values())
    slugs = {
        **{folder: article.path for article in articles for folder in map(_slug_of, article.aliases) if folder},
        **{article.slug: article.path for article in articles},
    }
    found = dict(chains)
    for path, versions in left.items():
        raw = texts.get(versions[-1].blob or "", b"")
        named = PurePosixPath(path).stem[11:]
        slug = old.slug if b"slug:" in raw and (old := article_of(raw, path)) else named
        if slug in slugs:
            found[slugs[slug]] = (*versions, *found[slugs[slug]])
    return found


def _slug_of(alias: str) -> str:
    """The slug that the address *alias* below the site's was made of; empty for one that is no article's."""
    folder, _, slug = alias.rstrip("/").rpartition("/")
    return slug if folder == "articles" else ""


def _is(path: str, raw: bytes, version: Version) -> bool:
    """True when the file is as it was, and where it was."""
    return version.blob is not None and version.path == path and blob_of(raw, like=version.blob) == version.blob


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it was there when it was read; who removes it meanwhile is told next time
        return b""


def _names_of_review(article: Article, chain: tuple[Version, ...], history: History) -> list[str]:
    commit = article.ai.review_commit
    if not commit or not history.versions:
        return []
    paths = dict.fromkeys([article.path, *(version.path for version in reversed(chain))])
    return [history.name_at(commit, path) for path in paths]


# --- rules ----------------------------------------------------------------------------------------------------------------------


def _check_address(read: Read[Article], past: Past) -> Iterator[Problem]:
    first = past.editions[0]
    if first.article.slug not in (read.noun.slug, *map(_slug_of, read.noun.aliases)):
        old = first.article.slug
        yield read.problem(
            "S013",
            ("slug",),
            f'the slug was "{old}" when it was published ({first.version.told}), and links lead there; '
            f"name the file {PurePosixPath(first.version.path).name} again, set slug: {old}, "
            f"or let the old address lead here by aliases: [/articles/{old}/]",
        )


def _check_status(read: Read[Article], past: Past) -> Iterator[Problem]:
    status = read.noun.status
    furthest = max(past.editions, key=lambda edition: _RANK[edition.article.status])
    was = furthest.article.status
    if status.is_final and _RANK[status] < _RANK[was]:
        yield read.problem(
            "S015",
            ("status",),
            f"the status goes back from {was} ({furthest.version.told}) to {status}; readers have seen it, set {was} again",
        )
    elif not status.is_final:
        yield read.warning(
            "S015",
            ("status",),
            f"readers have seen this ({past.editions[-1].version.told}), and status {status} withdraws it without a word; "
            "set status: retracted to keep its address and say so",
        )


def _check_text(read: Read[Article], past: Past, sources: Mapping[str, Source]) -> Iterator[Problem]:
    article, before = written_out(read.noun, sources), past.standing[-1]
    most = max(past.editions, key=lambda edition: len(edition.article.corrections))
    if len(article.corrections) < len(most.article.corrections):
        yield read.problem(
            "S032",
            ("corrections",),
            f"a correction that was published ({most.version.told}) is gone; put it back, as readers have read it",
        )
        return
    if same_wording(before.article, article, sources):
        return
    missing = missing_for_order(before.article, article)
    untold, idle = _untold(before.article, article, sources)
    if not missing and not untold:
        return
    count, first = changed_lines(before.article.body, article.body)
    said = word_diff(wording(before.article, sources), wording(article, sources)) if missing else untold
    lines = f"{count} line{'' if count == 1 else 's'}" if count else "title or dek"
    what_next = (
        f"tell readers by: opensignal correct {article.slug} --was ... --now ..., or put it back"
        if len(article.corrections) <= len(before.article.corrections)
        else "set updated: to when it was corrected"
        if missing
        else f"tell of each place by: opensignal correct {article.slug} --was ... --now ..., or put it back"
    )
    if idle and not missing:
        what_next = f'"{idle[0].was}" -> "{idle[0].now}" is not what was changed in the text; {what_next}'
    missing = missing or "and no correction tells of these words"
    message = f"published text changed ({lines}) since {before.version.told}, {missing}: {said}; {what_next}"
    if first is None:
        yield read.problem("S031", ("title",), message)
    else:
        yield Problem(read.path, article.body_line + first - 1, 1, "S031", message)


def _check_unrecorded_review(read: Read[Article], past: Past, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """No commit is named as the one that was read: it is the one that named the reviewer."""
    if not past.is_known:
        return
    article = written_out(read.noun, sources)
    published = [edition.article for edition in past.standing]
    if past.signed and any(same_wording(past.signed, one, sources) for one in (*published, article)):
        return
    said = f": {word_diff(wording(past.signed, sources), wording(article, sources))}" if past.signed else ""
    yield read.problem(
        "S030",
        ("ai", "reviewed_by"),
        ("the text changed since its reviewer was named" if said else "it is not recorded which text was reviewed")
        + f"{said}; commit it as it is to be read, then: opensignal approve {article.slug} --by PERSON",
    )


def _check_day_of_review(read: Read[Article], past: Past) -> Iterator[Problem]:
    """A review of long ago, or of a text not yet written. What was published elsewhere before has no commit of its time."""
    article, day = read.noun, read.noun.ai.reviewed_at
    if day is None or not article.status.is_final:
        return
    begun = past.begun if past.is_known and past.begun and past.begun <= article.date else None
    if day < article.date.date() - LONG_BEFORE:
        why = f"lies more than a year before the article's date ({article.date:%Y-%m-%d})"
    elif begun and day < begun.date() - dt.timedelta(days=1):  # a day of the newsletter's zone
        why = f"lies before the first commit of the article ({begun:%Y-%m-%d})"
    else:
        return
    yield read.warning("S030", ("ai", "reviewed_at"), f"the review ({day}) {why}; write the day on which it was read")


def _is_text_that_was_read(article: Article, past: Past, sources: Mapping[str, Source]) -> bool:
    """True where the commit that was read is gone, as after a squashed merge, and its words still stand or were published."""
    known = article.ai.review_text
    published = (edition.article for edition in past.standing)
    return known is not None and any(wording_hash(one, sources) == known for one in (article, *published))


def _check_review(read: Read[Article], past: Past, sources: Mapping[str, Source]) -> Iterator[Problem]:
    article, commit = written_out(read.noun, sources), read.noun.ai.review_commit
    assert commit is not None
    if past.reviewed is None and _is_text_that_was_read(article, past, sources):
        return
    if past.reviewed is None:
        yield read.problem(
            "S030",
            ("ai", "review_commit"),
            f"the text that was reviewed ({commit}) is not in this repository, so it could not be compared; fetch that commit, "
            f"or have the text approved again",
            severity=Severity.ERROR if past.is_known and article.ai.involvement == "drafted" else Severity.WARNING,
        )
        return
    published = [edition.article for edition in past.standing] or [article]
    if any(same_wording(past.reviewed, one, sources) for one in (*published, article)):
        return
    said = word_diff(wording(past.reviewed, sources), wording(published[0], sources))
    yield read.problem(
        "S030",
        ("ai", "review_commit"),
        f"the text changed since the review ({commit}): {said}; have it read again: opensignal approve {article.slug} --by PERSON",
        severity=Severity.ERROR,
    )
