"""How long a site takes, whole process, beside stock mkdocs-material and Hugo on the same articles in the same run.

Ours checks and traces every sentence against the stored texts, and makes receipts, claims files and share images; the other two
draw pages, lists and feeds. They come from the package index into a folder that is thrown away; where they cannot be had, their
rows say so. Behind each time stands the time of the processor, which other work on the machine changes less.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks import archive
from tests.benchmarks.others import Others, others_in
from tests.benchmarks.table import Row

COLD_OF_STOCK: Final = 1 / 8
COLD_OF_HUGO: Final = {1_000: 2.5}  # else 2
BODY: Final = {1_000: 0.7}  # seconds; else 1.0
EDIT: Final = 1.5
RESTORED: Final = 12.0
MEMORY: Final = 500  # MB


@dataclass(frozen=True)
class Run:
    """What one command took."""

    wall: float
    cpu: float
    memory: int  # MB, of the largest process

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s CPU)"


def run(command: list[str], root: Path) -> Run:
    """Run *command* in *root* to its end. Raises `RuntimeError` where it fails."""
    # As on the machine of a user: compiled modules are kept from one run to the next.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=root, stdout=said, stderr=said, env=env | {"NO_MKDOCS_2_WARNING": "1"})
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{said.read().decode('utf-8', 'replace')[-3000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def measure(*, runs: int, articles: int = 1_000, others: bool = True) -> Iterator[Row]:
    """Rows for so many *articles*; with *others* beside the two others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "ours"
        archive.make(root, articles=articles)
        rivals: Others | None = None
        if others:
            rivals = others_in(folder, root)
            yield from rivals.rows(run)
        yield from _ours(root, folder, articles=articles, runs=runs, rivals=rivals)


def _ours(root: Path, folder: Path, *, articles: int, runs: int, rivals: Others | None) -> Iterator[Row]:
    command = [str(Path(sys.executable).parent / "opensignal"), "build"]
    cold = run(command, root)
    yield _cold_row(cold, articles, rivals)
    first = _fingerprint(root / "site")
    edits = _edits(root, articles)
    body = _median([_after(edits["body"], command, root) for _ in range(max(3, runs))])
    most = BODY.get(articles, 1.0)
    yield Row("  one body edited", str(body), f"at most {most:.1f} s", body.wall <= most)
    memory = max(cold.memory, body.memory)
    for kind in ("title", "topic", "date", "new", "deleted"):
        edited = _after(edits[kind], command, root)
        memory = max(memory, edited.memory)
        yield Row(f"  {kind} of one", str(edited), f"at most {EDIT:.1f} s", edited.wall <= EDIT)
    same = run(command, root)
    yield Row("  nothing changed", str(same), f"at most {most:.1f} s", same.wall <= most)
    yield Row("  --clean: all files, articles kept", str(run([*command, "--clean"], root)), "", True)
    yield from _restored(root, folder, command)
    yield Row("  memory of one process", f"{memory} MB", f"at most {MEMORY} MB", memory <= MEMORY)
    kept = _fingerprint(root / "site")
    shutil.rmtree(root / ".opensignal")
    shutil.rmtree(root / "site")
    run(command, root)
    again = _fingerprint(root / "site")
    yield Row("  the same bytes as from nothing", "yes" if kept == again else "no", "yes", kept == again != first)


def _cold_row(cold: Run, articles: int, rivals: Others | None) -> Row:
    limits = []
    if rivals and rivals.stock:
        limits.append((rivals.stock.wall * COLD_OF_STOCK, "1/8 of stock"))
    if rivals and rivals.hugo:
        times = COLD_OF_HUGO.get(articles, 2.0)
        limits.append((rivals.hugo.wall * times, f"{times:g}x hugo"))
    wanted = ", ".join(f"{seconds:.1f} s ({what})" for seconds, what in limits)
    return Row(f"ours, cold, {articles:,} articles", str(cold), wanted, all(cold.wall <= limit for limit, _ in limits))


def _restored(root: Path, folder: Path, command: list[str]) -> Iterator[Row]:
    """A fresh checkout into which the state folder and the site of an earlier build were put back."""
    clone = folder / "clone"
    shutil.copytree(root, clone, copy_function=shutil.copy)
    found = run(command, clone)
    yield Row("  restored cache, fresh checkout", str(found), f"at most {RESTORED:.0f} s", found.wall <= RESTORED)
    shutil.rmtree(clone)


def _after(edit: Callable[[], None], command: list[str], root: Path) -> Run:
    edit()
    return run(command, root)


def _median(found: list[Run]) -> Run:
    return sorted(found, key=lambda each: each.wall)[len(found) // 2] if found else Run(0, 0, 0)


def _edits(root: Path, articles: int) -> dict[str, Callable[[], None]]:
    """Edits of one article in the middle of the archive, by what they change."""
    middle = root / archive.article_path(articles // 2, articles=articles)
    another = root / archive.article_path(articles // 2 + 1, articles=articles)
    counted = iter(range(1_000))

    def change(pattern: str, new: Callable[[str], str]) -> Callable[[], None]:
        def edit() -> None:
            text = middle.read_text("utf-8")
            found = re.search(pattern, text, re.MULTILINE)
            assert found, pattern
            middle.write_text(text[: found.start()] + new(found[0]) + text[found.end() :], "utf-8")

        return edit

    def add() -> None:
        text = another.read_text("utf-8").replace("title: The", "title: Again the")
        place = root / archive.article_path(articles - 1, articles=articles)
        place.with_name(place.name.replace(archive.slug_of(articles - 1), "one-more")).write_text(text, "utf-8")
        newest = place.with_name(place.name.replace(archive.slug_of(articles - 1), "one-more"))
        date = f"{archive.FIRST_DAY:%Y-%m-%dT%H:%M:%SZ}"
        newest.write_text(re.sub("^date: .*", f"date: {date}", text, flags=re.MULTILINE), "utf-8")

    def delete() -> None:
        place = root / archive.article_path(articles - 1, articles=articles)
        place.with_name(place.name.replace(archive.slug_of(articles - 1), "one-more")).unlink()

    return {
        "body": change("^- with `code` in it$|^- with .*", lambda old: f"{old} and `{next(counted)}`"),
        "title": change("^title: The", lambda old: "title: Once more the"),
        "topic": change(r"^topics: \[(.*), (.*)\]", lambda old: re.sub(r"\[(.*), (.*)\]", r"[\2, \1]", old)),
        "date": change("^date: .*", lambda old: re.sub(r":\d\dZ", ":59Z", old)),
        "new": add,
        "deleted": delete,
    }


def _fingerprint(site: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in site.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(site)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
