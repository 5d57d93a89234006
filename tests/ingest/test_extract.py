"""What a page says, and what it tells of itself; read in the cage as `take_snapshot` reads it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import pytest

from pipeline.errors import FetchError
from pipeline.ingest.extract import Page, extract
from pipeline.ingest.sandbox import Sandbox
from pipeline.library.quotes import normal, occurs

URL = "https://north.example.org/outlook"
WORDS = (
    "The authority expects that halls under contract may need &ldquo;9% to 17%&rdquo; of regional supply by 2030. "
    "Its new figure lies 60% above the outlook of 2024, and it names three reasons for that in what follows here."
)


@pytest.fixture(scope="module")
def cage() -> Iterator[Sandbox]:
    with Sandbox() as cage:
        yield cage


def page(head: str = "", body: str = f"<p>{WORDS}</p><p>{WORDS[::-1].replace(';', '').replace('&', '')}</p>") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body><article>{body}</article></body></html>".encode()


def html(cage: Sandbox, body: bytes, *, url: str = URL) -> Page:
    return cage.extract(body, content_type="text/html; charset=utf-8", url=url)


def pdf(*sheets: Sequence[str], about: str = "", trailer: str = "") -> bytes:
    """A PDF of these *sheets*, each a list of printed lines."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for lines in sheets:
        drawn = " T* ".join("({}) Tj".format(line.replace("(", r"\(").replace(")", r"\)")) for line in lines)
        stream = zlib.compress(f"BT /F1 11 Tf 14 TL 72 700 Td {drawn} ET".encode("latin-1"))
        objects.append(b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(len(objects) + 1)
        font = "/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {font} /Contents {len(objects)} 0 R >>".encode()
        )
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>".encode()
    objects.append(about.encode() or b"<< >>")
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, what in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, what)
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R {trailer} >>\n".encode()
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % at)


# --- HTML -----------------------------------------------------------------------------------------------------------


def test_a_page_tells_its_title_authors_date_and_publisher(cage: Sandbox) -> None:
    found = html(
        cage,
        page(
            '<title>Outlook 2026 - Northfield</title><meta property="og:title" content="Load outlook 2026">'
            '<meta property="og:site_name" content="Northfield Grid Authority"><meta name="author" content="Ada Sample">'
            '<meta property="article:published_time" content="2026-02-26T08:00:00Z">'
        ),
    )

    assert found.title == "Load outlook 2026"
    assert found.publisher == "Northfield Grid Authority"
    assert found.authors == ("Ada Sample",)
    assert found.date == "2026-02-26"
    assert found.tool.startswith("trafilatura/")
    assert found.pages == ()


def test_each_line_is_in_normal_form_and_holds_the_words(cage: Sandbox) -> None:
    found = html(cage, page())

    assert occurs('may need "9% to 17%" of regional supply', found.text)
    assert all(line and line == normal(line) for line in found.lines)
    assert found.text == "".join(line + "\n" for line in found.lines)


