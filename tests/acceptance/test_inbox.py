"""From a list of feeds to a draft with its sources, by the commands as processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli import app
from pipeline.errors import UsageError
from tests.ingest.site import Site, rss, running
from tests.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.make(tmp_path / "newsroom", allow_private="true")


@pytest.fixture
def list_of_feeds(repository: Repository) -> str:
    """An OPML file that names two feeds, each at a server of its own on loopback."""
    return str(repository.root / "reader.opml")


def test_from_a_list_of_another_reader_to_a_draft_with_its_sources(repository: Repository, list_of_feeds: str) -> None:
    with running() as north, running() as east:
        _publish(north, east, list_of_feeds)

        tried = repository.run("feeds", "import", list_of_feeds, "--dry-run", "--json")
        imported = repository.run("feeds", "import", list_of_feeds)
        again = repository.run("feeds", "import", list_of_feeds, "--json")
        ingested = repository.run("ingest", "--json")
    listed = repository.run("inbox", "--json")
    shown = repository.run("inbox", "--topic", "power", "--limit", "1")
    card = listed.json["stories"][0]["card"]
    started = repository.run("new", "--from", card, "--json")
    checked = repository.run("check", "--json")
    after = repository.run("inbox", "--json")
    exported = repository.run("feeds", "export")

    assert (tried.code, [feed["id"] for feed in tried.json["new"]], tried.json["written"]) == (
        0,
        ["northfield", "eastfield"],
        False,
    )
    assert imported.code == 0
    assert "2 feeds added to content/feeds.yml" in imported.out
    assert (again.json["new"], len(again.json["known"])) == ([], 2)
    assert ingested.code == 0, ingested.err
    assert [story["voices"] for story in listed.json["stories"]] == [2, 1]
    assert "2 independent, secondary source" in shown.out
    assert "2 stories in content/inbox/, 1 of them listed" in shown.out
    assert started.code == 0, started.err
    assert len(started.json["written"]) == 2
    paths = {started.json["article"], *started.json["written"]}
    found = {
        problem["code"]
        for problem in checked.json["problems"]
        if problem["path"] in paths and problem["severity"] == "error"
    }
    assert found == set()
    assert after.json["stories"][0]["cited_in"] == ["grid-operator-warns-of-a-winter-shortfall"]
    assert exported.out.count("xmlUrl=") == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["new"], "give the article a title, or start it --from a card"),
        (["new", "--from", "x"], "opensignal inbox lists them"),
        (["inbox", "--topic", "pover"], "did you mean"),
        (["inbox", "--held", "--release", "north"], "--held and --release do not go together"),
        (["inbox", "--release", "north"], "nothing is held back of a feed 'north'"),
        (["feeds", "import", "none.opml"], "none.opml cannot be read"),
    ],
)
def test_words_that_make_no_sense_are_answered_with_what_to_do(
    words: list[str], told: str, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.root)

    with pytest.raises(UsageError) as caught:
        app(words, standalone_mode=False)

    assert told in str(caught.value)


def test_an_empty_inbox_is_no_fault(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["inbox", "--root", str(repository.root), "--json"], standalone_mode=False) == 0

    assert '"total": 0' in capsys.readouterr().out


def test_t35_an_editor_lets_in_what_a_feed_gave_too_much_of(repository: Repository) -> None:
    def flood(numbers: range) -> str:
        return rss(*((f"Number {n}", f"https://x.example.org/{n}") for n in numbers))

    with running() as site:
        url = site.put("/feed", flood(range(1)))
        (repository.root / "content" / "feeds.yml").write_text(f"- {{id: flood, url: '{url}', publisher: Flood}}\n")
        repository.run("ingest")
        site.put("/feed", flood(range(60)))
        ingested = repository.run("ingest", "flood")
        held = repository.run("inbox", "--held")
        as_json = repository.run("inbox", "--held", "--json")
        released = repository.run("inbox", "--release", "flood")
        let_in = repository.run("ingest", "flood", "--json")
        nothing = repository.run("inbox", "--held")

    assert "9 held: too many within a day, see opensignal inbox --held" in ingested.out
    assert "flood: 9 entries held back" in held.out
    assert "opensignal inbox --release flood lets them in" in held.out
    assert len(as_json.json[0]["entries"]) == 9
    assert "9 entries are let in" in released.out
    assert let_in.json["entries"] == 9
    assert nothing.out == "nothing is held back\n"


def _publish(north: Site, east: Site, path: str) -> None:
    feeds = {
        "Northfield": north.put(
            "/feed", rss(("Grid operator warns of a winter shortfall", "https://north.example.org/1"))
        ),
        "Eastfield": east.put(
            "/feed",
            rss(
                ("Winter shortfall: the grid operator warns", "https://east.example.org/1"),
                ("A cooling tower is reused", "https://east.example.org/2"),
            ),
        ),
    }
    outlines = "".join(f'<outline text="{name}" xmlUrl="{url}"/>' for name, url in feeds.items())
    Path(path).write_text(f'<opml version="2.0"><body><outline text="Power">{outlines}</outline></body></opml>')
