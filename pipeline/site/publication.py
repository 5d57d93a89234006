"""What the site shows at one moment: the public articles, rendered, and what the templates are told of each.

Every list, feed and card is made of these values, so that an article is rendered once however often it is named. They are ready to
print but not escaped: templates write ``|e`` behind each (MkDocs has no autoescape), feeds and sitemap escape for XML.
Which pages there are is decided in `pages.py`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Final, Generic, NamedTuple, TypeVar

from pipeline.config import Settings
from pipeline.library import CitedSource, Library, Made, Rendered, authorship, provenance, typographic
from pipeline.library.credits import ROLE_WORDS, ended, first_wrote
from pipeline.library.dates import date_words, partial_date_words, short_date, timestamp
from pipeline.library.deeplinks import address, robust_attributes
from pipeline.library.receipts import independence, status_note, stored_words, tally_words, weight_of
from pipeline.model import AiUse, Article, Claim, Person, Source, Status, Tier, Topic
from pipeline.site.claims import claims_path
from pipeline.site.manifest import Related
from pipeline.site.markup import dressed, with_margin_notes
from pipeline.site.pictures import Pictures
from pipeline.site.receipts import receipts_path, source_path
from pipeline.site.related import Places, related_places
from pipeline.site.series import Part, parts_of, series_of
from pipeline.site.strip import Strip

LONG_TITLE = 56  # characters; longer headlines are set smaller
T = TypeVar("T")
_LONG: Final = 100  # long values that are held at once: more than any list or feed shows
# Of an article that came along: it owes no sources, and its page says where it was.
ELSEWHERE: Final = "first published elsewhere"
MARKS: Final = {Status.CORRECTED: "Corrected", Status.RETRACTED: "Retracted"}  # of an article in lists
TIER_WORDS = {Tier.PRIMARY: "primary", Tier.SECONDARY: "secondary", Tier.AGGREGATOR: "aggregator"}


class Card(NamedTuple):
    """An article as lists show it."""

    title: str
    dek: str
    url: str  # below the site's address
    date: dt.datetime  # in the newsletter's zone
    date_words: str
    minutes: int
    strip: Strip
    topics: tuple[Topic, ...]
    mark: str  # "Corrected", "Retracted" or nothing

    @property
    def long(self) -> bool:
        return len(self.title) > LONG_TITLE

    @property
    def short_date(self) -> str:
        return short_date(self.date)

    @property
    def iso(self) -> str:
        return timestamp(self.date)


class SourceRow(NamedTuple):
    """A row of the sources panel."""

    number: int
    anchor: str
    about: str  # its own page
    title: str
    url: str | None  # None where it cannot be followed
    robust: Mapping[str, str]
    facts: tuple[str, ...]  # publisher, kind and dates, in words
    tier: str
    primary: bool
    stored: str
    has_copy: bool
    sample: bool
    via: str | None
    via_url: str | None
    quotes: tuple[str, ...]
    back: tuple[str, ...]
    note: str  # what became of it since it was read


class CorrectionNote(NamedTuple):
    date_words: str
    short_date: str
    iso: str
    was: str
    now: str
    why: str

    @property
    def told(self) -> str:
        """What was written and what is right, as two sentences."""
        return first_wrote(self.was, self.now)


class ArticleView(NamedTuple):
    """An article as its own page shows it."""

    card: Card
    kicker: tuple[str, str]  # "OPEN SIGNAL", "Deep Signals": who publishes and what, where the editor wrote none
    lang: str
    authorship: str  # "AI-written, reviewed by Ines Halvorsen"; nothing where the bylines say all of it
    provenance: str  # where it was published before, if it was; else nothing
    provenance_url: str
    modified: dt.datetime
    figures_as_of: str  # a date in words, where the editor named a day from which on they may be out of date
    retracted: bool
    corrections: tuple[CorrectionNote, ...]  # newest first
    html: str
    sources: tuple[SourceRow, ...]
    weight: str  # "3 sources, 1 primary, 2 origins"
    independence: str  # "3 sources, 2 origins"
    tally: str  # "41 sentences: 12 quoted, ..."
    receipts_url: str  # below the site's address
    claims_url: str
    bylines: tuple[tuple[Person, str], ...]  # with the word for what each is
    part: Part | None  # of a series
    before: Card | None  # in that series
    after: Card | None
    related: tuple[Card, ...]
    previous: Card | None
    next: Card | None


def author_path(id_: str) -> str:
    """Where the page of an author stands, below the site's address."""
    return f"authors/{id_}/"


