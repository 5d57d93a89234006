"""Stored copies that may not be redistributed, shared by a newsroom through a bucket: Amazon's S3, or what speaks its language.

Names in the bucket are those in the folder, below the prefix of the setting `snapshots`; as each says by its hash what it holds,
nothing there is ever written over, and nothing is believed that does not fit its name. How one speaks to a bucket, and where the
keys come from, is in `pipeline/bucket.py`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bucket import LARGEST, Bucket, BucketError
from pipeline.errors import SettingsError
from pipeline.files import put
from pipeline.library import Library
from pipeline.model import Snapshot


@dataclass(frozen=True, slots=True)
class Shared:
    """What was brought there or here."""

    verb: str  # pushed | pulled
    files: tuple[str, ...]  # by their names in the bucket
    known: int  # that were there already
    missing: tuple[str, ...] = ()  # ids of sources whose text is neither here nor there

    @property
    def ok(self) -> bool:
        return not self.missing

    def as_dict(self) -> dict[str, Any]:
        return {self.verb: list(self.files), "known": self.known, "missing": list(self.missing)}

    def lines(self) -> Iterator[str]:
        files = "1 file" if len(self.files) == 1 else f"{len(self.files)} files"
        yield f"{self.verb} {files}, {self.known} there already"
        for id_ in self.missing:
            yield f"  {id_}: its text is neither here nor in the bucket; ask who took the copy to run opensignal sources push"


def open_bucket(place: str) -> Bucket:
    """The bucket of the setting `snapshots`. Raises `SettingsError` where that names none, or there is no key for it."""
    if not place:
        raise SettingsError(
            "stored copies are kept in a folder of this machine; set snapshots to s3://BUCKET/PREFIX to share them"
        )
    return Bucket(place, os.environ)


def push(bucket: Bucket, library: Library, *, kept: Path) -> Shared:
    """Bring the copies of this machine that are not in Git to the *bucket*: texts, the bytes they come from, and how these came."""
    pushed, known = [], 0
    for _, source in sorted(library.sources.items()):
        if source.snapshot is None:
            continue
        for name in _names(source.snapshot, with_text=not library.texts.in_git(source)):
            if not (kept / name).exists():
                continue
            if bucket.has(name):
                known += 1
                continue
            content = (kept / name).read_bytes()
            _must_fit(name, content, where=str(kept / name))
            bucket.put(name, content)
            pushed.append(name)
    return Shared("pushed", tuple(pushed), known)


def pull(bucket: Bucket, library: Library, *, kept: Path, raw: bool = False) -> Shared:
    """Bring the texts that are recorded and not on this machine here from the *bucket*; with *raw*, also the bytes they come from.

    Raises `BucketError` for what does not hold what its name says.
    """
    pulled, known, missing = [], 0, []
    for id_, source in sorted(library.sources.items()):
        if source.snapshot is None:
            continue
        in_git = library.texts.in_git(source)
        wanted = _names(source.snapshot, with_text=not in_git)
        for name in wanted if raw else wanted[:1] if not in_git else ():
            if (kept / name).exists():
                known += 1
                continue
            content = bucket.get(name)
            if content is None:
                missing += [id_] if name.endswith(".txt") else []
                continue
            _must_fit(name, content, where=f"the bucket: {name}")
            put(kept / name, content)
            pulled.append(name)
    return Shared("pulled", tuple(pulled), known, tuple(missing))


def _names(shot: Snapshot, *, with_text: bool) -> list[str]:
    raw = [f"raw/{shot.sha256}.gz", f"raw/{shot.sha256}.json"]
    return [f"{shot.text_sha256}.txt", *raw] if with_text else raw


def _must_fit(name: str, content: bytes, *, where: str) -> None:
    """A file is named by the hash of what it holds; a record of how bytes came, by the hash of these, which it says."""
    try:
        if name.endswith(".json"):
            found = json.loads(content).get("sha256")
        else:
            found = hashlib.sha256(_unpacked(content) if name.endswith(".gz") else content).hexdigest()
    except (OSError, EOFError, ValueError, AttributeError) as error:
        raise BucketError(f"{where} cannot be read; delete it, and take a new copy") from error
    if found != Path(name).stem:
        raise BucketError(f"{where} holds something else than its name says; delete it, and take a new copy")


def _unpacked(content: bytes) -> bytes:
    """What is packed in *content*, if it is no larger than we would ever have packed."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        whole = file.read(LARGEST + 1)
    if len(whole) > LARGEST:
        raise ValueError("larger than any page of ours")
    return whole
