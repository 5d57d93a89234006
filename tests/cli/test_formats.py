"""Problems in the formats of forges, and the line with its caret."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.cli import formats
from pipeline.model import Problem, Severity

ODD = Problem("content/articles/a,b:c.md", 7, 3, "S301", "“5%” is nowhere;\nlook, again: 100%")
MILD = Problem("content/sources/x y.yml", 0, 0, "S102", "the address is not https", Severity.WARNING)


def test_github_gets_one_line_a_problem_with_its_signs_escaped() -> None:
    assert list(formats.github([ODD, MILD])) == [
        "::error file=content/articles/a%2Cb%3Ac.md,line=7,col=3,title=S301::“5%25” is nowhere;%0Alook, again: 100%25",
        "::warning file=content/sources/x y.yml,line=1,col=1,title=S102::the address is not https",
    ]


def test_gitlab_knows_a_problem_again_and_tells_two_alike_apart() -> None:
    first, second, other = json.loads(formats.gitlab([MILD, MILD, ODD]))
    (again,) = json.loads(formats.gitlab([MILD]))

    assert len({first["fingerprint"], second["fingerprint"], other["fingerprint"]}) == 3
    assert again["fingerprint"] == first["fingerprint"]
    assert other["location"] == {"path": "content/articles/a,b:c.md", "lines": {"begin": 7}}
    assert (first["severity"], other["severity"]) == ("minor", "major")


def test_sarif_names_each_rule_once_with_its_help() -> None:
    log = json.loads(formats.sarif([ODD, MILD, ODD]))

    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["S102", "S301"]
    assert all(rule["help"]["text"] for rule in rules)
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["S301", "S102", "S301"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "content/articles/a%2Cb%3Ac.md"},
        "region": {"startLine": 7, "startColumn": 3},
    }
    assert run["results"][1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1}


def test_sarif_of_nothing_is_a_run_without_results() -> None:
    (run,) = json.loads(formats.sarif([]))["runs"]

    assert run["results"] == run["tool"]["driver"]["rules"] == []


def test_the_caret_stands_below_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one\n\tfive percent\n" + "word " * 60 + "wrong here\n")

    def shown(line: int, column: int) -> list[str]:
        return list(formats.with_line(Problem("a.md", line, column, "S301", "m"), tmp_path))

    assert shown(2, 2)[0].endswith("five percent")
    assert shown(2, 2)[1] == "    \t^"
    line, caret = shown(3, 301)
    assert line[caret.index("^") :].startswith("wrong here")
    assert len(line) < 120
    assert shown(9, 1) == shown(0, 1) == []
    assert list(formats.with_line(Problem("gone.md", 1, 1, "S301", "m"), tmp_path)) == []
