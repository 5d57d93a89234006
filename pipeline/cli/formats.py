"""Problems as forges and editors read them: annotations of GitHub, the code quality report of GitLab, SARIF 2.1.0 (OASIS)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pipeline import __version__
from pipeline.model import Problem, Severity
from pipeline.printable import printable

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Format(StrEnum):
    """How `check` prints what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"  # lines that GitHub Actions shows beside the code
    GITLAB = "gitlab"  # artifacts:reports:codequality
    SARIF = "sarif"


def github(problems: Sequence[Problem]) -> Iterator[str]:
    """Workflow commands: ``::error file=…,line=…,col=…,title=…::message`` (GitHub, "Workflow commands")."""
    for one in problems:
        level = "error" if one.severity is Severity.ERROR else "warning"
        place = f"file={_value(one.path)},line={max(1, one.line)},col={max(1, one.column)},title={_value(one.code)}"
        yield f"::{level} {place}::{_data(one.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(problems: Sequence[Problem]) -> str:
    """The JSON of GitLab's code quality reports, which it shows in a merge request."""
    seen: Counter[str] = Counter()
    report = []
    for one in problems:
        said = f"{one.path}\0{one.code}\0{one.message}"
        seen[said] += 1
        report.append(_quality(one, f"{said}\0{seen[said]}"))
    return json.dumps(report, ensure_ascii=False, indent=2)


def _quality(one: Problem, said: str) -> dict[str, Any]:
    return {
        "description": printable(one.message),
        "check_name": one.code,
        "fingerprint": hashlib.sha256(said.encode()).hexdigest(),  # the same where only the line moved
        "severity": "major" if one.severity is Severity.ERROR else "minor",
        "location": {"path": printable(one.path), "lines": {"begin": max(1, one.line)}},
    }


def sarif(problems: Sequence[Problem]) -> str:
    """A SARIF log of one run, with the rules that were broken."""
    broken = sorted({one.code for one in problems})
    places = {code: place for place, code in enumerate(broken)}
    driver = {
        "name": "Open Signal",
        "version": __version__,
        "rules": [_rule(code) for code in broken],
    }
    results = [_result(one, places[one.code]) for one in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _rule(code: str) -> dict[str, Any]:
    from pipeline.library.codes import explained  # here: it brings the library along

    known = explained().get(code)
    if known is None:
        return {"id": code}
    return {"id": code, "shortDescription": {"text": known.title}, "help": {"text": known.text, "markdown": known.text}}


def _result(one: Problem, rule: int) -> dict[str, Any]:
    region = {"startLine": max(1, one.line), "startColumn": max(1, one.column)}
    place = {"artifactLocation": {"uri": _uri(one.path)}, "region": region}
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": "error" if one.severity is Severity.ERROR else "warning",
        "message": {"text": printable(one.message)},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: str) -> str:
    return quote(printable(path))


def with_line(problem: Problem, root: Path) -> Iterator[str]:
    """The line that the problem stands in, and a caret below its place; nothing where it cannot be shown."""
    try:
        lines = (root / problem.path).read_text("utf-8").split("\n")
        line = lines[problem.line - 1].rstrip("\r")
    except (OSError, ValueError, IndexError):
        return
    if not line.strip() or problem.line < 1:
        return
    at = max(0, min(problem.column - 1, len(line)))
    start = max(0, at - BEFORE) if len(line) > WIDTH else 0
    shown = line[start : start + WIDTH]
    before = "".join("\t" if sign == "\t" else " " for sign in shown[: at - start])
    cut = "… " if start else "  "
    yield f"  {cut}{printable(shown)}{' …' if start + WIDTH < len(line) else ''}"
    yield f"    {before}^"


WIDTH, BEFORE = 100, 40  # characters of a long line that are shown, and how many of them before the place
