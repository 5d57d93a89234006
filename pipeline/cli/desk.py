"""``opensignal desk``: files that make an editor or a CMS know this newsletter's front matter, ids and problems."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.base import Root, group, settings_of
from pipeline.errors import UsageError
from pipeline.files import put
from pipeline.terminal import out, short

desk = group("desk", help="Set up VS Code or a CMS for this newsletter.")

BUNDLE = "sveltia-cms.js"


class ForgeName(StrEnum):
    """Where the repository is."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


Force = Annotated[bool, typer.Option("--force", help="Write over files that say something else.")]


@desk.command()
def vscode(root: Root = None, force: Force = False) -> None:
    """Write tasks, schemas and snippets into .vscode/.

    Run it again when there are new sources, people or topics.

    Example: opensignal desk vscode
    """
    from pipeline.library import read_library
    from pipeline.library.desk import vscode_files

    settings = settings_of(root)
    _write(settings.root / ".vscode", vscode_files(read_library(settings.root)), force=force)


@desk.command()
def cms(
    repository: Annotated[str, typer.Argument(help="As the forge knows it.", metavar="OWNER/NAME")],
    forge: Annotated[ForgeName, typer.Option(help="Where it is.")] = ForgeName.GITHUB,
    branch: Annotated[str, typer.Option(help="That the newsletter is published from.")] = "main",
    bundle: Annotated[
        Path | None, typer.Option(help="dist/sveltia-cms.js of the npm package @sveltia/cms.", metavar="FILE")
    ] = None,
    root: Root = None,
    force: Force = False,
) -> None:
    """Write the forms of Sveltia CMS into content/pages/edit/.

    The CMS runs in the editor's browser, signs in at the forge and commits there; nothing of it runs on the server. Its program is
    yours to fetch and to give with --bundle; while it runs, it takes its fonts from a network of its maker's choice.

    Example: opensignal desk cms example/deep-signals --bundle sveltia-cms.js
    """
    from pipeline.library import read_library
    from pipeline.library.desk import PAGE, Forge, cms_config

    if repository.count("/") < 1 or repository.startswith("/"):
        raise UsageError(f'"{repository}" is no repository; write OWNER/NAME')
    settings = settings_of(root)
    folder = settings.content / "pages" / "edit"
    config = cms_config(read_library(settings.root), Forge(forge.value, repository, branch))
    if bundle is not None and not bundle.is_file():
        raise UsageError(f"{bundle}: no such file; give dist/{BUNDLE} of the npm package @sveltia/cms")
    _write(folder, [("config.yml", config), ("index.html", PAGE)], force=force)
    if bundle is not None:
        put(folder / BUNDLE, bundle.read_bytes())
    elif not (folder / BUNDLE).exists():
        out.print(f"put {BUNDLE} beside them: dist/{BUNDLE} of the npm package @sveltia/cms, or give it with --bundle")


def _write(folder: Path, files: Iterable[tuple[str, str]], *, force: bool) -> None:
    files = list(files)
    others = [
        folder / name for name, text in files if (folder / name).exists() and not _is_ours(folder / name, name, text)
    ]
    if others and not force:
        names = ", ".join(short(path) for path in others)
        raise UsageError(f"{names}: there already, and says something else; move it away, or give --force")
    for name, text in files:
        put(folder / name, text.encode())
    out.print(f"wrote {len(files)} files to {short(folder)}")


def _is_ours(path: Path, name: str, text: str) -> bool:
    """True for what only we write, and for what says the same."""
    made = name.startswith("schemas/") or name.endswith((".code-snippets", "config.yml"))
    return made or path.read_text("utf-8", "replace") == text
