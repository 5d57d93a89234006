"""Where a site is written: beside the old one first, and into its place only when all of it is there.

    lock | mend what a crash left | compare with the last build | stage | switch, or move what is new in by a journal

A build that makes everything puts a whole new folder in the place of the old one. One that makes a few files stages them in a
folder beside the site, writes down what it is going to do (the journal), and then moves each into its place, deletes what is gone,
and forgets the journal. Nothing of the old site is touched before all that takes room on the disk is done; a build that was killed
in the middle is ended by the next one. `Manifest` is what is known of the site that stands there: of each file what it was made of
and the hash of its bytes. The site bears a mark with the hash of all that; a folder without our mark is never replaced.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from pipeline.config import Settings
from pipeline.errors import BuildError, StoreError, UsageError
from pipeline.files import is_full, put, take_place, what_next
from pipeline.library.kept import FOLDER
from pipeline.library.kept.table import Table
from pipeline.site.manifest import Bundle, Manifest, bundle_of, manifest_of

MARK: Final = ".opensignal-site"
_WORDS: Final = "A site built by Open Signal. The next build replaces this folder: change nothing here by hand."
VERSION: Final = "5"
_ROWS: Final = {"bundles": Bundle}
SEARCH: Final = "pagefind"  # put there after a build, and renewed when the site is published (`search`)
PATIENCE: Final = 60.0  # seconds for which another build of the same site may go on before we give up


class Done(NamedTuple):
    """What came of a build."""

    written: int
    deleted: int
    kept: int  # files of the site that were in order already
    mended: tuple[str, ...] = ()  # files that had been changed or removed by hand


class Workplace:
    """One build of the site in *target*. Use it in a ``with`` statement: what is left in the middle vanishes."""

    def __init__(self, settings: Settings, target: Path) -> None:
        self.target = target
        self.notes: list[str] = []
        self.mended: tuple[str, ...] = ()
        self._strays: tuple[str, ...] = ()
        own = target.relative_to(settings.root) if target.is_relative_to(settings.root) else target
        name = hashlib.sha256(str(own).encode()).hexdigest()[:8]
        self._state = settings.state_dir / FOLDER / f"site-{name}"
        self._table: Table | None = None
        self._journal = target.with_name(f".{target.name}.opensignal-journal")
        # Beside the site and not in our state folder: other clones build there too.
        self._locked = target.with_name(f".{target.name}.opensignal-lock")
        self._lock: IO[str] | None = None
        self.stage = Path()
        self.old = Manifest()

    # -- beginning

    def begin(self, *, clean: bool = False, verify: bool = False) -> None:
        """Take the lock, end what another build left, and read what is known of the site that stands there.

        Raises `UsageError` for a folder that is not ours to replace, `BuildError` where another build goes on or nothing can be
        written.
        """
        _refuse_foreign(self.target)
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.lock()
            self._ended()
            self._tidied()
            if not clean:
                self.old = self._known()
            if verify:
                self._verified()
            self.stage = Path(tempfile.mkdtemp(prefix=self._prefix, dir=self.target.parent))
            (self.stage / "new").mkdir()
        except OSError as error:
            self.leave()
            raise unwritable(self.target.parent, error) from error
        except BaseException:
            self.leave()
            raise

    @property
    def folder(self) -> Path:
        """Where to write what is new."""
        return self.stage / "new"

    def made_anew(self, whole: bytes) -> bool:
        """True when every file is to be made, since what all are made of is another; from then on nothing old is known."""
        if self.old.whole != whole:
            self.old = Manifest()
        return not len(self.old)

    def is_kept(self, path: str, made_of: bytes) -> bool:
        """True when the file *path* stands there as it would be made."""
        known = self.old.loose.get(path)
        return known is not None and known[0] == made_of

    def is_bundle_kept(self, name: str, made_of: bytes) -> bool:
        """True when all files of the bundle *name* stand there as they would be made."""
        known = self.old.bundles.get(name)
        return known is not None and known.made_of == made_of

    # -- ending

    def finish(self, manifest: Manifest) -> Done:
        """Put what was staged in its place; *manifest* tells of all files. Raises `BuildError`; the old site stays then."""
        mark = _marked(manifest)
        (self.folder / MARK).write_text(mark, "utf-8")
        new, old = manifest.beside(self.old)
        staged = [path for path, known in new.items() if path not in old or old[path][0] != known[0]]
        gone = [path for path in (*old, *self._strays) if path not in new]
        if len(self.old):
            if staged or gone or self._mark() != mark:
                # Nothing leads to a file that is new before the others are there: so the new ones come first.
                staged.sort(key=lambda path: (path in old, *_order(path)))
                self._moved_in([*staged, MARK], gone, manifest)
        else:
            self._switched(manifest)
        return Done(len(staged), len(gone), len(manifest) - len(staged), self.mended)

    def leave(self) -> None:
        """Remove what was staged and let others build."""
        if self.stage != Path() and not self._journal.exists():
            shutil.rmtree(self.stage, ignore_errors=True)
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._locked.unlink()  # while it is ours
            self._lock.close()
            self._lock = None

    # -- parts

    @property
    def _prefix(self) -> str:
        return stage_prefix(self.target)

    def lock(self) -> None:
        """Let no other build at this site, until `leave`."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                lock = self._locked.open("a+", encoding="utf-8")
            except OSError:  # there is no site, or nothing can be written there, which is told of by others
                return
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(lock, self._locked):
                    break
                lock.close()  # who had it took it away
                continue
            except OSError as error:
                lock.seek(0)
                who = lock.read().strip() or "unknown"
                lock.close()
                if time.monotonic() > deadline:
                    raise BuildError(
                        f"{self.target}: another build (process {who}) is writing this site; wait until it has ended and run again"
                    ) from error
                time.sleep(0.05)
        with contextlib.suppress(OSError):  # by no buffer, which a full disk would leave to `close`
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), f"{os.getpid()}\n".encode())
        self._lock = lock

    def _ended(self) -> None:
        """End what a build that was killed had begun: all that it wanted to move in lies there."""
        try:
            plan = json.loads(self._journal.read_text("utf-8"))
            stage = self.target.parent / plan["stage"]
            if stage.name.startswith(self._prefix) and stage.parent == self.target.parent:
                self._carry_out(stage, plan["move"], plan["delete"])
                self._state.unlink(missing_ok=True)
                self.notes.append("a build that was killed while it moved files in was brought to its end first")
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError):  # it was not written by us, or not to its end, so nothing was begun
            self._state.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def _tidied(self) -> None:
        """Remove what killed builds left beside the site, and put back a site that one had just set aside."""
        for left in self.target.parent.glob(f"{self._prefix}*") if self.target.parent.is_dir() else ():
            if left.is_dir() and left != self._journal:
                if (left / "old").is_dir() and not self.target.exists():
                    (left / "old").rename(self.target)
                shutil.rmtree(left, ignore_errors=True)

    def _known(self) -> Manifest:
        table = self._table = Table(self._state, VERSION, _ROWS)
        if table.note:
            self.notes.append(table.note)
        if not table.parts:
            return Manifest()
        known = manifest_of(table.parts)
        return known if self._mark() == _marked(known) else Manifest()

    def _mark(self) -> str:
        try:
            return (self.target / MARK).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def _verified(self) -> None:
        """Look at every file that stands there: what is not as it was written is made again, what is no part of the site goes."""
        files = self.old.all_files()
        found = [(p.relative_to(self.target).as_posix(), p) for p in self.target.rglob("*")]  # goes through no link
        there = {path for path, p in found if p.is_file() or p.is_symlink()}
        real = {path for path, p in found if path in there and not p.is_symlink()}
        good = {path for path, known in files.items() if path in real and _sha256(self.target / path) == known[1]}
        self.mended = tuple(sorted(set(files) - good))
        for _, folder in reversed(found):
            with contextlib.suppress(OSError):  # one that is not empty stays
                folder.rmdir()
        if files:
            ours = {MARK, *(path for path in there if path.startswith(f"{SEARCH}/"))}
            self._strays = tuple(sorted(there - set(files) - ours))
        self.mended = (*self.mended, *self._strays)
        self.old = _only(good, self.old)

    def _moved_in(self, move: list[str], gone: list[str], manifest: Manifest) -> None:
        plan: dict[str, Any] = {"stage": self.stage.name, "move": move, "delete": gone}
        try:
            put(self._journal, json.dumps(plan).encode())
        except StoreError as error:
            raise BuildError(f"{error}; the old site stays") from error
        try:
            self._carry_out(self.stage, move, gone)
        except OSError as error:
            raise BuildError(
                f"{self.target}: cannot be written: {error.strerror}; mend that, and the next build goes on where this one stopped"
            ) from error
        self._remember(manifest)
        self._journal.unlink(missing_ok=True)

    def _carry_out(self, stage: Path, move: Iterable[str], gone: Iterable[str]) -> None:
        """Move and delete what is not yet; may be done twice."""
        for path in gone:
            if (self.target / path).is_symlink():  # first, or files would be moved through it
                (self.target / path).unlink()
        for path in move:
            fresh, place = stage / "new" / path, self.target / path
            try:
                fresh.replace(place)
            except FileNotFoundError:
                if fresh.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    fresh.replace(place)
            except (IsADirectoryError, NotADirectoryError):  # a page where a folder was, or the other way round
                _make_way(self.target, place)
                place.parent.mkdir(parents=True, exist_ok=True)
                fresh.replace(place)
        for path in gone:
            place = self.target / path
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                place.unlink()
            with contextlib.suppress(OSError):  # a folder that is not empty stays
                for folder in place.parents:
                    if folder == self.target:
                        break
                    folder.rmdir()

    def _switched(self, manifest: Manifest) -> None:
        try:
            if (self.target / SEARCH).is_dir() and not (self.folder / SEARCH).exists():
                shutil.copytree(self.target / SEARCH, self.folder / SEARCH, copy_function=_linked)
            take_place(self.folder, self.target, aside=self.stage / "old")
        except OSError as error:
            raise BuildError(f"{self.target}: cannot be replaced: {error.strerror}; the old site stays") from error
        self._remember(manifest)

    def _remember(self, manifest: Manifest) -> None:
        table = self._table or Table(self._state, VERSION, _ROWS)
        if note := table.write(manifest.values()):
            self.notes.append(note)


