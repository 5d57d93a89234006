"""Which files are the newsletter's own. A link in content/ or in the theme could lead anywhere on the machine that builds the site,
and whoever proposes a change can propose a link: what it leads to is neither read, printed nor published.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pipeline.model import Problem
from pipeline.printable import printable

FOLDERS: Final = ("content", "theme")  # what the site is made of
LEADS_OUT: Final = "this is a link out of the newsletter's own files; put the file itself in its place"
_NAME: Final = "the file's name holds a character that cannot be printed; rename the file"
_NO_FILE: Final = "this is no ordinary file; replace it by one"


def leads_out(path: Path, root: Path) -> bool:
    """True when *path* leads out of the folder *root*, or to what is hidden in it: the history, the database, the keys."""
    target, top = (
        Path(os.path.realpath(path)),
        Path(os.path.realpath(root)),
    )  # which resolve no ring of links, and raise nothing
    return not target.is_relative_to(top) or any(part.startswith(".") for part in target.relative_to(top).parts)


def why_not_read(path: Path, root: Path) -> str:
    """Why the file or folder *path* is not to be read at all; empty for one that may be."""
    if not path.name.isprintable():
        return _NAME
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return LEADS_OUT if leads_out(path, root) else ""
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else _NO_FILE  # a pipe or a device would never end


def foreign_files(root: Path, folders: Iterable[str | Path] = FOLDERS) -> Iterator[Problem]:
    """A problem for each file and folder in *folders* of *root* that is not to be read."""
    for folder in folders:
        found = [root / folder] if os.path.lexists(root / folder) else []
        for where, inner, names in os.walk(root / folder):
            found += [Path(where, name) for name in (*inner, *names)]
        for path in found:
            with suppress(FileNotFoundError):  # an editor's own file may vanish meanwhile
                if why := why_not_read(path, root):
                    yield Problem(printable(Path(os.path.relpath(path, root)).as_posix()), 1, 1, "S005", why)
