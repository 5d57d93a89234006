"""Files: the style sheet of the mailing pages, the theme's fonts, and the built site."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pipeline.errors import BuildError
from pipeline.site.stylesheet import load_stylesheet, minified

log = logging.getLogger("opensignal")

EXTRA = "assets/css/web.css"  # what only the mailing pages need


@dataclass(frozen=True, slots=True)
class Sheet:
    path: str  # below the address of the mailing pages; changes with the text
    text: str


def load_sheet(theme: Path) -> Sheet:
    """The site's style sheet and what the mailing pages need beside it. Without a theme the pages stay plain, and work."""
    try:
        text = load_stylesheet(theme).text
        extra = theme / EXTRA
        text += minified(extra.read_text("utf-8")) if extra.is_file() else ""
    except (BuildError, OSError, UnicodeDecodeError) as error:
        log.warning("web: the pages have no style: %s", error)
        text = ""
    return Sheet(f"assets/css/mailing-{hashlib.sha256(text.encode()).hexdigest()[:10]}.css", text)


class Files(StaticFiles):
    """The files of some folders, the first that has one wins. A folder that is not there yet has none."""

    def __init__(self, *folders: Path, html: bool = False) -> None:
        super().__init__(directory=None, html=html)
        self.all_directories = list(folders)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(
            response, RedirectResponse
        ):  # to the folder: never built from the Host header, which anybody can write
            response.headers["Location"] = f"./{quote(scope['path'].rpartition('/')[2])}/"
        return response
