"""A person approves an article, or corrects one that is published: what is then to be written into its file.

Both take values and return a `TextFile`; who calls writes it. Nothing is committed: that stays with the editor.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import ContentError, UsageError
from pipeline.library.checks import check_finished
from pipeline.library.checks.published import Past
from pipeline.library.citations import spans_and_comments, without_definitions
from pipeline.library.dates import timestamp
from pipeline.library.editing import TextFile, append_item, set_value
from pipeline.library.quotes import nearest, normal
from pipeline.library.schema import closest
from pipeline.library.wording import same_wording, wording_hash, written_out
from pipeline.model import Article, Problem, Role, Severity, Status

if TYPE_CHECKING:
    from pipeline.library import Library

COMMIT_DIGITS: Final = 12

_ALIKE: Final = ("‘’‚‛′ʼ`´'", '“”„‟″«»"', "‐‑‒–—―−-")  # what may be typed for one another
_AS_WELL: Final = {char: f"[{re.escape(chars)}]" for chars in _ALIKE for char in chars}


# --- approve --------------------------------------------------------------------------------------------------------------------


def approve(
    file: TextFile,
    article: Article,
    library: Library,
    past: Past,
    *,
    root: Path,
    by: str,
    today: dt.date,
    in_git: bool,
) -> TextFile:
    """*file*, an article below *root*, with the person *by* as the reviewer of its text as it was last committed.

    Raises `UsageError` for somebody who cannot review, and `ContentError` for an article that is not committed, or that would have
    errors if it were published as it stands.
    """
    person = library.people.get(by)
    if person is None:
        raise UsageError(f'unknown person "{by}"{closest(by, library.people) or "; add them to content/people.yml"}')
    if person.role is Role.MODEL:
        raise UsageError(f'"{by}" is a model; a person must read the text and answer for it')
    if person.role is not Role.EDITOR:
        raise UsageError(f'"{by}" is a {person.role}; an editor answers for a text: name one whose role is editor')
    if errors := errors_of(file, article, library, root):
        number = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        would = "has" if article.status.is_final else "would be published with"
        raise ContentError(
            f"{article.path} {would} {number}; mend {'it' if len(errors) == 1 else 'them'}, then approve", errors
        )
    if in_git and (past.committed is None or not same_wording(past.committed.article, article, library.sources)):
        raise ContentError(
            f"{article.path} is not committed as it stands; commit it first, so that the review names what was read"
        )
    file = set_value(file, ("ai", "reviewed_by"), by)
    file = set_value(file, ("ai", "reviewed_at"), today.isoformat())
    if past.committed is not None:
        file = set_value(file, ("ai", "review_commit"), past.committed.version.commit[:COMMIT_DIGITS])
    return set_value(file, ("ai", "review_text"), wording_hash(written_out(article, library.sources), library.sources))


def errors_of(file: TextFile, article: Article, library: Library, root: Path) -> tuple[Problem, ...]:
    """The errors that *article* would have if it were published as it stands in *file*, and those of the files of its sources, but
    for a missing or outdated review."""
    paths = {article.path, *(library.sources[id_].path for id_ in article.source_ids if id_ in library.sources)}
    found = [p for p in library.problems if p.path in paths]
    if not article.status.is_final:
        found += check_finished(file.text, article.path, library, root)
    errors = {p for p in found if p.severity is Severity.ERROR and p.code != "S030"}
    return tuple(sorted(errors, key=lambda p: (p.path, p.line, p.column, p.code, p.message)))


# --- correct --------------------------------------------------------------------------------------------------------------------


def correct(
    file: TextFile, article: Article, past: Past, *, was: str, now: str, why: str, today: dt.date, at: dt.datetime
) -> TextFile:
    """*file* with *now* in place of *was*, which stands once in its title, dek or body, and a correction that tells its readers.

    Words that were replaced by hand already, since the text was published, are only told of. A correction that is recorded
    already changes nothing. Raises `UsageError` for words that make no correction, and `ContentError` where *was* stands nowhere,
    or more than once.
    """
    was, now, why = (" ".join(words.split()) for words in (was, now, why))
    if not was or not now:
        raise UsageError("a correction says what was written and what is right; give --was and --now words")
    if normal(was) == normal(now):
        raise UsageError("--was and --now are the same words; typography is no correction, edit the file")
    if not article.status.is_final or article.date > at:
        raise UsageError(f"{article.path} is not published yet; edit it, no reader has to be told")
    parts = (_Part("title", article.title), _Part("dek", article.dek), _Part("", file.body))
    recorded = next((c for c in article.corrections if _same(c.was, was) and _same(c.now, now)), None)
    if recorded is not None and not any(_left(was, now, part.text) for part in parts):
        if why and not _same(recorded.why, why):
            said = f'with the reason "{recorded.why}"' if recorded.why else "without a reason"
            raise ContentError(
                f"this correction of {article.path} is recorded already ({recorded.date}), {said}; "
                "to give readers another one, edit why: under corrections: in its front matter"
            )
        return file
    places = [(part, *span) for part in parts for span in _places(was, part.text)]
    if len(places) > 1:
        where = ", ".join(_where(part, start, article) for part, start, _ in places)
        raise ContentError(
            f'"{was}" stands {len(places)} times in {article.path} ({where}); give more words of the place'
        )
    if places:
        ((part, start, end),) = places
        file = _replaced(file, part, start, end, now)
    elif not _was_replaced(was, now, parts, past):
        raise ContentError(_absent(was, article, file))
    item = {"date": today.isoformat(), "was": was, "now": now, **({"why": why} if why else {})}
    file = append_item(file, "corrections", item)
    file = set_value(file, ("updated",), timestamp(at))
    return file if article.status is Status.RETRACTED else set_value(file, ("status",), Status.CORRECTED.value)


@dataclass(frozen=True)
class _Part:
    """Where words of an article stand: a key of its front matter, or the body (no key)."""

    key: str
    text: str


def _where(part: _Part, start: int, article: Article) -> str:
    return part.key or f"line {article.body_line + part.text.count(chr(10), 0, start)}"


def _replaced(file: TextFile, part: _Part, start: int, end: int, now: str) -> TextFile:
    if part.key:
        return set_value(file, (part.key,), part.text[:start] + now + part.text[end:])
    return file.changed(file.body_start + start, file.body_start + end, now)


def _same(one: str, other: str) -> bool:
    return normal(one) == normal(other)


def _left(was: str, now: str, text: str) -> bool:
    """True where *was* stands in *text* elsewhere than in *now*, which may hold it."""
    right = _places(now, text)
    return any(not any(a <= start and end <= b for a, b in right) for start, end in _places(was, text))


def _places(words: str, body: str) -> list[tuple[int, int]]:
    """Where *words* stand in *body* as whole words and numbers, however they are typed; not in comments and definitions."""
    text = without_definitions(body)
    for start, end, is_comment in spans_and_comments(text):
        if is_comment:
            text = text[:start] + "\0" * (end - start) + text[end:]
    pattern = "".join(r"\s+" if char == " " else _AS_WELL.get(char) or re.escape(char) for char in words)
    before = r"(?<!\w)(?<!\d[.,])" if words[0].isalnum() else ""
    after = r"(?!\w|[.,]\d)" if words[-1].isalnum() else ""
    return [m.span() for m in re.finditer(f"{before}{pattern}{after}", text)]


def _was_replaced(was: str, now: str, parts: Sequence[_Part], past: Past) -> bool:
    if not past.standing:
        return False
    before = past.standing[-1].article
    old = {"title": before.title, "dek": before.dek, "": before.body}
    return any(len(_places(was, old[p.key])) == 1 and len(_places(now, p.text)) == 1 for p in parts)


def _absent(was: str, article: Article, file: TextFile) -> str:
    near = nearest(was, f"{article.title}\n{article.dek}\n{without_definitions(file.body)}")
    hint = f'the nearest is "{near}"' if near else "nothing in it is like these words"
    return f'"{was}" does not stand in {article.path}; {hint}'
