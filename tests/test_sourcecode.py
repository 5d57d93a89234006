"""What is kept is made of the code that made it: with another one it is made again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.sourcecode import modules_of
from tests.repository import HERE


@pytest.mark.parametrize("folders", [("library",), ("library", "site")])
def test_whatever_module_of_ours_is_used_is_part_of_the_fingerprint(folders: tuple[str, ...]) -> None:
    known = {Path(path) for path in modules_of(folders)}
    waiting = sorted(path for path in known if path.parent != HERE / "pipeline")
    used: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in used:
            used.add(path)
            waiting += _imported(path)

    assert len(used) > 80
    assert sorted(used - known) == []


def _imported(path: Path) -> list[Path]:
    """The files of our modules that *path* imports when it runs, at its beginning or in a function."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: list[str] = []
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    places = [HERE / name.replace(".", "/") for name in names if name.startswith("pipeline.")]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return [file for file in files if file.exists()]
