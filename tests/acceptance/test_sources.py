"""An editor's sources, by the commands as processes: cite, check, sources check, export, import."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.repository import Repository

PAGE = (
    "<!DOCTYPE html><html><head><title>Outlook</title></head><body><article><h1>Outlook</h1>"
    "<p>The office expects that demand {may} double by 2030, and names forty-two halls that would have to wait.</p>"
    "</article></body></html>"
)
BODY = "The office expects that demand “may double by 2030”.[^outlook.demand]\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.make(tmp_path / "newsroom", allow_private="true")


def test_from_an_address_to_a_checked_quotation_and_on_to_the_day_on_which_it_is_gone(
    repository: Repository, httpserver: HTTPServer
) -> None:
    def show(page: str) -> None:
        httpserver.clear()
        httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
        httpserver.expect_request("/outlook").respond_with_data(page, content_type="text/html; charset=utf-8")

    url = httpserver.url_for("/outlook")
    show(PAGE.format(may="may"))

    cited = repository.run(
        "cite", url, "--quote", "may double by 2030", "--as", "demand", "--id", "outlook", "--copy", "--json"
    )
    article = repository.add_article("demand")
    article.write_text(article.read_text().partition("---\nA paragraph")[0] + "---\n" + BODY)
    checked = repository.run("check")
    show(PAGE.format(may="will"))
    changed = repository.run("sources", "check", "outlook", "--write")
    listed = repository.run("sources", "list", "--json")

    assert cited.code == 0, cited.err
    assert cited.json["citation"] == "[^outlook.demand]"
    assert "not copied: this is no terminal" in cited.err
    assert checked.code == 0, checked.out
    assert changed.code == 1
    assert "not there any more: demand" in changed.out
    assert {row["id"]: (row["status"], row["copy"]) for row in listed.json["sources"]} == {
        "outlook": ("changed", "outside Git"),
        "sample-source": ("live", "none"),
    }


def test_sources_go_to_a_reference_manager_and_come_from_one(repository: Repository) -> None:
    exported = repository.run("sources", "export", "--format", "ris", "--to", str(repository.root / "refs.ris"))
    (repository.root / "content/sources/sample-source.yml").unlink()
    imported = repository.run("sources", "import", str(repository.root / "refs.ris"))

    assert (exported.code, imported.code) == (0, 0), imported.err
    assert "title: A sample source" in (repository.root / "content/sources/sample-source.yml").read_text()
