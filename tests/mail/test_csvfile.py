"""CSV files as people really export them: what is readable is read, and what is broken costs its own row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.mail.csvfile import LINES_OF_A_FIELD, BrokenRow, Row, open_rows

KNOWN = ("email", "cadence", "topics")


def read(tmp_path: Path, content: str | bytes) -> list[tuple[int, str, str]]:
    """Line, address and topics of each row; of a broken one "broken" and why."""
    rows = []
    with open_rows(written(tmp_path, content), required="email", known=KNOWN) as table:
        for row in table.rows:
            if isinstance(row, BrokenRow):
                rows.append((row.line, "broken", row.why))
            else:
                rows.append((row.line, row.fields["email"], row.fields.get("topics", "")))
    return rows


def written(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "readers.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-with-mark"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_way_to_write_a_table_is_read(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    lines = [delimiter.join(row) for row in (["email", "topics"], ["ä@example.org", "power"], ["b@example.org", ""])]
    text = end.join(lines) + end
    content = b"\xff\xfe" + text.encode("utf-16-le") if encoding.endswith("mark") else text.encode(encoding)

    rows = read(tmp_path, content)

    assert rows == [(2, "ä@example.org", "power"), (3, "b@example.org", "")]


def test_columns_are_found_by_name_in_any_order_and_case_and_strange_ones_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, "\n\nName, E-Mail ,TOPICS,, Email \nAnn,x,power,,a@example.org\n")

    with open_rows(file, required="email", known=KNOWN) as table:
        rows = list(table.rows)

    assert table.ignored == ("name", "e-mail", "(without a name)")
    assert isinstance(rows[0], Row)
    assert (rows[0].line, rows[0].fields["email"], rows[0].fields["topics"]) == (4, "a@example.org", "power")


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    content = 'email,topics\na@example.org,"power, ""heat""\nand\r\nmore"\n"b@example.org", "chips"\n'

    assert read(tmp_path, content) == [
        (2, "a@example.org", 'power, "heat"\nand\r\nmore'),
        (5, "b@example.org", "chips"),
    ]


@pytest.mark.parametrize("broken", ['a@example.org,"never closed', 'a@example.org,"closed" too early', '"a"b"@x,y'])
def test_a_quotation_mark_out_of_place_costs_its_own_row_only(tmp_path: Path, broken: str) -> None:
    following = [f"reader{n}@example.org,power" for n in range(2 * LINES_OF_A_FIELD)]

    rows = read(tmp_path, "\n".join(["email,topics", "first@example.org,", broken, *following]))

    assert rows[0] == (2, "first@example.org", "")
    assert rows[1][:2] == (3, "broken")
    assert "quotation mark" in rows[1][2]
    assert rows[2:] == [(n + 4, f"reader{n}@example.org", "power") for n in range(2 * LINES_OF_A_FIELD)]


def test_a_row_that_is_too_long_is_broken_and_one_that_is_too_short_is_filled(tmp_path: Path) -> None:
    content = "email,topics\na@example.org\nb@example.org,power,,\nc@example.org,power,x\n"

    assert read(tmp_path, content) == [
        (2, "a@example.org", ""),
        (3, "b@example.org", "power"),
        (4, "broken", "3 fields where the header names 2 columns"),
    ]


def test_lines_without_anything_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, "email,topics\n\n , ;\t\r\na@example.org,\n\n") == [(4, "a@example.org", "")]


def test_a_byte_of_another_encoding_spoils_its_own_row_only(tmp_path: Path) -> None:
    rows = read(tmp_path, b"email,topics\na\xe4@example.org,\nb@example.org,\n")

    assert [line for line, _, _ in rows] == [2, 3]
    assert rows[0][1] == "a\udce4@example.org", "which no address may hold"
    assert rows[1][1] == "b@example.org"


def test_a_file_is_read_row_by_row(tmp_path: Path) -> None:
    file = written(tmp_path, "email\n" + "a@example.org\n" * 100_000)

    with open_rows(file, required="email", known=KNOWN) as table:
        first = next(iter(table.rows))

    assert isinstance(first, Row)
    assert first.line == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r'readers\.csv:1: no column "email"; begin the file with a line that names its columns, such as email,'),
        ("\n \n", r'readers\.csv:1: no column "email"'),
        ("a@example.org\nb@example.org\n", r'readers\.csv:1: no column "email"'),
        ("\n\nname,mail\n", r'readers\.csv:3: no column "email"'),
        ("email,Topics,topics\n", r'readers\.csv:1: the column "topics" stands there twice; delete one'),
        (b"\xff\xfee", r"readers\.csv: cannot be read"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"nobody\.csv: cannot be read: .*No such file"),
        open_rows(tmp_path / "nobody.csv", required="email", known=KNOWN),
    ):
        pass
