"""A newsletter moves in: the stage behind `opensignal import`, from the export of another service, or the repository of a site,
to articles and subscribers.

    archive | services.read | plan | people, topics | images | compose | write what is new | imports.yml | readers

`archive` reads files and unpacks nothing, `services/` knows what each export looks like, `commonmark` reads Markdown that is not
ours, `markdown` says HTML in ours, `links` and `images` find what posts lead to, `articles` makes the files, `register` adds to
the lists of content/, `readers` hands the subscribers to `mail.people`, `report` tells what became of it all. It stands above
`ingest`, whose fetcher it may use, and `mail`, whose subscribers it brings along.

Running it again changes nothing: a post is known by its service and id, wherever its article has been filed since, and an
article that differs from what an import would write was edited and stays as it is. A run that was killed is finished by the
next, which takes away what it left half written; of two at once, the second is refused.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.config import Settings
from pipeline.errors import ContentError, UsageError
from pipeline.files import alone, put, sweep
from pipeline.ingest.fetch import Fetcher
from pipeline.library import read_library
from pipeline.library.checks.addresses import taken_addresses
from pipeline.library.credits import SERVICES
from pipeline.library.files import ARTICLES, IMPORTS, PEOPLE, TOPICS, Shelf, read_content
from pipeline.library.frontmatter import MAX_BYTES
from pipeline.library.kept import Tell
from pipeline.library.schema import closest
from pipeline.model import Move, Person, Role, Topic
from pipeline.moving.archive import Archive
from pipeline.moving.articles import Composer, Names, Place, old_addresses, plan
from pipeline.moving.export import Export, Note, note
from pipeline.moving.images import FOLDER, Images, Reach
from pipeline.moving.links import OldAddresses
from pipeline.moving.readers import Taken, listed, take_over
from pipeline.moving.register import add_people, add_topics, with_move, write_moves
from pipeline.moving.report import Moved, Outcome
from pipeline.moving.services import NAMES, read_export
from pipeline.store import open_store

__all__ = ["NAMES", "Moved", "Options", "move_in"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the editor says beside the files."""

    service: str | None = None  # default: the one by which the files are recognised
    site: str | None = None  # the address that the newsletter had there
    only: str = ""  # take but the posts whose file in the export is named so: _posts/en/*
    topics: Mapping[str, str] = field(default_factory=dict)  # tag -> id of a topic
    new_topics: bool = False  # make a topic of each other tag
    authors: Mapping[str, str] = field(default_factory=dict)  # name -> id of a person
    by: str | None = None  # id of who answers for what nobody signed; default: the first editor
    basis: str = ""  # why we may write to the subscribers; without it none is imported
    confirmed: bool = False  # they have confirmed there
    dry_run: bool = False


def move_in(
    settings: Settings,
    paths: Sequence[Path],
    options: Options,
    *,
    fetcher: Fetcher | None = None,
    now: dt.datetime,
    tell: Tell = lambda what, done, of: None,
) -> Moved:
    """Bring along what stands in the export at *paths*: its posts as articles, with their images, and its subscribers.

    With a *fetcher*, images that are not in the export are fetched from where they lie. Nothing that was here is written over.
    *tell* is told what is done, how much of it, and of how many.

    Raises `UsageError` for files that are no export, or options that name nobody, `ContentError` and `StoreError` where content/ or
    the database cannot be written, `StoreBusy` during another import.
    """
    with nullcontext() if options.dry_run else _alone(settings):
        return _moved_in(settings, paths, options, fetcher, now=now, tell=tell)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """content/ for one import at a time, without what one that was killed left half written. Raises `StoreBusy`, `StoreError`."""
    with alone(settings.content, other="another import is running"):
        for above in (settings.root / ARTICLES, settings.root / FOLDER):
            for folder in above.glob("*/"):
                sweep(folder)
        sweep(settings.content)
        yield


