"""Around everything else: no body above 8 kB (of a hook: 1 MB) gets in, and no traceback gets out."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.web.pages import Pages

log = logging.getLogger("opensignal")

MAX_BODY = 8 * 1024  # T-14
MAX_HOOK = 1024 * 1024  # providers send some hundreds of events at once
HOOKS = "/hooks/"
MAX_HEAD = 16 * 1024
ROOM = {"signing up": 500, "looking": 700, "leaving": 1_000}
DRAINED = 256 * 1024  # read and thrown away, so that a client that sends too much still hears why


class Guard:
    """An ASGI middleware. It keeps addresses and tokens out of the log: an unexpected error is logged by its place in the code."""

    def __init__(self, app: ASGIApp, *, pages: Pages) -> None:
        self.app = app
        self.pages = pages
        self._active = 0  # requests that are being answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        request = Request(scope)
        if self._active >= _room_for(scope):
            await self.pages.problem(request, 503, "busy", headers={"Retry-After": "10"})(scope, receive, send)
            return
        if _head_size(scope) > MAX_HEAD:  # h11 looks only at heads that come in pieces
            await self.pages.problem(request, 431, "too-large")(scope, receive, send)
            return
        self._active += 1
        try:
            body = await _body(receive, _limit(scope)) if request.method not in ("GET", "HEAD") else b""
            await self.app(scope, _replay(body, receive), sending)
        except _TooLarge:
            await self.pages.problem(request, 413, "too-large")(scope, receive, send)
        except ClientDisconnect:
            pass  # half a request is none
        except Exception as error:
            log.error("web: unexpected %s in %s; %s", type(error).__name__, _place(error), _route(scope))  # noqa: TRY400
            if not started:
                await self.pages.problem(request, 500, "unexpected")(scope, receive, send)
        finally:
            self._active -= 1


def _head_size(scope: Scope) -> int:
    return len(scope.get("raw_path", b"")) + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _room_for(scope: Scope) -> int:
    """How many requests may be under way for this one to be let in: who wants to leave is turned away last (T-14)."""
    if scope["method"] == "POST":
        return ROOM["leaving" if scope["path"].startswith("/unsubscribe/") else "signing up"]
    return ROOM["looking"]


class _TooLarge(Exception):
    pass


def _limit(scope: Scope) -> int:
    return MAX_HOOK if scope["path"].startswith(HOOKS) else MAX_BODY


async def _body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `_TooLarge`, or `ClientDisconnect` when only a part of it came."""
    body = bytearray()
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            body += chunk
        elif size > limit + DRAINED or not message.get("more_body", False):
            raise _TooLarge
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body that we have read, then whatever comes."""
    given = False

    async def replaying() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying


def _place(error: BaseException) -> str:
    """File and line where it was raised, without the values that a traceback would show."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"


def _route(scope: Scope) -> str:
    """The address as it is declared, ``/confirm/{token}``: the one that was called holds a token."""
    route = scope.get("route")
    return f"{scope['method']} {getattr(route, 'path', '(no page of ours)')}"