def _marked(manifest: Manifest) -> str:
    """What the file `MARK` says in a site with the files of *manifest*."""
    return f"{_WORDS}\n{manifest.mark}\n"


def _only(good: Set[str], manifest: Manifest) -> Manifest:
    """*manifest* without the files that are not *good*; a bundle with such a file is looked at again, whatever it is made of."""
    bundles = {}
    for name, bundle in manifest.bundles.items():
        files = {path: known for path, known in bundle.files.items() if path in good}
        bundles[name] = bundle if len(files) == bundle.number else bundle_of(b"", files)
    loose = {path: known for path, known in manifest.loose.items() if path in good}
    return Manifest(manifest.whole, loose, bundles, manifest.said, manifest.related)


def stage_prefix(target: Path) -> str:
    """How the names of folders beside *target* begin in which the site is made ready; a build removes what others left."""
    return f".{target.name}.opensignal-"


@contextlib.contextmanager
def working(settings: Settings, target: Path, *, clean: bool = False, verify: bool = False) -> Iterator[Workplace]:
    """A workplace for the site in *target*, locked."""
    place = Workplace(settings, target)
    place.begin(clean=clean, verify=verify)
    try:
        yield place
    finally:
        place.leave()


@contextlib.contextmanager
def undisturbed(settings: Settings, target: Path) -> Iterator[None]:
    """Let no build write the site in *target* meanwhile. Raises `BuildError` where one goes on."""
    place = Workplace(settings, target)
    place.lock()
    try:
        yield
    finally:
        place.leave()


