"""The old site stays whole, whatever happens to the new one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pipeline.config import Settings
from pipeline.errors import BuildError, ContentError, UsageError
from pipeline.site import BuildReport, build_site, workplace
from pipeline.site.workplace import MARK, Workplace
from tests.chaos.disks import may_mount, small_disk
from tests.rights import closed
from tests.site.conftest import NOW, write_article
from tests.site.test_build import contents
from tests.site.test_incremental import QUEUE, change, cold, differences, draw, newsroom, warm

__all__ = ["newsroom"]  # a fixture

EDIT = change(QUEUE, "The queue is long", "The queue is *long*")


@pytest.fixture
def built(newsroom: Path) -> Path:
    warm(newsroom)
    return newsroom


def beside(root: Path) -> list[str]:
    """What a build left beside the site."""
    return sorted(path.name for path in root.iterdir() if path.name.startswith(".site"))


# --- a crash ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [0, 1, 5])
def test_a_build_that_was_killed_while_it_moved_files_in_is_ended_by_the_next_one(
    built: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    EDIT(built)
    left = iter(range(moved))
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if "opensignal-" in str(self) and "/new/" in str(self) and next(left, None) is None:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            warm(built)
    report = warm(built)

    assert any("brought to its end" in note for note in report.notes)
    assert differences(contents(report.site_dir), cold(built)) == []
    assert beside(built) == []


def test_an_edit_that_is_taken_back_after_a_crash_leaves_no_stale_page(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (built / QUEUE).read_text("utf-8")
    EDIT(built)
    with monkeypatch.context() as patch:
        patch.setattr(workplace.Workplace, "_remember", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            warm(built)
    (built / QUEUE).write_text(before, "utf-8")

    report = warm(built)

    assert differences(contents(report.site_dir), cold(built)) == []


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_build_that_is_killed_for_good_leaves_the_old_site_and_the_next_one_is_whole(built: Path) -> None:
    """The real command and a real SIGKILL, at several moments."""
    for wait in (0.2, 0.6, 1.0, 1.4):
        change(QUEUE, "^title: .*", f"title: Another title after {str(wait).replace('.', ' and ')}")(built)
        command = [str(Path(sys.executable).parent / "opensignal"), "build", "--no-check", "--clean"]
        process = subprocess.Popen(command, cwd=built, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (built / "site" / MARK).is_file()
        assert (built / "site/index.html").read_text("utf-8").rstrip().endswith("</html>")

    assert differences(contents(warm(built).site_dir), cold(built)) == []
    assert beside(built) == []


def test_no_page_leads_to_one_that_is_not_there_at_any_moment_of_a_build(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_article(built, "zzz-last-by-name", date="2026-11-22", body="It is new.[^wire]", topics="chips")
    (built / "content/articles/2026/2026-11-17-scheduled-past.md").unlink()
    found: dict[int, list[str]] = {}
    replace = Path.replace

    def looked_at(self: Path, target: Path) -> Path:
        if "/new/" in str(self):
            found[len(found)] = lost_links(built / "site")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", looked_at)
    warm(built)

    assert len(found) > 20
    assert {moment: lost for moment, lost in found.items() if lost} == {}


def lost_links(site: Path) -> list[str]:
    """Where a reader who begins at the front page and follows every link finds nothing."""
    seen: set[Path] = set()
    lost, left = [], [site / "index.html"]
    while left:
        page = left.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in re.findall(r'<a [^>]*?href="(?!https?:|mailto:)([^"#?]+)', page.read_text("utf-8")):
            to = Path(os.path.normpath(page.parent / link))
            to = to / "index.html" if to.is_dir() or link.endswith("/") else to
            if not to.is_file():
                lost.append(f"{page.relative_to(site)} -> {link}")
            elif to.suffix == ".html":
                left.append(to)
    return lost


def test_there_is_a_site_at_every_moment_of_a_build_that_makes_all_of_it(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (built / "site" / workplace.SEARCH).mkdir()
    (built / "site" / workplace.SEARCH / "pagefind.js").write_text("an index of yesterday")
    missing: list[Path] = []
    rename = Path.rename

    def looked_at(self: Path, target: Path) -> Path:
        renamed = rename(self, target)
        if not all((built / "site" / path).is_file() for path in (MARK, "index.html", "pagefind/pagefind.js")):
            missing.append(self)
        return renamed

    monkeypatch.setattr(Path, "rename", looked_at)
    build_site(Settings.load(built), now=NOW, check=False, clean=True)

    assert missing == []
    assert (built / "site" / workplace.SEARCH / "pagefind.js").read_text() == "an index of yesterday"
    assert beside(built) == []


def test_a_system_that_cannot_exchange_folders_puts_the_new_site_there_all_the_same(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.files.exchange", lambda one, other: False)
    EDIT(built)

    report = build_site(Settings.load(built), now=NOW, check=False, clean=True)

    assert differences(contents(report.site_dir), cold(built)) == []
    assert beside(built) == []


# --- a full disk ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clean", [False, True])
def test_a_full_disk_leaves_the_old_site_and_says_so(built: Path, monkeypatch: pytest.MonkeyPatch, clean: bool) -> None:
    before = contents(built / "site")
    EDIT(built)
    write_bytes = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if "/new/articles" in str(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return write_bytes(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(BuildError, match="site: the disk is full, and the old site stays; make room and run again"):
            build_site(Settings.load(built), now=NOW, check=False, clean=clean)

    assert contents(built / "site") == before
    assert beside(built) == []
    assert differences(contents(warm(built).site_dir), cold(built)) == []


@pytest.mark.skipif(not may_mount(), reason="a small disk of its own wants root")
@pytest.mark.parametrize("clean", [False, True])
def test_a_disk_without_room_for_one_octet_leaves_the_old_site_and_says_so(
    built: Path, tmp_path: Path, clean: bool
) -> None:
    with small_disk(tmp_path / "disk", size=32 * 1024 * 1024) as disk:
        build_site(Settings.load(built), now=NOW, site_dir=disk / "site", check=False)
        before = contents(disk / "site")
        EDIT(built)
        with contextlib.suppress(OSError):
            (disk / "filled").write_bytes(bytes(64 * 1024 * 1024))

        with pytest.raises(BuildError, match=r"disk/site.*(disk is full|No space left).*make room"):
            build_site(Settings.load(built), now=NOW, site_dir=disk / "site", check=False, clean=clean)

        assert contents(disk / "site") == before
        assert sorted(path.name for path in disk.iterdir()) == ["filled", "site"]
        (disk / "filled").unlink()
        report = build_site(Settings.load(built), now=NOW, site_dir=disk / "site", check=False)
        assert differences(contents(report.site_dir), cold(built)) == []


# --- two at once ------------------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_two_builds_at_once_come_one_after_the_other(built: Path) -> None:
    EDIT(built)
    command = [str(Path(sys.executable).parent / "opensignal"), "build", "--no-check", "--json"]
    both = [subprocess.Popen(command, cwd=built, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=120)[0]) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sorted(report["written"] > 0 for report in reports) == [False, True]
    assert differences(contents(built / "site"), cold_now(built)) == []


def cold_now(root: Path) -> dict[str, bytes]:
    import datetime as dt

    return cold(root, dt.datetime.now(dt.UTC))


def test_two_clones_that_build_into_one_folder_come_one_after_the_other(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workplace, "PATIENCE", 0.1)
    clone, shared = tmp_path / "clone", tmp_path / "shared"
    shutil.copytree(built, clone, ignore=shutil.ignore_patterns("site"))

    with (
        workplace.working(Settings.load(built), shared),
        pytest.raises(BuildError, match=rf"shared: another build \(process {os.getpid()}\)"),
        workplace.working(Settings.load(clone), shared),
    ):
        pass

    with workplace.working(Settings.load(clone), shared):
        pass
    assert list(tmp_path.glob(".shared*")) == []


def test_a_build_does_not_wait_for_ever_for_another_one(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workplace, "PATIENCE", 0.1)
    settings = Settings.load(built)

    with workplace.working(settings, settings.site_dir), pytest.raises(BuildError, match=r"another build \(process"):
        warm(built)


# --- files that vanish ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_deleted_while_it_is_read_ends_the_build_with_its_name(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_article(built, "short-lived", date="2026-11-20")
    before = contents(built / "site")

    def gone(*_: object) -> None:
        path.unlink()
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.library.files.shelf_of_article", gone)
        with pytest.raises((ContentError, BuildError, FileNotFoundError), match="short-lived"):
            warm(built)

    assert contents(built / "site") == before
    assert differences(contents(warm(built).site_dir), cold(built)) == []


def test_a_file_that_changes_while_it_is_examined_ends_the_build_with_its_name(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_article(built, "restless", date="2026-11-20")

    def changed(*_: object) -> None:
        path.write_text(path.read_text("utf-8") + "\nMore.\n", "utf-8")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.library.kept.desk.Desk._recalled", _after(changed))
        with pytest.raises(ContentError, match=r"restless\.md: was changed while it was read; run again"):
            warm(built)

    assert differences(contents(warm(built).site_dir), cold(built)) == []


def test_a_stored_text_that_vanishes_while_the_site_is_built_ends_the_build_with_its_source(
    newsroom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Workplace.begin

    def began(place: Workplace, **chosen: bool) -> None:
        for text in (newsroom / "content/sources/snapshots").iterdir():
            text.unlink()
        begin(place, **chosen)

    monkeypatch.setattr(Workplace, "begin", began)

    with pytest.raises(BuildError, match=r"the stored text of \S+ was changed or removed .* run again"):
        warm(newsroom)


def _after(event):  # type: ignore[no-untyped-def]  # puts an event before a method of ours
    from pipeline.library.kept.desk import Desk

    method = Desk._recalled

    def later(self, *given):  # type: ignore[no-untyped-def]
        event()
        return method(self, *given)

    return later


# --- what is kept -----------------------------------------------------------------------------------------------------------------


def kept_files(root: Path) -> list[Path]:
    there = sorted((root / ".opensignal/build").rglob("*"))
    assert any(path.parent.name == "templates" for path in there)
    return [path for path in there if path.is_file() and path.suffix != ".lock"]


def spoilt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(0, len(data), 97):
        data[place] ^= 0x5A
    path.write_bytes(bytes(data))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def made_a_folder(path: Path) -> None:
    path.unlink()
    (path / "of-something").mkdir(parents=True)


@pytest.mark.parametrize("damage", [spoilt, cut, emptied, made_a_folder, Path.unlink])
def test_what_is_kept_and_damaged_is_thrown_away_and_made_again(built: Path, damage) -> None:  # type: ignore[no-untyped-def]
    EDIT(built)
    for path in kept_files(built):
        damage(path)

    report = warm(built)
    again = warm(built)

    assert differences(contents(report.site_dir), cold(built)) == []
    assert all(note.endswith("thrown away and made again") for note in report.notes), report.notes
    assert bool(report.notes) == (damage is not Path.unlink)
    assert (again.written, again.notes) == (0, ())


@pytest.mark.parametrize("damage", [spoilt, cut])
def test_an_image_or_a_font_that_is_kept_and_damaged_is_made_again(newsroom: Path, damage) -> None:  # type: ignore[no-untyped-def]
    draw("a.png", 900)(newsroom)
    change(QUEUE, r"\Z", "\n![An image](images/a.png)\n")(newsroom)
    before = contents(warm(newsroom).site_dir)
    kept = [path for name in ("images", "share") for path in (newsroom / ".opensignal" / name).rglob("*.*")]
    for path in kept:
        damage(path)

    again = contents(build_site(Settings.load(newsroom), now=NOW, check=False, clean=True).site_dir)

    assert {path.suffix for path in kept} >= {".png", ".webp", ".avif", ".json", ".ttf"}
    assert differences(again, before) == []


def test_a_change_that_keeps_the_size_and_the_time_of_a_file_is_seen(newsroom: Path) -> None:
    image, article = newsroom / "content/pages/images/a.png", newsroom / QUEUE
    image.parent.mkdir(exist_ok=True)
    Image.new("L", (90, 90), 7).save(image)
    sizes = [file.stat().st_size for file in (image, article)]
    for file in (image, article):
        os.utime(file, ns=(1, 1))
    time.sleep(2.1)  # what was changed a moment ago is looked at again anyway
    warm(newsroom)
    Image.new("L", (90, 90), 8).save(image)
    change(QUEUE, "The queue is long", "The queue is more")(newsroom)
    for file in (image, article):
        os.utime(file, ns=(1, 1))
    assert [file.stat().st_size for file in (image, article)] == sizes

    report = warm(newsroom)

    assert differences(contents(report.site_dir), cold(newsroom)) == []


def test_what_is_kept_and_of_another_version_is_thrown_away_and_made_again(built: Path) -> None:
    with sqlite3.connect(built / ".opensignal/build/kept.db") as database:
        database.execute("PRAGMA user_version = 99")

    report = warm(built)

    assert [note.rpartition(" is ")[2] for note in report.notes] == ["of another version: thrown away and made again"]
    assert differences(contents(report.site_dir), cold(built)) == []


def test_a_file_in_place_of_the_folder_of_what_is_kept_is_thrown_away(newsroom: Path) -> None:
    (newsroom / ".opensignal").mkdir(exist_ok=True)
    folder = newsroom / ".opensignal/build"
    folder.write_text("a file where a folder should be")

    report = warm(newsroom)
    again = warm(newsroom)

    assert report.notes == (f"{folder} is no folder: thrown away and made again",)
    assert (again.rendered, again.written, again.notes) == (0, 0, ())
    assert differences(contents(report.site_dir), cold(newsroom)) == []


@pytest.mark.parametrize("folders", [["build"], ["build", "share", "images"]])
def test_where_nothing_can_be_kept_all_is_made_and_one_note_says_so(newsroom: Path, folders: list[str]) -> None:
    state = newsroom / ".opensignal"
    expected = cold(newsroom)

    with contextlib.ExitStack() as stack:
        for folder in folders:
            stack.enter_context(closed(state / folder))
        report = warm(newsroom)
        found = contents(report.site_dir)

    assert [note.partition(" (")[0] for note in report.notes] == [f"{state / 'build'}: cannot be used"]
    assert differences(found, expected) == []


# --- whose folder -----------------------------------------------------------------------------------------------------------------


def test_a_folder_without_our_mark_is_never_replaced(newsroom: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "sitemap.xml").write_text("<urlset/>")

    with pytest.raises(UsageError, match=f"is not a site built by Open Signal .no {MARK} in it."):
        build_site(Settings.load(newsroom), now=NOW, site_dir=theirs, check=False)

    assert contents(theirs) == {"sitemap.xml": b"<urlset/>"}


def test_a_site_that_another_build_has_put_there_is_not_taken_for_ours(built: Path, tmp_path: Path) -> None:
    """Somebody moved a folder of another time into the place: its mark tells."""
    EDIT(built)
    other = build_site(Settings.load(built), now=NOW, site_dir=tmp_path / "other", check=False).site_dir
    (built / "site").rename(tmp_path / "away")
    other.rename(built / "site")
    (built / "site/articles/grid-queue/index.html").write_text("other")

    mark = (built / "site" / MARK).read_text("utf-8")
    (built / "site" / MARK).write_text(mark.replace(mark[-9:-1], "00000000"), "utf-8")
    report: BuildReport = warm(built)

    assert report.kept == 0
    assert differences(contents(report.site_dir), cold(built)) == []
