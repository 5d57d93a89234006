"""JSON Feed 1.1 as a schema: what may stand where, and of which kind. Keys that begin with _ are anybody's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$")]
Words = Annotated[str, StringConstraints(min_length=1)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for name, inner in value.items():
            assert not name.startswith("_") or isinstance(inner, dict), f"{name} is an extension and no object"
        return {name: inner for name, inner in value.items() if not name.startswith("_")}


class Author(_Part):
    name: Words | None = None
    url: Url | None = None
    avatar: Url | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Author:
        assert self.name or self.url or self.avatar, "an author of whom nothing is said"
        return self


class Hub(_Part):
    type: Words
    url: Url


class Attachment(_Part):
    url: Url
    mime_type: Words
    title: Words | None = None
    size_in_bytes: int | None = None
    duration_in_seconds: float | None = None


class Item(_Part):
    id: Words
    url: Url | None = None
    external_url: Url | None = None
    title: Words | None = None
    content_html: str | None = None
    content_text: str | None = None
    summary: Words | None = None
    image: Url | None = None
    banner_image: Url | None = None
    date_published: Moment | None = None
    date_modified: Moment | None = None
    authors: list[Author] | None = None
    tags: list[Words] | None = None
    language: Language | None = None
    attachments: list[Attachment] | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Item:
        assert self.content_html or self.content_text, "an item without content"
        return self


class JsonFeed(_Part):
    version: Literal["https://jsonfeed.org/version/1.1"]
    title: Words
    home_page_url: Url | None = None
    feed_url: Url | None = None
    description: Words | None = None
    user_comment: Words | None = None
    next_url: Url | None = None
    icon: Url | None = None
    favicon: Url | None = None
    authors: list[Author] | None = None
    language: Language | None = None
    expired: bool | None = None
    hubs: list[Hub] | None = None
    items: list[Item]

    @model_validator(mode="after")
    def _each_once(self) -> JsonFeed:
        assert len({item.id for item in self.items}) == len(self.items), "two items with one id"
        return self
