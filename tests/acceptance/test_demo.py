"""`opensignal demo --once`: the whole path, seen from outside."""

from __future__ import annotations

import email
import sqlite3
from pathlib import Path

from tests.repository import HERE, Repository


def test_the_demo_walks_the_whole_path_and_leaves_what_it_made(tmp_path: Path) -> None:
    keep = tmp_path / "kept"

    ended = Repository(HERE).run("demo", "--once", "--json", "--keep", str(keep), timeout=100)

    assert ended.code == 0, ended.out + ended.err
    report = ended.json
    assert report["ok"] is True
    assert report["articles"] >= 11
    assert report["feed_items"] >= 10
    assert (report["inbox_cards"], report["confirmed"], report["sent"], report["unsubscribed"]) == (2, 2, 3, 1)
    letters = [path.read_bytes() for path in (keep / "outbox" / "new").iterdir()]
    assert len(letters) == report["messages"] == 8
    assert all(email.message_from_bytes(letter)["To"] for letter in letters)
    assert all(b"\r\n" in letter and b"\n" not in letter.replace(b"\r\n", b"") for letter in letters)
    assert (keep / "site" / "index.html").is_file()
    assert sqlite3.connect(keep / "opensignal.db").execute("SELECT count(*) FROM deliveries").fetchone() == (3,)
    assert not (HERE / ".opensignal" / "crash.log").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")

    ended = Repository(HERE).run("demo", "--once", "--keep", str(tmp_path))

    assert ended.code == 2
    assert "not empty" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
