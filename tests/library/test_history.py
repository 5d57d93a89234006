"""What Git knows of the articles is read without running anything that the repository names, and without a process an article."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from pipeline.library.history import blob_of, open_history, trailers
from tests.library.gitted import Gitted
from tests.library.newsroom import Newsroom, front

PATH = "content/articles/2026/2026-11-20-grid.md"


@pytest.fixture
def gitted(tmp_path: Path) -> Gitted:
    return Gitted(tmp_path / "news")


def test_versions_stand_under_the_last_name_of_a_file_oldest_first(gitted: Gitted) -> None:
    gitted.article("One.\n\nTwo.\n", slug="first")
    one = gitted.commit("One\n\nReviewed-by: Ines Example <ines@example.org>\n")
    name = "content/articles/2026/2026-11-20- odd\tnäme.md"
    gitted.git("mv", "content/articles/2026/2026-11-20-first.md", name)
    two = gitted.commit("Two")
    (gitted.root / name).write_text("Three.\n")
    three = gitted.commit("Three")

    history = open_history(gitted.root)

    (versions,) = history.versions.values()
    assert list(history.versions) == [name]
    assert [(v.commit, Path(v.path).name) for v in versions] == [
        (one, "2026-11-20-first.md"),
        (two, Path(name).name),
        (three, Path(name).name),
    ]
    assert (versions[0].author, versions[0].at, history.note) == ("Ines Example", versions[0].at, "")
    assert "ines@example.org" in versions[0].message
    assert trailers(versions[0].message) == (("Reviewed-by", "Ines Example"),)
    texts = history.texts(
        [versions[2].blob or "", history.name_at(one, versions[0].path), "0" * 40, "HEAD:no such file"]
    )
    assert list(texts.values()) == [b"Three.\n", (gitted.git("show", f"{one}:{versions[0].path}") + "\n").encode()]
    assert blob_of(b"Three.\n", like=versions[2].blob or "") == versions[2].blob


def test_a_file_that_went_and_came_back_keeps_its_past(gitted: Gitted) -> None:
    gitted.article("One.\n")
    gitted.commit()
    (gitted.root / PATH).unlink()
    gitted.commit()
    gitted.article("Two.\n")
    gitted.commit()

    versions = open_history(gitted.root).versions[PATH]

    assert [version.blob is None for version in versions] == [False, True, False]


def test_a_newsletter_may_live_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    gitted = Gitted(tmp_path)
    inside = Newsroom(tmp_path / "news letter")
    inside.article("Published.\n")
    gitted.article("Of another newsletter.\n", slug="other")
    commit = gitted.commit()
    inside.article("Changed.\n")

    history = open_history(inside.root)

    assert list(history.versions) == [PATH]
    assert history.texts([history.name_at(commit, PATH)])
    assert "S031" in [problem.code for problem in inside.load().problems]


def test_hashes_may_be_of_the_long_kind(tmp_path: Path) -> None:
    gitted = Gitted(tmp_path, "--object-format=sha256")
    gitted.article("Published.\n")
    gitted.commit()
    assert gitted.codes() == []

    gitted.article("Changed.\n")
    assert gitted.codes() == ["S031"]


def test_outside_git_and_before_the_first_commit_nothing_is_compared(newsroom: Newsroom, gitted: Gitted) -> None:
    newsroom.article()
    gitted.article()

    assert newsroom.load().note.startswith("this is no Git repository")
    assert (newsroom.load().problems, gitted.load().problems, gitted.load().note) == ((), (), "")


def test_without_articles_there_is_nothing_to_tell_of(newsroom: Newsroom) -> None:
    newsroom.article(front=front(status="draft"))

    assert newsroom.load().note == ""


def test_where_git_is_not_installed_a_sentence_says_so(gitted: Gitted, monkeypatch: pytest.MonkeyPatch) -> None:
    gitted.article()
    gitted.commit()
    monkeypatch.setenv("PATH", str(gitted.root / "empty"))

    library = gitted.load()

    assert (library.problems, library.note) == (
        (),
        "git is not installed, so no text could be compared with what was published before",
    )


def test_a_repository_that_git_refuses_is_told_in_git_s_words(gitted: Gitted) -> None:
    gitted.article()
    gitted.commit()
    (gitted.root / ".git" / "config").write_text("[core\n")

    note = gitted.load().note

    assert note.startswith("git cannot read this repository (bad config line 1 in file")


def test_a_shallow_clone_compares_with_what_it_has_and_says_so(gitted: Gitted, tmp_path: Path) -> None:
    gitted.article("One.\n")
    gitted.commit("Publish")
    gitted.article("Two.\n")
    gitted.commit("Silently")
    gitted.commit("Something else")
    clone = tmp_path / "clone"
    gitted.git("clone", "-q", "--depth", "1", f"file://{gitted.root}", str(clone))

    shallow = Newsroom.__new__(Newsroom)
    shallow.root = clone
    library = shallow.load()
    assert library.problems == ()
    assert library.note.startswith("this is a shallow clone")
    assert library.note.endswith("git fetch --unshallow")

    shallow.article("Three.\n")
    assert [problem.code for problem in shallow.load().problems] == ["S031"]


def test_a_partial_clone_fetches_nothing_and_says_what_it_lacks(gitted: Gitted, tmp_path: Path) -> None:
    gitted.git("config", "uploadpack.allowFilter", "true")
    for words in ("One.\n", "Two.\n", "Three.\n"):
        gitted.article(words)
        gitted.commit()
    clone = tmp_path / "clone"
    gitted.git("clone", "-q", "--filter=blob:none", f"file://{gitted.root}", str(clone))
    ran = tmp_path / "ran"
    program = _program(tmp_path / "helper", ran)
    gitted.git("config", "remote.origin.uploadpack", program, cwd=clone)
    partial = Newsroom.__new__(Newsroom)
    partial.root = clone

    library = partial.load()

    assert "clone without --filter" in library.note
    assert not ran.exists()


@pytest.mark.parametrize("where", ["of the repository", "of the environment"])
def test_no_program_that_a_repository_names_is_run(
    gitted: Gitted, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitted.article("One.\n")
    gitted.commit()
    gitted.article("Two.\n")
    gitted.commit()
    ran = tmp_path / "ran"
    program = _program(tmp_path / "evil", ran)
    named = {
        "core.fsmonitor": program,
        "core.pager": program,
        "pager.log": program,
        "core.editor": program,
        "core.sshCommand": program,
        "core.askPass": program,
        "diff.external": program,
        "diff.evil.textconv": program,
        "diff.evil.command": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.process": program,
        "gpg.program": program,
        "log.showSignature": "true",
        "alias.log": f"!{program}",
        "alias.cat-file": f"!{program}",
        "trailer.evil.command": program,
        "credential.helper": f"!{program}",
    }
    if where == "of the repository":
        for name, value in named.items():
            gitted.git("config", name, value)
        (gitted.root / ".gitattributes").write_text("*.md diff=evil filter=evil\n")
        for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
            shutil.copy(program, gitted.root / ".git" / "hooks" / hook)
    else:
        monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(named)))
        for number, (name, value) in enumerate(named.items()):
            monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
            monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
        monkeypatch.setenv("GIT_EXTERNAL_DIFF", program)
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))

    codes = gitted.codes()

    assert codes == ["S031"]
    assert not ran.exists()
    assert not (tmp_path / "trace").exists()
    if where == "of the repository":  # the trap is a real one: plain git steps into it
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        subprocess.run(["git", "status"], cwd=gitted.root, env=env, capture_output=True)
        assert ran.exists()


def test_history_that_was_replaced_is_read_as_it_was(gitted: Gitted) -> None:
    gitted.article("One.\n")
    old = gitted.commit()
    gitted.article("Two.\n")
    gitted.commit()
    blob = gitted.git("rev-parse", f"{old}:{PATH}")
    gitted.git("replace", blob, gitted.git("rev-parse", f"HEAD:{PATH}"))

    assert gitted.codes() == ["S031"]


def test_all_articles_are_asked_for_by_three_processes(
    gitted: Gitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        gitted.article("One.\n", slug=f"grid-{number}")
    gitted.commit()
    for number in range(30):
        gitted.article("Two.\n", slug=f"grid-{number}")
    gitted.commit()
    real = shutil.which("git")
    counted = tmp_path / "bin" / "git"
    counted.parent.mkdir()
    counted.write_text(f'#!/bin/sh\necho x >> {tmp_path}/count\nexec {real} "$@"\n')
    counted.chmod(0o755)
    monkeypatch.setenv("PATH", f"{counted.parent}:{os.environ['PATH']}")

    assert gitted.codes() == ["S031"] * 30
    assert len((tmp_path / "count").read_text().split()) == 3


def _program(path: Path, ran: Path) -> str:
    """A program that leaves a trace when it is run."""
    path.write_text(f"#!/bin/sh\ntouch {ran}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
