"""The same articles as a site of stock mkdocs-material (blog, tags, search, rss) and of Hugo."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from tests.benchmarks.building import Run

WANTED: Final = ("mkdocs-material", "mkdocs-rss-plugin", "hugo")

_MKDOCS: Final = """\
site_name: Stock
site_url: https://stock.example.org/
theme: {name: material}
markdown_extensions:
  [admonition, attr_list, footnotes, md_in_html, tables, pymdownx.highlight, pymdownx.superfences, {toc: {permalink: true}}]
plugins:
  - blog
  - tags
  - search
  - rss: {match_path: blog/posts/.*, use_git: false, date_from_meta: {as_creation: date}}
"""
_HUGO: Final = (
    "baseURL = 'https://hugo.example.org/'\ntitle = 'Hugo'\n[taxonomies]\ntag = 'tags'\n[pagination]\npagerSize = 10\n"
)
_BASE: Final = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>{{ .Title }}</title></head><body>"
    '<nav><a href="/">Home</a></nav><main>{{ block "main" . }}{{ end }}</main></body></html>\n'
)
_SINGLE: Final = (
    '{{ define "main" }}<h1>{{ .Title }}</h1><p>{{ .Params.description }}</p><time>{{ .Date.Format "2006-01-02" }}</time>'
    '{{ .Content }}{{ with .PrevInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}{{ end }}\n'
)
_LIST: Final = (
    '{{ define "main" }}<h1>{{ .Title }}</h1>{{ $p := .Paginate .Pages }}{{ range $p.Pages }}<article><h2>'
    '<a href="{{ .RelPermalink }}">{{ .Title }}</a></h2><p>{{ .Params.description }}</p></article>{{ end }}'
    '{{ partial "pages.html" . }}{{ end }}\n'
)
_PAGES: Final = '{{ with .Paginator }}{{ if .HasNext }}<a href="{{ .Next.URL }}">Older</a>{{ end }}{{ end }}\n'


@dataclass
class Others:
    """Where the two others stand, and what they took."""

    folder: Path
    bin: Path | None
    why_not: str = ""
    stock: Run | None = None
    hugo: Run | None = None

    def rows(self, run: Callable[[list[str], Path], Run]) -> Iterator[Row]:
        """Build both from nothing; and Hugo again, which makes everything again whatever has changed."""
        if self.bin is None:
            yield Row("stock mkdocs-material, hugo", "not measured", self.why_not, True)
            return
        self.stock = run([str(self.bin / "mkdocs"), "build", "--quiet"], self.folder / "stock")
        yield Row("stock mkdocs-material, cold", str(self.stock), "", True)
        hugo = [str(self.bin / "hugo"), "--quiet"]
        self.hugo = run(hugo, self.folder / "hugo")
        yield Row("hugo, cold", str(self.hugo), "", True)
        yield Row("hugo, one body edited", str(run(hugo, self.folder / "hugo")), "", True)


def others_in(folder: Path, ours: Path) -> Others:
    """Install both below *folder* and write the articles of *ours* for them."""
    venv = folder / "venv"
    try:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True)
        pip = [str(venv / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *WANTED]
        subprocess.run(pip, check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        return Others(folder, None, f"cannot be installed: {said.decode('utf-8', 'replace').strip()[-80:] or error}")
    _write(folder, ours)
    return Others(folder, venv / "bin")


def _write(folder: Path, ours: Path) -> None:
    posts, content = folder / "stock/docs/blog/posts", folder / "hugo/content/posts"
    layouts = folder / "hugo/layouts"
    for place in (posts, content, layouts / "_default", layouts / "partials"):
        place.mkdir(parents=True)
    (folder / "stock/mkdocs.yml").write_text(_MKDOCS)
    (folder / "stock/docs/index.md").write_text("# Stock\n\nHello.\n")
    (folder / "stock/docs/blog/index.md").write_text("# Blog\n")
    (folder / "hugo/hugo.toml").write_text(_HUGO)
    for name, text in (("baseof", _BASE), ("single", _SINGLE), ("list", _LIST), ("terms", _LIST)):
        (layouts / f"_default/{name}.html").write_text(text)
    (layouts / "partials/pages.html").write_text(_PAGES)
    for path in sorted((ours / "content/articles").rglob("*.md")):
        _, front, body = path.read_text("utf-8").split("---\n", 2)
        values = dict(line.split(": ", 1) for line in front.splitlines())
        cited = sorted(set(re.findall(r"\[\^([a-z0-9-]+)\]", body)))
        notes = "\n".join(f"[^{id_}]: <https://{id_}.example.org/report>" for id_ in cited)
        body = re.sub(r"\]\(\.\./\d{4}/([^)]*)\)", r"](\1)", body)
        head = f"title: {values['title']}\ndescription: {values['dek']}\ndate: {values['date']}\ntags: {values['topics']}\n"
        text = f"---\n{head}---\n{{more}}{body}\n{notes}\n"
        (posts / path.name).write_text(text.replace("{more}", f"{values['dek']}\n\n<!-- more -->\n\n"))
        (content / path.name).write_text(
            re.sub(r"\]\([0-9-]+-([a-z0-9-]+)\.md\)", r"](/posts/\1/)", text.replace("{more}", ""))
        )
