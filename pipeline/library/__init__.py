"""content/ as data: articles, sources, topics, people, feeds, and everything that is wrong with them.

    load_library     files | front matter | schema | checks | Library         `files`, `frontmatter`, `schema`, `checks`
    StoredTexts      a source | the text of its stored copy                   `snapshots`
    render_article   Markdown | citations | clean | HTML                      `render`, `citations`, `links`, `clean`
    unstyled         HTML | plain tables and boxes, for letters               `unstyled`
    to_plain_text    Markdown | citations | text of 72 columns                `plain`
    tidy             an article | citations in our notation, definitions     `tidy`, `notation`, `editing`
    open_history     Git | what each article was before                       `history`, `wording`, `checks/published`
    approve, correct an article | its file, changed in a few places           `review`, `editing`, `yamltext`
    record_of        an article | who answers for it, and what for            `record`
    new_article      a title | a file to start from                           `new`
    Library.claims   an article | its sentences, each with what it rests on   `tracing`
    list_sources     all sources | where each copy lies, who cites it         `sourcelist`, `sourcefile`, `exchange/`
    authorship       an article | a line on who answers for it                `credits`

Nothing here touches the network or a database, or knows MkDocs. What is wrong with a file is a `model.Problem`, never an exception.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import ContentError
from pipeline.library.checks import CODES, check_all, check_dates, check_past
from pipeline.library.checks.published import Past
from pipeline.library.clean import clean_html, plain_text
from pipeline.library.copies import origins as grouped_by_origin
from pipeline.library.credits import authorship, correction_words, provenance, weight
from pipeline.library.files import ARTICLES, FEEDS, Shelf, read_content
from pipeline.library.history import History
from pipeline.library.kept import Examined, Tell, open_kept
from pipeline.library.kept.article import KeptArticle
from pipeline.library.new import new_article
from pipeline.library.notation import addresses_of
from pipeline.library.order import by_place, newest_first
from pipeline.library.plain import Numbers, opening_to_plain_text, summary_paragraphs, to_plain_text
from pipeline.library.render import CitedSource, Rendered, TocEntry, markdown_extensions, render_article
from pipeline.library.snapshots import StoredTexts
from pipeline.library.typography import direction, typographic
from pipeline.library.unstyled import unstyled
from pipeline.model import Article, Claim, Feed, Person, Problem, Series, Severity, Source, Topic

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.library.tracing import Statement, Summary

__all__ = [
    "CODES",
    "CitedSource",
    "Kin",
    "Library",
    "Made",
    "Numbers",
    "Rendered",
    "StoredTexts",
    "TocEntry",
    "authorship",
    "clean_html",
    "correction_words",
    "direction",
    "load_library",
    "markdown_extensions",
    "new_article",
    "open_library",
    "opening_to_plain_text",
    "plain_text",
    "provenance",
    "read_library",
    "render_article",
    "summary_paragraphs",
    "to_plain_text",
    "typographic",
    "unstyled",
    "weight",
]


class Made(NamedTuple):
    """What the values of an article were made of, as fingerprints: another one where anything in it is another."""

    whole: bytes  # all of it: its file, and whatever it was looked up in
    face: bytes  # what lists show: front matter, length, tiers of its sources, topics, people
    cited: tuple[str, ...] | None = None  # ids of the sources that it cites, where they are known without rendering it
    minutes: int | None = None  # that reading it takes, as above


class Kin(NamedTuple):
    """The sources that the file of one names, by id."""

    via: str | None = None  # that it reports
    supersedes: str | None = None
    superseded_by: str | None = None


@dataclasses.dataclass(frozen=True)
class Library:
    """Everything under content/, read at one moment."""

    articles: tuple[Article, ...] = ()  # every article that could be read, newest first
    sources: Mapping[str, Source] = dataclasses.field(default_factory=dict)
    topics: Mapping[str, Topic] = dataclasses.field(default_factory=dict)  # in the order of the file
    people: Mapping[str, Person] = dataclasses.field(default_factory=dict)
    series: Mapping[str, Series] = dataclasses.field(default_factory=dict)  # in the order of the file
    feeds: tuple[Feed, ...] = ()
    problems: tuple[Problem, ...] = ()  # ordered by path, line, column
    held_back: frozenset[str] = (
        frozenset()
    )  # article files that cannot be read, but say that they are not to be published
    texts: StoredTexts = dataclasses.field(
        default_factory=StoredTexts, compare=False
    )  # the stored copies of the sources
    note: str = ""  # why not all texts could be compared with what was published before; empty where they were
    history_of: Callable[[], History | None] = dataclasses.field(default=lambda: None, compare=False, repr=False)
    pasts: Mapping[str, Past] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )  # by path of an article
    _claims: dict[Article, tuple[Claim, ...]] = dataclasses.field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _stated: list[tuple[Article, tuple[Statement, ...]]] = dataclasses.field(
        default_factory=list, init=False, compare=False, repr=False
    )
    examined: Examined | None = dataclasses.field(default=None, compare=False, repr=False)  # what is known already
    asked: Callable[[str], None] | None = dataclasses.field(
        default=None, compare=False, repr=False
    )  # told which files were asked for

    def published(self, now: dt.datetime) -> tuple[Article, ...]:
        """The articles that readers may see at *now*, newest first."""
        return tuple(article for article in self.articles if article.is_public(now))

    def article(self, slug: str) -> Article | None:
        """The article at ``/articles/<slug>/``."""
        return self._by_slug.get(slug)

    def article_at(self, path: str) -> Article | None:
        """The article in the file *path* (from the repository, with forward slashes)."""
        return self._by_path.get(path)

    @property
    def history(self) -> History | None:
        """What Git knows of the articles; None where nobody looked."""
        return self.history_of()

    def rendered(self, article: Article, *, site_url: str) -> Rendered:
        """The body of *article* as HTML. Raises `ContentError` for one that is nested too deeply."""
        if self._was_examined(article):
            assert self.examined is not None
            if found := self.examined.rendered(article.path, self, site_url=site_url):
                return found
        return render_article(article, self, site_url=site_url)

    def origins(self, article: Article, cited: Iterable[CitedSource]) -> tuple[tuple[str, ...], ...]:
        """The sources *cited* by *article*, in groups that go back to one origin each."""
        if self._was_examined(article):
            assert self.examined is not None
            if (known := self.examined.origins(article.path)) is not None:
                return known
        return self.origins_of([each.source.id for each in cited])

    def origins_of(self, ids: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The sources *ids* in groups that go back to one origin each."""
        cited = [self.sources[id_] for id_ in ids]
        held = {source.id: self.texts.of(source)[0] for source in cited}
        return grouped_by_origin(cited, {id_: text for id_, text in held.items() if text is not None})

    def forget(self, article: Article) -> None:
        """Keep the sentences of *article* no longer in mind."""
        self._claims.pop(article, None)

    def statements(self, article: Article) -> tuple[Statement, ...]:
        """What *article* says, one by one. Those of one article are kept in mind: who checks it asks again after `claims`."""
        for known, found in self._stated:
            if known is article:
                return found
        from pipeline.library.tracing import statements  # takes a tenth of a second, and most runs trace nothing

        found = statements(article, self.sources)
        self._stated[:] = [(article, found)]
        return found

    def _was_examined(self, article: Article) -> bool:
        return self.examined is not None and isinstance(article, KeptArticle)

    def holding(self, articles: Iterable[Article]) -> Library:
        """This library with these articles alone. What is found of claims in one is known in both, as they rest on sources."""
        other = dataclasses.replace(self, articles=tuple(articles))
        object.__setattr__(other, "_claims", self._claims)
        return other

    def claims(self, article: Article) -> tuple[Claim, ...]:
        """The sentences of *article*, each with its citations and what it rests on; found once."""
        if self._was_examined(article):
            assert self.examined is not None
            if (known := self.examined.claims(article.path)) is not None:
                return known
        if article not in self._claims:
            from pipeline.library.tracing import trace  # as above

            self._claims[article] = trace(article, self)
        return self._claims[article]

    def summary(self, article: Article) -> Summary:
        """What is wrong with the claims of *article*, how many of them are factual, and how many of those cite."""
        if self._was_examined(article):
            assert self.examined is not None
            return self.examined.summary(article.path)
        from pipeline.library.tracing import summarized  # as above

        return summarized(article, self.claims(article))

    def has_file(self, path: str, root: Path) -> bool:
        """True when there is a file *path* below *root*."""
        if self.asked is not None:
            self.asked(f"f:{path}")
        return (root / path).is_file()

    def sees(self, path: str) -> None:
        """Tell that what is made of an article now depends on all that the file *path* holds, or that there is none."""
        if self.asked is not None:
            self.asked(f"i:{path}")

    def made_of(self, article: Article) -> Made:
        """The fingerprints of what *article* is made of. One of a library that keeps nothing tells of the article alone."""
        if self._was_examined(article):
            assert self.examined is not None
            return self.examined.made[article.path]
        whole = hashlib.blake2b(repr(article).encode(), digest_size=12).digest()
        return Made(whole, whole)

    def made_of_sources(self, ids: Iterable[str]) -> bytes:
        """The fingerprint of the sources *ids*: what their files say, what replaces them, and which of their texts are here."""
        told = hashlib.blake2b(digest_size=12)
        signs = self.examined.source_signs if self.examined else None
        for id_ in ids:
            if signs is not None:
                told.update(signs.get(f"s:{id_}", b"-") + f" {self.newer.get(id_)}\0".encode())
                continue
            source = self.sources.get(id_)
            told.update(f"{source!r} {self.texts.of(source) if source else ''} {self.newer.get(id_)}\0".encode())
        return told.digest()

    def blocking(self, now: dt.datetime) -> tuple[Problem, ...]:
        """The errors in what would be published at *now*: in articles that are public, or that could not be read and do not say
        that they are unfinished, and in all files that articles rest on."""
        return tuple(
            problem for problem in self.problems if problem.severity is Severity.ERROR and self._blocks(problem, now)
        )

    def must_be_publishable(
        self, now: dt.datetime, *, what_next: str = "then send (opensignal check lists all)"
    ) -> None:
        """Raise `ContentError` when something `blocking` stands in the way: what the site would not show must not be mailed.

        *what_next* ends the message behind "mend them,".
        """
        if problems := self.blocking(now):
            number = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
            them = "it" if len(problems) == 1 else "them"
            raise ContentError(f"{number} in {_where(problems)}; mend {them}, {what_next}", problems)

    def readable_feeds(self) -> tuple[Feed, ...]:
        """The feeds. Raises `ContentError` where their file has errors: a feed that cannot be read there would be passed by."""
        broken = [p for p in self.problems if p.path == FEEDS and p.severity is Severity.ERROR]
        if broken:
            raise ContentError(f"{FEEDS} has errors; mend them and run again", broken)
        return self.feeds

    def problems_at(self, now: dt.datetime) -> tuple[Problem, ...]:
        """All problems, and beside them those that depend on the time: a published article dated far ahead."""
        return by_place((*self.problems, *check_dates(self, now)))

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """The id of the source at an address, by `urls.page_key`."""
        return addresses_of(self.sources.values())

    def _blocks(self, problem: Problem, now: dt.datetime) -> bool:
        if not problem.path.startswith(f"{ARTICLES}/"):
            return True
        article = self.article_at(problem.path)
        return article.is_public(now) if article else problem.path not in self.held_back

    @cached_property
    def newer(self) -> dict[str, str]:
        """By id of a source, the id of the newest that replaces it; what either of the two files says will do."""
        sources = self.sources
        direct = {source.supersedes: source.id for source in sources.values() if source.supersedes}
        direct.update({source.id: source.superseded_by for source in sources.values() if source.superseded_by})
        newest = {}
        for old in direct:
            chain = [old]
            while (following := direct.get(chain[-1])) and following in sources and following not in chain:
                chain.append(following)
            if len(chain) > 1:
                newest[old] = chain[-1]
        return newest

    @cached_property
    def related_sources(self) -> Mapping[str, Kin]:
        """By id of a source, those that its file names; only of sources that name any."""
        kin = {source.id: Kin(source.via, source.supersedes, source.superseded_by) for source in self.sources.values()}
        return {id_: others for id_, others in kin.items() if any(others)}

    @cached_property
    def shown_texts(self) -> Mapping[str, str]:
        """By id of a source, the hash of its stored text, where readers find that on the site."""
        shown = filter(self.texts.is_shown, self.sources.values())
        return {source.id: source.snapshot.text_sha256 for source in shown if source.snapshot}

    @cached_property
    def _by_slug(self) -> dict[str, Article]:
        return {article.slug: article for article in reversed(self.articles)}

    @cached_property
    def _by_path(self) -> dict[str, Article]:
        return {article.path: article for article in self.articles}


