"""A reader at the command line: what a site claims is looked up again, in a folder, in a clone, and over the network."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository import Repository


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with a published article on a recorded figure, and the site built from it; for tests that only look."""
    repository = Repository.make(tmp_path_factory.mktemp("newsroom"))
    source = repository.root / "content" / "sources" / "sample-source.yml"
    source.write_text(source.read_text() + "facts:\n  halls: {what: halls under contract, value: 42, unit: halls}\n")
    path = repository.add_article("grid")
    path.write_text(
        path.read_text().replace("## A section", "There are 42 halls under contract.[^sample-source]\n\n## A section")
    )
    built = repository.run("build")
    assert built.code == 0, built.err
    return repository


@pytest.fixture(scope="module")
def served(newsroom: Repository) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(newsroom.root / "site"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_site_clone_and_address_give_the_same_answer(newsroom: Repository, served: str) -> None:
    of_site = newsroom.run("verify", "site", "--json")
    of_clone = newsroom.run("verify", "--json")
    of_address = newsroom.run("verify", served, "--json", "--allow-private")
    of_article = newsroom.run("verify", f"{served}/articles/grid/receipts/#claim-2", "--json", "--allow-private")

    of_folder = newsroom.run("verify", "site/articles/grid", "--json")

    assert of_site.code == of_clone.code == of_address.code == 0, of_address.err
    assert of_folder.json == of_site.json
    assert of_site.json == of_clone.json == of_address.json == of_article.json
    assert of_site.json["articles"] == 1
    assert of_site.json["verdicts"]["recorded"] == 1
    assert of_site.json["failures"] == []


def test_what_was_changed_is_listed_with_its_article_and_sentence(newsroom: Repository, tmp_path: Path) -> None:
    site = shutil.copytree(newsroom.root / "site", tmp_path / "site")
    page = site / "articles" / "grid" / "index.html"
    page.write_text(page.read_text("utf-8").replace("There are 42 halls", "There are 24 halls"), "utf-8")

    ended = newsroom.run("verify", str(site))

    assert ended.code == 1
    first, *_, last = [line for line in ended.out.splitlines() if not line.startswith((" ", "texts"))]
    assert first.endswith("articles/grid/: the article's text was changed: the words of its page do not have the sha256 that"
                          " the claims file names")  # fmt: skip
    assert "#claim-2: this sentence does not stand in the article" in ended.out
    assert "    | There are 42 halls under contract." in ended.out
    assert last.endswith(" claims, 2 failures")


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("nowhere", 2, "neither a built site"),
        ("site/articles/nowhere", 1, "lists no article at articles/nowhere/"),
        ("http://", 2, "is not the address of a site"),
        ("http://127.0.0.1:9/", 1, "127.0.0.1"),  # an address of one's own machine, which nobody allowed
    ],
)
def test_a_place_that_cannot_be_read_says_why(newsroom: Repository, place: str, code: int, words: str) -> None:
    ended = newsroom.run("verify", place)

    assert ended.code == code, ended.out
    assert words in ended.err


def test_a_copy_is_verified_outside_of_any_repository_and_without_its_claims_not_at_all(
    newsroom: Repository, tmp_path: Path
) -> None:
    copy = shutil.copytree(newsroom.root / "site", tmp_path / "copy")
    stranger = Repository(tmp_path, newsroom.environment)

    whole = stranger.run("verify", "copy")
    (copy / "articles" / "grid" / "claims.json").unlink()
    less = stranger.run("verify", "copy")

    assert whole.code == 0, whole.err
    assert "0 failures" in whole.out
    assert less.code == 1
    assert "its claims file https://" in less.out
