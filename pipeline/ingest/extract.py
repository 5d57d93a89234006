"""What a page says, without what surrounds it: its text in lines, and what it tells of itself. HTML, PDF and plain text.

The one place that knows trafilatura and pypdf. Both have to be given bytes of strangers, so call `extract` through
`sandbox.Sandbox.extract`, which runs it in a child process (T-30).

The text comes one paragraph a line, each line in the normal form N (`library.quotes`) in which quotes are looked for, so that
editors can compare two copies line by line.
"""

from __future__ import annotations

import codecs
import html.parser
import io
import re
import statistics
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pipeline.errors import FetchError
from pipeline.ingest.clean import NAME_LIMIT, TITLE_LIMIT, one_line, unescaped, web_url
from pipeline.ingest.parse import decode
from pipeline.library.quotes import normal
from pipeline.library.urls import canonical_link

if TYPE_CHECKING:
    import pypdf

LINE_LIMIT: Final = 100_000  # characters
TEXT_LIMIT: Final = 5_000_000  # characters of all lines: more than any book, and what an answer can carry
PAGES: Final = 2_000  # of a PDF
AUTHORS: Final = 20
_SNIFFED: Final = 4_096  # bytes that tell a picture or an archive from a page
_STRAY: Final = 3  # zeros that a page's author may have left in them
_HEAD: Final = 400_000  # characters in which a page tells of itself

