"""A bucket on loopback that believes no request whose signature it cannot work out itself (AWS Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET = "AKIAEXAMPLE", "secret/of+the example"


def signature(
    method: str, target: str, headers: Mapping[str, str], *, signed: list[str], scope: str, secret: str
) -> str:
    """The signature of a request, as Amazon's documentation says it is made.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    parts = urlsplit(target)
    query = "&".join(sorted(pair if "=" in pair else f"{pair}=" for pair in parts.query.split("&") if pair))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed)
    canonical = "\n".join((method, parts.path, query, lines, ";".join(signed), headers["x-amz-content-sha256"]))
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest())
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


class BucketServer:
    """A service with the bucket ``copies``; `files` is what lies in it."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}  # of each file, as they came with it
        self.knows_conditions = True  # If-None-Match
        self.before: Callable[[str, str], int] = lambda method, name: 0  # a status, to answer with that and do nothing
        self.asked: list[tuple[str, str]] = []
        self.fails_with = 0
        self.token: str | None = None
        self.length: str | None = None  # said instead of the true one; empty: sent in chunks, without one

    def environment(self, **more: str) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": self.url, **more}


def _listed(files: Mapping[str, bytes], query: Mapping[str, list[str]]) -> bytes:
    """What ListObjectsV2 answers."""
    prefix, most = query.get("prefix", [""])[0], int(query.get("max-keys", ["1000"])[0])
    found = sorted(name for name in map(unquote, files) if name.startswith(prefix))[:most]
    keys = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in found)
    return f"<ListBucketResult><KeyCount>{len(found)}</KeyCount>{keys}</ListBucketResult>".encode()


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bucket, _, name = urlsplit(self.path).path.removeprefix("/").partition("/")
            service.asked.append((self.command, name))
            if status := service.before(self.command, name):
                self._say(status, b"<Error/>")
            elif service.fails_with:
                self._say(service.fails_with, b"<Error/>")
            elif not self._is_signed(body):
                self._say(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            elif bucket == "copies" and not name:
                self._say(200, _listed(service.files, parse_qs(urlsplit(self.path).query)))
            elif self.command == "DELETE":
                service.files.pop(name, None)
                self._say(204, b"")
            elif bucket != "copies" or (self.command != "PUT" and name not in service.files):
                self._say(404, b"<Error/>")
            elif self.command == "PUT" and service.knows_conditions and name in service.files and self._is_new_only():
                self._say(412, b"<Error/>")
            elif self.command == "PUT":
                service.files[name] = body
                service.headers[name] = {name.lower(): value for name, value in self.headers.items()}
                self._say(200, b"")
            else:
                self._say(200, service.files[name])

        def _is_new_only(self) -> bool:
            return self.headers.get("If-None-Match") == "*"

        def _is_signed(self, body: bytes) -> bool:
            found = re.fullmatch(
                r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                self.headers.get("Authorization", ""),
            )
            headers = {name.lower(): value for name, value in self.headers.items()}
            if found is None or headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
                return False
            key, scope, names, given = found.groups()
            signed = names.split(";")
            wanted = signature(self.command, self.path, headers, signed=signed, scope=scope, secret=SECRET)
            must_be_signed = {"host", *(name for name in headers if name.startswith("x-amz-"))}
            has_token = service.token is None or headers.get("x-amz-security-token") == service.token
            return key == KEY and must_be_signed <= set(signed) and hmac.compare_digest(given, wanted) and has_token

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if service.length == "":
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", service.length or str(len(body)))
            if service.length is not None:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD" and status != 204:
                self.wfile.write(body if service.length != "" else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

        def log_message(self, *_: object) -> None:
            """Tests read `asked` instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = BucketServer(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
