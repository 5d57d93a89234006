"""The two small scripts that solve a proof of work, served from our own origin under names that change with their text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.responses import Response

from pipeline.web.pages import TEMPLATES


@dataclass(frozen=True, slots=True)
class Script:
    path: str  # below the address of the mailing pages
    text: str

    def answer(self) -> Response:
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(self.text, media_type="text/javascript", headers=headers)


def load_script(name: str) -> Script:
    """The script *name* beside the templates. Below /subscribe, where every web server before us sends requests on."""
    text = (TEMPLATES / f"{name}.js").read_text("utf-8")
    return Script(f"subscribe/{name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}.js", text)
