"""The stored copies as one WARC file (ISO 28500), the format of web archives: what came, when, from where, and what was read in it.

The one place that knows warcio. Of each copy there is a ``response`` with the bytes, where they are on this machine, and a
``conversion`` with the text that was taken from them. The same copies make the same file, byte for byte.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline import __version__
from pipeline.errors import ContentError, StoreError
from pipeline.files import put
from pipeline.ingest.snapshot import record_of
from pipeline.library import StoredTexts
from pipeline.model import Snapshot, Source

_NAMES: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://opensignal.example/warc")
_CODED: Final = frozenset({"content-encoding", "transfer-encoding", "content-length"})  # we hold the body decoded


@dataclass(frozen=True, slots=True)
class WarcReport:
    """What went into the file."""

    path: str
    responses: int
    texts: int
    missing: tuple[str, ...]  # sources with a copy of which nothing is on this machine

    def as_dict(self) -> dict[str, Any]:
        return {"path": self.path, "responses": self.responses, "texts": self.texts, "missing": list(self.missing)}

    def lines(self) -> Iterable[str]:
        yield f"wrote {self.path}: {self.responses} pages as they were fetched, {self.texts} texts"
        if self.missing:
            yield f"not on this machine: {', '.join(self.missing)}"


def write_warc(sources: Iterable[Source], texts: StoredTexts, *, kept: Path, to: Path) -> WarcReport:
    """Write the copies of *sources* to the file *to*. Raises `ContentError` for bytes that are not those recorded."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=to.suffix == ".gz")
    copies = [(source, source.snapshot) for source in sources if source.snapshot is not None]
    newest = max((shot.at for _, shot in copies), default=None)
    about = {"software": f"OpenSignal/{__version__}", "format": "WARC File Format 1.1"}
    info = writer.create_warcinfo_record(to.name, about)
    _stamp(info, "warcinfo", f"{newest:%Y-%m-%dT%H:%M:%SZ}" if newest else "1970-01-01T00:00:00Z")
    writer.write_record(info)
    responses = read = 0
    missing = []
    for source, shot in copies:
        raw, text = kept / "raw" / f"{shot.sha256}.gz", texts.of(source)[0]
        if raw.exists():
            writer.write_record(_response(writer, source, shot, raw))
            responses += 1
        if text is not None:
            writer.write_record(_conversion(writer, source, shot, text, refers=raw.exists()))
            read += 1
        if text is None and not raw.exists():
            missing.append(source.id)
    put(to, out.getvalue())
    return WarcReport(str(to), responses, read, tuple(missing))


def _response(writer: WARCWriter, source: Source, shot: Snapshot, raw: Path) -> Any:
    body, record = _bytes(raw, shot), record_of(shot, kept=raw.parent.parent)
    line = f"{record.get('status', 200)} {record.get('reason') or 'OK'}"
    headers = StatusAndHeaders(_one_line(line), _headers(record, len(body)), protocol="HTTP/1.1")
    made = writer.create_warc_record(
        record.get("final_url", source.url),
        "response",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=headers,
    )
    _stamp(made, f"response {shot.sha256}", _one_line(record.get("fetched_at", f"{shot.at:%Y-%m-%dT%H:%M:%SZ}")))
    return made


def _conversion(writer: WARCWriter, source: Source, shot: Snapshot, text: str, *, refers: bool) -> Any:
    body = text.encode()
    made = writer.create_warc_record(
        source.url,
        "conversion",
        payload=io.BytesIO(body),
        length=len(body),
        warc_content_type="text/plain; charset=utf-8",
    )
    if refers:
        made.rec_headers.add_header("WARC-Refers-To", _id(f"response {shot.sha256}"))
    _stamp(made, f"text {source.id} {shot.text_sha256}", f"{shot.at:%Y-%m-%dT%H:%M:%SZ}")
    return made


def _stamp(record: Any, name: str, date: str) -> None:
    """The id and the date of a record, from what it holds and not from this moment."""
    record.rec_headers.replace_header("WARC-Record-ID", _id(name))
    record.rec_headers.replace_header("WARC-Date", date)


def _id(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(_NAMES, name)}>"


def _headers(record: Mapping[str, Any], length: int) -> list[tuple[str, str]]:
    """The server's headers, but for those of a coding that is undone; what was said of it is kept under another name."""
    given = [(_one_line(name), _one_line(value)) for name, value in record.get("headers", ())]
    told = [(f"X-Archive-Orig-{name}" if name.lower() in _CODED else name, value) for name, value in given]
    return [*told, ("Content-Length", str(length))]


def _one_line(text: object) -> str:
    """What a record says came from a server, or from a bucket: it adds no line of its own to the archive."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def _bytes(raw: Path, shot: Snapshot) -> bytes:
    try:
        body = gzip.decompress(raw.read_bytes())
    except (OSError, EOFError, ValueError) as error:
        raise StoreError(
            f"{raw}: cannot be unpacked; delete it, and bring it again by opensignal sources pull"
        ) from error
    if hashlib.sha256(body).hexdigest() != shot.sha256:
        raise ContentError(
            f"{raw} holds other bytes than its name says; delete it, and bring it again by opensignal sources pull"
        )
    return body
