"""JSON Schemas of the files of content/, so that editors complete keys and ids, and mark slips, while one types.

They are made of the models in `schema`, which stay the law: a schema knows single values only. Words may look like numbers to an
editor that reads YAML by its own rules (``issued: 2026``), and are allowed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pipeline.library import schema
from pipeline.model import Role

if TYPE_CHECKING:
    from pipeline.library import Library

DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # the newest that YAML editors know in full
KINDS: Final[Mapping[str, type[schema.File]]] = {
    "article": schema.ArticleFile,
    "source": schema.SourceFile,
    "people": schema.PersonItem,
    "topics": schema.TopicItem,
    "series": schema.SeriesItem,
    "feeds": schema.FeedItem,
}
_LISTS: Final = frozenset({"people", "topics", "series", "feeds"})

_DAY: Final = r"^\d{4}-\d\d-\d\d$"
_SHAPES: Final[Mapping[str, str]] = {
    "date": _DAY,
    "date-time": r"^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d))?$",
    "duration": r"^[1-9]\d{0,4}[mhd]$",
}
# What the models check by functions of their own, by the name of the key.
_PATTERNS: Final = {
    "id": schema.ID,
    "slug": schema.SLUG,
    "sha256": schema.SHA256,
    "text_sha256": schema.SHA256,
    "review_commit": schema.COMMIT,
    "review_text": schema.WORDS_HASH,
}
_LENGTHS: Final = {
    "dek": (1, schema.DEK_MAX),
    "subject": (1, schema.SUBJECT_MAX),
    "preheader": (1, schema.PREHEADER_MAX),
}


def json_schema(kind: str, library: Library) -> dict[str, Any]:
    """The schema of the files of *kind*, which knows the ids of *library*."""
    made = KINDS[kind].model_json_schema()
    parts = made.pop("$defs", {})
    item = _tidied(made, kind, library)
    if kind in _LISTS:
        item = {"type": "array", "items": item}
    definitions = {"definitions": {name: _tidied(part, kind, library) for name, part in parts.items()}} if parts else {}
    return {"$schema": DIALECT, "title": f"Open Signal: {kind}", **item, **definitions}


def _tidied(part: dict[str, Any], kind: str, library: Library) -> dict[str, Any]:
    if "properties" not in part:
        return {key: value for key, value in part.items() if key != "title"}
    properties = {name: _property(name, value, kind, library) for name, value in part["properties"].items()}
    return {**{key: value for key, value in part.items() if key != "title"}, "properties": properties}


def _property(name: str, value: dict[str, Any], kind: str, library: Library) -> dict[str, Any]:
    made = _value(value)
    ids = _known_ids(name, kind, library)
    if ids and "items" in made:
        made["items"] = {"enum": ids}
    elif ids:
        made = {"enum": [*ids, None]}
    elif name == "aliases":
        made["items"] = {"type": "string", "pattern": f"^{schema.ALIAS.pattern}$", "maxLength": schema.ALIAS_MAX}
    elif name == "author":  # a name, or one in parts as CSL-JSON has them
        made["items"] = {"type": ["string", "object"]}
    elif name in _PATTERNS and "pattern" not in made:
        made = {"type": ["string", "null"], "pattern": f"^{_PATTERNS[name].pattern}$"}
    elif name == "title" and kind == "article":
        made = {"type": "string", "minLength": schema.TITLE_LENGTH[0], "maxLength": schema.TITLE_LENGTH[1]}
    elif name in _LENGTHS:
        least, most = _LENGTHS[name]
        made = {"type": ["string", "null"], "minLength": least, "maxLength": most}
    return made


def _known_ids(name: str, kind: str, library: Library) -> list[str]:
    if name == "authors":
        return list(library.people)
    if name == "reviewed_by":
        return [person.id for person in library.people.values() if person.role is not Role.MODEL]
    if name == "topics" and kind in ("article", "feeds"):
        return list(library.topics)
    if name == "series":
        return list(library.series)
    if name in ("via", "supersedes", "superseded_by") or (name == "sources" and kind == "article"):
        return sorted(library.sources)
    return []


def _value(value: dict[str, Any]) -> dict[str, Any]:
    """What pydantic says of a value, as an editor of YAML needs it."""
    choices = value.get("anyOf")
    if choices:  # a value, or nothing
        made = _value(next(choice for choice in choices if choice.get("type") != "null"))
        if "$ref" in made:
            return {"anyOf": [made, {"type": "null"}]}
        types = made.get("type", [])
        return {**made, "type": [*(types if isinstance(types, list) else [types]), "null"]}
    made = {key: inner for key, inner in value.items() if key not in ("title", "default", "format")}
    if "$ref" in made:
        return {"$ref": made["$ref"].replace("#/$defs/", "#/definitions/")}
    if "format" in value:
        return {"type": "string", "pattern": _SHAPES[value["format"]]}
    if made.get("type") == "string" and "enum" not in made:
        made["type"] = ["string", "number", "boolean"]
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _value(made[key])
    return made
