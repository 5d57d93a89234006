"""A person approves an article, or corrects one that is published: what is then to be written into its file.

Both take values and return a `TextFile`; who calls writes it. Nothing is committed: that stays with the editor.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from pipeline.errors import ContentError, UsageError
from pipeline.library.checks.published import Past
from pipeline.library.citations import spans_and_comments, without_definitions
from pipeline.library.editing import TextFile, append_item, set_value
from pipeline.library.quotes import nearest, normal
from pipeline.library.schema import closest
from pipeline.library.wording import same_wording
from pipeline.model import Article, Problem, Role, Severity, Status

if TYPE_CHECKING:
    from pipeline.library import Library

COMMIT_DIGITS: Final = 12

_ALIKE: Final = ("‘’‚‛′ʼ`´'", '“”„‟″«»"', "‐‑‒–—―−-")  # what may be typed for one another
_AS_WELL: Final = {char: f"[{re.escape(chars)}]" for chars in _ALIKE for char in chars}


# --- approve --------------------------------------------------------------------------------------------------------------------


def approve(
    file: TextFile, article: Article, library: Library, past: Past, *, by: str, today: dt.date, in_git: bool
) -> TextFile:
    """*file* with the person *by* as the reviewer of its text as it was last committed.

    Raises `UsageError` for somebody who cannot review, and `ContentError` for an article that has errors or is not committed.
    """
    person = library.people.get(by)
    if person is None:
        raise UsageError(f'unknown person "{by}"{closest(by, library.people) or "; add them to content/people.yml"}')
    if person.role is Role.MODEL:
        raise UsageError(f'"{by}" is a model; a person must read the text and answer for it')
    if errors := errors_of(article, library):
        number = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        raise ContentError(
            f"{article.path} has {number}; mend {'it' if len(errors) == 1 else 'them'}, then approve", errors
        )
    if in_git and (past.committed is None or not same_wording(past.committed.article, article, library.sources)):
        raise ContentError(
            f"{article.path} is not committed as it stands; commit it first, so that the review names what was read"
        )
    file = set_value(file, ("ai", "reviewed_by"), by)
    file = set_value(file, ("ai", "reviewed_at"), today.isoformat())
    if past.committed is not None:
        file = set_value(file, ("ai", "review_commit"), past.committed.version.commit[:COMMIT_DIGITS])
    return file


def errors_of(article: Article, library: Library) -> tuple[Problem, ...]:
    """The errors of *article* and of the files of its sources, but for a missing or outdated review."""
    paths = {article.path, *(library.sources[id_].path for id_ in article.source_ids if id_ in library.sources)}
    return tuple(p for p in library.problems if p.severity is Severity.ERROR and p.path in paths and p.code != "S030")


# --- correct --------------------------------------------------------------------------------------------------------------------


def correct(
    file: TextFile, article: Article, past: Past, *, was: str, now: str, why: str, today: dt.date, at: dt.datetime
) -> TextFile:
    """*file* with *now* in place of *was*, which stands once in its body, and a correction that tells its readers.

    Words that were replaced by hand already, since the text was published, are only told of. Raises `UsageError` for words that
    make no correction, and `ContentError` where *was* stands nowhere, or more than once.
    """
    was, now, why = (" ".join(words.split()) for words in (was, now, why))
    if not was or not now:
        raise UsageError("a correction says what was written and what is right; give --was and --now words")
    if normal(was) == normal(now):
        raise UsageError("--was and --now are the same words; typography is no correction, edit the file")
    if not article.status.is_final or article.date > at:
        raise UsageError(f"{article.path} is not published yet; edit it, no reader has to be told")
    places = _places(was, file.body)
    if len(places) == 1:
        start, end = (file.body_start + offset for offset in places[0])
        file = file.changed(start, end, now)
    elif places:
        lines = ", ".join(str(article.body_line + file.body.count("\n", 0, start)) for start, _ in places)
        raise ContentError(
            f'"{was}" stands {len(places)} times in {article.path} (lines {lines}); give more words of the place'
        )
    elif not _was_replaced(was, now, file, past):
        raise ContentError(_absent(was, article, file))
    item = {"date": today.isoformat(), "was": was, "now": now, **({"why": why} if why else {})}
    file = append_item(file, "corrections", item)
    file = set_value(file, ("updated",), f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}")
    return file if article.status is Status.RETRACTED else set_value(file, ("status",), Status.CORRECTED.value)


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


def _was_replaced(was: str, now: str, file: TextFile, past: Past) -> bool:
    if not past.standing:
        return False
    return len(_places(was, past.standing[-1].article.body)) == 1 and len(_places(now, file.body)) == 1


def _absent(was: str, article: Article, file: TextFile) -> str:
    for name, text in (("title", article.title), ("dek", article.dek)):
        if normal(was) in normal(text):
            what_next = f"edit the {name}, and add corrections: and updated: by hand"
            return f'"{was}" stands in the {name} of {article.path}, not in its body; {what_next}'
    near = nearest(was, without_definitions(file.body))
    hint = f'the nearest is "{near}"' if near else "nothing in it is like these words"
    return f'"{was}" does not stand in {article.path}; {hint}'
