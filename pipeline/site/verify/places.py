"""Where a publication can be read from: a built site in a folder, or a clone of its repository, read as its site would be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipeline.config import ROOT_MARK, Settings
from pipeline.errors import UsageError
from pipeline.library import load_library
from pipeline.library.files import SNAPSHOTS
from pipeline.site.claims import INDEX, article_markup, claims_files, text_path
from pipeline.site.publication import Publication
from pipeline.site.verify import Read, Unbuilt


def site_and_article(folder: Path) -> tuple[Path, str]:
    """The folder of the built site that holds *folder*, and the path of the article below it; *folder* and an empty one else."""
    whole = folder.resolve()
    for site in whole.parents:
        parts = whole.relative_to(site).parts
        if parts[0] == "articles" and len(parts) > 1 and (site / INDEX).is_file():
            return site, f"articles/{parts[1]}/"
    return folder, ""


def read_folder(folder: Path, *, now: dt.datetime) -> Read:
    """Reads the site in *folder*, or the one that the clone in it would be at *now*. Raises `UsageError` where it is neither."""
    if (folder / INDEX).is_file():
        return built_site(folder)
    if (folder / ROOT_MARK).is_file():
        return clone(folder, now=now)
    raise UsageError(
        f"{folder}: neither a built site (no {INDEX}) nor a repository (no {ROOT_MARK}); name one of the two"
    )


def built_site(folder: Path) -> Read:
    top = folder.resolve()

    def read(path: str) -> bytes | None:
        file = (top / path / "index.html" if path.endswith("/") or not path else top / path).resolve()
        return file.read_bytes() if file.is_relative_to(top) and file.is_file() else None

    return read


def clone(root: Path, *, now: dt.datetime) -> Read:
    """The claims files are made as a build would make them; the stored texts are read as they lie there, those that may not be
    passed on too."""
    settings = Settings.load(root)
    library = load_library(settings.root, now=now, kept=settings.kept_dir)
    publication = Publication(settings, library, now=now)
    files = {path: text.encode() for path, text in claims_files(publication).items()}
    pages = {a.url_path: article_markup(publication, a).encode() for a in publication.articles}
    made = {**files, **pages}

    def read(path: str) -> bytes | None:
        return made.get(path) or _stored(path, settings)

    return Unbuilt(read)


def _stored(path: str, settings: Settings) -> bytes | None:
    """A stored text as it lies in the repository or beside it, whole or spoilt: whoever verifies takes its hash."""
    name = path.rpartition("/")[2]
    if path != text_path(name.removesuffix(".txt")):
        return None
    for folder in (settings.root / SNAPSHOTS, settings.kept_dir):
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    return None
