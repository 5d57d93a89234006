"""From a post to the file of an article: its place, who signs it, what it is about, and its text.

plan     posts, what is here | which file each is, and which are here already
compose  a post in its place | front matter, Markdown | the text of the file
"""

from __future__ import annotations

import datetime as dt
import html
import json
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from pipeline.errors import ContentError
from pipeline.library.clean import plain_text
from pipeline.library.files import ARTICLES, Read
from pipeline.library.new import plain_words
from pipeline.library.render import foreign_markdown
from pipeline.library.schema import ALIAS, ALIAS_MAX, DEK_MAX, SLUG
from pipeline.library.sentences import sentences
from pipeline.model import Article
from pipeline.moving.commonmark import commonmark
from pipeline.moving.export import Export, Markup, Note, Post, note
from pipeline.moving.images import Images, Reach
from pipeline.moving.links import OldAddresses
from pipeline.moving.markdown import escaped, to_markdown
from pipeline.moving.register import id_for, scalar

MOST_TOPICS: Final = 3
UNTITLED: Final = "Without a title"
_FORBIDDEN: Final = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A post, and the article that it is."""

    post: Post
    slug: str
    path: str  # of the file, from the repository
    date: dt.datetime
    is_public: bool
    on: dt.date  # the day on which it was brought along
    known: Read[Article] | None = None  # where it was brought along before


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signs an article, and what it is about, by their ids here."""

    authors: tuple[str, ...]
    topics: tuple[str, ...]
    tags: tuple[str, ...]  # those that are no topics


@dataclass(slots=True)
class Names:
    """What people and tags are called here."""

    people: dict[str, str]  # small letters of a name -> id
    topics: dict[str, str]  # small letters of a tag -> id
    unsigned: str  # id of who answers for what nobody signed
    new_people: dict[str, Mapping[str, str]] = field(default_factory=dict)  # to be added, by id
    new_topics: dict[str, Mapping[str, str]] = field(default_factory=dict)
    make_topics: bool = False
    left: dict[str, int] = field(default_factory=dict)  # tags that are no topics here, and how often they were met

    def signed(self, post: Post, export: Export) -> Signed:
        """Whose *post* is and what it is about; whoever and whatever is not known yet is new."""
        authors = tuple(dict.fromkeys(self._person(name, export) for name in post.authors))
        topics, tags = self._split_tags(post)
        return Signed(authors or (self.unsigned,), tuple(topics), tuple(tags))

    def _split_tags(self, post: Post) -> tuple[list[str], list[str]]:
        """The topics of *post*, and those of its tags that are none."""
        topics: list[str] = []
        rest: list[str] = []
        for tag in post.tags:
            id_ = self.topics.get(tag.casefold()) or self.topics.get("-".join(plain_words(tag)))
            if id_ is None and self.make_topics and len(topics) < MOST_TOPICS:
                id_ = id_for(tag, self.topics.values(), otherwise="topic")
                self.topics[tag.casefold()] = self.topics[id_] = id_
                self.new_topics[id_] = {"name": tag}
            if id_ in topics:
                continue
            if id_ is not None and len(topics) < MOST_TOPICS:
                topics.append(id_)
            else:
                rest.append(tag)
                if id_ is None:
                    self.left[tag] = self.left.get(tag, 0) + 1
        return topics, rest

    def _person(self, name: str, export: Export) -> str:
        key = name.casefold()
        if key not in self.people:
            id_ = id_for(name, self.people.values(), otherwise="author")
            author = export.authors.get(name)
            self.people[key] = id_
            self.new_people[id_] = {
                "name": _one_line(name),
                "role": "writer",
                "bio": _one_line(plain_text(author.bio)) if author else "",
            }
        return self.people[key]


# --- where ------------------------------------------------------------------------------------------------------------


def plan(export: Export, here: Sequence[Read[Article]], *, now: dt.datetime) -> list[Place]:
    """The place of each post, oldest first; what stands in the export twice has one. Nothing here is moved or taken away."""
    known = {
        (came.service, came.id): read
        for read in here
        if (came := read.noun.imported) and came.service == export.service
    }
    taken = {read.noun.slug for read in here}
    places: list[Place] = []
    seen: dict[str, Post] = {}
    for post in sorted(export.posts, key=lambda post: (post.published or now, post.id)):
        if post.id in seen:
            if post != seen[post.id]:
                export.notes.append(
                    note(
                        post.file,
                        post.title,
                        f"has the same id as “{seen[post.id].title}” ({post.id})",
                        "the first came over",
                        lost=True,
                    )
                )
            continue
        seen[post.id] = post
        places.append(_place(export, post, known.get((export.service, post.id)), taken, now=now))
        taken.add(places[-1].slug)
    return places


