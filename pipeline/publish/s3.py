"""A bucket as a target: Amazon's S3, or what speaks its language. Each file comes with what a web server says of it.

Several files of one rank go at a time; a rank is begun when the one before it is there.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from pipeline.bucket import Bucket, BucketError
from pipeline.errors import PublishError
from pipeline.publish.outputs import OWN, Output
from pipeline.publish.plan import Step
from pipeline.publish.target import LOCK, Done, Lease, Stop, must_be_unchanged

AT_A_TIME: Final = 8
OWN_FILES: Final = 3  # what we keep there ourselves: published.json, sending.json, lock.json
BATCH: Final = 64  # files between two looks at whether to stop


class S3:
    """*place* is ``s3://BUCKET/PREFIX``. Raises `SettingsError` where the *environment* has no key for it."""

    keeps_headers = True

    def __init__(self, place: str, environment: Mapping[str, str], *, endpoint: str = "") -> None:
        self.name = place.rstrip("/")
        self._buckets: queue.SimpleQueue[Bucket] = queue.SimpleQueue()
        for _ in range(AT_A_TIME):  # each is used by one thread at a time
            self._buckets.put(Bucket(place, environment, endpoint=endpoint))

    def has_any(self) -> bool:
        with self._asking() as bucket:
            return any(not name.startswith(f"{OWN}/") for name in bucket.names(most=OWN_FILES + 1))

    def read(self, name: str) -> bytes | None:
        with self._asking() as bucket:
            return bucket.get(name)

    def write(self, name: str, content: bytes) -> None:
        with self._asking() as bucket:
            bucket.put(name, content, headers={"Content-Type": "application/json", "Cache-Control": "no-store"})

    def send(self, site: Path, steps: Sequence[Step], *, done: Done, stop: Stop) -> None:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for step in steps:
                for first in range(0, len(step.outputs), BATCH):
                    if stop():
                        return
                    outputs = step.outputs[first : first + BATCH]
                    # All that were begun come to an end before any trouble is told of.
                    futures = [pool.submit(self._send, site, output) for output in outputs]
                    sent = [o.path for o, future in zip(outputs, futures, strict=True) if future.exception() is None]
                    must_be_unchanged(site, [step], sent)
                    done(sent)
                    for future in futures:
                        future.result()

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            with self._asking() as bucket:
                bucket.delete(path)

    def locked(self) -> AbstractContextManager[Callable[[], None]]:
        return Lease(self, put_new=self._put_lock).held()

    def close(self) -> None:
        with ExitStack() as stack:
            while not self._buckets.empty():
                stack.enter_context(self._buckets.get())

    def _put_lock(self, content: bytes) -> bool:
        # Not every service knows If-None-Match, so look first; where two look in the same moment, one of them sees at its first
        # renewal that it is not its own.
        if self.read(LOCK) is not None:
            return False
        with self._asking() as bucket:
            return bucket.put_new(LOCK, content)

    def _send(self, site: Path, output: Output) -> None:
        kind = output.kind
        try:
            content = (site / output.path).read_bytes()
        except OSError as error:
            raise PublishError(f"{site / output.path}: cannot be read: {error.strerror}; publish again") from error
        headers = {"Content-Type": kind.content_type, "Cache-Control": kind.cache_control}
        with self._asking() as bucket:
            bucket.put(output.path, content, headers=headers)

    @contextmanager
    def _asking(self) -> Iterator[Bucket]:
        bucket = self._buckets.get()
        try:
            yield bucket
        except BucketError as error:
            raise PublishError(f"{self.name}: {error}; every page there is whole: run again to go on") from error
        finally:
            self._buckets.put(bucket)
