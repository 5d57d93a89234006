"""A mail taken apart, whatever state it is in: headers, parts in order, and texts as text. Nothing here raises.

The standard library's parser is not used: a thousand nested mails exhaust its stack, ten thousand parts its time, and what comes
back is often cut, mislabelled or wrapped by gateways. This one is a loop with limits, and takes what it finds.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import quopri
import re
from dataclasses import dataclass, field
from typing import Final

MOST_BYTES: Final = 2**20  # of a mail; the rest is not looked at (M-29)
_MOST_PARTS: Final = 100
_MOST_DEPTH: Final = 12
_MOST_HEADER: Final = 64 * 1024  # bytes of one header block
_MOST_FIELDS: Final = 500
_MOST_TEXT: Final = 128 * 1024  # characters of one text

_FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
_PARAMETER = re.compile(r";\s*([\w*-]{1,40})\s*=\s*(\"(?:[^\"\\]|\\.){0,500}\"|[^\s;\"]{0,500})")
_WORD = re.compile(r"=\?([\w*.:+-]{1,40})\?([bBqQ])\?([^?\s]{0,2000})\?=(?:[ \t\n]+(?==\?))?")
_BOUNDARY_LINE = re.compile(r"--([^\s-][^\n]{5,120}?)[ \t]*\n(?:content-|\n)", re.IGNORECASE)
_TAG_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?h\d|/?li|/?table|/?blockquote|hr)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG_CELL = re.compile(r"</?t[dh]\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<[!/?]?[a-zA-Z](?![^<>\s]*@)[^<>]{0,2000}>|<!--[^<>]{0,2000}-->")
_HIDDEN = re.compile(r"<(style|script|head|title)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields in their order; names in small letters, values unfolded, their encoded words read."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, *names: str) -> list[str]:
        return [value for name, value in self.fields if name in names]

    def get(self, name: str) -> str:
        return next((value for given, value in self.fields if given == name), "")

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.fields)


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the mail, or a whole mail inside it (``message/rfc822``), whose *text* is its source."""

    type: str
    headers: Headers
    text: str
    name: str = ""  # of an attachment


@dataclass(frozen=True, slots=True)
class Mail:
    headers: Headers
    type: str
    parameters: dict[str, str]
    parts: tuple[Part, ...]
    source: str = field(repr=False, default="")  # the body as it came, a character an octet


def take_apart(raw: bytes) -> Mail:
    """The mail that *raw* holds, as much of it as is within the limits."""
    text = raw[:MOST_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"").decode("latin-1")
    text = text.lstrip("\n ï»¿")
    if text.startswith(("From ", ">From ")):
        text = text.partition("\n")[2]
    return _mail(text)


def mail_in(text: str) -> Mail:
    """The mail whose source is *text*, as a part of another holds it: perhaps its header alone."""
    return _mail(text.lstrip("\n \t"))


def headers_of(text: str) -> Headers:
    """The header that *text*, a part with a mail or a header in it, begins with."""
    return _split(text.lstrip("\n \t"))[0]


def _mail(text: str) -> Mail:
    headers, body = _split(text)
    type_, parameters = _content_type(headers)
    return Mail(headers, type_, parameters, tuple(_leaves(headers, body)), body)


def _leaves(headers: Headers, body: str) -> list[Part]:
    leaves: list[Part] = []
    todo = [(headers, body, 0)]
    seen = 0
    while todo and seen < _MOST_PARTS:
        headers, body, depth = todo.pop()
        seen += 1
        type_, parameters = _content_type(headers)
        if type_.startswith("multipart/") or (depth == 0 and not headers.has("content-type")):
            inner = _inner(body, parameters.get("boundary", ""), guess=type_.startswith("multipart/"))
            if inner and depth < _MOST_DEPTH:
                todo.extend((*_split(part), depth + 1) for part in reversed(inner))
                continue
            type_ = "text/plain" if type_.startswith("multipart/") else type_
        leaves.append(_leaf(type_, parameters, headers, body))
    return leaves


def _inner(body: str, boundary: str, *, guess: bool) -> list[str]:
    """The parts between the lines of *boundary*; where none is named or none found, of the line that looks like one."""
    for mark in (boundary, _guessed(body) if guess else ""):
        if not mark:
            continue
        pieces = ("\n" + body).split(f"\n--{mark}", _MOST_PARTS + 1)
        if len(pieces) > 1:
            return [piece.partition("\n")[2] for piece in pieces[1:] if not piece.startswith("--")]
    return []


def _guessed(body: str) -> str:
    found = _BOUNDARY_LINE.search(body[:4000])
    return found[1] if found else ""