def _place(export: Export, post: Post, known: Read[Article] | None, taken: set[str], *, now: dt.datetime) -> Place:
    date, held_back = post.published, post.held_back
    if date is None:
        date = now.replace(microsecond=0)
        if not held_back:
            held_back = "has no date"
    elif date > now:
        held_back = held_back or "is dated in the future"
    if post.is_empty:
        held_back = held_back or "is empty"
    date = date.replace(microsecond=0)
    if held_back:
        then = (
            "set its date and status: published"
            if post.published is None
            else "publish it by status: published, if readers may see it"
        )
        export.notes.append(note(post.file, post.title, f"{held_back}, so it is a draft", then))
    if known is not None:
        on = known.noun.imported.on if known.noun.imported else now.date()
        kept = date if post.published else known.noun.date
        return Place(post, known.noun.slug, known.path, kept, not held_back, on, known)
    slug, wanted = _slug(post, export.service, taken)
    if wanted and slug != wanted:
        export.notes.append(
            note(post.file, post.title, f'its address "{wanted}" was taken or is none here; it has "{slug}"')
        )
    path = f"{ARTICLES}/{date.year:04}/{date:%Y-%m-%d}-{slug}.md"
    return Place(post, slug, path, date, not held_back, now.date())


def _slug(post: Post, service: str, taken: set[str]) -> tuple[str, str]:
    """The slug, and the one that the post had."""
    had = post.slug.strip("/").rpartition("/")[2].lower()
    if SLUG.fullmatch(had) and had.strip("-"):
        base = had
    else:
        base = ""
        for word in plain_words(post.slug or "") or plain_words(post.title):
            if len(base) + len(word) > 70:
                break
            base = f"{base}-{word}" if base else word[:70]
        if not SLUG.fullmatch(base):
            base = "-".join(plain_words(f"{service} {post.id}"))[:70].strip("-")
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base[:76]}-{number}"
    return slug, had or base


