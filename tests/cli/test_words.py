"""What is said of words that are off: one line with what is wrong and what next."""

from __future__ import annotations

import sys

import pytest

from pipeline.cli import alone as one_command
from pipeline.cli import app, base, main


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("explain w01", 'no problem has the code "w01"; did you mean W001?'),
        ("explain s20", 'no problem has the code "s20"; those that begin so: S201, S202, S203,'),
        ("explain nothing", 'no problem has the code "nothing"; give one as check prints it, such as S201'),
        ("check --format xml", "Invalid value for '--format': 'xml' is not one of 'text', 'json',"),
    ],
)
def test_a_word_that_is_off_is_answered_in_one_line_with_what_next(
    words: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["opensignal", *words.split()])

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert " ".join(said.err.split()).startswith(f"opensignal: {told}")


def test_the_help_names_the_commands_in_the_order_of_the_work() -> None:
    from typer.main import get_command

    named = get_command(app).list_commands(None)  # type: ignore[attr-defined]  # it is a group

    assert named == base.ORDER


@pytest.mark.parametrize("words", [(), *((name,) for name in base.ORDER)])
def test_no_word_of_a_command_is_cut_off(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal of 80 columns, where a list of commands gives each one line."""
    from typer.testing import CliRunner

    listed = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"}).output.partition("\nCommands:\n")[2]

    assert [line for line in listed.splitlines() if line.endswith("...")] == []


@pytest.mark.parametrize("name", base.ORDER)
def test_a_command_alone_is_the_command_among_all(name: str) -> None:
    """Only the one that was asked for is taken in."""
    from typer.main import get_command

    whole, alone = get_command(app), get_command(one_command([name]))

    assert alone.list_commands(None) == [name]  # type: ignore[attr-defined]  # it is a group
    told = [group.commands[name].get_short_help_str(200) for group in (whole, alone)]  # type: ignore[attr-defined]
    assert told[0] == told[1]
    assert one_command(["no-such"]) is app
    assert one_command([]) is app