def _moved_in(
    settings: Settings,
    paths: Sequence[Path],
    options: Options,
    fetcher: Fetcher | None,
    *,
    now: dt.datetime,
    tell: Tell,
) -> Moved:
    root = settings.root
    shelf, library = read_content(root), read_library(root)
    if broken := [problem for problem in shelf.problems if problem.path == IMPORTS]:
        raise ContentError(
            f"{IMPORTS} has errors, and would be written anew without what it says; mend it, and run again", broken
        )
    names = _names(shelf, options)
    with Archive.of(paths) as archive:
        export = read_export(archive, options.service)
        if not (export.posts or export.readers or export.passed_by or export.notes):
            given, service = ", ".join(map(str, paths)), SERVICES[export.service]
            raise UsageError(f"{given}: nothing in it is {service}'s; name its export, or another service with --from")
        if options.only:
            _leave_out(export, options.only)
        links = OldAddresses(export, site=options.site)
        if links.guessed:
            export.notes.append(
                note(
                    "",
                    "",
                    f"the newsletter's address there is taken to be {links.guessed}, where most of its own links lead",
                    "if not, give --site",
                )
            )
        places = plan(export, shelf.articles, now=now)
        signed = {place.post.id: names.signed(place.post, export) for place in places}
        moves = _moves(shelf, export.service)
        if not options.dry_run:
            add_people(root, names.new_people)
            add_topics(root, names.new_topics)
            write_moves(root, _with_those_to_come(moves, export, places, now=now))
        images = Images(root, archive, fetcher, now, dry_run=options.dry_run)
        aliases = old_addresses(export, places, taken_addresses(library, root))
        by_id = {place.post.id: place for place in places}
        composer = Composer(export, signed, links, images, by_id, aliases)
        outcomes: Counter[Outcome] = Counter()
        for done, place in enumerate(places):
            tell("articles", done, len(places))
            outcomes[_file(root, composer, place, export, dry_run=options.dry_run)] += 1
        if not options.dry_run:
            write_moves(root, _moves(read_content(root), export.service))
        readers = _readers(settings, export, paths, options, now=now)
    return Moved(
        service=export.service,
        outcomes={outcome: outcomes[outcome] for outcome in Outcome if outcomes[outcome]},
        drafts=sum(not place.is_public for place in places),
        passed_by=dict(export.passed_by),
        images=images.brought,
        images_known=images.known,
        images_away=dict(images.away),
        people=tuple(names.new_people),
        topics=tuple(names.new_topics),
        tags_left=dict(sorted(names.left.items(), key=lambda pair: (-pair[1], pair[0]))),
        readers=readers,
        notes=tuple(export.notes),
        dry_run=options.dry_run,
    )


# --- articles -------------------------------------------------------------------------------------------------------------------


def _file(root: Path, composer: Composer, place: Place, export: Export, *, dry_run: bool) -> Outcome:
    notes: list[Note] = []
    try:
        return _filed(root, composer, place, notes, dry_run=dry_run)
    finally:
        export.notes += notes


def _filed(root: Path, composer: Composer, place: Place, notes: list[Note], *, dry_run: bool) -> Outcome:
    post, path, images = place.post, root / place.path, composer.images
    if place.known is None and path.exists():
        notes.append(
            note(
                post.file,
                post.title,
                f"{place.path} is there, and cannot be read",
                "mend or move it, and run again",
                lost=True,
            )
        )
        return Outcome.LOST
    if place.known is not None:
        here = path.read_bytes()
        is_ours = here == composer.compose(place, notes, reach=Reach.HERE).encode()
        if not is_ours and here != composer.compose(place, [], reach=Reach.NOWHERE).encode():
            images.settle(write=False)
            return Outcome.KEPT
        if is_ours and (images.fetcher is None or not images.left):
            images.settle(write=True)  # what was lost since
            return Outcome.UNCHANGED
        notes.clear()
    given = composer.compose(place, notes).encode()
    if len(given) > MAX_BYTES:
        notes.append(
            note(
                post.file, post.title, f"is longer than {MAX_BYTES:,} bytes", "split it, and add it by hand", lost=True
            )
        )
        return Outcome.LOST
    images.settle(write=True)
    if place.known is not None and given == here:
        return Outcome.UNCHANGED
    if not dry_run:
        put(path, given, sync=False)
    return Outcome.NEW if place.known is None else Outcome.COMPLETED


