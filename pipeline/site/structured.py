"""What a page tells search engines and others of itself, as JSON-LD in the words of schema.org.

    home       WebSite, and who publishes it
    article    NewsArticle with each source as a `citation`, each `correction`, and whether a machine wrote it; BreadcrumbList

An author is a person. A text that a model drafted has its publisher for an author, its reviewer for an editor, and says what it
is by `digitalSourceType` (IPTC's list) and `creditText`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pipeline.library import authorship, typographic
from pipeline.library.dates import timestamp
from pipeline.library.deeplinks import address
from pipeline.model import Article, Person, Role, Source, Status
from pipeline.site.pages import Head
from pipeline.site.publication import CorrectionNote, Publication, author_path, corrections, followable
from pipeline.site.series import series_path

CONTEXT: Final = "https://schema.org"
MADE_BY: Final[Mapping[str, str]] = {  # members of schema.org's IPTCDigitalSourceEnumeration
    "drafted": f"{CONTEXT}/TrainedAlgorithmicMediaDigitalSource",
    "assisted": f"{CONTEXT}/CompositeWithTrainedAlgorithmicMediaDigitalSource",
}
# What would end the script, begin a comment in it, or end a line of it.
_UNSAFE: Final = re.compile("[<>&\u2028\u2029]")


def page_data(publication: Publication, head: Head, *, image: str) -> str:
    """What the page with *head* tells; nothing for most. *image* is the address of its share image, if it has one."""
    if head.article is not None:
        return article_data(publication, head.article, image=image)
    return website_data(publication) if head.canonical == publication.settings.site_url else ""


def website_data(publication: Publication) -> str:
    """What the home page tells."""
    settings = publication.settings
    return _written(
        {
            "@context": CONTEXT,
            "@type": "WebSite",
            "@id": f"{settings.site_url}#site",
            "url": settings.site_url,
            "name": settings.site_name,
            **_given("description", settings.site_description),
            "inLanguage": settings.language,
            "publisher": _publisher(publication),
        }
    )


def article_data(publication: Publication, article: Article, *, image: str) -> str:
    """What the page of *article* tells; *image* is the address of its share image."""
    return _written(
        {
            "@context": CONTEXT,
            "@graph": [_article(publication, article, image), _breadcrumbs(publication, article)],
        }
    )


def _article(publication: Publication, article: Article, image: str) -> dict[str, Any]:
    url, people = publication.url(article.url_path), publication.library.people
    topics = [publication.library.topics[id_].name for id_ in article.topics if id_ in publication.library.topics]
    made_by = MADE_BY.get(article.ai.involvement)
    return {
        "@type": "NewsArticle",
        "mainEntityOfPage": url,
        "headline": typographic(article.title, language=article.lang),
        **_given("description", typographic(article.dek, language=article.lang)),
        **_given("image", image),
        "datePublished": timestamp(article.date),
        "dateModified": timestamp(article.modified),
        **_given("articleSection", topics[0] if topics else ""),
        **_given("keywords", topics[1:]),
        "inLanguage": article.lang,
        **_given("creativeWorkStatus", "Retracted" if article.status is Status.RETRACTED else ""),
        **_given("author", _authors(publication, article) or _publisher(publication)),
        **_given("editor", [_person(publication, person) for person in _editors(article, people)]),
        "publisher": _publisher(publication),
        "creditText": authorship(article, people),
        **_given("digitalSourceType", made_by),
        **_given("isPartOf", _series(publication, article)),
        **_given("citation", [_source(cited.source) for cited in publication.rendered[article.slug].cited]),
        **_given("correction", [_correction(note) for note in corrections(article)]),
    }


def _authors(publication: Publication, article: Article) -> list[dict[str, Any]]:
    """The people who wrote it: nobody where a model did; and who answers for it, where nobody else is named."""
    if article.ai.involvement == "drafted":
        return []
    people = publication.library.people
    named = [people[id_] for id_ in article.authors if id_ in people and people[id_].role is not Role.MODEL]
    writers = [person for person in named if person.role is Role.WRITER]
    return [_person(publication, person) for person in writers or named]


def _editors(article: Article, people: Mapping[str, Person]) -> list[Person]:
    ids = dict.fromkeys((*article.authors, article.ai.reviewed_by or ""))
    return [people[id_] for id_ in ids if id_ in people and people[id_].role is Role.EDITOR]


def _person(publication: Publication, person: Person) -> dict[str, Any]:
    return {
        "@type": "Person",
        "name": person.name,
        "url": publication.url(author_path(person.id)),
        **_given("sameAs", person.url),
    }


def _publisher(publication: Publication) -> dict[str, Any]:
    settings = publication.settings
    return {"@type": "NewsMediaOrganization", "name": settings.publisher, "url": settings.site_url}


def _series(publication: Publication, article: Article) -> dict[str, Any]:
    part = publication.parts.get(article.slug)
    if part is None:
        return {}
    url = publication.url(series_path(part.series.id))
    return {"@type": "CreativeWorkSeries", "name": part.series.name, "url": url}


def _source(source: Source) -> dict[str, Any]:
    return {
        "@type": "CreativeWork",
        "name": source.label,
        **_given("url", followable(address(source))),
        "publisher": {"@type": "Organization", "name": source.publisher},
        **_given("datePublished", source.issued),
    }


def _correction(note: CorrectionNote) -> dict[str, Any]:
    return {"@type": "CorrectionComment", "datePublished": note.iso, "text": f"{note.told} {note.why}".rstrip()}


def _breadcrumbs(publication: Publication, article: Article) -> dict[str, Any]:
    settings, topics = publication.settings, publication.library.topics
    lead = next((topics[id_] for id_ in article.topics if id_ in topics), None)
    trail = [(settings.site_name, settings.site_url)]
    trail += [(lead.name, publication.url(f"topics/{lead.id}/"))] if lead else []
    trail.append((typographic(article.title, language=article.lang), publication.url(article.url_path)))
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": url}
            for place, (name, url) in enumerate(trail, start=1)
        ],
    }


def _given(name: str, value: Any) -> dict[str, Any]:
    """The property, where there is anything to say; of a list with one item the item."""
    if not value:
        return {}
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value}


def _written(data: Mapping[str, Any]) -> str:
    """*data* as text that may stand in a script element as it is: nothing in it ends the element, whatever a title holds."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
