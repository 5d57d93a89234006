"""The articles as they stand on the disk now, and each as readers will have it. What has not changed is not read again."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipeline.config import Settings
from pipeline.errors import OpenSignalError, UsageError
from pipeline.files import is_full, what_next
from pipeline.library import Library, StoredTexts, read_library
from pipeline.library.checks import check_finished
from pipeline.library.dates import date_words
from pipeline.library.files import ARTICLES, SOURCES, article_of, finished_article, source_of
from pipeline.library.frontmatter import Unreadable, read_text
from pipeline.library.kept.sight import Sign, sign_of
from pipeline.library.order import newest_first
from pipeline.library.own import leads_out, why_not_read
from pipeline.mail.compose import MAX_HTML, Parts, compose_parts
from pipeline.mail.stamp import BLANKS
from pipeline.model import Article, Cadence, Issue, Problem
from pipeline.theme import design_tokens

Clock: TypeAlias = Callable[[], dt.datetime]
WATCHED: Final = ("content", "theme")
KINDS: Final = ("web", "mail", "digest", "text", "feed")
_NO_FILE: Final[Sign] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Open:
    """One article's file as it stands: its text, what is wrong with it, and the article that it would be if it were out now."""

    path: str
    text: str
    article: Article | None  # None: it cannot be read
    problems: tuple[Problem, ...]
    library: Library  # with this article in it

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "title": self.article.title if self.article else "",
            "slug": self.article.slug if self.article else "",
            "lines": self.text.splitlines(),
            "problems": [
                {
                    "line": problem.line,
                    "column": problem.column,
                    "code": problem.code,
                    "message": problem.message,
                    "severity": problem.severity.value,
                }
                for problem in self.problems
            ],
        }


