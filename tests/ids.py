"""Which promises of the handbook and which checks no test holds: `make ids`.

A test holds one when its name or docstring carries the id: `test_f1_...`, `test_t_39_...`, `test_s301_...`, or F-01, T-39, S301 in
words; a code also when the test looks for it. The promises stand in tables of the handbook's page; the checks are all codes of
problems that there are.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.library import CODES
from tests.repository import HERE

PROMISES = HERE / "content" / "pages" / "handbook" / "promises.md"
TESTS = HERE / "tests"

_ROW = re.compile(r"^\| ([FMPRT]-\d\d) \| (.+?) \|", re.MULTILINE)
_IN_WORDS = re.compile(r"\b([FMPRT])-(\d\d)\b")
_IN_A_NAME = re.compile(r"(?:^|_)([fmprt])_?(\d\d?)(?=_|$)")
_CODE_IN_WORDS = re.compile(r"\bS\d{3}\b")
_CODE_IN_A_NAME = re.compile(r"(?:^|_)(s\d{3})(?=_|$)")


def promises() -> dict[str, str]:
    """Every id with its promise, in the order of the handbook, and every code with what it says."""
    return dict(_ROW.findall(PROMISES.read_text("utf-8"))) | CODES


def held(folder: Path = TESTS) -> dict[str, list[str]]:
    """Every id that a test below *folder* carries, with those tests as ``file::name``."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name, words, wanted in _tests(ast.parse(path.read_text("utf-8"))):
            for promise in _ids(name, words) | set(_CODE_IN_WORDS.findall(wanted)):
                found.setdefault(promise, []).append(f"{path.relative_to(folder)}::{name}")
    return found


def _tests(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Name, docstring and all texts of every test function, and of every state machine, which is a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test"):
            texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
            yield node.name, ast.get_docstring(node) or "", " ".join(text for text in texts if isinstance(text, str))


def _ids(name: str, words: str) -> set[str]:
    promised = {f"{letter}-{number}" for letter, number in _IN_WORDS.findall(words)}
    promised |= {f"{letter.upper()}-{int(number):02}" for letter, number in _IN_A_NAME.findall(name)}
    return promised | set(_CODE_IN_WORDS.findall(words)) | {code.upper() for code in _CODE_IN_A_NAME.findall(name)}


def missing() -> Mapping[str, str]:
    """The promises that no test holds."""
    tests = held()
    return {promise: what for promise, what in promises().items() if promise not in tests}


def main() -> int:
    left = missing()
    for promise, what in left.items():
        print(f"{promise}  {what}")
    total = len(promises())
    print(f"{total - len(left)} of {total} promises and codes are held by a test")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