def old_addresses(export: Export, places: Sequence[Place], whose: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    """The addresses that posts had and that lead to their articles here, by id of the post. *whose* knows those that are taken."""
    found: dict[str, tuple[str, ...]] = {}
    seen = {f"articles/{place.slug}" for place in places}
    had = ((place, unquote(path)) for place in places for path in (place.post.path, *place.post.also))
    for place, alias in had:
        post = place.post
        key = alias.strip("/").casefold()
        if not key or key == f"articles/{place.slug}" or alias in found.get(post.id, ()):
            continue
        clash = "an alias of another" if key in seen else whose(alias)
        if not ALIAS.fullmatch(alias) or len(alias) > ALIAS_MAX or _FORBIDDEN.search(alias):
            clash = "none that this site can have"
        if clash:
            export.notes.append(
                note(
                    post.file,
                    post.title,
                    f"its old address {alias} is {clash}, and leads nowhere",
                    "lead it on by your web server",
                )
            )
            continue
        seen.add(key)
        found[post.id] = (*found.get(post.id, ()), alias)
    return found


# --- what -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Composer:
    """Makes the files of articles, one by one."""

    export: Export
    signed: Mapping[str, Signed]  # by id of the post
    links: OldAddresses
    images: Images
    places: Mapping[str, Place]  # by id of the post
    aliases: Mapping[str, Sequence[str]]  # the addresses that it had, by id of the post, where they can lead here

    def compose(self, place: Place, notes: list[Note], *, reach: Reach = Reach.EVERYWHERE) -> str:
        """The text of the article's file; *notes* is told of what came over otherwise.

        *reach* says how far to go for images; `images.settle` then decides about those that were found.
        """
        self.images.begin()
        post = place.post
        body = self._body(place, notes, reach=reach)
        front = self._front(place, body)
        text = f"---\n{front}---\n{body}"
        found = _FORBIDDEN.findall(text)
        if found:
            notes.append(
                note(
                    post.file,
                    post.title,
                    f"{len(found)} characters that cannot be printed were left out",
                    "look for gaps",
                )
            )
        return _FORBIDDEN.sub("", text)

    def _front(self, place: Place, body: str) -> str:
        post = place.post
        title = _one_line(plain_text(post.title)) or UNTITLED
        dek = _one_line(plain_text(post.subtitle)) or _first_sentence(body) or title
        signed = self.signed[post.id]
        tags = [words for tag in signed.tags if (words := _one_line(tag))]
        url = self.links.url_of(post)
        came = [
            f"  service: {self.export.service}",
            f"  id: {json.dumps(post.id, ensure_ascii=False)}",
            f"  on: {place.on.isoformat()}",
        ]
        came += [f"  url: {json.dumps(url) if url.endswith(':') else url}"] if url else []
        came += [f"  tags: [{', '.join(json.dumps(tag, ensure_ascii=False) for tag in tags)}]"] if tags else []
        named = place.path.rpartition("/")[2].removesuffix(".md")[11:]
        lines = [
            f"title: {scalar(title)}",
            f"dek: {scalar(dek)}",
            f"date: {place.date:%Y-%m-%dT%H:%M:%SZ}",
            f"status: {'published' if place.is_public else 'draft'}",
            f"authors: [{', '.join(signed.authors)}]",
            f"topics: [{', '.join(signed.topics)}]",
            *([f"slug: {place.slug}"] if named != place.slug else []),
            *(self._aliases(place)),
            "email: {skip: true}",
            *(
                [f"lang: {post.lang}"]
                if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", post.lang) and post.lang != "en"
                else []
            ),
            "imported:",
            *came,
        ]
        return "".join(f"{line}\n" for line in lines)

    def _aliases(self, place: Place) -> list[str]:
        aliases = self.aliases.get(place.post.id, ())
        return (
            [f"aliases: [{', '.join(json.dumps(alias, ensure_ascii=False) for alias in aliases)}]"] if aliases else []
        )

    def _body(self, place: Place, notes: list[Note], *, reach: Reach) -> str:
        post = place.post

        def image(url: str) -> str | None:
            whole = url if url.startswith("data:") else self.links.whole(url, post) or url
            near = self._beside(url, post) if self.export.is_site else None
            return self.images.place(
                whole, near, slug=place.slug, file=post.file, title=post.title, notes=notes, reach=reach
            )

        parts: list[str] = []
        if post.cover and (cover := image(post.cover)):
            words = _one_line(plain_text(post.cover_alt or post.cover_caption)) or _one_line(plain_text(post.title))
            parts.append(f"![{escaped(words)}]({cover})")
            if caption := _one_line(plain_text(post.cover_caption)):
                parts.append(f"<small>{escaped(caption)}</small>")
        if post.lead and (lead := self.links.elsewhere(post.lead, post)):
            parts.append(f"[Listen to this]({lead})")
            notes.append(
                note(post.file, post.title, "its recording became a link", "keep the file before the old place closes")
            )
        text, remarks = to_markdown(self._html(post, notes), link=lambda url: self._to(url, place), image=image)
        text = _without_repeated_cover(text, parts[0]) if parts else text
        notes += [note(post.file, post.title, remark.what, remark.next, lost=remark.lost) for remark in remarks]
        if not text:
            notes.append(note(post.file, post.title, "has no text", "write it, or delete the article"))
        if away := self.images.left:
            what = "an image still lies where it was" if away == 1 else f"{away} images still lie where they were"
            notes.append(
                note(post.file, post.title, what, "run again with --fetch-images, while the old place is there")
            )
        return "\n\n".join([*parts, *([text] if text else [])]) + "\n"

    def _beside(self, url: str, post: Post) -> str:
        """The file that *url* means in the text of a site: one beside it; nothing where it leads to somebody else's."""
        if self.links.is_elsewhere(url, post):
            return ""
        return posixpath.normpath(posixpath.join(posixpath.dirname(post.file), unquote(url.partition("?")[0])))

    def _html(self, post: Post, notes: list[Note]) -> str:
        if post.markup is Markup.HTML:
            return post.content
        try:
            return foreign_markdown(post.content) if post.markup is Markup.MARKDOWN else commonmark(post.content)
        except ContentError:
            notes.append(
                note(post.file, post.title, "its Markdown is nested too deeply; only its lines came over", "look at it")
            )
            return "".join(f"<p>{html.escape(line)}</p>" for line in post.content.split("\n") if line.strip())

    def _to(self, url: str, place: Place) -> str | None:
        """Where a link of the post leads from now on."""
        other = self.links.post_at(url, place.post)
        to = self.places.get(other.id) if other else None
        if to is not None and to.is_public:
            return posixpath.relpath(to.path, posixpath.dirname(place.path))
        return self.links.elsewhere(url, place.post)


def _without_repeated_cover(text: str, cover: str) -> str:
    """*text* without the image above it, where it begins with the very same."""
    target = re.search(r"\]\(([^)]*)\)$", cover)
    first, _, rest = text.partition("\n\n")
    return rest if target and first.startswith("![") and first.endswith(f"]({target[1]})") else text


def _first_sentence(body: str) -> str:
    """The first sentence of the text, for a post without a subtitle."""
    for block in body.split("\n\n"):
        if re.match(r"(?:!\[|<|[-#>|`?]|\d+\. |\[Listen)", block):
            continue
        words = re.sub(r"!\[[^\]]*\]\([^)]*\)|<[^>]*>|(?<!\\)[*`]", "", block)
        words = re.sub(r"(?<!\\)\[((?:[^\]\\]|\\.)*)\]\([^)]*\)", r"\1", words)
        words = _one_line(html.unescape(re.sub(r"\\([\\`*_{}\[\]()>#+.!-])", r"\1", words)))
        if not words:
            continue
        first = sentences(words)[0] if sentences(words) else words
        if len(first) <= DEK_MAX:
            return first
        return first[: DEK_MAX - 2].rsplit(" ", 1)[0] + " …"
    return ""


def _one_line(text: str) -> str:
    return " ".join(_FORBIDDEN.sub(" ", text).split())
