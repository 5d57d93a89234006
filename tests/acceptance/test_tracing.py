"""What `opensignal check` says of sentences, to a person and to a program."""

from __future__ import annotations

from tests.repository import Repository


def test_check_counts_the_factual_sentences(repository: Repository) -> None:
    repository.add_article("grid")
    path = next((repository.root / "content/articles").rglob("*-grid.md"))
    path.write_text(path.read_text().rstrip() + "\n\nIt needs 9 halls.\n\nTwice nine is 18. <!-- analysis -->\n")

    told, as_json = repository.run("check"), repository.run("check", "--json")

    assert "\n2 factual sentences, 1 cited in published articles\n" in told.out
    assert {key: as_json.json[key] for key in ("factual", "cited")} == {"factual": 2, "cited": 1}
    assert [problem["code"] for problem in as_json.json["problems"]] == ["S201"]
    assert told.code == as_json.code == 1
