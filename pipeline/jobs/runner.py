"""The jobs on one machine: threads of this process, each of which calls its job again after a while."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from pipeline.errors import OpenSignalError, StoreBusy
from pipeline.jobs.work import Desk, Job

log = logging.getLogger("opensignal")


class Runner:
    """Does *jobs* until it is stopped."""

    def __init__(self, jobs: Sequence[Job], desk: Desk) -> None:
        self._desk = desk
        self._threads = [threading.Thread(target=self._repeat, args=(job,), name=job.name, daemon=True) for job in jobs]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, patience: float = 20.0) -> bool:
        """Let each job end what it does; False if that takes more than *patience* seconds each."""
        self._desk.stop.set()
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(patience)
        return not any(thread.is_alive() for thread in self._threads)

    def _repeat(self, job: Job) -> None:
        complaint = ""
        while not self._desk.stop.is_set():
            try:
                if line := job.act(self._desk):
                    log.info("%s: %s", job.name, line)
                complaint = ""
            except StoreBusy:
                pass  # nothing is lost; the next round finds it
            except OpenSignalError as error:
                if str(error) != complaint:  # once, not every second
                    log.warning("%s: %s", job.name, error)
                complaint = str(error)
            except Exception:
                log.exception("%s: unexpected; trying again", job.name)
            self._desk.stop.wait(job.every.total_seconds())
