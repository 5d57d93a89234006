"""Which earlier articles a reader of one may want next: those that rest on the same sources, or are on the same topics.

Only earlier ones are named, so that a new article changes no page of another. One pass from the oldest to the newest looks at the
latest few of each topic and each source, so that the size of the archive makes no difference to an article.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from pipeline.model import Article, Status

Places: TypeAlias = tuple[int, ...]
RELATED: Final = 3
_OF_A_TOPIC: Final = 6  # the latest that are looked at
_OF_A_SOURCE: Final = 3
_SAME_SOURCE: Final = 3  # points
_SAME_LEAD: Final = 2
_SAME_TOPIC: Final = 1


def related_articles(articles: Sequence[Article]) -> Mapping[str, tuple[Article, ...]]:
    """By slug, the earlier ones nearest to each of *articles* (newest first), without the one before it, and none retracted."""
    eldest = articles[::-1]
    found = related_places(articles)
    return {article.slug: tuple(eldest[other] for other in found[place]) for place, article in enumerate(eldest)}


def related_places(articles: Sequence[Article], *, known: Sequence[Places] = ()) -> Sequence[Places]:
    """As `related_articles`, by place and as places, all counted from the oldest of *articles* (newest first).

    *known* are those of the first ones, if anybody has found them already.
    """
    if len(known) == len(articles):
        return known
    found = list(known)
    leads: list[str] = []
    by_topic: defaultdict[str, deque[int]] = defaultdict(partial(deque, maxlen=_OF_A_TOPIC))
    by_source: defaultdict[str, deque[int]] = defaultdict(partial(deque, maxlen=_OF_A_SOURCE))
    for place, article in enumerate(reversed(articles)):
        topics, sources = article.topics, article.source_ids
        leads.append(topics[0] if topics else "")
        if place >= len(known):
            points: defaultdict[int, int] = defaultdict(int)
            for topic in topics:
                for other in by_topic[topic]:
                    points[other] += _SAME_LEAD if leads[other] == leads[place] == topic else _SAME_TOPIC
            for source in sources:
                for other in by_source[source]:
                    points[other] += _SAME_SOURCE
            points.pop(place - 1, None)  # it is named as the previous one
            found.append(tuple(sorted(points, key=lambda other: (-points[other], -other))[:RELATED]))
        if article.status is Status.RETRACTED:
            continue
        for topic in topics:
            by_topic[topic].append(place)
        for source in sources:
            by_source[source].append(place)
    return found