class ForEach(Mapping[str, T], Generic[T]):
    """Something of every public article by its slug, each made when it is first asked for: mostly few are.

    With *most*, no more of them are held at once, and those that were made first are made again when they are asked for.
    """

    def __init__(self, publication: Publication, make: Callable[[Article], T], *, most: int | None = None) -> None:
        self._publication = publication
        self._make = make
        self._most = most
        self._made: dict[str, T] = {}

    def __getitem__(self, slug: str) -> T:
        try:
            return self._made[slug]
        except KeyError:
            publication = self._publication
            made = self._make(publication.articles[publication.places[slug]])
            if self._most is not None and len(self._made) >= self._most:
                del self._made[next(iter(self._made))]
            self._made[slug] = made
            return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._publication.places)

    def __len__(self) -> int:
        return len(self._publication.articles)


def title_alone(article: Article) -> str:
    """The title of *article* for where it may be all that is seen, as in a feed reader's list: one that was retracted says so."""
    return f"{MARKS[article.status]}: {article.title}" if article.status is Status.RETRACTED else article.title


class Publication:
    """The public articles of *library* at *now*, newest first. What is told of each is made once, and only when it is asked for."""

    def __init__(self, settings: Settings, library: Library, *, now: dt.datetime) -> None:
        self.settings = settings
        self.library = library
        self.now = now
        self.claims_known: Mapping[str, bytes] = {}  # by slug, the SHA-256 of claims files that are made already
        self.surroundings = b""  # the fingerprint of what all texts are made of; empty where nobody says so
        self.related_before: Related = {}  # as the last build told it
        self.articles = tuple(a for a in library.published(now) if library.article(a.slug) is a)  # one to an address

    @cached_property
    def rendered(self) -> Mapping[str, Rendered]:
        return ForEach(self, self._rendered, most=_LONG)

    @cached_property
    def claims(self) -> Mapping[str, tuple[Claim, ...]]:
        """The sentences of every article with the verdict on each."""
        return ForEach(self, self.library.claims, most=_LONG)

    @cached_property
    def html(self) -> Mapping[str, str]:
        """The bodies as the articles' own pages have them."""
        return ForEach(self, self._html, most=_LONG)

    @cached_property
    def pictures(self) -> Pictures:
        """The images of content/pages."""
        settings = self.settings
        return Pictures(settings.content / "pages", settings.state_dir / "images", site_url=settings.site_url)

    @cached_property
    def kicker(self) -> tuple[str, str]:
        """The line above a title to which its editor gave none: who publishes, and the newsletter."""
        name, publisher = self.settings.site_name, self.settings.publisher
        return (name, "") if publisher in ("", name) else (publisher.upper(), name)

    @cached_property
    def places(self) -> Mapping[str, int]:
        return {article.slug: place for place, article in enumerate(self.articles)}

    @cached_property
    def cards(self) -> Mapping[str, Card]:
        return ForEach(self, self._card)

    # -- fingerprints: what files of the site are made of, without making them

    def whole(self, article: Article) -> bytes:
        """The fingerprint of all that files of *article* alone are made of: its file, and whatever it was looked up in."""
        return self._made[article.slug].whole

    def face(self, article: Article) -> bytes:
        """The fingerprint of what lists show of *article*: front matter, length, tiers of its sources, topics, people."""
        return self._made[article.slug].face

    def name(self, article: Article) -> bytes:
        """The fingerprint of what a link to *article* shows: its address and its title."""
        return self._names[article.slug]

    def dated(self, article: Article) -> bytes:
        """The fingerprint of a link to *article* beside its date, and whether it was corrected or retracted."""
        return self._dated[article.slug]

    def faces(self, articles: Iterable[Article]) -> bytes:
        """The fingerprint of a list of *articles*, in their order."""
        made = self._made
        return joined([made[article.slug].face for article in articles])

    @cached_property
    def everything(self) -> bytes:
        """The fingerprint of all public articles: for what shows something of each. With it nothing is ever out of date."""
        return joined([made.whole for made in self._made.values()])

    @cached_property
    def bundles(self) -> Mapping[str, bytes]:
        """By slug, one fingerprint of all that the files of an article are made of: itself, with people in its face, and what
        `beside` tells of others."""
        names = list(self._names.values())
        made = list(self._made.values())
        faces = [each.face for each in made]
        parts = {self.places[slug]: part for slug, part in self.parts.items()}
        found, last, related = {}, len(names) - 1, self._related
        for place, slug in enumerate(self.places):
            older, newer = names[place + 1] if place < last else b"", names[place - 1] if place else b""
            near = [faces[last - other] for other in related[last - place]]
            linked = [fingerprint(*self._part_told(parts[place]))] if place in parts else []
            found[slug] = joined((made[place].whole, faces[place], older, newer, *near, *linked))
        return found

    @cached_property
    def of_sources(self) -> bytes:
        """The fingerprint of all sources, and of which articles cite them and what lists show of those."""
        cited = ("\0".join(self.cited_by(article)) for article in self.articles)
        return fingerprint(
            self.library.made_of_sources(self.library.sources), self.faces(self.articles), "\n".join(cited)
        )

    def cited_by(self, article: Article) -> tuple[str, ...]:
        """The ids of the sources that *article* cites and that exist, in order of citation."""
        known = self._made[article.slug].cited
        return tuple(each.source.id for each in self.rendered[article.slug].cited) if known is None else known

    def url(self, path: str) -> str:
        """The absolute address of *path* below the site's."""
        return self.settings.site_url + path

    def local(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(self.settings.zone)

    def by_year(self, articles: Sequence[Article]) -> list[tuple[int, Sequence[Article]]]:
        """*articles*, newest first, by the year in the newsletter's zone: they are looked at only where it may change."""
        found, at = [], 0
        while at < len(articles):
            year = self.local(articles[at].date).year
            end = bisect_right(articles, -year, lo=at, key=lambda article: -self.local(article.date).year)
            found.append((year, articles[at:end]))
            at = end
        return found

    @cached_property
    def topics(self) -> tuple[tuple[Topic, tuple[Article, ...]], ...]:
        """Every topic in its file's order, with its articles, newest first."""
        on: dict[str, list[Article]] = {id_: [] for id_ in self.library.topics}
        for article in self.articles:
            for topic in dict.fromkeys(article.topics):
                if topic in on:
                    on[topic].append(article)
        return tuple((topic, tuple(on[topic.id])) for topic in self.library.topics.values())

    @cached_property
    def authors(self) -> tuple[tuple[Person, tuple[Article, ...]], ...]:
        """Every person and model in their file's order, with the articles that each wrote or reviewed, newest first."""
        theirs: dict[str, list[Article]] = {id_: [] for id_ in self.library.people}
        for article in self.articles:
            for id_ in dict.fromkeys((*article.authors, article.ai.reviewed_by or "")):
                if id_ in theirs:
                    theirs[id_].append(article)
        return tuple((person, tuple(theirs[person.id])) for person in self.library.people.values())

    @cached_property
    def citing(self) -> Mapping[str, Sequence[Article]]:
        """The articles that cite each source, newest first, by its id."""
        citing: defaultdict[str, list[Article]] = defaultdict(list)
        for article in self.articles:
            for id_ in self.cited_by(article):
                citing[id_].append(article)
        return dict(citing)

    @cached_property
    def seconds(self) -> Sequence[int]:
        """When each article was last changed, in their order, in seconds."""
        return [int(article.modified.timestamp()) for article in self.articles]

    @property
    def modified(self) -> dt.datetime | None:
        """When any article was last changed."""
        return dt.datetime.fromtimestamp(max(self.seconds), dt.UTC) if self.articles else None

    def neighbours(self, article: Article) -> tuple[Article | None, Article | None]:
        """The next older and the next newer article."""
        place = self.places[article.slug]
        older = self.articles[place + 1] if place + 1 < len(self.articles) else None
        return older, self.articles[place - 1] if place else None

    def related(self, article: Article) -> tuple[Article, ...]:
        """The earlier articles nearest to *article*."""
        last = len(self.articles) - 1
        return tuple(self.articles[last - other] for other in self._related[last - self.places[article.slug]])

    @property
    def related_told(self) -> Related:
        """What the next build may take over of `related`."""
        faces = (made.face for made in reversed(self._made.values()))
        return dict(enumerate(zip(faces, self._related, strict=True)))

    @cached_property
    def _related(self) -> Sequence[Places]:
        """Those of older articles are as they were in the last build while the faces of all up to them are."""
        faces = (made.face for made in reversed(self._made.values()))
        pairs = zip(faces, self.related_before.values(), strict=False)
        known = [places for _, (_, places) in takewhile(lambda pair: pair[0] == pair[1][0], pairs)]
        return related_places(self.articles, known=known)

    @cached_property
    def series(self) -> Mapping[str, tuple[Article, ...]]:
        """The parts of each series in order, by its id."""
        return series_of(self.articles, self.library)

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """Where each article stands that is part of a series."""
        return parts_of(self.series, self.library)

    def beside(self, article: Article) -> bytes:
        """The fingerprint of what the page of *article* shows of others: its neighbours, related ones, series and authors."""
        part = self.parts.get(article.slug)
        return fingerprint(
            *(self.name(other) if other else b"" for other in self.neighbours(article)),
            *(self._part_told(part) if part else ()),
            *(self._people_told.get(id_, "") for id_ in (*article.authors, article.ai.reviewed_by or "")),
            self.faces(self.related(article)),
        )

    def _part_told(self, part: Part) -> tuple[bytes | str, ...]:
        linked = (self.name(other) if other else b"" for other in (part.before, part.after))
        return (*linked, f"{part.series} {part.number}")

    @cached_property
    def _names(self) -> Mapping[str, bytes]:
        return {
            slug: f"{slug}\0{a.title}\0{a.lang}".encode() for slug, a in zip(self.places, self.articles, strict=True)
        }

    @cached_property
    def _dated(self) -> Mapping[str, bytes]:
        names = zip(self._names.items(), self.articles, strict=True)
        return {slug: b"%s\0%d\0%s" % (name, a.date.timestamp(), a.status.encode()) for (slug, name), a in names}

    @cached_property
    def _made(self) -> dict[str, Made]:
        return {article.slug: self.library.made_of(article) for article in self.articles}

    @cached_property
    def _people_told(self) -> Mapping[str, str]:
        return {id_: repr(person) for id_, person in self.library.people.items()}

    def view(self, article: Article) -> ArticleView:
        """What the page of *article* shows."""
        older, newer = self.neighbours(article)
        part, people = self.parts.get(article.slug), self.library.people
        bylines = tuple((people[a], ROLE_WORDS[people[a].role]) for a in article.authors if a in people)
        return ArticleView(
            card=self.cards[article.slug],
            kicker=_parted(article.kicker) if article.kicker else self.kicker,
            lang=article.lang,
            authorship=authorship(article, people) if article.ai != AiUse() or not bylines else "",
            provenance=provenance(article),
            provenance_url=(article.imported.url or "") if article.imported else "",
            modified=article.modified,
            figures_as_of=date_words(self.local(article.modified)) if article.stale_after else "",
            retracted=article.status is Status.RETRACTED,
            corrections=corrections(article),
            html=self.pictures.in_html(self.html[article.slug], page=article.url_path),
            sources=self.sources(article),
            weight=weight_of([c.source for c in self.rendered[article.slug].cited], len(self.origins(article))),
            independence=independence(len(self.rendered[article.slug].cited), len(self.origins(article))),
            tally=tally_words(self.claims[article.slug]),
            receipts_url=receipts_path(article),
            claims_url=claims_path(article),
            bylines=bylines,
            part=part,
            before=self.cards[part.before.slug] if part and part.before else None,
            after=self.cards[part.after.slug] if part and part.after else None,
            related=tuple(self.cards[other.slug] for other in self.related(article)),
            previous=self.cards[older.slug] if older else None,
            next=self.cards[newer.slug] if newer else None,
        )

    def sources(self, article: Article) -> tuple[SourceRow, ...]:
        return tuple(self._source_row(cited) for cited in self.rendered[article.slug].cited)

    def origins(self, article: Article) -> tuple[tuple[str, ...], ...]:
        """The sources of *article* in groups that go back to one origin each."""
        return self._origins[article.slug]

    @cached_property
    def _origins(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        return ForEach(self, self._origins_of, most=_LONG)

    def _origins_of(self, article: Article) -> tuple[tuple[str, ...], ...]:
        return self.library.origins(article, self.rendered[article.slug].cited)

    def _rendered(self, article: Article) -> Rendered:
        return self.library.rendered(article, site_url=self.settings.site_url)

    def _html(self, article: Article) -> str:
        rendered = self.rendered[article.slug]
        return dressed(with_margin_notes(rendered.html, {c.number: c.source for c in rendered.cited}))

    def _card(self, article: Article) -> Card:
        minutes = self._made[article.slug].minutes
        known, sources = self.library.topics, self.library.sources
        return Card(
            title=typographic(article.title, language=article.lang),
            dek=typographic(article.dek, language=article.lang),
            url=article.url_path,
            date=self.local(article.date),
            date_words=date_words(self.local(article.date)),
            minutes=self.rendered[article.slug].minutes if minutes is None else minutes,
            strip=Strip(
                tuple(sources[id_] for id_ in self.cited_by(article)),
                without=ELSEWHERE if article.imported is not None else "",
            ),
            topics=tuple(known[topic] for topic in article.topics if topic in known),
            mark=MARKS.get(article.status, ""),
        )

    def _source_row(self, cited: CitedSource) -> SourceRow:
        source = cited.source
        origin = self.library.sources.get(source.via) if source.via else None
        return SourceRow(
            number=cited.number,
            anchor=cited.anchor,
            about=source_path(source.id),
            title=source.label,
            url=followable(address(source)),
            robust=robust_attributes(source),
            facts=_source_facts(source),
            tier=TIER_WORDS[source.tier],
            primary=source.is_primary,
            stored=stored_words(source),
            has_copy=source.snapshot is not None,
            sample=source.sample,
            via=(origin.label if origin else source.via),
            via_url=followable(origin.url) if origin else None,
            quotes=tuple(quote.text for quote in cited.quotes),
            back=cited.back,
            note=status_note(source),
        )


def fingerprint(*parts: bytes | str) -> bytes:
    """One short name for *parts* in their order; other parts have another one."""
    return joined([part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass") for part in parts])


def joined(parts: Sequence[bytes]) -> bytes:
    """As `fingerprint`, of bytes alone: for every article in every build."""
    return hashlib.blake2b(b"\0".join((*parts, b"")), digest_size=12).digest()


def corrections(article: Article) -> tuple[CorrectionNote, ...]:
    newest_first = sorted(article.corrections, key=lambda correction: correction.date, reverse=True)

    def printed(words: str) -> str:
        return typographic(words, language=article.lang)

    return tuple(
        CorrectionNote(
            date_words(c.date),
            short_date(c.date),
            c.date.isoformat(),
            printed(c.was),
            printed(c.now),
            ended(printed(c.why)),
        )
        for c in newest_first
    )


# --- small words -------------------------------------------------------------------------------------------------------------


def _source_facts(source: Source) -> tuple[str, ...]:
    facts = [source.publisher] if source.title else []
    facts += [", ".join(source.authors)] if source.authors else []
    facts += [f"issued {partial_date_words(source.issued)}"] if source.issued else []
    facts += [f"read {partial_date_words(source.accessed)}"] if source.accessed else []
    return tuple(facts)


def followable(url: str) -> str | None:
    return url if url.startswith(("https://", "http://")) else None


def _parted(kicker: str) -> tuple[str, str]:
    first, _, second = kicker.partition("/")
    return first.strip(), second.strip()
