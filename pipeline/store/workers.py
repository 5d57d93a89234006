"""The processes that send, and how one tells whether another still lives.

A worker's number is the fencing token of everything it claims: what a worker that was given up for dead still tries to record does
not count. It is alive while its lease runs, and it is known to be dead at once where its process is gone from this very machine.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipeline.model import Control
from pipeline.store.engine import Connection
from pipeline.store.prepared import Prepared
from pipeline.store.tables import issues, workers

LEASE = dt.timedelta(seconds=30)  # a worker that is silent for longer is dead


@dataclass(frozen=True, slots=True)
class Colleague:
    """Another live worker: where it runs, and what it does."""

    number: int
    place: str
    task: str


def register(connection: Connection, *, task: str, lease: dt.timedelta = LEASE, now: dt.datetime) -> int:
    """Take a number for this process; *task* is the key of the issue that it sends, or another word."""
    row = {
        "host": socket.gethostname(),
        "process": _process(os.getpid()),
        "task": task,
        "started_at": now,
        "lease_until": now + lease,
    }
    return int(connection.execute(workers.insert().returning(workers.c.id), row).scalar_one())


def renew(connection: Connection, worker: int, *, lease: dt.timedelta = LEASE, now: dt.datetime) -> bool:
    """Extend the lease. False when another process has given this worker up; it must stop then."""
    return _RENEW.change(connection, {"worker": worker, "until": now + lease}) == 1


def control(connection: Connection, worker: int, issue_id: int) -> Control | None:
    """What is wanted with the issue that *worker* sends; None when another process has given this worker up.

    Nobody does before this transaction ends.
    """
    found = _CONTROL.one(connection, {"worker": worker, "issue": issue_id})
    return Control(found[0]) if found else None


def control_query(*, worker: sa.BindParameter[int], issue: sa.BindParameter[int]) -> sa.Select[tuple[str]]:
    """What `control` asks."""
    return (
        sa.select(issues.c.control)
        .join(workers, workers.c.id == worker)
        .where(issues.c.id == issue)
        .with_for_update(of=workers)
    )


def leave(connection: Connection, worker: int) -> None:
    """Forget a worker that is done, or dead: its number is never given again."""
    connection.execute(workers.delete().where(workers.c.id == worker))


def others(connection: Connection, worker: int, *, now: dt.datetime) -> tuple[list[Colleague], set[int]]:
    """The other workers: those alive, oldest first, and the numbers of those that died without leaving."""
    alive: list[Colleague] = []
    dead: set[int] = set()
    for row in connection.execute(sa.select(workers).where(workers.c.id != worker).order_by(workers.c.id)):
        if row.lease_until <= now or _is_gone(row.host, row.process):
            dead.add(int(row.id))
        else:
            place = f"{row.host}, process {row.process.split(':')[1]}"
            alive.append(Colleague(int(row.id), place, row.task))
    return alive, dead


def _process(pid: int) -> str:
    """Boot, process and its start time: a process number alone is given again after a while."""
    return f"{_boot()}:{pid}:{_start_time(pid)}"


def _is_gone(host: str, process: str) -> bool:
    """True when the process ran on this machine since its last boot and is no more. In doubt the lease decides."""
    boot, pid, started = process.split(":")
    if host != socket.gethostname() or not boot or boot != _boot():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return _is_zombie(int(pid)) or (bool(started) and started != _start_time(int(pid)))


def _boot() -> str:
    """Names this boot of this machine, and which of its worlds of process numbers we live in: containers have their own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        world = Path("/proc/self/ns/pid").readlink().name
    except OSError:  # not Linux
        return ""
    return f"{boot}.{''.join(filter(str.isdigit, world))}"


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; the name before it may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _start_time(pid: int) -> str:
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] in (["Z"], ["X"])


# The statements of the sending loop, built once.

_RENEW = Prepared(
    workers.update().where(workers.c.id == sa.bindparam("worker")).values(lease_until=sa.bindparam("until"))
)
_CONTROL = Prepared(control_query(worker=sa.bindparam("worker"), issue=sa.bindparam("issue")))