def load_library(root: Path, *, now: dt.datetime, kept: Path | None = None) -> Library:
    """Read and check *root*/content. Never raises for bad content: it becomes `Library.problems`.

    *kept* is the folder of the stored copies that are not in Git (`Settings.kept_dir`); default: the one of who set nothing.
    What Git knows of earlier is compared with what stands here at *now*.
    """
    shelf = read_content(root)
    library = _library(shelf, StoredTexts(root, kept))
    past = check_past(shelf, library, root, now=now)
    problems = [*shelf.problems, *check_all(shelf, library, root), *past.problems]
    checked = dataclasses.replace(
        library,
        problems=by_place(problems),
        note=past.note,
        history_of=lambda: past.history,
        pasts=past.pasts,
    )
    checked._claims.update(library._claims)
    return checked


def open_library(settings: Settings, *, now: dt.datetime, tell: Tell | None = None) -> Library:
    """The library of the repository that *settings* are of, at the price of what has changed since the last time (`kept`).

    *tell* hears how far it is with what: reading, examining, comparing.
    """
    return open_kept(
        settings.root,
        state=settings.state_dir,
        kept=settings.kept_dir,
        site_url=settings.site_url,
        now=now,
        tell=tell,
    )


def read_library(root: Path, *, kept: Path | None = None) -> Library:
    """Read *root*/content without the checks that compare files, for commands that look something up: a tenth of the time.

    `Library.problems` holds what is wrong with each file by itself. *kept* is as in `load_library`.
    """
    shelf = read_content(root)
    library = _library(shelf, StoredTexts(root, kept))
    return dataclasses.replace(library, problems=by_place(shelf.problems))


def _where(problems: Sequence[Problem]) -> str:
    """Where *problems* that stop a build are: all files but that of the feeds are of what is published."""
    there = {FEEDS if problem.path == FEEDS else "published content" for problem in problems}
    return " and ".join(sorted(there, reverse=True))


def _library(shelf: Shelf, texts: StoredTexts) -> Library:
    return Library(
        articles=newest_first(read.noun for read in shelf.articles),
        sources={read.noun.id: read.noun for read in shelf.sources},
        topics={read.noun.id: read.noun for read in shelf.topics},
        people={read.noun.id: read.noun for read in shelf.people},
        series={read.noun.id: read.noun for read in shelf.series},
        feeds=tuple(read.noun for read in shelf.feeds),
        held_back=frozenset(shelf.held_back),
        texts=texts,
    )