class Desk:
    """Safe to be asked by several threads. *version* counts up whenever a file has changed."""

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self.settings = settings
        self.version = 0
        self.changed = threading.Condition()
        self._clock = clock
        self._lock = threading.RLock()
        # Before the files are read, so that what changes meanwhile is seen by the next look.
        self._marks = dict(_marks(settings.root))
        self._library = read_library(settings.root, kept=settings.kept_dir)
        self._open: dict[str, Open] = {}  # of this version
        self._alone: Any = None
        self._watched = ""  # the article that somebody looks at

    # -- what changes

    def look(self, *, all_files: bool = True) -> bool:
        """Read what has changed since the last look, in all files or in the open article alone; True where something has."""
        with self._lock:
            if all_files:
                marks = dict(_marks(self.settings.root))
                changed = {p for p in marks.keys() | self._marks.keys() if marks.get(p) != self._marks.get(p)}
            else:
                mark = _mark(self.settings.root / self._watched, self.settings.root) if self._watched else None
                changed = {self._watched} if mark and mark != self._marks.get(self._watched) else set()
                marks = {**self._marks, self._watched: mark} if mark and changed else self._marks
            if not changed:
                return False
            self._marks = marks
            self._take_in(changed)
            self._open.clear()
        with self.changed:
            self.version += 1
            self.changed.notify_all()
        return True

    def wait(self, version: int, *, timeout: float) -> int:
        """The version, as soon as it is another one than *version*, or after *timeout* seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.version != version, timeout)
            return self.version

    def _take_in(self, changed: set[str]) -> None:
        articles = {path for path in changed if path.startswith(f"{ARTICLES}/") and path.endswith(".md")}
        sources = {path for path in changed if path.startswith(f"{SOURCES}/") and path.endswith(".yml")}
        if any(path.startswith("theme/") for path in changed):
            design_tokens.cache_clear()
            self._alone = None
        rest = {path for path in changed - articles - sources if not path.startswith(("theme/", f"{SOURCES}/"))}
        if any(path.endswith(".yml") for path in rest):
            self._library = read_library(self.settings.root, kept=self.settings.kept_dir)
            return
        if any(path.startswith(f"{SOURCES}/") for path in changed):
            found = {source.path: source for source in self._library.sources.values()}
            _put(found, {path: source_of(raw, path) if (raw := self._raw(path)) else None for path in sources})
            texts = StoredTexts(self.settings.root, self.settings.kept_dir)
            self._library = replace(self._library, sources={s.id: s for s in found.values()}, texts=texts)
        if articles:
            read = {article.path: article for article in self._library.articles}
            _put(read, {path: article_of(raw, path) if (raw := self._raw(path)) else None for path in articles})
            self._library = replace(self._library, articles=newest_first(read.values()))

    def _raw(self, path: str) -> bytes:
        """The bytes of a file; nothing where it is gone, or not ours."""
        try:
            where = self.settings.root / path
            return b"" if leads_out(where, self.settings.root) else where.read_bytes()
        except OSError:
            return b""

    # -- what is asked

    def articles(self) -> list[dict[str, str]]:
        """All articles' files, newest first by their names."""
        with self._lock:
            titles = {article.path: article for article in self._library.articles}
            paths = sorted((path for path in self._marks if _is_article(path)), key=_name, reverse=True)
        return [
            {"path": path, "title": titles[path].title, "status": titles[path].status.value}
            if path in titles
            else {"path": path, "title": _name(path), "status": "cannot be read"}
            for path in paths
        ]

    def path_of(self, asked: str) -> str:
        """The file that *asked* names: a slug, a file, or (empty) the one that was changed last. Raises `UsageError` for none."""
        with self._lock:
            paths = [path for path in self._marks if _is_article(path)]
            if not paths:
                raise UsageError(f"{ARTICLES} holds no article; begin one with: opensignal new TITLE")
            if not asked:
                return max(paths, key=lambda path: (self._marks[path], path))
            by_slug = next((a.path for a in self._library.articles if a.slug == asked.strip("/")), None)
        wanted = os.path.relpath(asked, self.settings.root) if Path(asked).is_absolute() else asked.removeprefix("./")
        found = by_slug or next((path for path in paths if path == wanted or _name(path) == Path(wanted).stem), None)
        if found is None:
            raise UsageError(f"no article {asked!r}; name its slug or its file below {ARTICLES}")
        return found

    def open(self, path: str) -> Open | None:
        """The article in the file *path* as it stands, watched closely from now on; None where there is no such file."""
        with self._lock:
            if path not in self._marks or not _is_article(path):
                return None
            self._watched = path
            if path not in self._open:
                self._open[path] = self._opened(path)
            return self._open[path]

    def slug_path(self, slug: str) -> str | None:
        """The file of the article with this slug."""
        with self._lock:
            return next((article.path for article in self._library.articles if article.slug == slug), None)

    def _opened(self, path: str) -> Open:
        root, now = self.settings.root, self._clock()
        try:
            text = read_text(root / path)
        except Unreadable as wrong:
            problem = Problem(path, wrong.place.line, wrong.place.column, wrong.code, wrong.message)
            return Open(path, "", None, (problem,), self._library)
        read, _ = finished_article(text, path)
        article = replace(read.noun, date=min(read.noun.date, now)) if read else None
        library = self._library
        if article:
            others = [each for each in library.articles if each.path != path]
            # With claims of its own, so that those of earlier texts are forgotten.
            library = replace(library, articles=newest_first([*others, article]))
        found = sorted(check_finished(text, path, library, root), key=lambda problem: (problem.line, problem.column))
        return Open(path, text, article, tuple(dict.fromkeys(found)), library)

    # -- what readers will have

    def view(self, kind: str, opened: Open) -> str:
        """The article as HTML of its own: its page, its letter, the digest that it leads, its text, or its item in a feed."""
        article = opened.article
        if article is None:
            return _said("This article cannot be read yet", [str(problem) for problem in opened.problems])
        try:
            with self._lock:
                return self._drawn(kind, article, opened.library)
        except OpenSignalError as error:
            return _said("This cannot be shown", [str(error), *map(str, getattr(error, "problems", ()))])
        except OSError as error:
            hint = what_next(error) if is_full(error) else "mend it"
            return _said("This cannot be shown", [f"{error.filename}: {error.strerror}; {hint}"])

    def inbox(self, kind: str, opened: Open) -> dict[str, str]:
        """What a list of mails shows of a letter, and what it weighs; nothing for what is no letter."""
        if kind not in ("mail", "digest", "text") or opened.article is None:
            return {}
        try:
            with self._lock:
                parts = self._letter(kind, opened.article, opened.library)
        except OpenSignalError:
            return {}
        weight = f"{len(parts.html.encode()) / 1000:.1f} of {MAX_HTML / 1000:.0f} kB"
        return {"subject": parts.subject, "preheader": parts.preheader, "weight": weight}

    def sheet(self, path: str) -> str | None:
        """A style sheet of the site, by the name under which its pages link it."""
        with self._lock:
            return next((sheet.text for sheet in self._site().sheets if sheet.path == path), None)

    def _drawn(self, kind: str, article: Article, library: Library) -> str:
        from pipeline.site.alone import item_alone  # MkDocs takes a while to import

        now = self._clock()
        if kind == "web":
            return str(self._site().page(article, library, now=now))
        if kind == "feed":
            item = item_alone(article, library, self.settings, now=now)
            authors = ", ".join(author.name for author in item.authors)
            return _reader(
                item.title, f"{self.settings.site_name} · {authors} · {date_words(item.published)}", item.html
            )
        parts = self._letter(kind, article, library)
        return _plain(parts.text) if kind == "text" else parts.html

    def _letter(self, kind: str, article: Article, library: Library) -> Parts:
        now = self._clock()
        cadence = Cadence.DAILY if kind == "digest" else Cadence.EACH
        issue = Issue(f"preview-{article.slug}", cadence, date=now.date(), closes_at=now, slug=article.slug)
        earlier = [a for a in library.published(now) if a.path != article.path and not a.email_skip][:3]
        carried = [article, *earlier] if kind == "digest" else [article]
        parts = compose_parts(issue, carried, library=library, settings=self.settings)
        return Parts(parts.subject, parts.preheader, text=_filled(parts.text, now), html=_filled(parts.html, now))

    def _site(self) -> Any:
        from pipeline.site.alone import Alone  # as above

        if self._alone is None:
            self._alone = Alone(self.settings)
        return self._alone


