"""What happens by itself: the jobs, and the two ways to have them done.

    work     what is done: each job a plain function
    runner   on one machine with SQLite: threads of `opensignal serve` or `up`, each job called again after a while
    worker   on many machines with Postgres: `opensignal worker`, `up` and `serve` share the jobs through Procrastinate

The functions are the same both ways. A job may run at the same time in another process: each claims its work in the database first.
What we expect to go wrong is logged and tried again; a job never ends the process. This package is the one door to Procrastinate,
which is loaded for a Postgres database only.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from pipeline.errors import UsageError
from pipeline.jobs.runner import Runner
from pipeline.jobs.work import ALL, NOTICES, QUEUES, Desk, Job

__all__ = ["ALL", "NOTICES", "QUEUES", "Desk", "Job", "Runner", "Running", "open_runner"]


class Running(Protocol):
    """Jobs that are being done in other threads."""

    def start(self) -> None: ...

    def stop(self, *, patience: float = 20.0) -> bool:
        """End after what is in flight; False if that took longer than *patience* seconds."""
        ...


def open_runner(desk: Desk, *, queues: Collection[str] = QUEUES, concurrency: int = 4) -> Running:
    """What does the jobs of *queues* with the database of *desk*: by ourselves, or together with other machines.

    *concurrency* is how many jobs are done at a time where machines share them. Raises `UsageError` for a queue that there is not.
    """
    for name in queues:
        if name not in QUEUES:
            raise UsageError(f"no queue {name!r}; there are {', '.join(QUEUES)}")
    if desk.store.is_sqlite:
        return Runner([job for job in ALL if job.queue in queues], desk)
    from pipeline.jobs.worker import Worker

    return Worker(desk, queues=queues, concurrency=concurrency)
