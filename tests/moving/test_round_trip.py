"""An archive of three hundred articles from each service comes over whole: what went in stands on the site that is built of it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.library import Library, read_library
from pipeline.site.reading import words_of
from tests.moving import newsletter
from tests.moving.newsletter import WRITERS, Dialect, Piece, Somebody
from tests.repository import Ended, Repository

SITE = "https://deepsignals.example.org/"
TOPICS = {"Power": "power", "Money": "money"}
# Which of the services say in their exports who wrote, and what about.
SIGNED = {"ghost", "wordpress", "medium", "beehiiv", "jekyll", "hugo", "pelican"}


@dataclass(frozen=True)
class MovedIn:
    """A repository into which an export was imported, and the site of it."""

    service: str
    dialect: Dialect
    repository: Repository
    paths: list[Path]
    pieces: list[Piece]
    readers: list[Somebody]
    imported: Ended
    checked: Ended
    library: Library

    def page(self, piece: Piece) -> str:
        return (self.repository.root / f"site/articles/{piece.slug}/index.html").read_text("utf-8")

    def run_again(self, *words: str) -> Ended:
        return self.repository.run("import", *map(str, self.paths), *words, "--json", timeout=300)


@pytest.fixture(scope="module", params=sorted(WRITERS))
def moved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MovedIn:
    service: str = request.param
    write, dialect = WRITERS[service]
    folder = tmp_path_factory.mktemp(service)
    repository = Repository.make(folder / "repository")
    (folder / "export").mkdir()
    pieces, readers = newsletter.pieces(), newsletter.readers()
    paths = write(folder / "export", pieces, readers)
    words = ["--basis", "double opt-in there", "--confirmed", "--topic", "Batteries=power"]
    imported = repository.run("import", *map(str, paths), *words, "--json", timeout=300)
    checked = repository.run("check", "--json", timeout=300)
    built = repository.run("build", timeout=600)
    assert built.code == 0, built.err
    return MovedIn(
        service, dialect, repository, paths, pieces, readers, imported, checked, read_library(repository.root)
    )


pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("moving")]


def test_it_is_recognised_and_all_of_it_comes_over(moved: MovedIn) -> None:
    report = moved.imported.json

    assert moved.imported.code == 0, moved.imported.err
    assert report["service"] == moved.service
    assert report["articles"] == {"new": len(moved.pieces)}
    assert (report["drafts"], report["ok"]) == (0, True)
    assert report["images"]["brought"] == len(moved.pieces)
    assert report["images"]["away"] == {}


def test_check_finds_no_error(moved: MovedIn) -> None:
    errors = [problem for problem in moved.checked.json["problems"] if problem["severity"] == "error"]

    assert errors == []
    assert moved.checked.code == 0


def test_titles_dates_and_tags_are_those_that_went_in(moved: MovedIn) -> None:
    for piece in moved.pieces:
        article = moved.library.article(piece.slug)
        assert article is not None, piece.slug
        assert (article.title, article.dek) == (piece.title, piece.subtitle)
        assert article.date == piece.date.replace(microsecond=0)
        assert article.imported is not None
        if moved.service in SIGNED:
            wanted = [TOPICS.get(tag) or {"Batteries": "power"}.get(tag) for tag in piece.tags]
            assert set(article.topics) == {topic for topic in wanted if topic}
            assert article.imported.tags == tuple(tag for tag in piece.tags if tag == "Harbour life")
            assert [moved.library.people[a].name for a in article.authors] == [piece.author]
        else:
            assert [moved.library.people[a].name for a in article.authors] == ["Ines Halvorsen"]


def test_the_body_reads_on_the_page_as_it_did_there(moved: MovedIn) -> None:
    for piece in moved.pieces:
        (said,) = words_of(moved.page(piece), {("div", "prose")}, inside="article")
        assert _plain(said) == _plain(newsletter.words_of(piece, moved.dialect)), piece.slug


def test_marks_links_code_and_tables_are_what_they_were(moved: MovedIn) -> None:
    for piece in moved.pieces[::25]:
        page = moved.page(piece)
        assert "<strong>Read <em>twice</em></strong>" in page
        assert 'href="https://example.org/a_b?c=1&amp;d=2"' in page
        assert re.search(r"<code[^>]*>a\*b\*c</code>", page)
        assert "language-python" in page
        assert "H<sub>2</sub>O" in page
        assert re.search(r"Line one<br ?/?>\s*line two", page)
        assert ("<th>Ships</th>" in page) is moved.dialect.has_table
        assert 'href="https://www.youtube.com/watch?v=q8h4r2tz9Lk"' in page
        assert "document.write" not in page
        assert "<h2" in page.partition('class="prose"')[2]


def test_links_between_its_articles_lead_to_them_here(moved: MovedIn) -> None:
    for piece in moved.pieces[1:]:
        assert piece.links_to is not None
        assert f"{SITE}articles/{piece.links_to.slug}/" in moved.page(
            piece
        ) or f'href="../{piece.links_to.slug}/"' in moved.page(piece)
        body = (moved.repository.root / _path(moved, piece)).read_text("utf-8")
        assert f"-{piece.links_to.slug}.md)" in body


def test_its_old_address_leads_to_it(moved: MovedIn) -> None:
    for piece in moved.pieces[::10]:
        article = moved.library.article(piece.slug)
        assert article is not None
        path = urlsplit(moved.dialect.old(piece).replace("__GHOST_URL__", newsletter.OLD_SITE)).path
        alias = path.strip("/") + ("" if path.endswith(".html") else "/")
        assert article.aliases == (() if moved.service == "medium" else (alias,))
        if article.aliases:
            led = (
                moved.repository.root / "site" / (f"{alias}index.html" if alias.endswith("/") else alias)
            ).read_text()
            assert f"articles/{piece.slug}/" in led


def test_every_image_is_the_one_that_went_in_and_says_what_it_shows(moved: MovedIn) -> None:
    for piece in moved.pieces:
        body = (moved.repository.root / _path(moved, piece)).read_text("utf-8")
        found = re.findall(r"!\[([^\]]*)\]\((images/archive/[^)]*)\)", body)
        assert [alt for alt, _ in found] == [piece.alt]
        assert (moved.repository.root / "content/pages" / found[0][1]).read_bytes() == newsletter.png(piece.number)
        assert (moved.repository.root / "site" / found[0][1]).is_file()


def test_readers_are_told_where_it_was_published_before(moved: MovedIn) -> None:
    page = moved.page(moved.pieces[3])

    assert "First published " in page
    assert "without sources to look it up in." in page
    listed = "".join(path.read_text("utf-8") for path in (moved.repository.root / "site/archive").glob("2*/index.html"))
    assert listed.count("first published elsewhere") == len(moved.pieces)
    assert "no sources" not in listed


def test_whoever_verifies_the_site_finds_nothing_claimed_of_it(moved: MovedIn) -> None:
    verified = moved.repository.run("verify", "site", "--json", timeout=300)

    assert verified.code == 0, verified.out[:2000]
    assert verified.json["verdicts"]["imported"] >= len(moved.pieces)


def test_who_was_written_to_there_is_written_to_here_since_the_same_day(moved: MovedIn) -> None:
    listed = json.loads(moved.repository.run("subscribers", "export", "--json").out)
    active = {one["email"]: one["confirmed_at"] for one in listed}

    assert set(active) == {somebody.email for somebody in moved.readers if somebody.standing == "active"}
    assert all(one["state"] == "active" for one in listed)
    for somebody in moved.readers:
        if somebody.standing == "active":
            assert active[somebody.email][:10] == f"{somebody.since:%Y-%m-%d}"


def test_nobody_who_left_there_can_be_imported_later(moved: MovedIn) -> None:
    gone = [somebody.email for somebody in moved.readers if somebody.standing in ("left", "bounced", "complained")]
    file = moved.repository.root / ".opensignal" / "again.csv"
    file.write_text("email\n" + "\n".join(gone) + "\n")

    again = moved.repository.run(
        "subscribers", "import", str(file), "--source", "x", "--basis", "y", "--confirmed", "--json"
    )

    assert again.json["imported"] == 0
    assert again.json["skipped"] == {"suppressed": len(gone)}


def test_no_address_is_in_what_git_keeps_or_in_the_report(moved: MovedIn) -> None:
    kept = [path for path in (moved.repository.root / "content").rglob("*") if path.suffix in (".md", ".yml")]

    text = (
        moved.imported.out
        + moved.imported.err
        + "".join(path.read_text("utf-8") for path in kept if "handbook" not in path.parts)
    )

    assert not re.search(r"reader\d+@|secret\d*@|@secret", text)


def test_running_it_again_changes_nothing(moved: MovedIn) -> None:
    before = _files(moved.repository.root)

    again = moved.run_again("--basis", "double opt-in there", "--confirmed", "--topic", "Batteries=power")

    assert again.json["articles"] == {"unchanged": len(moved.pieces)}
    assert again.json["images"]["brought"] == 0
    assert again.json["subscribers"]["imported"]["imported"] == 0
    assert _files(moved.repository.root) == before


def _path(moved: MovedIn, piece: Piece) -> str:
    article = moved.library.article(piece.slug)
    assert article is not None
    return article.path


def _files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "content").rglob("*") if path.is_file()
    }


def _plain(text: str) -> str:
    """Words alone: marks that are set for print, and white space, make no difference."""
    text = html.unescape(text).replace("’", "'").replace("“", '"').replace("”", '"')
    return "".join(text.split())