def _filled(text: str, now: dt.datetime) -> str:
    """A letter as nobody's: its links lead nowhere, and its reader confirmed today."""
    for name, blank in BLANKS.items():
        text = text.replace(blank, now.date().isoformat() if name == "confirmed" else "preview")
    return text


# --- files -------------------------------------------------------------------------------------------------------------------


def _marks(root: Path) -> Iterator[tuple[str, Sign]]:
    """Every file that a preview is made of, with what tells whether it has changed."""
    for folder in WATCHED:
        for where, inner, names in os.walk(root / folder):
            inner[:] = [name for name in inner if not name.startswith(".")]
            below = os.path.relpath(where, root)
            for name in names:
                if not name.startswith(".") and (mark := _mark(Path(where, name), root)):
                    yield f"{below}/{name}", mark


def _mark(path: Path, root: Path) -> Sign | None:
    """None for what is gone, and for a link to what is not the newsletter's own."""
    try:
        if why_not_read(path, root):
            return None
        found = path.stat()
    except OSError:
        return None
    return sign_of(found)


def _put(known: dict[str, Any], read: Mapping[str, Any]) -> None:
    """Put what was *read* into *known*; what could not be read goes."""
    for path, noun in read.items():
        if noun is None:
            known.pop(path, None)
        else:
            known[path] = noun


def _is_article(path: str) -> bool:
    return path.startswith(f"{ARTICLES}/") and path.endswith(".md")


def _name(path: str) -> str:
    return Path(path).stem


# --- pages of our own --------------------------------------------------------------------------------------------------------

_FRAME: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    "<title>{title}</title><style>:root {{ color-scheme: light dark }} body {{ margin: 0 auto; padding: 24px; max-width: 44rem;"
    " font: 17px/1.6 Georgia, serif; background: #ffffff; color: #1b1b1b }} h1 {{ line-height: 1.2 }} pre {{ font: 14px/1.5"
    " 'Courier New', monospace; white-space: pre-wrap }} .by {{ color: #5a5a5a; font: 14px/1.5 Arial, sans-serif }} img {{"
    " max-width: 100% }} @media (prefers-color-scheme: dark) {{ body {{ background: #16181c; color: #e8e8e8 }} a {{ color:"
    " #7fb4ff }} .by {{ color: #a5a5a5 }} }}</style>{body}</html>"
)


def _said(title: str, lines: list[str]) -> str:
    body = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return _FRAME.format(title=escape(title), body=f"<h1>{escape(title)}</h1>{body}")


def _plain(text: str) -> str:
    return _FRAME.format(title="Plain text", body=f"<pre>{escape(text)}</pre>")


def _reader(title: str, line: str, html: str) -> str:
    """An item as a feed reader shows it: no style sheet of ours."""
    return _FRAME.format(title=escape(title), body=f'<h1>{escape(title)}</h1><p class="by">{escape(line)}</p>{html}')
