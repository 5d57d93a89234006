"""Who stands behind the articles: a page a person or model, which says plainly which of the two it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from pipeline.library.credits import ROLE_WORDS
from pipeline.model import Article, Person, Role
from pipeline.site.feeds import OwnFeed, feed_of
from pipeline.site.pages import Drawn, Output, page_head
from pipeline.site.publication import Publication, author_path, fingerprint

NEWEST: Final = 30  # articles on an author's page; where there are more, its years have pages of their own
PLAINLY: Final[Mapping[Role, str]] = {
    Role.EDITOR: "A person. Reads articles against their sources, and answers for what is published.",
    Role.WRITER: "A person. Writes; an editor answers for what is published.",
    Role.MODEL: "A language model, not a person. What it drafts is published after a person has reviewed it and answers for it.",
}


def author_pages(publication: Publication) -> Iterator[Output]:
    """All authors, each of content/people.yml in its order, and their years where there are many articles."""
    people = tuple(publication.library.people.values())
    yield Output("authors/index.html", fingerprint(repr(people)), partial(_all, publication, people))
    for person, articles in publication.authors:
        years = _years(publication, articles)
        numbers = [year for year, _ in years]
        for year, shown in [(None, articles[:NEWEST]), *years]:
            path = f"{author_path(person.id)}{f'{year}/' if year else ''}"
            made_of = fingerprint(repr(person), repr(numbers), publication.faces(shown))
            feed = feed_of(publication, person, articles) if articles else None
            draw = partial(_one, publication, person, path=path, year=year, numbers=numbers, articles=shown, feed=feed)
            yield Output(f"{path}index.html", made_of, draw, shown[0].date if shown else None)


def _years(publication: Publication, articles: Sequence[Article]) -> list[tuple[int, Sequence[Article]]]:
    """Every year with its articles, newest first; none where one page has them all."""
    if len(articles) <= NEWEST:
        return []
    return publication.by_year(articles)


def _all(publication: Publication, people: Sequence[Person]) -> Drawn:
    shown = [(person, author_path(person.id), ROLE_WORDS[person.role], PLAINLY[person.role]) for person in people]
    values = {
        "persons": [each for each in shown if each[0].role is not Role.MODEL],
        "models": [each for each in shown if each[0].role is Role.MODEL],
    }
    described = "Who writes, who answers for what is published, and which of them is a machine."
    head = page_head(publication, title="Authors", path="authors/", description=described)
    return Drawn("authors.html", "Authors", head, values)


def _one(
    publication: Publication,
    person: Person,
    *,
    path: str,
    year: int | None,
    numbers: Sequence[int],
    articles: Sequence[Article],
    feed: OwnFeed | None,
) -> Drawn:
    plainly = PLAINLY[person.role]
    title = f"{person.name} in {year}" if year else person.name
    head = page_head(publication, title=title, path=path, description=f"{person.bio} {plainly}".strip())
    head = head._replace(feed=feed)
    values = {
        "author": person,
        "path": author_path(person.id),
        "role": ROLE_WORDS[person.role],
        "plainly": plainly,
        "year": year,
        "numbers": numbers,
        "cards": [publication.cards[article.slug] for article in articles],
    }
    return Drawn("author.html", title, head, values)