def test_what_a_page_does_not_tell_is_none(cage: Sandbox) -> None:
    found = html(cage, page())

    assert (found.authors, found.date, found.publisher, found.canonical, found.usage) == ((), None, None, None, ())


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("https://www.example.org/outlook-2026?utm_source=x", "https://www.example.org/outlook-2026"),
        ("/outlook-2026", "https://north.example.org/outlook-2026"),
        ("https://north.example.org/", None),
        ("https://elsewhere.example.com/outlook", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_the_address_that_a_page_calls_its_own_is_believed_at_its_own_domain_only(
    given: str, canonical: str | None, cage: Sandbox
) -> None:
    assert html(cage, page(f'<link rel="canonical" href="{given}">')).canonical == canonical


def test_what_a_page_says_of_machines_is_taken_down(cage: Sandbox) -> None:
    found = html(cage, page('<meta name="robots" content="index, NOAI"><meta name="tdm-reservation" content="1">'))

    assert found.usage == ("noai", "tdm-reservation: 1")


def test_titles_that_would_add_lines_or_markup_are_one_line_of_text(cage: Sandbox) -> None:
    found = html(cage, page("<title>Load&#10;Bcc: someone&#13;&#10;<b>outlook</b>\u202e 2026</title>"))

    assert found.title is not None
    assert len(found.title.splitlines()) == 1
    assert "\u202e" not in found.title


# --- PDF ------------------------------------------------------------------------------------------------------------

REPORT = (
    ["Load outlook 2026", "", "Halls under contract may need 9% to 17% of regional", "supply by 2030, which is more than the out-",
     "look of 2024 said. It is", "a sum."],
    ["The new figure is 60% above our 2024 outlook.", "- Two campuses moved their opening forward.", "- Nineteen requests went."],
)  # fmt: skip


def test_a_pdf_gives_its_text_with_the_page_of_each_line(cage: Sandbox) -> None:
    about = "<< /Title (Load outlook 2026) /Author (Ada Sample; Kim Sample) /CreationDate (D:20260226080000Z) >>"
    found = cage.extract(pdf(*REPORT, about=about), content_type="text/html", url=URL)

    assert occurs("9% to 17% of regional supply by 2030, which is more than the outlook of 2024 said", found.text)
    assert [number for line, number in zip(found.lines, found.pages, strict=True) if "60% above" in line] == [2]
    assert set(found.pages) == {1, 2}
    assert found.tool.startswith("pypdf/")
    assert (found.title, found.authors, found.date) == ("Load outlook 2026", ("Ada Sample", "Kim Sample"), "2026-02-26")


def test_items_of_a_printed_list_are_lines_of_their_own(cage: Sandbox) -> None:
    found = cage.extract(pdf(*REPORT), content_type="application/pdf", url=URL)

    assert "- Two campuses moved their opening forward." in found.lines


def test_a_page_without_short_lines_is_not_one_paragraph(cage: Sandbox) -> None:
    sheet = [
        f"Line {n} of this page says what the authority had expected in its outlook of {n}." for n in range(10, 55)
    ]

    found = cage.extract(pdf(sheet), content_type="application/pdf", url=URL)

    assert len(found.lines) >= 3
    assert all(line.endswith(".") for line in found.lines)


def test_the_name_of_a_file_is_no_title(cage: Sandbox) -> None:
    body = pdf(["Words."], about="<< /Title (Microsoft Word - outlook final.docx) >>")

    assert cage.extract(body, content_type="application/pdf", url=URL).title is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"%PDF-1.7\n", "cannot be read"),
        (b"%PDF-1.7\n" + b"\0" * 5_000, "cannot be read"),
        (pdf([]), "holds no text"),
        (pdf(["x"])[:-200], "outlook"),
        (pdf(["x"], trailer="/Encrypt << /Filter /Standard /V 9 /R 9 >>"), "outlook"),
    ],
    ids=["empty", "zeros", "no text", "cut", "locked"],
)
def test_a_pdf_that_gives_nothing_is_refused_in_words(body: bytes, words: str, cage: Sandbox) -> None:
    try:
        found = cage.extract(body, content_type="application/pdf", url=URL)
    except FetchError as error:
        assert words in str(error)  # noqa: PT017 -- what is cut may still be read
    else:
        assert found.text == "x\n"


# --- other files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "kind"),
    [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"PK\x03\x04", "application/zip"), (b"\xff\xd8\xff", "image/jpeg")],
)
def test_a_file_of_another_kind_is_called_by_its_name(begins: bytes, kind: str, cage: Sandbox) -> None:
    with pytest.raises(FetchError, match=f"{URL} is a file of {kind}, and no page"):
        cage.extract(begins + bytes(range(256)) * 40, content_type=f"{kind}; x=y", url=URL)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_page_in_wide_characters_is_a_page(charset: str, cage: Sandbox) -> None:
    assert occurs("60% above the outlook of 2024", html(cage, page().decode().encode(charset)).text)


# --- hostile pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"<b>" * 100_000 + b"words",
        b"<table><tr><td>" * 20_000,
        b"<a " + b"x=y " * 100_000 + b">",
        b"<p>" + b"&amp" * 200_000,
        b"\xff\xfe" + b"<\0p\0>\0" + b"\x00\xd8" * 1_000,
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><p>&b;</p>",
        b"\0" * 100_000,
    ],
    ids=["300 kB of b", "tables", "attributes", "entities", "surrogates", "doctype", "zeros"],
)
def test_t30_a_page_made_to_break_the_reader_fails_alone(body: bytes, cage: Sandbox) -> None:
    try:
        html(cage, body)
    except FetchError as error:
        assert URL in str(error)  # noqa: PT017 -- either is right

    assert html(cage, page()).lines


def test_a_plain_text_is_taken_as_it_is() -> None:
    found = extract(b"First line.\r\n\r\n  Second \xe2\x80\x93 line.\n", content_type="Text/Plain", url=URL)

    assert found == Page(("First line.", "Second - line."), "plain")
