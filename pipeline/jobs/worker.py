"""The jobs on many machines: each worker takes from the queue in Postgres what is to be done, through Procrastinate.

    order (`store/queue.py`, `Job.cron`) | fetch | do | finish, or try again after a while

A worker tells the database every few seconds that it lives. What one did that has been silent for a lease, because it died or
stands still, is put back into the queue by whoever notices first, and done anew. Should the silent one wake up, it finds its jobs
taken from it: it writes nothing about them, and begins again under a new number. That a woken *job* does no harm is for its own
tables to see to: `store/workers.py` hands out numbers that count no more once they are given up.

The library runs in an event loop in one thread, each job in a thread of a pool. Nothing else in this package is asynchronous.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import procrastinate
import psycopg
from procrastinate import exceptions, manager, retry
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.jobs import Job as Fetched
from procrastinate.worker import Worker as Fetcher

from pipeline.errors import OpenSignalError, StoreBusy
from pipeline.jobs.work import ALL, NOTICES, PARTS, Desk, Job, Part
from pipeline.store.engine import OURS, STANDSTILL

log = logging.getLogger("opensignal")

ATTEMPTS = 10  # of one job, before it is left to the next of its kind
LONGEST_WAIT = 60  # seconds between two of them
KEPT_HOURS = 7 * 24  # that a failed job is there to be looked at
PATIENCE = 10  # attempts to write down how a job ended, a second apart: the database may be starting anew
CATCH_UP = 20 * 3600.0  # seconds that a job of the clock can be late and is still done: all machines were off
NEW_START = 5.0  # seconds before a worker that lost its database asks for it again


class Worker:
    """Does the jobs of some queues until it is stopped, beside other workers here and elsewhere."""

    def __init__(
        self,
        desk: Desk,
        *,
        queues: Collection[str],
        concurrency: int,
        jobs: Collection[Job] = ALL,
        parts: Mapping[str, Part] = PARTS,
    ) -> None:
        logging.getLogger("procrastinate").setLevel(
            logging.CRITICAL
        )  # what matters we tell ourselves, without tracebacks
        self._desk, self._lease = desk, float(desk.settings.lease_seconds)
        self._app = _app(desk, jobs, parts)
        self._queue = self._app.job_manager = _Fenced(self._app.connector)
        self._queues, self._concurrency = queues, concurrency
        self._fetchers: list[Fetcher] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, patience: float = 20.0) -> bool:
        """Take no more jobs, and let each running one end what it has in flight."""
        self._desk.stop.set()
        if self._thread.ident is None:
            return True
        self._thread.join(patience)
        return not self._thread.is_alive()

    # -- inside the event loop

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(_one_line)
        self._loop.set_default_executor(ThreadPoolExecutor(self._concurrency + 2, thread_name_prefix="job"))
        try:
            self._loop.run_until_complete(self._work())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        while not self._desk.stop.is_set():
            try:
                async with self._app.open_async():
                    work = [self._watch()]
                    if long := [name for name in self._queues if name != NOTICES.queue]:
                        work.append(self._fetch(long, self._concurrency))
                    if NOTICES.queue in self._queues:  # people wait for these: no long job may be in their way
                        work.append(self._fetch([NOTICES.queue], 1))
                    await asyncio.gather(*work)
            except exceptions.ConnectorException as error:
                await self._begin_again(error)

    async def _fetch(self, queues: list[str], concurrency: int) -> None:
        """Take jobs of *queues* until we are stopped; whatever ends the library's loop before, begin it again."""
        while not self._desk.stop.is_set():
            fetcher = Fetcher(
                self._app,
                queues=queues,
                concurrency=concurrency,
                fetch_job_polling_interval=min(2.0, self._lease / 6),  # should word of a new job be missed
                abort_job_polling_interval=3600.0,  # nobody aborts jobs: they are stopped with their worker
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
                update_heartbeat_interval=self._lease / 3,
                stalled_worker_timeout=self._lease,
            )
            self._fetchers.append(fetcher)
            try:
                await fetcher.run()
            except Exception as error:
                await self._begin_again(error)
            finally:
                self._fetchers.remove(fetcher)

    async def _watch(self) -> None:
        """Pass a stop on, notice when this process stood still, and take over from workers that did not wake up."""
        step = min(0.5, self._lease / 6)
        seen = looked = time.monotonic()
        tidied = 0.0
        while not self._desk.stop.is_set():
            await asyncio.sleep(step)
            now = time.monotonic()
            if now - seen > self._lease:
                log.warning(
                    "worker: stood still for %.0f seconds; others go on with its jobs, and it starts anew", now - seen
                )
                for fetcher in self._fetchers:
                    fetcher.stop()
            elif now - looked > self._lease / 6:
                await self._take_over(tidy=now - tidied > 3600)
                looked, tidied = now, now if now - tidied > 3600 else tidied
            seen = now
        for fetcher in self._fetchers:
            fetcher.stop()

    async def _take_over(self, *, tidy: bool) -> None:
        queue = self._queue
        try:
            await self._app.connector.execute_query_all_async(_HANG_UP, name=OURS, seconds=self._lease * STANDSTILL)
            for job in await queue.get_stalled_jobs(seconds_since_heartbeat=self._lease):
                if await queue.put_back(job):
                    log.warning("%s: taken over from a worker that is silent", job.task_name)
            await queue.prune_stalled_workers(self._lease)
            if tidy:
                await queue.delete_old_jobs(
                    KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
                )
        except exceptions.ConnectorException as error:
            log.warning("worker: %s; asking again", _cause(error))

    async def _begin_again(self, error: Exception) -> None:
        if isinstance(error, exceptions.ConnectorException):
            log.warning("worker: %s; asking again in %.0f seconds", _cause(error), NEW_START)
        else:
            log.error("worker: unexpected; beginning again in %.0f seconds", NEW_START, exc_info=error)
        end = time.monotonic() + NEW_START
        while time.monotonic() < end and not self._desk.stop.is_set():
            await asyncio.sleep(0.1)


