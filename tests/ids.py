"""Which promises of the handbook no test holds: `make ids`. A test holds a promise when its name or docstring carries the id."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.repository import HERE

PROMISES = HERE / "content" / "pages" / "handbook" / "promises.md"
TESTS = HERE / "tests"

_ROW = re.compile(r"^\| ([MPRT]-\d\d) \| (.+?) \|", re.MULTILINE)
_IN_WORDS = re.compile(r"\b([MPRT])-(\d\d)\b")
_IN_A_NAME = re.compile(r"(?:^|_)([mprt])_?(\d\d)(?=_|$)")


def promises() -> dict[str, str]:
    """Every id with its promise, in the order of the handbook."""
    return dict(_ROW.findall(PROMISES.read_text("utf-8")))


def held(folder: Path = TESTS) -> dict[str, list[str]]:
    """Every id that a test below *folder* carries, with those tests as ``file::name``."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name, words in _tests(ast.parse(path.read_text("utf-8"))):
            for promise in _ids(name, words):
                found.setdefault(promise, []).append(f"{path.relative_to(folder)}::{name}")
    return found


def _tests(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Name and docstring of every test function, and of every state machine, which is a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test"):
            yield node.name, ast.get_docstring(node) or ""


def _ids(name: str, words: str) -> set[str]:
    in_words = {f"{letter}-{number}" for letter, number in _IN_WORDS.findall(words)}
    return in_words | {f"{letter.upper()}-{number}" for letter, number in _IN_A_NAME.findall(name)}


def missing() -> Mapping[str, str]:
    """The promises that no test holds."""
    tests = held()
    return {promise: what for promise, what in promises().items() if promise not in tests}


def main() -> int:
    left = missing()
    for promise, what in left.items():
        print(f"{promise}  {what}")
    total = len(promises())
    print(f"{total - len(left)} of {total} promises are held by a test")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
