"""What the terminal is shown: words as they are, and nothing that moves where nobody looks."""

from __future__ import annotations

import io
import sys

import pytest

from pipeline.terminal import err, out, progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_words_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    out.print("x.md:100: [bold] :100: ten of\tthem", dim=True)
    err.print("über")

    assert capsys.readouterr() == ("x.md:100: [bold] :100: ten of\tthem\n", "über\n")


def test_what_moves_a_cursor_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    out.print("one\r\x1b[2Jtwo\x07\nthree")

    assert capsys.readouterr().out == "one[2Jtwo\nthree\n"


def test_a_terminal_shows_what_is_less_important_paler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", shown := _Terminal())
    monkeypatch.setenv("TERM", "xterm")

    out.print("a line", dim=True)

    assert shown.getvalue() == "\x1b[2ma line\x1b[0m\n"


def test_a_terminal_that_knows_no_signs_is_shown_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", shown := _Terminal())
    monkeypatch.setenv("TERM", "dumb")

    out.print("a line", dim=True)

    assert shown.getvalue() == "a line\n"


def test_work_of_a_moment_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := _Terminal())

    with progress() as tell:
        tell("drawing", 1, 2)

    assert shown.getvalue() == ""


def test_work_that_takes_longer_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := _Terminal())
    monkeypatch.setattr("pipeline.terminal.PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")

    with progress() as tell:
        tell("drawing", 1, 2)

    assert "drawing" in shown.getvalue()
    assert "1/2" in shown.getvalue()


def test_a_status_is_shown_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())

    with err.status("checking") as say:
        say("sending")

    assert shown.getvalue() == ""
