"""The pages of the handbook that no file of content/pages/ stands for: one a problem code, and their list.

They are made where a site has the handbook, as Markdown that MkDocs reads like every other page.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps

from pipeline.library.codes import explained

FOLDER = "handbook/"
PROBLEMS = f"{FOLDER}problems/"


def problem_pages() -> Iterator[tuple[str, str]]:
    """(path below docs_dir, Markdown) of each."""
    codes = explained().values()
    rows = "\n".join(f"| [{one.code}]({one.code.lower()}.md) | {one.title} | {one.severity} |" for one in codes)
    head = _head("Problem codes", "What opensignal check can find wrong, and what to do about each.")
    on_a_terminal = "`opensignal explain CODE` prints the same on a terminal."
    yield f"{PROBLEMS}index.md", f"{head}{on_a_terminal}\n\n| code | what is wrong | when |\n|---|---|---|\n{rows}\n"
    for one in codes:
        head = _head(f"{one.code}: {one.title}", "What this problem means, and what to do about it.")
        yield f"{PROBLEMS}{one.code.lower()}.md", f"{head}{one.text}\n\n[All problem codes](index.md)\n"


def _head(title: str, description: str) -> str:
    return f"---\ntitle: {dumps(title, ensure_ascii=False)}\ndescription: {dumps(description, ensure_ascii=False)}\n---\n\n"