def _leaf(type_: str, parameters: dict[str, str], headers: Headers, body: str) -> Part:
    encoding = headers.get("content-transfer-encoding").partition(";")[0].strip().lower()
    raw = _decoded(body, encoding)
    name = parameters.get("name", "") or _parameters(headers.get("content-disposition")).get("filename", "")
    if type_.startswith(("image/", "audio/", "video/", "application/")) and "json" not in type_:
        return Part(type_, headers, "", name)
    if type_ in ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/news"):
        return Part(type_, headers, raw.decode("latin-1")[:_MOST_TEXT], name)
    text = _readable(raw, parameters.get("charset", ""))[:_MOST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    return Part(type_, headers, plain(text) if type_ == "text/html" else text, name)


def _split(text: str) -> tuple[Headers, str]:
    """The header that *text* begins with, and what follows."""
    fields: list[tuple[str, list[str]]] = []
    at = 0
    while at < len(text) and at < _MOST_HEADER and len(fields) < _MOST_FIELDS:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip():
            return _headers(fields), text[end + 1 :]
        if fields and (line[0] in " \t" or fields[-1][1][-1].endswith(";")):
            fields[-1][1].append(line)
        elif found := _FIELD.fullmatch(line):
            fields.append((found[1].lower(), [found[2]]))
        elif not fields or line.startswith("--"):
            return _headers(fields), text[at:]  # no header at all, or one that was cut off
        at = end + 1
    if at >= len(text):
        return _headers(fields), ""
    end = text.find("\n\n", at)  # too much of a header: pass over the rest of it
    return _headers(fields), text[end + 2 :] if end >= 0 else ""


def _headers(fields: list[tuple[str, list[str]]]) -> Headers:
    return Headers(tuple((name, _value("\n".join(lines))) for name, lines in fields))


def _value(value: str) -> str:
    value = re.sub(r"\n[ \t]*", " ", value).strip()
    if "=?" in value:
        value = _WORD.sub(_word, value[:4000])
    elif not value.isascii():
        value = _readable(_octets(value), "")
    return value


def _word(found: re.Match[str]) -> str:
    charset, encoding, text = found[1].partition("*")[0], found[2].lower(), found[3]
    raw = _decoded(text, "base64") if encoding == "b" else _decoded(text.replace("_", " "), "quoted-printable")
    return _readable(raw, charset)


def _content_type(headers: Headers) -> tuple[str, dict[str, str]]:
    value = headers.get("content-type")
    type_ = value.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,80}", type_):
        type_ = "text/plain"
    return type_, _parameters(value)


def _parameters(value: str) -> dict[str, str]:
    return {name.lower(): text.strip('"') for name, text in _PARAMETER.findall(value[:4000])}


def _decoded(body: str, encoding: str) -> bytes:
    raw = _octets(body)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        letters = letters[: len(letters) - 1] if len(letters) % 4 == 1 else letters
        try:
            return base64.b64decode(letters + b"=" * (-len(letters) % 4))
        except (binascii.Error, ValueError):
            return raw
    if encoding == "quoted-printable":
        return quopri.decodestring(raw)
    return raw


def _octets(text: str) -> bytes:
    """What *text* was read from: an octet a character, or UTF-8 where it has been made readable before."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _readable(raw: bytes, charset: str) -> str:
    """*raw* as text: in the charset that it names if it can be, else UTF-8 if it is, else octet by octet."""
    for name in (charset.strip().lower(), "utf-8"):
        try:
            known = codecs.lookup(name)
            if not getattr(known, "_is_text_encoding", True):
                continue
            return raw.decode(name)
        except (LookupError, ValueError, TypeError):
            continue
    if b"\x1b$" in raw or b"\x1b(" in raw:
        return raw.decode("iso-2022-jp", "replace")
    try:
        return raw.decode(charset or "latin-1", "replace")
    except (LookupError, ValueError, TypeError):
        return raw.decode("latin-1")


def plain(markup: str) -> str:
    """The words of an HTML text, its blocks on lines of their own."""
    markup = _shown(markup[:_MOST_TEXT])
    markup = re.sub(r"\s*\n\s*", " ", markup)
    markup = _TAG_CELL.sub(" ", _TAG_BREAK.sub("\n", markup))
    text = html.unescape(_TAG.sub("", markup)).replace("\xa0", " ")
    return re.sub(r"[ \t]+", " ", re.sub(r"[ \t]*\n[ \t]*", "\n", text))


def _shown(markup: str) -> str:
    """*markup* without what no reader sees: style sheets, scripts, its title."""
    shown: list[str] = []
    at = 0
    never_closed: set[str] = set()
    for found in _HIDDEN.finditer(markup):
        name = found[1].lower()
        if found.start() < at or name in never_closed:
            continue
        if end := re.compile(f"</{name}[^<>]{{0,100}}>", re.IGNORECASE).search(markup, found.end()):
            shown.append(markup[at : found.start()])
            at = end.end()
        else:
            never_closed.add(name)
    return "".join([*shown, markup[at:]])
