"""Listening: uvicorn around the app, in this thread until it is stopped, or in another one for as long as a block lasts."""

from __future__ import annotations

import contextlib
import logging
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.store import Store
from pipeline.web.app import create_app, mount_site
from pipeline.web.patience import LINES, Patience

MAX_HEADERS = 16 * 1024  # T-14
SWITCH = 0.001  # seconds that a thread runs before the loop that answers may have its turn; Python's own is 5 ms
BACKLOG = 2_048  # lines that wait to be accepted
START_WITHIN = 10.0  # seconds


def run_server(
    store: Store,
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    started: Callable[[str], Any] = lambda url: None,
) -> None:
    """Serve the mailing pages, and the built site beside them, until SIGINT or SIGTERM; requests in flight are finished.

    *started* is called with the address once it listens. Raises `UsageError` when the address cannot be had.
    """
    app = create_app(store, settings)
    mount_site(app, settings.site_dir)
    _allow_many_lines()
    sys.setswitchinterval(SWITCH)
    with _listening(host, port) as listener:
        server = _Server(app, started=lambda: started(_url(listener)), patience=Patience(settings.proxies))
        with _ended_by_signals(server):
            server.run(sockets=[listener])


@contextlib.contextmanager
def serving(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0, patience: Patience | None = None) -> Iterator[str]:
    """Serve *app* in another thread while the block lasts; gives the address, with a slash at its end."""
    ready, ended = threading.Event(), threading.Event()
    with _listening(host, port) as listener:
        server = _Server(app, started=ready.set, patience=patience)

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                ended.set()

        threading.Thread(target=serve, name="web", daemon=True).start()
        try:
            if not ready.wait(START_WITHIN):
                raise UsageError(f"the web server did not start within {START_WITHIN:.0f} seconds; run again")
            yield _url(listener)
        finally:
            server.should_exit = True
            # Not by joining the thread: up to Python 3.12 one whose join was interrupted counts as ended (bpo-45274).
            try:
                ended.wait(START_WITHIN)
            except KeyboardInterrupt:  # a second one: as in `run_server`, it does not wait for requests in flight
                server.force_exit = True
                ended.wait(START_WITHIN)


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI, *, started: Callable[[], Any], patience: Patience | None = None) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `clients` reads them, from those that we trust
            h11_max_incomplete_event_size=MAX_HEADERS,
            http=(patience or Patience()).protocol(),
            backlog=BACKLOG,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=10,
        )
        super().__init__(config)
        logging.getLogger("uvicorn.access").disabled = True  # T-13: the path of a mailing page is a secret
        self._tell = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not uvicorn's way, which raises the signal again behind itself and lets nobody clean up."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()


@contextlib.contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """SIGINT and SIGTERM end *server*; a second one does not wait for requests in flight."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _allow_many_lines() -> None:
    """Open as many files as lines need; many systems start a process with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LINES + 500
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, for asyncio sets TCP_NODELAY on sockets that say they are TCP; without it every answer waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port"
            ) from error
        yield listener
    finally:
        listener.close()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