# --- what the library is told -----------------------------------------------------------------------------------------


def _app(desk: Desk, all_jobs: Collection[Job], parts: Mapping[str, Part]) -> procrastinate.App:
    """Our jobs as tasks of Procrastinate: those of the clock, the parts that they order, and the tidying of the queue itself."""
    connector = procrastinate.PsycopgConnector(
        conninfo=desk.store.address, configure=_autocommit, min_size=1, max_size=3
    )
    app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": CATCH_UP})
    for job in all_jobs:
        act = job.order or job.act
        # Notices may be answered by several machines at once, the others are done by one.
        lock = None if job is NOTICES else job.name
        make = app.task(name=job.name, queue=job.queue, queueing_lock=job.name, lock=lock, priority=1, retry=_Retry())
        app.periodic(cron=job.cron)(make(_task(job.name, act, desk)))
    for name, (queue, act) in parts.items():
        app.task(name=name, queue=queue, retry=_Retry())(_task(name, act, desk))
    return app


async def _autocommit(connection: psycopg.AsyncConnection[Any]) -> None:
    """Each statement by itself: a process that stands still between a statement and its commit would hold the others up."""
    await connection.set_autocommit(True)


def _task(name: str, act: Callable[..., str], desk: Desk) -> Callable[..., None]:
    def do(timestamp: int = 0, **arguments: str | int) -> None:
        """*timestamp* is the hour of the clock for which the library orders a job."""
        try:
            line = act(desk, **arguments)
        except StoreBusy as error:
            raise _Again from error
        except OpenSignalError as error:
            log.warning("%s: %s", name, error)
            raise _Again from error
        except Exception as error:
            log.exception("%s: unexpected; trying again", name)
            raise _Again from error
        if line:
            log.info("%s: %s", name, line)

    return do


class _Again(Exception):
    """A job could not be done, and it has been told why."""


class _Retry(retry.BaseRetryStrategy):
    """After 1, 2, 4, ... and then every 60 seconds; where the database was busy or lost, after one second each time."""

    def get_retry_decision(self, *, exception: BaseException, job: Fetched) -> retry.RetryDecision | None:
        if isinstance(
            exception.__cause__, StoreBusy
        ):  # no fault of the job's: and each take-over has counted as an attempt
            return retry.RetryDecision(retry_in={"seconds": 1})
        if job.attempts >= ATTEMPTS:
            return None
        return retry.RetryDecision(retry_in={"seconds": min(2**job.attempts, LONGEST_WAIT)})


class _Fenced(manager.JobManager):
    """Ends a job, or puts it back, only while it still belongs to the worker that is named in it.

    The library itself would let a worker that wakes up end a job that somebody else is doing by now.
    """

    async def finish_job(self, job: Fetched, status: Status, delete_job: bool) -> None:
        if status is Status.FAILED:
            log.warning("%s: given up after %d attempts; the next of its kind goes on", job.task_name, job.attempts + 1)
        if not await self._write(_FINISH, job, status=status.value, delete_job=delete_job):
            log.info("%s: somebody else goes on with it", job.task_name)

    async def retry_job(
        self,
        job: Fetched,
        retry_at: dt.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        await self.put_back(job, at=retry_at)

    async def put_back(self, job: Fetched, *, at: dt.datetime | None = None) -> bool:
        """Have it done anew. False when it is somebody else's by now."""
        try:
            return await self._write(_RETRY, job, retry_at=at or dt.datetime.now(dt.UTC))
        except exceptions.UniqueViolation:  # an equal one waits already
            return await self._write(_FINISH, job, status=Status.ABORTED.value, delete_job=True)

    async def _write(self, query: LiteralString, job: Fetched, **arguments: object) -> bool:
        """False when the job is somebody else's by now."""
        arguments = {"job_id": job.id, "worker_id": job.worker_id, **arguments}
        for attempt in range(PATIENCE):
            try:
                return bool(await self.connector.execute_query_all_async(query, **arguments))
            except exceptions.UniqueViolation:
                raise
            except exceptions.ConnectorException:
                if attempt == PATIENCE - 1:
                    raise
                await asyncio.sleep(1)
        raise AssertionError


# The row is locked first, then looked at again, then changed: two that want to put a job back do it once.
_MINE = (
    "WITH mine AS MATERIALIZED (SELECT id FROM procrastinate_jobs"
    " WHERE id = %(job_id)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker_id)s FOR UPDATE) "
)
_FINISH = _MINE + "SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) FROM mine"  # noqa: S608
_RETRY = _MINE + "SELECT procrastinate_retry_job_v2(id, %(retry_at)s, NULL, NULL, NULL) FROM mine"  # noqa: S608


# Postgres has a time-out for transactions that stand still, which `store/engine.py` sets; but it forgets it where the driver has
# sent several statements at once (seen with Postgres 18). While one of those stands, nobody can take over what it has locked.
_HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND application_name = %(name)s AND state = 'idle in transaction'"
    " AND state_change < now() - make_interval(secs => %(seconds)s)"
)


# --- the log ----------------------------------------------------------------------------------------------------------


def _one_line(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waits for: the end of a job that could not be written down, which is done anew when its worker ends."""
    error = context.get("exception")
    log.warning("worker: %s", _cause(error) if error else context["message"])


def _cause(error: BaseException) -> str:
    """The words of what is at the bottom of *error*, on one line."""
    while error.__cause__:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
