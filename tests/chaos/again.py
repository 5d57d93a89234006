"""R-10: the same issue asked for twice, by people, by CI, or after the repository's history was rewritten, goes out once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.scene import Scene, Told, scene, tried
from tests.invariants import Seen


def ask_at_once(one: Scene, times: int) -> Seen:
    """So many commands for the same issue at the same moment: one sends, the others say so or find it done."""
    with one.sink() as sink:
        children = [one.start("send", one.issue, smtp=sink.url) for _ in range(times)]
        children += [one.start("send", "--due", smtp=sink.url) for _ in range(2)]
        ends = [child.wait(300) for child in children]
    for ended in ends:
        assert ended.code in (0, 1), ended
        if ended.code == 1:
            assert "is being sent by another process" in ended.err, ended.err
    one.finish()
    return one.check(in_doubt=0)


def ask_again(one: Scene) -> Seen:
    """Once it is out: again, by its key and as due, after the article was renamed, edited, withdrawn and brought back."""
    with one.sink() as sink:
        first = one.send(smtp=sink.url)
        assert first.json["sent"] == len(one.readers)
        [article] = (one.repository.root / "content" / "articles").rglob("*.md")
        text = article.read_text("utf-8")
        for change in (
            lambda: None,  # a double click, or CI run again
            lambda: article.write_text(
                text.replace("The story of grid", "Another title"), "utf-8"
            ),  # an amended commit
            lambda: article.write_text(
                text.replace("A paragraph on grid", "Other words on grid"), "utf-8"
            ),  # a correction
            lambda: article.write_text(text.replace("status: published", "status: draft"), "utf-8"),  # a revert
            lambda: article.write_text(text, "utf-8"),  # and the revert of that
            lambda: article.rename(article.with_name(f"{article.name[:10]}-grid.md")),  # a cherry-pick keeps the slug
        ):
            change()
            again = one.send(smtp=sink.url)
            assert again.code == 0, again
            assert again.json["sent"] == 0, again.out
            due = one.send("send", "--due", "--json", smtp=sink.url)
            assert due.code == 0, due
            assert sum(report["sent"] for report in due.json) == 0, due.out
        words = one.send("send", one.issue, smtp=sink.url)
        assert "this issue is out" in words.out, words.out
    return one.check(in_doubt=0)


def send_two_issues_at_once(one: Scene) -> str:
    """Yesterday's issue and today's, planned at the same moment: what is in the one is not in the other for the same reader."""
    yesterday = f"daily-{dt.date.fromisoformat(one.issue.removeprefix('daily-')) - dt.timedelta(days=1)}"
    with one.server() as server:
        children = [one.start("send", key, smtp=server.url, held=True) for key in (one.issue, yesterday)]
        for child in children:
            child.go()
        for child in children:
            assert child.wait(120).code == 0
    counts = Counter(letter.recipient for letter in one.accepted())
    twice = [email for email, number in counts.items() if number > 1]
    assert not twice, f"{len(twice)} readers got the same article in two issues"
    assert set(counts) == set(one.readers)
    return f"{len(counts)} readers, each written to once"


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """Ten commands at once; the same issue again in every way that a repository knows."""
    people = max(200, int(20_000 * scale))
    with scene(folder / "once", people) as one:
        yield Told("R-10", f"{people:,} recipients, asked for 12 times at once", str(ask_at_once(one, 10)))
    with scene(folder / "two", 200) as one:
        yield tried("R-10", "200 recipients, two issues at once", lambda: send_two_issues_at_once(one))
    with scene(folder / "again", 200) as one:
        yield Told("R-10", "200 recipients, asked for again in 6 ways", str(ask_again(one)))
