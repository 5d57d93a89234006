"""Which earlier articles a reader of one may want next: those that rest on the same sources, or are on the same topics.

Only earlier ones are named, so that a new article changes no page of another. One pass from the oldest to the newest looks at the
latest few of each topic and each source, so that the size of the archive makes no difference to an article.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from pipeline.model import Article, Status

RELATED: Final = 3
_OF_A_TOPIC: Final = 6  # the latest that are looked at
_OF_A_SOURCE: Final = 3
_SAME_SOURCE: Final = 3  # points
_SAME_LEAD: Final = 2
_SAME_TOPIC: Final = 1


def related_articles(articles: Sequence[Article]) -> Mapping[str, tuple[Article, ...]]:
    """By slug, the earlier ones nearest to each of *articles* (newest first), without the one before it, and none retracted."""
    found = {}
    by_topic: defaultdict[str, deque[int]] = defaultdict(partial(deque, maxlen=_OF_A_TOPIC))
    by_source: defaultdict[str, deque[int]] = defaultdict(partial(deque, maxlen=_OF_A_SOURCE))
    for place in range(len(articles) - 1, -1, -1):
        article = articles[place]
        points: defaultdict[int, int] = defaultdict(int)
        for topic in article.topics:
            for other in by_topic[topic]:
                points[other] += _SAME_LEAD if articles[other].topics[0] == article.topics[0] == topic else _SAME_TOPIC
        for source in article.source_ids:
            for other in by_source[source]:
                points[other] += _SAME_SOURCE
        points.pop(place + 1, None)  # it is named as the previous one
        best = sorted(points, key=lambda other: (-points[other], other))[:RELATED]
        found[article.slug] = tuple(articles[other] for other in best)
        if article.status is Status.RETRACTED:
            continue
        for topic in article.topics:
            by_topic[topic].append(place)
        for source in article.source_ids:
            by_source[source].append(place)
    return found
