"""What Git knows of the articles: which commits changed each file, and what it said then. Git is only read.

    open_history    the command git | versions of every article, oldest first
    History.texts   names of texts | what they hold, all by one process

The line of history that counts is that of first parents: what stood on the main branch after each commit or merge is what was
published. A file keeps its history when it is moved. Where there is nothing to ask (no repository, no git, a shallow clone),
`History.note` says so in a sentence, and there are fewer versions, or none.

A repository may come from a stranger, and its configuration can name programs that git runs: a file system monitor, an external
diff, a verifier of signatures, a helper that fetches what a partial clone lacks. Each of them is switched off here, and nothing of
``GIT_*`` is taken from the environment. Whether git may read a folder that belongs to someone else (``safe.directory``) is left to
git itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pipeline.library.files import ARTICLES

PATIENCE: Final = 60.0  # seconds that git may take for one answer
ABBREVIATED: Final = 9  # digits of a commit that are shown

_OPTIONS: Final = (
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.pager=cat",
    "-c", "diff.renameLimit=1000",
    "-c", "log.follow=false",
    "-c", "log.showRoot=true",
    "-c", "log.showSignature=false",
    "-c", "log.mailmap=false",
)  # fmt: skip
_LOG: Final = (
    "--no-show-signature",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-notes",
    "--raw",
    "-z",
    "--no-abbrev",
    "-M",
    "--relative",
)
_ENTRY: Final = re.compile(r":\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])\d*")


@dataclass(frozen=True, slots=True)
class Version:
    """An article's file as it stood after a commit."""

    commit: str
    at: dt.datetime  # when it came into this line of history
    author: str
    path: str  # from the root of the newsletter
    blob: str | None  # names its text; None: the file was removed
    message: str = ""

    @property
    def short(self) -> str:
        return self.commit[:ABBREVIATED]

    @property
    def told(self) -> str:
        """``1a2b3c4d5 of 2026-11-20``"""
        return f"{self.short} of {self.at:%Y-%m-%d}"


@dataclass(frozen=True)
class History:
    """The versions of each article by its path in the last commit, oldest first."""

    root: Path
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    note: str = ""  # what could not be asked of Git, and why; empty where everything could
    prefix: str = ""  # of the newsletter's root within the repository
    is_cut: bool = False  # a shallow clone: what came before its oldest commit is not known
    told: tuple[str, ...] = ()  # what `last_commit` said when this was asked; empty where it is not known

    def texts(self, names: Iterable[str]) -> dict[str, bytes]:
        """What *names* hold, by name: blobs of versions, or `name_at`; those that are not there are left out."""
        wanted = [name for name in dict.fromkeys(names) if "\n" not in name]
        if not wanted:
            return {}
        try:
            answer = _git(self.root, "cat-file", "--batch", given="".join(f"{name}\n" for name in wanted).encode())
        except _GitFailed:
            return {}
        return _contents(answer, wanted)

    def name_at(self, commit: str, path: str) -> str:
        """What names the text of the file *path* at *commit*."""
        return f"{commit}:{self.prefix}{path}"


def open_history(root: Path, *, first_parents: bool = True, folder: str = ARTICLES) -> History:
    """Ask Git for the versions of all files below *folder* of *root*. Never raises for what Git cannot tell: see `History.note`.

    Without *first_parents* the commits of branches that were merged are told one by one.
    """
    root = root.resolve()
    if not any((parent / ".git").exists() for parent in (root, *root.parents)):
        return History(
            root, note="this is no Git repository, so no text could be compared with what was published before"
        )
    line = ("--first-parent", "-m") if first_parents else ("--topo-order",)
    form = "--format=%x01%H%x02%ct%x02%an%x02%B"
    try:
        shallow, prefix = _git(root, "rev-parse", "--is-shallow-repository", "--show-prefix").decode().split("\n")[:2]
        log = _git(root, "log", *line, *_LOG, form, "HEAD", "--", folder)
    except _GitFailed as failed:
        return History(root, note=failed.note)
    is_cut = shallow == "true"
    note = "this is a shallow clone, so texts that were published before it begins are compared with its oldest commit only"
    return History(
        root,
        versions={path: tuple(reversed(versions)) for path, versions in _versions(log).items()},
        note=f"{note}; to compare all: git fetch --unshallow" if is_cut else "",
        prefix=prefix,
        is_cut=is_cut,
    )


