"""The editor's desk, made of the model of the front matter: tasks, settings and snippets for VS Code, the config of Sveltia CMS.

Everything is derived from the JSON Schema of the files (`jsonschema`), which is made of the models that check them: what an editor
is offered is what `check` takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from pipeline.library.jsonschema import KINDS, json_schema

if TYPE_CHECKING:
    from pipeline.library import Library

SCHEMAS: Final = "schemas"
_FILES: Final = {  # what VS Code's YAML extension matches; of front matter inside Markdown it knows nothing
    "source": "content/sources/*.yml",
    "people": "content/people.yml",
    "topics": "content/topics.yml",
    "feeds": "content/feeds.yml",
}


# --- VS Code ------------------------------------------------------------------------------------------------------------------


def vscode_files(library: Library) -> Iterator[tuple[str, str]]:
    """(path below .vscode/, text) of each."""
    for kind in KINDS:
        yield f"{SCHEMAS}/{kind}.json", _pretty(json_schema(kind, library))
    yield "settings.json", _pretty({"yaml.schemas": {f".vscode/{SCHEMAS}/{k}.json": v for k, v in _FILES.items()}})
    yield "tasks.json", _pretty({"version": "2.0.0", "tasks": [*map(_task, ("check", "fmt --check", "build"))]})
    yield "opensignal.code-snippets", _pretty(dict(_snippets(library)))


def _task(words: str) -> dict[str, Any]:
    return {
        "label": f"opensignal {words}",
        "type": "shell",
        "command": f"opensignal {words}",
        # A task's shell activates no environment; the command is found in that of the repository all the same.
        "options": {"env": {"PATH": "${workspaceFolder}/.venv/bin:${env:PATH}"}},
        "group": "build" if words == "build" else "test",
        "presentation": {"reveal": "silent", "clear": True},
        "problemMatcher": {
            "owner": "opensignal",
            "source": "opensignal",
            "fileLocation": ["relative", "${workspaceFolder}"],
            "severity": "error",
            "pattern": {
                "regexp": PROBLEM,
                "file": 1,
                "line": 2,
                "column": 3,
                "code": 4,
                "message": 5,
                "severity": 6,
            },
        },
    }


PROBLEM: Final = r"^(.+?):(\d+):(\d+) ([A-Z]\d{3}) (.*?)(?: \((warning)\))?$"  # a line of `check`


def _snippets(library: Library) -> Iterator[tuple[str, Any]]:
    article = json_schema("article", library)
    lines = [f"{name}: {_placeholder(n, name, article)}" for n, name in enumerate(article["required"], start=1)]
    yield _snippet("Front matter of an article", "article", ["---", *lines, "---", "$0"])
    yield _snippet("Citation of a source", "cite", ["[^${1|" + ",".join(sorted(library.sources)) + "|}]$0"])
    yield _snippet("Words of a source, set by the build", "quote", ["![[${1:source}.${2:quote}]]$0"])
    yield _snippet("Our own reading", "analysis", ["<!-- analysis -->"])
    yield _snippet("Not a quotation", "term", ["<!-- not a quotation -->"])
    correction = ["corrections:", "  - date: $CURRENT_YEAR-$CURRENT_MONTH-$CURRENT_DATE", "    was: $1", "    now: $2"]
    yield _snippet("Correction", "correction", [*correction, "    why: $3"])


def _snippet(name: str, prefix: str, body: list[str]) -> tuple[str, dict[str, Any]]:
    return name, {"scope": "markdown", "prefix": prefix, "body": body}


def _placeholder(number: int, name: str, schema: Mapping[str, Any]) -> str:
    part = _resolved(schema["properties"][name], schema)
    if choices := part.get("enum"):
        return _choice(number, choices)
    if choices := part.get("items", {}).get("enum"):
        return f"[{_choice(number, choices)}]"
    if name == "date":
        return "$CURRENT_YEAR-$CURRENT_MONTH-${CURRENT_DATE}T06:00:00Z"
    return f"${{{number}:{name}}}"


def _choice(number: int, choices: list[Any]) -> str:
    return f"${{{number}|{','.join(str(choice) for choice in choices if choice is not None)}|}}"


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


# --- Sveltia CMS --------------------------------------------------------------------------------------------------------------

# No module: the program begins by itself only where the browser says which script is running, and there it does not.
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Edit</title>
<script src="sveltia-cms.js" defer></script>
</head>
<body></body>
</html>
"""
_LABELS: Final = {"dek": "Dek: one sentence", "kicker": "Kicker: the line above the title", "ai": "Use of AI"}
_LONG: Final = frozenset({"dek", "was", "now", "why"})


