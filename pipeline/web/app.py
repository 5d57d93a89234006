"""The application: every address it answers, in one place, and what it says when something goes wrong."""

from __future__ import annotations

import datetime as dt
import inspect
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Scope

from pipeline.config import Settings
from pipeline.errors import SettingsError, StoreBusy, StoreError, TokenError
from pipeline.keys import KEY_NAMES, load_keys
from pipeline.library.topics import read_topics
from pipeline.mail.deliver import Clock
from pipeline.mail.person import SCHEMA_PATH
from pipeline.store import Store, subscribers
from pipeline.theme import Asset
from pipeline.web.files import Files, load_sheet
from pipeline.web.guard import Guard
from pipeline.web.hooks import HookPages, amazon
from pipeline.web.hooks.amazon import Fetch
from pipeline.web.links import LinkPages
from pipeline.web.office import Office
from pipeline.web.pages import Pages
from pipeline.web.requests import RequestPages
from pipeline.web.script import load_script
from pipeline.web.signup import SignupPages

log = logging.getLogger("opensignal")

READ = ["GET", "HEAD"]
READ_AND_WRITE = ["GET", "HEAD", "POST"]
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
Handler = Callable[..., Response] | Callable[..., Awaitable[Response]]
RETRY_AFTER = 10  # seconds; twice as long as a writer waits for SQLite's lock


def create_app(
    store: Store,
    settings: Settings,
    *,
    clock: Clock = lambda: dt.datetime.now(dt.UTC),
    fetch: Fetch = amazon.fetch,
) -> FastAPI:
    """The mailing pages on *store*. Handlers are plain functions, which FastAPI runs in threads.

    *fetch* gets the certificates of Amazon SNS.

    Raises `SettingsError` for keys, `ContentError` for topics that cannot be read.
    """
    sheet = load_sheet(settings.root / "theme")
    for name in KEY_NAMES:
        load_keys(settings.state_dir, name)
    office = Office(
        store=store,
        settings=settings,
        clock=clock,
        pages=Pages(settings, stylesheet=sheet.path),
        topics=read_topics(settings.content),
    )
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    solver, guesser = load_script("solve"), load_script("guess")
    signup, links = SignupPages(office, solver=solver, guesser=guesser), LinkPages(office)
    _route(app, "/subscribe", signup.subscribe, READ_AND_WRITE)
    _route(app, "/subscribe/challenge", signup.challenge, READ)
    for script in (solver, guesser):
        app.add_api_route(f"/{script.path}", script.answer, methods=READ)
    _route(app, "/confirm/{token}", links.confirm, READ_AND_WRITE)
    _route(app, "/decline/{token}", links.decline, READ_AND_WRITE)
    _route(app, "/unsubscribe/{token}", links.unsubscribe, READ_AND_WRITE)
    _route(app, "/preferences/{token}", links.preferences, READ_AND_WRITE)
    _route(app, "/hooks/{name}", HookPages(office, fetch=fetch).receive, ["POST"])
    asked = RequestPages(office)
    _route(app, "/export/{token}", asked.export, READ_AND_WRITE)
    _route(app, "/erase/{token}", asked.erase, READ_AND_WRITE)
    _route(app, f"/{SCHEMA_PATH}", asked.schema, READ)
    _route(app, "/healthz", _health(office), READ)
    _serve_assets(app, settings, sheet)
    _say_what_went_wrong(app, office)
    app.add_middleware(Guard, pages=office.pages)
    return app


def mount_site(app: FastAPI, folder: Path) -> None:
    """Serve the built site in *folder* at every address that is not a mailing page. The folder may come and change later.

    Where it has a page ``/subscribe/``, that is shown instead of the bare form; ``/subscribe`` stays ours.
    """
    files = Files(folder, html=True)
    app.router.routes.insert(0, _SubscribePage(folder, files))
    app.mount("/", files)


class _SubscribePage(Route):
    """The site's own page of that name, for as long as there is one."""

    def __init__(self, folder: Path, files: Files) -> None:
        async def show(request: Request) -> Response:
            return await files.get_response("subscribe", request.scope)

        super().__init__("/subscribe/", show, methods=READ)
        self._file = folder / "subscribe" / "index.html"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if self._file.is_file() else (Match.NONE, {})


def _route(app: FastAPI, path: str, handler: Handler, methods: list[str]) -> None:
    """Answer on *path*, and with a slash behind it alike: a redirect would break one-click (RFC 8058 3.1)."""

    def not_allowed() -> Response:
        raise HTTPException(405, headers={"Allow": ", ".join(methods)})

    for variant in (path, f"{path}/"):
        if inspect.iscoroutinefunction(handler):
            # It reads its request itself; FastAPI would take 0.2 ms to find nothing to do.
            app.router.routes.append(Route(variant, handler, methods=methods))
        else:
            app.add_api_route(variant, handler, methods=methods)
        # Here, and not by the router: it would go on looking, and find the site's files.
        app.add_api_route(variant, not_allowed, methods=[m for m in EVERY_METHOD if m not in methods])


def _health(office: Office) -> Callable[[], Response]:
    def healthz() -> Response:
        """Whether the database can be read."""
        with office.store.reading() as connection:
            subscribers.last_id(connection)
        return office.pages.text("ok")

    return healthz


def _serve_assets(app: FastAPI, settings: Settings, sheet: Asset) -> None:
    def stylesheet() -> Response:
        return Response(
            sheet.text,
            media_type="text/css",
            headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
        )

    app.add_api_route(f"/{sheet.path}", stylesheet, methods=READ)
    # The built site's own assets first: its pages name them by hash.
    app.mount("/assets", Files(settings.site_dir / "assets", settings.root / "theme" / "assets"))


def _say_what_went_wrong(app: FastAPI, office: Office) -> None:
    pages = office.pages

    def refused(request: Request, error: Any) -> Response:
        return pages.problem(request, error.status_code, error.detail, headers=error.headers)

    def forged(request: Request, error: Any) -> Response:
        return pages.problem(request, 404, str(error))

    def busy(request: Request, error: Any) -> Response:
        log.warning("web: %s", error)
        return pages.problem(request, 503, "busy", headers={"Retry-After": str(RETRY_AFTER)})

    def broken(request: Request, error: Any) -> Response:
        log.error("web: %s", error)
        return pages.problem(request, 503, "broken", headers={"Retry-After": str(6 * RETRY_AFTER)})

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(TokenError, forged)
    app.add_exception_handler(StoreBusy, busy)
    app.add_exception_handler(StoreError, broken)
    app.add_exception_handler(SettingsError, broken)  # a key file that was spoilt while we serve