def last_commit(root: Path) -> tuple[str, str, str] | None:
    """What tells whether the history is another one: the last commit, whether the clone is shallow, where in it we are.

    None where Git cannot tell, or where nothing was committed yet.
    """
    root = root.resolve()
    if not any((parent / ".git").exists() for parent in (root, *root.parents)):
        return None
    try:
        answer = _git(root, "rev-parse", "--is-shallow-repository", "--show-prefix", "HEAD")
    except _GitFailed:
        return None
    shallow, prefix, commit = answer.decode().split("\n")[:3]
    return commit, shallow, prefix


def blob_of(content: bytes, *, like: str) -> str:
    """The name that Git gives to a text, in the kind of hash that *like* is one of (gitformat-pack: "blob", size, NUL, content)."""
    made = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    made.update(b"blob %d\x00" % len(content))
    made.update(content)
    return made.hexdigest()


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """The trailers at the end of a commit's message, such as ``Reviewed-by: Ines Example``; addresses are left out."""
    paragraphs = re.split(r"\n[ \t]*\n", message.strip())
    lines = paragraphs[-1].split("\n") if len(paragraphs) > 1 else []
    found = [re.fullmatch(r"([A-Za-z][A-Za-z-]*):[ \t]+(.+)", line) for line in lines]
    kept = [(m[1], re.sub(r"\s*<[^>]*>", "", m[2]).strip()) for m in found if m]
    return tuple(kept) if len(kept) == len(lines) else ()


# --- versions -------------------------------------------------------------------------------------------------------------------


def _versions(log: bytes) -> dict[str, list[Version]]:
    """The versions in what ``git log --raw -z`` printed, newest first, by the last path of the file."""
    known: dict[str, list[Version]] = {}  # by last path
    now_at: dict[str, str] = {}  # path at the commit that is read -> last path
    commit: Version | None = None
    tokens = iter(log.decode("utf-8", "surrogateescape").split("\0"))
    for token in map(str.lstrip, tokens):
        if token.startswith("\x01"):
            hash_, at, author, message = token[1:].split("\x02", 3)
            commit = Version(hash_, dt.datetime.fromtimestamp(int(at), dt.UTC), author, "", None, message.strip())
        elif commit is not None and (entry := _ENTRY.fullmatch(token)):
            blob, kind = entry.groups()
            old = next(tokens)  # as it is: a file's name may begin with a blank
            new = next(tokens) if kind in "RC" else old
            last = now_at.pop(new, new)
            version = replace(commit, path=new, blob=None if kind == "D" else blob)
            known.setdefault(last, []).append(version)
            now_at[old if kind == "R" else new] = last
    return known


# --- git ------------------------------------------------------------------------------------------------------------------------


class _GitFailed(Exception):
    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note


def _git(root: Path, *words: str, given: bytes | None = None) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise _GitFailed("git is not installed, so no text could be compared with what was published before")
    try:
        done = subprocess.run(  # noqa: S603 -- the words are ours, and what others chose comes after "--" or by standard input
            [program, "-C", str(root), *_OPTIONS, *words],
            env=_environment(),
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitFailed(f"git gave no answer ({type(error).__name__}), so no text could be compared") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0].removeprefix("fatal: ")
        if words[0] == "log" and re.search(
            r"bad revision|unknown revision|does not have any commits|ambiguous argument", said
        ):
            return b""  # nothing was committed yet
        raise _GitFailed(
            f"git cannot read this repository ({said}), so no text could be compared with what was published before"
        )
    return done.stdout


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks, by a helper that its configuration names
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


def _contents(answer: bytes, names: list[str]) -> dict[str, bytes]:
    """What ``git cat-file --batch`` answered: ``<hash> blob <size>``, the bytes, a line end; ``<name> missing`` for others."""
    found: dict[str, bytes] = {}
    at = 0
    for name in names:
        end = answer.find(b"\n", at)
        if end < 0:
            break
        head = answer[at:end].split(b" ")
        at = end + 1
        if len(head) == 3 and head[2].isdigit() and len(head[0]) in (40, 64):
            size = int(head[2])
            if head[1] == b"blob":
                found[name] = answer[at : at + size]
            at += size + 1
    return found
