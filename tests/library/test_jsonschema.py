"""The JSON Schemas agree with what `check` says of single values."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.library import Library, load_library
from pipeline.library.files import FEEDS, PEOPLE, SERIES, SOURCES, TOPICS
from pipeline.library.frontmatter import split
from pipeline.library.jsonschema import KINDS, json_schema
from tests.conftest import REPOSITORY
from tests.repository import Repository

TYPES = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
FILES = {"source": f"{SOURCES}/*.yml", "people": PEOPLE, "topics": TOPICS, "series": SERIES, "feeds": FEEDS}


@pytest.fixture(scope="module")
def ours() -> Library:
    return load_library(REPOSITORY, now=dt.datetime.now(dt.UTC))


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """Where *value* breaks *schema*: the part of draft 7 that the schemas use."""
    if "$ref" in schema:
        return faults(value, root["definitions"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        found = [faults(value, one, root, at) for one in schema["anyOf"]]
        return [] if [] in found else found[0]
    wrong = []
    types = schema.get("type", [])
    allowed = tuple(TYPES[name] for name in (types if isinstance(types, list) else [types]))
    if types and not isinstance(
        value, tuple(t for one in allowed for t in (one if isinstance(one, tuple) else (one,)))
    ):
        return [f"{at}: type"]
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: enum")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            wrong.append(f"{at}: pattern")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6):
            wrong.append(f"{at}: length")
    if isinstance(value, list):
        wrong += [fault for item in value for fault in faults(item, schema.get("items", {}), root, f"{at}[]")]
    if isinstance(value, dict) and "properties" in schema:
        wrong += [f"{at}.{name}: required" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            known = schema["properties"].get(name)
            wrong += [f"{at}.{name}: unknown"] if known is None else faults(inner, known, root, f"{at}.{name}")
    elif isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        wrong += [
            fault
            for inner in value.values()
            for fault in faults(inner, schema["additionalProperties"], root, f"{at}.*")
        ]
    return wrong


def as_an_editor_reads(text: str) -> Any:
    """YAML with numbers and booleans, and dates as texts (YAML 1.2)."""

    def texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): texts(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [texts(inner) for inner in value]
        if isinstance(value, dt.datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return value.isoformat() if isinstance(value, dt.date) else value

    return texts(yaml.safe_load(text))


@pytest.mark.parametrize("kind", KINDS)
def test_all_files_of_this_repository_are_in_order(kind: str, ours: Library) -> None:
    schema = json_schema(kind, ours)
    paths = sorted(REPOSITORY.glob(FILES.get(kind, "content/articles/*/*.md")))

    assert paths
    for path in paths:
        text = path.read_text("utf-8")
        assert faults(as_an_editor_reads(split(text)[0] if kind == "article" else text), schema, schema) == [], path


@pytest.mark.parametrize(
    ("kind", "change", "fault"),
    [
        ("article", {"tittle": "x"}, ".tittle: unknown"),
        ("article", {"title": "short"}, ".title: length"),
        ("article", {"date": "23.11.2026"}, ".date: pattern"),
        ("article", {"status": "publised"}, ".status: enum"),
        ("article", {"authors": ["nobody"]}, ".authors[]: enum"),
        ("article", {"topics": ["nothing"]}, ".topics[]: enum"),
        ("article", {"ai": {"reviewed_by": "drafting-model"}}, ".ai.reviewed_by: enum"),
        ("article", {"ai": {"review_commit": "HEAD"}}, ".ai.review_commit: pattern"),
        ("article", {"corrections": [{"was": "a", "now": "b"}]}, ".corrections[].date: required"),
        ("source", {"tier": "first"}, ".tier: enum"),
        ("source", {"id": "No Id"}, ".id: pattern"),
        ("source", {"via": "nobody"}, ".via: enum"),
        ("source", {"facts": {"a": {"what": "x", "value": 1}}}, ".facts.*.unit: required"),
        ("feeds", {"min_interval": "often"}, "[].min_interval: pattern"),
        ("people", {"role": "boss"}, "[].role: enum"),
    ],
)
def test_a_slip_is_marked_where_it_is(kind: str, change: dict[str, Any], fault: str, ours: Library) -> None:
    schema = json_schema(kind, ours)
    path = next(iter(sorted(REPOSITORY.glob(FILES.get(kind, "content/articles/*/*.md")))))
    text = path.read_text("utf-8")
    data = as_an_editor_reads(split(text)[0] if kind == "article" else text)
    (data[0] if isinstance(data, list) else data).update(change)

    assert faults(data, schema, schema) == [fault]


def test_the_command_prints_one_or_writes_all(tmp_path: Path) -> None:
    repository = Repository.make(tmp_path)

    assert repository.run("schema", "topics").json["items"]["required"] == ["id", "name"]
    assert repository.run("schema", "--out", "schemas").code == 0
    assert sorted(path.stem for path in (tmp_path / "schemas").iterdir()) == sorted(KINDS)
    assert repository.run("schema").code == 2
    assert repository.run("schema", "letters").err.startswith("opensignal: name one of article, source, people")
