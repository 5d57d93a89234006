"""A bucket of Amazon's S3, or of what speaks its language: what lies there by name. The one place that signs requests (AWS
Signature Version 4).

Keys come from the environment as for any program that uses S3: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
``AWS_SESSION_TOKEN``, ``AWS_REGION``, and ``AWS_ENDPOINT_URL`` for another one's service. What lies in a bucket, and why, is for
those who open it to know: stored copies in `ingest/sources/bucket.py`, a site in `publish/s3.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import unescape

import requests
import urllib3
from requests_aws4auth import AWS4Auth

from pipeline.errors import SettingsError, StoreError

TIMEOUT: Final = (5.0, 60.0)  # seconds: to connect, and between two pieces
LARGEST: Final = 200 * 2**20  # bytes of one object that we take
PIECE: Final = 2**16  # bytes
WAITS: Final = (0.2, 1.0)  # seconds, before a request that came to nothing is made again
_REFUSED: Final = frozenset({401, 403})
_TAKEN: Final = frozenset({409, 412})  # somebody else was first: If-None-Match
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_DONE: Final = frozenset({200, 204, 404})
_KEY: Final = re.compile(r"<Key>([^<]*)</Key>")


class BucketError(StoreError):
    """The bucket cannot be reached, or does not do what it is asked."""


class Bucket:
    """A bucket, or a prefix of one. Use it as a context manager, and by one thread at a time."""

    def __init__(
        self,
        place: str,
        environment: Mapping[str, str],
        *,
        endpoint: str = "",
        largest: int = LARGEST,
    ) -> None:
        """*place* is ``s3://BUCKET/PREFIX``; an object of more than *largest* bytes is not taken.

        *endpoint* is the service, where it is not the one of the *environment*. Raises `SettingsError` where there is no key there.
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
        endpoint = endpoint or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
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
        return self._ask("HEAD", self._at(name), name)[0] != 404

    def names(self, *, most: int) -> list[str]:
        """The first names that are there, by their bytes, below the prefix."""
        below = f"{self._prefix}/" if self._prefix else ""
        query = f"list-type=2&max-keys={most}&prefix={quote(below, safe='')}"
        status, found = self._ask("GET", f"{self.address}/?{query}", "its list")
        if status == 404:
            raise self._no_bucket()
        return [unescape(name).removeprefix(below) for name in _KEY.findall(found.decode("utf-8", "replace"))]

    def put(self, name: str, content: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        """Put *content* there as *name*, with *headers* for those who read it over the web."""
        if self._ask("PUT", self._at(name), name, content, headers)[0] == 404:
            raise self._no_bucket()

    def put_new(self, name: str, content: bytes) -> bool:
        """As `put`, where nothing is yet; False where something is. A service that knows no conditions puts it all the same."""
        status, _ = self._ask("PUT", self._at(name), name, content, {"If-None-Match": "*"}, also=_TAKEN)
        if status == 404:
            raise self._no_bucket()
        return status not in _TAKEN

    def get(self, name: str) -> bytes | None:
        """What *name* holds, or None where it is not there."""
        status, found = self._ask("GET", self._at(name), name)
        return None if status == 404 else found

    def delete(self, name: str) -> None:
        """Let *name* be there no more."""
        self._ask("DELETE", self._at(name), name)

    def _at(self, name: str) -> str:
        return f"{self.address}/{quote('/'.join(filter(None, (self._prefix, name))))}"

    def _no_bucket(self) -> BucketError:
        return BucketError(f"there is no bucket {self._name}; make it, or mend its name")

    def _ask(
        self,
        method: str,
        url: str,
        name: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        also: frozenset[int] = frozenset(),
    ) -> tuple[int, bytes]:
        """The status of the answer, and of a GET what it holds. What comes to nothing in passing is asked again: all that we ask
        may be asked twice."""
        for wait in (*WAITS, None):
            try:
                status, found = self._asked_once(method, url, content, headers)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:  # not all are wrapped
                if wait is None:
                    why = type(error).__name__
                    raise BucketError(
                        f"the bucket {self._name} cannot be reached ({why}); check AWS_ENDPOINT_URL and the network"
                    ) from error
            else:
                if status not in _PASSING or wait is None:
                    break
            time.sleep(wait)
        where = f"the bucket {self._name}"
        if found is None:
            raise BucketError(f"{where}: {name} is larger than {self._largest >> 20} MiB; that is nothing of ours")
        if status in _REFUSED:
            raise BucketError(f"{where} refuses our key ({status}); check AWS_ACCESS_KEY_ID, its rights and AWS_REGION")
        if status not in _DONE | also:
            raise BucketError(f"{where} answers {status} to {method}; check AWS_REGION, or try again later")
        return status, found

    def _asked_once(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str] | None
    ) -> tuple[int, bytes | None]:
        with self._session.request(
            method, url, data=content, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code, _limited(answer, self._largest) if method == "GET" else b""


def _limited(answer: requests.Response, most: int) -> bytes | None:
    """The body of *answer*, read in pieces, whatever it says of its length; None where it is longer than *most* bytes."""
    pieces, length = [], 0
    for piece in answer.iter_content(PIECE):
        length += len(piece)
        if length > most:
            return None
        pieces.append(piece)
    return b"".join(pieces)
