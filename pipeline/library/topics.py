"""The topics alone, for those who offer them to subscribers: reading all of content/ takes longer than a form may."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import ContentError
from pipeline.library import frontmatter
from pipeline.library.own import LEADS_OUT, leads_out
from pipeline.library.schema import TopicItem
from pipeline.model import Topic


def read_topics(content: Path) -> dict[str, Topic]:
    """The topics of topics.yml in the folder *content*, in its order; none where there is no such file.

    Raises `ContentError` when it cannot be read.
    """
    path = content / "topics.yml"
    if not path.is_file():
        return {}
    if leads_out(path, content.parent):
        raise ContentError(f"content/topics.yml:1:1: {LEADS_OUT}")
    try:
        items = frontmatter.parse(frontmatter.read_text(path)).data or []
        topics = [TopicItem.model_validate(item).topic() for item in items]
    except frontmatter.Unreadable as error:
        place = error.place
        raise ContentError(f"content/topics.yml:{place.line}:{place.column}: {error.message}") from error
    except (ValidationError, TypeError) as error:
        raise ContentError("content/topics.yml: not a list of topics; run: opensignal check") from error
    return {topic.id: topic for topic in topics}