def unwritable(place: Path, error: OSError) -> BuildError:
    hint = f"{what_next(error)} and run again" if is_full(error) else "name another folder, or mend its rights"
    return BuildError(f"{place}: cannot be written: {error.strerror}; {hint}")


def refuse_own_files(target: Path, settings: Settings) -> None:
    """Raise `UsageError` where the site would take the place of the newsletter itself."""
    if target == settings.root or target in settings.root.parents or settings.content in (target, *target.parents):
        raise UsageError(f"{target}: the site would replace the newsletter's own files; name another folder")


def _is_at(file: IO[str], path: Path) -> bool:
    """True when the open *file* is the one that stands at *path*."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _refuse_foreign(target: Path) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not (target / MARK).is_file():
        raise UsageError(
            f"{target}: exists and is not a site built by Open Signal (no {MARK} in it); name an empty folder, or remove it first"
        )


def _order(path: str) -> tuple[int, str]:
    """What pages link to comes before them, articles before lists, and what tells machines of all of it last."""
    if not path.endswith((".html", ".xml", ".json")):
        return 0, path
    if path.startswith("articles/"):
        return 1, path
    return (2, path) if path.endswith(".html") else (3, path)


def _linked(fresh: str, place: str) -> None:
    try:
        os.link(fresh, place)
    except OSError:  # a file system without links
        shutil.copyfile(fresh, place)


def _sha256(path: Path) -> bytes:
    try:
        return b"" if path.is_symlink() else hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _make_way(target: Path, place: Path) -> None:
    """Remove what stands where *place* or a folder above it belongs."""
    for above in reversed(place.parents):
        if above.is_relative_to(target) and above != target and above.is_file():
            above.unlink()
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