def _leave_out(export: Export, only: str) -> None:
    """Leave out the posts whose files are not named as *only* says. Raises `UsageError` where none is."""
    taken = [post for post in export.posts if fnmatchcase(post.file, only) or fnmatchcase(post.file, f"*/{only}")]
    if not taken:
        shown = export.posts[0].file if export.posts else "none"
        raise UsageError(f'--only "{only}" names none of the {len(export.posts):,} posts; one is called {shown}')
    left = {post.file for post in export.posts} - {post.file for post in taken}
    for _ in range(len(export.posts) - len(taken)):
        export.pass_by("posts that --only leaves out")
    export.posts[:] = taken
    export.notes[:] = [one for one in export.notes if one.file not in left]


def _moves(shelf: Shelf, service: str) -> list[Move]:
    """The imports, each with as many articles as name it; those of other services as they were written down."""
    counted = Counter(
        came.on for read in shelf.articles if (came := read.noun.imported) is not None and came.service == service
    )
    others = [read.noun for read in shelf.moves if read.noun.service != service]
    return [*others, *(Move(service, on, number) for on, number in counted.items())]


def _with_those_to_come(
    moves: Sequence[Move], export: Export, places: Iterable[Place], *, now: dt.datetime
) -> list[Move]:
    today = now.date()
    there = sum(move.articles for move in moves if (move.service, move.on) == (export.service, today))
    return with_move(moves, export.service, today, there + sum(place.known is None for place in places))


def _names(shelf: Shelf, options: Options) -> Names:
    people: dict[str, Person] = {read.noun.id: read.noun for read in shelf.people}
    topics: dict[str, Topic] = {read.noun.id: read.noun for read in shelf.topics}
    for id_ in (*options.authors.values(), *([options.by] if options.by else [])):
        if id_ not in people:
            raise UsageError(f'unknown person "{id_}"{closest(id_, people) or f"; add them to {PEOPLE}"}')
    for id_ in options.topics.values():
        if id_ not in topics:
            raise UsageError(f'unknown topic "{id_}"{closest(id_, topics) or f"; add it to {TOPICS}"}')
    editors = [person.id for person in people.values() if person.role is Role.EDITOR]
    if not editors and options.by is None:
        raise UsageError(f"{PEOPLE} names no editor; add one, or say with --by who answers for what nobody signed")
    return Names(
        people={
            **{person.id: person.id for person in people.values()},
            **{person.name.casefold(): person.id for person in people.values() if person.role is not Role.MODEL},
            **{name.casefold(): id_ for name, id_ in options.authors.items()},
        },
        topics={
            **{topic.id: topic.id for topic in topics.values()},
            **{topic.name.casefold(): topic.id for topic in topics.values()},
            **{tag.casefold(): id_ for tag, id_ in options.topics.items()},
        },
        unsigned=options.by or editors[0],
        make_topics=options.new_topics,
    )


# --- subscribers ----------------------------------------------------------------------------------------------------------------


def _readers(settings: Settings, export: Export, paths: Sequence[Path], options: Options, *, now: dt.datetime) -> Taken:
    if not export.readers:
        return Taken()
    if options.dry_run:
        return Taken(listed(export.readers), why_not="this was a dry run")
    if not options.basis.strip():
        return Taken(
            listed(export.readers),
            why_not="say with --basis why you may write to them, and with --confirmed that they confirmed there",
        )
    name = SERVICES[export.service]
    with closing(open_store(settings)) as store:
        return take_over(
            store,
            settings,
            export,
            source=f"export of {name}",
            basis=options.basis,
            confirmed=options.confirmed,
            now=now,
        )
