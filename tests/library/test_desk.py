"""One model, five surfaces: what `check` takes, the JSON Schema, the snippets, the CMS and the handbook say the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from pipeline.library import Library, read_library
from pipeline.library.desk import PAGE, PROBLEM, Forge, cms_config, vscode_files
from pipeline.library.frontmatter import parse, split
from pipeline.library.jsonschema import json_schema
from pipeline.library.schema import ArticleFile
from pipeline.model import Problem, Severity, Status
from pipeline.terminal import told
from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library(REPOSITORY)


def _cms_fields(library: Library) -> dict[str, dict[str, Any]]:
    config = yaml.safe_load(cms_config(library, Forge("github", "example/signals")))
    return {field["name"]: field for field in config["collections"][0]["fields"]}


def test_each_surface_has_every_key_of_the_model(library: Library) -> None:
    keys = set(ArticleFile.model_fields)
    handbook = (REPOSITORY / "content/pages/handbook/editors.md").read_text("utf-8")
    table = set(re.findall(r"`([a-z_]+)(?:\.[a-z_]+)?`", "".join(re.findall(r"^\|[^|]+\|", handbook, re.MULTILINE))))

    assert set(json_schema("article", library)["properties"]) == keys
    assert set(_cms_fields(library)) == {*keys, "body"}
    assert keys <= table


def test_the_parts_below_a_key_are_in_the_forms_as_in_the_model(library: Library) -> None:
    fields = _cms_fields(library)

    for name, part in json_schema("article", library)["properties"].items():
        items = part.get("items", {})
        reference = part.get("$ref") or items.get("$ref") or "".join(o.get("$ref", "") for o in part.get("anyOf", ()))
        inner = json_schema("article", library)["definitions"].get(reference.rsplit("/", 1)[-1], {})
        if "properties" in inner:
            assert [field["name"] for field in fields[name]["fields"]] == list(inner["properties"]), name


def test_choices_are_those_that_check_takes(library: Library) -> None:
    fields = _cms_fields(library)

    assert fields["status"]["options"] == [status.value for status in Status]
    assert fields["authors"]["options"] == list(library.people)
    assert fields["topics"]["options"] == list(library.topics)
    assert fields["topics"]["max"] == 3
    assert fields["ai"]["fields"][0]["options"] == ["none", "assisted", "drafted"]
    required = {name for name, field in fields.items() if field.get("required", True)}
    assert required == {name for name, field in ArticleFile.model_fields.items() if field.is_required()} | {"body"}


def test_the_snippet_of_an_article_becomes_a_front_matter_that_is_taken(library: Library) -> None:
    snippets = json.loads(dict(vscode_files(library))["opensignal.code-snippets"])
    text = "\n".join(snippets["Front matter of an article"]["body"])
    text = re.sub(r"\$\{\d+\|([^,|]+)[^|]*\|\}", r"\1", text)  # the first choice
    text = text.replace("$CURRENT_YEAR", "2026").replace("$CURRENT_MONTH", "11").replace("${CURRENT_DATE}", "23")
    text = text.replace("${1:title}", "A title of its own").replace("${2:dek}", "One sentence.").replace("$0", "")

    head, _, _ = split(text)
    found = ArticleFile.model_validate(parse(head).data)

    assert found.status is Status.IDEA
    assert found.topics == [next(iter(library.topics))]


@pytest.mark.parametrize("severity", Severity)
def test_the_task_finds_what_check_prints(severity: Severity) -> None:
    problem = Problem("content/articles/2026/a b.md", 12, 4, "S301", "“5%” is nowhere (so far); look again", severity)

    found = re.match(PROBLEM, told(problem))

    assert found is not None
    file, line, column, code, message, told_severity = found.groups()
    assert (file, line, column, code) == ("content/articles/2026/a b.md", "12", "4", "S301")
    assert message == problem.message
    assert told_severity == ("warning" if severity is Severity.WARNING else None)


def test_tasks_find_the_command_in_the_environment_of_the_repository(library: Library) -> None:
    tasks = json.loads(dict(vscode_files(library))["tasks.json"])["tasks"]

    assert {task["options"]["env"]["PATH"].split(":", 1)[0] for task in tasks} == {"${workspaceFolder}/.venv/bin"}


def test_this_repository_has_the_tasks(library: Library) -> None:
    assert (REPOSITORY / ".vscode/tasks.json").read_text("utf-8") == dict(vscode_files(library))["tasks.json"]


@pytest.mark.parametrize(
    ("forge", "mode"), [("github", "editorial_workflow"), ("gitlab", "editorial_workflow"), ("gitea", "simple")]
)
def test_a_change_is_a_merge_request_where_the_forge_can(library: Library, forge: str, mode: str) -> None:
    assert yaml.safe_load(cms_config(library, Forge(forge, "example/signals")))["publish_mode"] == mode


def test_the_page_of_the_forms_loads_its_program_alone_as_a_script_that_knows_itself() -> None:
    """Sveltia CMS 0.221 begins by itself where `document.currentScript` names it, which no module is told."""
    assert re.findall(r'(?:src|href)="([^"]*)"', PAGE) == ["sveltia-cms.js"]
    assert 'type="module"' not in PAGE
