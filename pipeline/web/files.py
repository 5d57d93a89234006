"""Files: the style sheet of the mailing pages, the theme's fonts, and the built site."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pipeline.errors import BuildError
from pipeline.theme import Asset, mailing_stylesheet, named

log = logging.getLogger("opensignal")


def load_sheet(theme: Path) -> Asset:
    """The style sheet of the mailing pages. Without a theme the pages stay plain, and work."""
    try:
        return mailing_stylesheet(theme)
    except BuildError as error:
        log.warning("web: the pages have no style: %s", error)
        return named("mailing", "")


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
