"""Run the web application: on a socket that is bound first, in this thread or beside it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from pipeline.errors import UsageError

PATIENCE = 10.0  # seconds to start or to end
IDLE_CONNECTION = 10  # seconds that a connection may stay open without a request


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises `UsageError` when the port is taken or not ours to take."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(1024)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}; name another with --host and --port"
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """The URL at which the socket answers."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def run(app: FastAPI, listening: socket.socket, *, started: Callable[[str], None]) -> None:
    """Serve *app* until SIGINT or SIGTERM; *started* is called with the address once it answers."""
    server = _server(app)
    thread = threading.Thread(target=_when_started, args=(server, lambda: started(address_of(listening))), daemon=True)
    thread.start()
    # uvicorn raises the signal again when it has ended, for whoever waits for it; to us it is an end like any other.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


@contextlib.contextmanager
def running(app: FastAPI, listening: socket.socket) -> Iterator[str]:
    """Serve *app* in a thread of its own while the block runs; gives its address."""
    server = _server(app)
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
    thread.start()
    _when_started(server, lambda: None)
    try:
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def _server(app: FastAPI) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # its lines would hold tokens
        server_header=False,
        date_header=True,
        timeout_keep_alive=IDLE_CONNECTION,
        timeout_graceful_shutdown=int(PATIENCE),
        h11_max_incomplete_event_size=16_384,  # octets of headers
        lifespan="off",
    )
    return uvicorn.Server(config)


def _when_started(server: uvicorn.Server, act: Callable[[], None]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    act()
