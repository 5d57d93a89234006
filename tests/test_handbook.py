"""The handbook names every setting, problem code, command and option, and none that does not exist."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from pipeline.cli import app
from pipeline.config import Settings
from pipeline.library import CODES, load_library
from pipeline.library.codes import explained
from pipeline.library.schema import AiPart, ArticleFile, CorrectionPart, EmailPart, FeedItem, SourceFile
from tests.conftest import REPOSITORY

HANDBOOK = REPOSITORY / "content" / "pages" / "handbook"
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(HANDBOOK.glob("*.md"))}
EDITING = ("editors", "sources")  # the pages that tell what editors write
EVERYWHERE = {"--root", "--help"}  # options of every command, named once

_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_CODE = re.compile(r"^ *```\w*\n(.*?)^ *```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
# Not a name that ends or goes on otherwise: .opensignal/, opensignal.db, [tool.opensignal]
_CALL = re.compile(r"(?:^|[\s(]|\.venv/bin/)opensignal(?=\s|$)([^\n|&;#>]*)", re.MULTILINE)
_ADDRESS = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")


# --- what there is ------------------------------------------------------------------------------------------------------------


def _commands() -> dict[str, Any]:
    """Every command that does something, by its words."""

    def leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            yield " ".join(words), command
            return
        for name, below in command.commands.items():
            yield from leaves(below, (*words, name))

    return dict(leaves(typer.main.get_command(app), ()))


def _options(command: Any) -> set[str]:
    names = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    return {name for name in names if name.startswith("--")} | {"--help"}


COMMANDS = _commands()


# --- what the handbook says ---------------------------------------------------------------------------------------------------


def _rows(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(PAGES[page])]


def _calls() -> list[tuple[str, list[str]]]:
    """Each call of the command in code, and each command named in code without it, with its page and its words."""
    found: list[tuple[str, list[str]]] = []
    for page, text in PAGES.items():
        for block, span in _CODE.findall(text):
            found += [(page, shlex.split(words)) for words in _CALL.findall(block or span)]
            if span.partition(" ")[0] in COMMANDS:
                found.append((page, shlex.split(span)))
    return found


def _called(words: list[str]) -> tuple[str, list[str]]:
    """The command that *words* begin with, and the rest of them; empty where there is none."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name, words[length:]
    return "", words


def _as_written(default: Any) -> str:
    """A setting's default as the handbook shows it."""
    if default in ("", None):
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:%H:%M}`" if isinstance(default, dt.time) else f"`{default}`"


# --- settings -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "root"])
def test_every_setting_has_a_row_with_its_environment_name_and_its_default(name: str) -> None:
    rows = [row for row in _rows("operators") if row[0] == f"`{name}`"]

    assert len(rows) == 1
    _, variable, default = rows[0][1].split("<br>")
    assert variable == f"`OPENSIGNAL_{name.upper()}`"
    assert default.removeprefix("default: ").partition(", that is")[0] == _as_written(
        Settings.model_fields[name].default
    )


def test_the_handbook_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(r"OPENSIGNAL_([A-Z_]*[A-Z])", "".join(PAGES.values())))

    assert named - {name.upper() for name in Settings.model_fields} == {"TOKEN_KEY", "SUPPRESSION_KEY"}


# --- content ------------------------------------------------------------------------------------------------------------------


def test_every_problem_code_has_a_page_with_what_to_do_and_no_other_code_is_named() -> None:
    codes = explained()

    assert list(codes) == [*sorted(CODES), "W001", "W002"]
    for one in codes.values():
        paragraphs = one.text.split("\n\n")
        assert re.match(r"(Error|A warning)[.,;: ]", one.text), one.code
        assert len(paragraphs) >= 2, f"{one.code} does not say what to do"
        assert "`" not in one.title, one.code
        assert not one.title.endswith("."), one.code
    assert set(re.findall(r"\bS\d{3}\b", "".join(PAGES.values()))) <= set(CODES)