@dataclass(frozen=True, slots=True)
class Forge:
    """Where the repository is: what signs editors in, and what commits for them."""

    name: str  # github | gitlab | gitea
    repository: str  # OWNER/NAME
    branch: str = "main"

    @property
    def has_workflow(self) -> bool:
        """True where Sveltia CMS can make merge requests."""
        return self.name in ("github", "gitlab")


def cms_config(library: Library, forge: Forge) -> str:
    """``config.yml`` of Sveltia CMS, which Decap CMS reads too: articles, with every key of their front matter.

    Sources are made by `opensignal cite`, which takes their copies; a form could not. An editor's change is a branch and a merge
    request (``editorial_workflow``): the checks run before it is published. On Gitea the CMS knows no such, and commits.
    """
    schema = json_schema("article", library)
    fields = [_field(name, part, schema) for name, part in schema["properties"].items()]
    articles = {
        "name": "articles",
        "label": "Articles",
        "label_singular": "Article",
        "folder": "content/articles",
        "path": "{{year}}/{{year}}-{{month}}-{{day}}-{{slug}}",
        "create": True,
        "extension": "md",
        "format": "yaml-frontmatter",
        "slug": "{{title}}",
        "fields": [*fields, {"name": "body", "label": "Text", "widget": "markdown"}],
    }
    config = {
        "backend": {"name": forge.name, "repo": forge.repository, "branch": forge.branch},
        "publish_mode": "editorial_workflow" if forge.has_workflow else "simple",
        "media_folder": "content/pages/images",
        "public_folder": "images",
        "output": {"omit_empty_optional_fields": True},
        "collections": [articles],
    }
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)


def _field(name: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    part = _resolved(part, schema)
    field: dict[str, Any] = {"name": name, "label": _LABELS.get(name, name.replace("_", " ").capitalize())}
    if name not in schema.get("required", ()):
        field["required"] = False
    return field | _widget(name, part, schema)


def _widget(name: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    items = part.get("items")
    if "properties" in part:
        return {"widget": "object", "collapsed": True, "fields": _fields(part, schema)}
    if choices := part.get("enum"):
        return {"widget": "select", "options": [choice for choice in choices if choice is not None]}
    if items is not None:
        inner = _resolved(items, schema)
        if "properties" in inner:
            return {"widget": "list", "fields": _fields(inner, schema)}
        if choices := inner.get("enum"):
            most = {"max": part["maxItems"]} if "maxItems" in part else {}
            return {"widget": "select", "multiple": True, "options": choices, **most}
        return {"widget": "list"}
    if part.get("type") == "boolean":
        return {"widget": "boolean"}
    if pattern := part.get("pattern"):
        kept = {"format": "YYYY-MM-DD", "time_format": False, "picker_utc": True}
        if name in ("date", "updated"):
            return {"widget": "datetime", "format": "YYYY-MM-DDTHH:mm:ss[Z]", "picker_utc": True}
        if name in ("stale_after", "reviewed_at", "on"):
            return {"widget": "datetime", **kept}
        return {"widget": "string", "pattern": [pattern, f"does not look like a {name.replace('_', ' ')}"]}
    limits = {
        ours: part[theirs]
        for ours, theirs in (("minlength", "minLength"), ("maxlength", "maxLength"))
        if theirs in part
    }
    return {"widget": "text" if name in _LONG else "string", **limits}


def _fields(part: Mapping[str, Any], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    inner = {**part, "definitions": schema.get("definitions", {})}
    return [_field(name, one, inner) for name, one in part["properties"].items()]


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to; of a value or nothing, the value."""
    if "anyOf" in part:
        part = next(one for one in part["anyOf"] if one.get("type") != "null")
    if "$ref" in part:
        found: Mapping[str, Any] = schema["definitions"][part["$ref"].rsplit("/", 1)[-1]]
        return found
    return part