_DATE: Final = re.compile(r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
# Names that a program gave, and nobody meant as a title.
_NO_TITLE: Final = re.compile(
    r"^(?:untitled|microsoft (?:word|powerpoint) -)|\.(?:docx?|pptx?|indd|pdf|tex)$", re.IGNORECASE
)
_STOP: Final = re.compile(r"[.!?:;][\"'”’)\]]*$")
_ITEM: Final = re.compile(r"[•▪●◦‣–—*-]\s|\(?\d{1,2}[.)]\s")
_SPACED_OUT: Final = 0.75  # of a usual line's length: where a paragraph's last line ends
_LONG: Final = 1_200  # characters, after which a paragraph ends with the next sentence that ends a line


@dataclass(frozen=True, slots=True)
class Page:
    """A page, as `take_snapshot` stores it and as `cite` describes it. What a page does not tell is None or empty."""

    lines: tuple[str, ...]  # one paragraph each, in normal form, none empty
    tool: str  # what found them, and its version
    title: str | None = None
    authors: tuple[str, ...] = ()
    date: str | None = None  # 2026, 2026-02 or 2026-02-26
    publisher: str | None = None  # the page's own name for its site
    canonical: str | None = None  # the address that the page calls its own, where that can be believed
    pages: tuple[int, ...] = ()  # of a PDF: the page that each line stands on, from 1
    usage: tuple[str, ...] = ()  # what it says of machines that read it, such as "noai" or "tdm-reservation: 1" (F9)

    @property
    def text(self) -> str:
        """What is stored of it."""
        return "".join(f"{line}\n" for line in self.lines)


def extract(body: bytes, *, content_type: str, url: str) -> Page:
    """The page in *body*, which came from *url*.

    Raises `FetchError` for what holds no text, and for a PDF that cannot be opened. What the bytes are is told by the bytes: only
    a plain text has to be called one.
    """
    if body.lstrip()[:5] == b"%PDF-":
        page = _pdf(body, url=url)
    elif _is_no_text(body):
        kind = one_line(content_type.partition(";")[0], limit=60) or "a kind that its server does not name"
        raise FetchError(f"{url} is a file of {kind}, and no page; cite the page that it belongs to")
    elif content_type.lower().lstrip().startswith("text/plain"):
        page = Page(_lines(decode(body, content_type=content_type).splitlines()), "plain")
    else:
        page = _html(decode(body, content_type=content_type), url=url)
    if not page.lines:
        raise FetchError(
            f"{url} holds no text that could be stored; check in a browser whether its text is made by scripts or is a picture"
        )
    return page


def _is_no_text(body: bytes) -> bool:
    """True for pictures, archives and the like: zeros where no charset of pages has them."""
    begins = body[:_SNIFFED]
    wide = begins.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0\0\xfe\xff", b"<\0", b"\0<"))
    return not wide and begins.count(0) > _STRAY


def _lines(raw: Iterable[str]) -> tuple[str, ...]:
    """*raw* in normal form without empty lines, up to the limit of a text."""
    kept: list[str] = []
    left = TEXT_LIMIT
    for line in raw:
        text = one_line(normal(line), limit=min(LINE_LIMIT, left)) if left > 1 else ""
        left -= len(text)
        kept += [text] if text else []
    return tuple(kept)


# --- HTML -----------------------------------------------------------------------------------------------------------


def _html(page: str, *, url: str) -> Page:
    import trafilatura  # here: it takes half a second, which only pages are worth

    found = trafilatura.bare_extraction(
        page,
        url=url,
        favor_recall=True,
        include_comments=False,
        include_tables=True,
        with_metadata=True,
        # By what the page states, not by any date that stands in its text.
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    tool = f"trafilatura/{trafilatura.__version__}"
    if found is None or isinstance(found, dict):
        return Page((), tool)
    head = _head(page)
    date = found.date if isinstance(found.date, str) and _DATE.fullmatch(found.date) else None
    return Page(
        _lines((found.text or "").splitlines()),
        tool,
        title=_name(found.title, limit=TITLE_LIMIT),
        authors=_names((found.author or "").split(";")),
        date=date,
        publisher=_site(found.sitename, url=url),
        canonical=canonical_link(web_url(head.canonical, base=url), page=url),
        usage=tuple(sorted(head.usage)),
    )


class _Head(html.parser.HTMLParser):
    """What the head of a page tells of it in ways that trafilatura does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.canonical: str | None = None
        self.usage: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and "canonical" in given.get("rel", "").lower().split():
            self.canonical = self.canonical or given.get("href")
        if tag != "meta":
            return
        name, words = given.get("name", "").lower(), given.get("content", "")
        if name in ("robots", "googlebot-news"):
            self.usage.update(set(re.split(r"[\s,]+", words.lower())) & {"noai", "noimageai", "noarchive", "nosnippet"})
        if name in ("tdm-reservation", "tdm-policy"):
            self.usage.add(f"{name}: {one_line(words, limit=NAME_LIMIT)}")

    handle_startendtag = handle_starttag


def _head(page: str) -> _Head:
    head = _Head()
    head.feed(page[:_HEAD])
    return head


def _name(given: Any, *, limit: int) -> str | None:
    """*given* as one line of text, if it is one."""
    return one_line(unescaped(given), limit=limit) or None if isinstance(given, str) else None


def _site(given: Any, *, url: str) -> str | None:
    """The name of a site; its host, which trafilatura gives where there is none, is no name."""
    name = _name(given, limit=NAME_LIMIT)
    host = urlsplit(url).hostname or ""
    return None if name is None or name.lower().removeprefix("www.") == host.removeprefix("www.") else name


def _names(given: Iterable[str]) -> tuple[str, ...]:
    names = (_name(name, limit=NAME_LIMIT) for name in given)
    return tuple(dict.fromkeys(name for name in names if name))[:AUTHORS]


# --- PDF ------------------------------------------------------------------------------------------------------------


def _pdf(body: bytes, *, url: str) -> Page:
    import pypdf
    import pypdf.errors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each flaw that it gets over
            reader = pypdf.PdfReader(io.BytesIO(body))
            opened = not reader.is_encrypted or bool(reader.decrypt(""))
            page = _printed(reader, tool=f"pypdf/{pypdf.__version__}") if opened else None
    except (pypdf.errors.PyPdfError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise FetchError(
            f"{url} is a PDF that cannot be read ({type(error).__name__}); cite its web page, or record its facts by hand"
        ) from error
    if page is None:
        raise FetchError(f"{url} is a PDF with a password; cite its web page, or record its facts by hand")
    return page


def _printed(reader: pypdf.PdfReader, *, tool: str) -> Page:
    lines: list[str] = []
    pages: list[int] = []
    left = TEXT_LIMIT
    for number, sheet in enumerate(reader.pages[:PAGES], start=1):
        found = _lines(_paragraphs(sheet.extract_text()))
        left -= sum(map(len, found))
        if left < 0:
            break
        lines += found
        pages += [number] * len(found)
    about = reader.metadata
    title = _name(about.title, limit=TITLE_LIMIT) if about else None
    made = f"{about.creation_date:%Y-%m-%d}" if about and about.creation_date else ""
    return Page(
        tuple(lines),
        tool,
        title=None if title is None or _NO_TITLE.search(title) else title,
        authors=_names(re.split("[;,]", about.author) if about and isinstance(about.author, str) else ()),
        date=made if _DATE.fullmatch(made) else None,
        pages=tuple(pages),
    )


def _paragraphs(text: str) -> Iterator[str]:
    """The lines of a printed page, joined into paragraphs, as far as their lengths and stops tell where one ends."""
    printed = text.splitlines()
    lengths = [len(line.rstrip()) for line in printed if line.strip()]
    short = statistics.quantiles(lengths, n=4)[-1] * _SPACED_OUT if len(lengths) > 1 else 0.0
    open_: list[str] = []
    for line in printed:
        bare = line.strip()
        if open_ and (not bare or _ITEM.match(bare) or _ends_paragraph(open_, short=short)):
            yield "\n".join(open_)
            open_ = []
        if bare:
            open_.append(bare)
    if open_:
        yield "\n".join(open_)


def _ends_paragraph(lines: list[str], *, short: float) -> bool:
    """True when the last of *lines* ends a sentence, and is shorter than a full line or the end of a long paragraph."""
    is_end = _STOP.search(lines[-1]) is not None
    return is_end and (len(lines[-1]) < short or sum(map(len, lines)) > _LONG)
