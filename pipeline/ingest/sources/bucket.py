"""Stored copies that may not be redistributed, shared by a newsroom through a bucket: Amazon's S3, or what speaks its language.

The one place that signs requests (AWS Signature Version 4). Names in the bucket are those in the folder, below the prefix of the
setting `snapshots`; as each says by its hash what it holds, nothing there is ever written over, and nothing is believed that does
not fit its name. Keys come from the environment as for any program that uses S3: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
``AWS_SESSION_TOKEN``, ``AWS_REGION``, and ``AWS_ENDPOINT_URL`` for another one's service.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests_aws4auth import AWS4Auth

from pipeline.errors import SettingsError, StoreError
from pipeline.files import put
from pipeline.library import Library
from pipeline.model import Snapshot

TIMEOUT: Final = (5.0, 60.0)  # seconds: to connect, and between two pieces
LARGEST: Final = 200 * 2**20  # bytes of one object that we take
PIECE: Final = 2**16  # bytes
_REFUSED: Final = frozenset({401, 403})


class BucketError(StoreError):
    """The bucket cannot be reached, or does not do what it is asked."""


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


class Bucket:
    """A bucket, or a prefix of one. Use it as a context manager."""

    def __init__(self, place: str, environment: Mapping[str, str], *, largest: int = LARGEST) -> None:
        """*place* is ``s3://BUCKET/PREFIX``; an object of more than *largest* bytes is not taken.

        Raises `SettingsError` where there is no key in the *environment*.
        """
        parts = urlsplit(place)
        self._largest = largest
        self._name = parts.netloc
        self._prefix = parts.path.strip("/")
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
        if not key or not secret:
            raise SettingsError(
                f"no key for {place}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            )
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
        if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
            raise SettingsError(f"AWS_ENDPOINT_URL {endpoint!r} is no address; write it with https://")
        # A name with dots fits no certificate of Amazon's for hosts; it goes into the path.
        in_path = bool(endpoint) or "." in self._name
        host = endpoint.rstrip("/") or f"https://{'' if in_path else self._name + '.'}s3.{region}.amazonaws.com"
        self.address = f"{host}/{self._name}" if in_path else host
        self._session = requests.Session()
        self._session.auth = AWS4Auth(key, secret, region, "s3", session_token=environment.get("AWS_SESSION_TOKEN"))

    def __enter__(self) -> Bucket:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def has(self, name: str) -> bool:
        """True when *name* is there."""
        return self._ask("HEAD", name)[0] != 404

    def put(self, name: str, content: bytes) -> None:
        """Put *content* there as *name*."""
        if self._ask("PUT", name, content)[0] == 404:
            raise BucketError(f"there is no bucket {self._name}; make it, or mend the setting snapshots")

    def get(self, name: str) -> bytes | None:
        """What *name* holds, or None where it is not there."""
        status, found = self._ask("GET", name)
        return None if status == 404 else found

    def _ask(self, method: str, name: str, content: bytes | None = None) -> tuple[int, bytes]:
        """The status of the answer, and of a GET what it holds."""
        url = f"{self.address}/{quote('/'.join(filter(None, (self._prefix, name))))}"
        where = f"the bucket {self._name}"
        try:
            with self._session.request(
                method, url, data=content, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                status = answer.status_code
                found = _limited(answer, self._largest) if method == "GET" else b""
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:  # not all are wrapped
            why = type(error).__name__
            raise BucketError(f"{where} cannot be reached ({why}); check AWS_ENDPOINT_URL and the network") from error
        if found is None:
            raise BucketError(f"{where}: {name} is larger than {self._largest >> 20} MiB; that is no copy of ours")
        if status in _REFUSED:
            raise BucketError(f"{where} refuses our key ({status}); check AWS_ACCESS_KEY_ID, its rights and AWS_REGION")
        if status not in (200, 204, 404):
            raise BucketError(f"{where} answers {status} to {method}; check AWS_REGION, or try again later")
        return status, found


def _limited(answer: requests.Response, most: int) -> bytes | None:
    """The body of *answer*, read in pieces, whatever it says of its length; None where it is longer than *most* bytes."""
    pieces, length = [], 0
    for piece in answer.iter_content(PIECE):
        length += len(piece)
        if length > most:
            return None
        pieces.append(piece)
    return b"".join(pieces)


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