@pytest.mark.parametrize("model", [ArticleFile, AiPart, EmailPart, CorrectionPart, SourceFile, FeedItem])
def test_every_key_that_an_editor_may_write_is_named(model: Any) -> None:
    named = re.findall(r"`(?:ai\.|email\.|imported\.)?([a-z_]+)(?::[^`]*)?`", "".join(PAGES[page] for page in EDITING))

    assert set(model.model_fields) - {"ai", "email", "imported"} <= set(named)


# --- commands -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_row_with_all_its_options_and_no_others(name: str) -> None:
    rows = [row for row in _rows("start") if re.match(rf"`opensignal {name}(?=[ `])", row[0])]

    assert len(rows) == 1
    assert set(re.findall(r"--[a-z-]+", rows[0][0])) == _options(COMMANDS[name]) - EVERYWHERE
    assert "--root" in PAGES["start"]


@pytest.mark.parametrize(("page", "words"), _calls(), ids=lambda value: value if isinstance(value, str) else "_")
def test_the_handbook_calls_no_command_or_option_that_does_not_exist(page: str, words: list[str]) -> None:
    if not words:  # the name alone
        return
    name, rest = _called(words)

    assert name, f"{page}.md: opensignal {' '.join(words)}"
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= _options(COMMANDS[name]), page


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_of_commands_tells_each_in_a_whole_sentence(name: str) -> None:
    assert not COMMANDS[name].get_short_help_str(60).endswith("...")  # what a terminal of 80 columns leaves


def test_options_that_stand_alone_belong_to_some_command() -> None:
    known = set().union(*(_options(command) for command in COMMANDS.values()))
    alone = {word for text in PAGES.values() for word in re.findall(r"`(--[a-z][a-z-]*)[^`\n]*`", text)}

    assert alone <= known


def test_the_calls_are_found_at_all() -> None:
    assert len({_called(words)[0] for _, words in _calls()} & set(COMMANDS)) == len(COMMANDS)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {target for text in PAGES.values() for target in re.findall(r"(?:^|`)make ([a-z0-9]+)", text, re.MULTILINE)}

    assert named
    assert named <= targets


# --- pages --------------------------------------------------------------------------------------------------------------------


def test_the_pages_follow_each_other_without_a_gap() -> None:
    heads = [yaml.safe_load(text.split("---\n")[1]) for text in PAGES.values()]

    assert sorted(head["order"] for head in heads) == list(range(1, len(PAGES) + 1))
    assert all(head["title"] and head["description"] for head in heads)


@pytest.mark.parametrize("page", PAGES)
def test_no_address_in_it_reaches_anybody(page: str) -> None:
    hosts = {host for host in _ADDRESS.findall(PAGES[page]) if not host.replace(".", "").isdigit()}

    assert {host for host in hosts if not re.search(r"(^|\.)(example\.(org|com)|[a-z]+\.test)$", host)} == set()


def test_the_article_that_editors_are_shown_passes_the_check(tmp_path: Path) -> None:
    article, source = _example("markdown", "title:"), _example("yaml", "id: sample-office\nurl")
    quoted = "quotes:\n  demand:\n    text: may double by 2030\n"
    content = tmp_path / "content"
    for name, text in {
        "articles/2026/2026-11-23-the-grid-is-the-new-fab.md": article,
        "sources/sample-office.yml": source + quoted,
        "topics.yml": "- {id: power, name: Power}\n",
        "people.yml": "- {id: ines-halvorsen, name: Ines Halvorsen, role: editor}\n",
    }.items():
        path = content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    problems = load_library(tmp_path, now=dt.datetime.now(dt.UTC)).problems

    # The copy of the source is not here: its quote has none to occur in, and the quotation cannot be looked up.
    assert [problem.code for problem in problems] == ["S118", "S110"]


def _example(language: str, begins: str) -> str:
    blocks = re.findall(
        rf"^```{language}\n(.*?)^```$", "".join(PAGES[page] for page in EDITING), re.MULTILINE | re.DOTALL
    )
    [found] = [block for block in blocks if block.removeprefix("---\n").startswith(begins)]
    return str(found)
