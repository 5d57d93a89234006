"""A citation reaches the clipboard of a terminal, and nothing else is sent what only terminals understand."""

from __future__ import annotations

import base64
import io
import sys

import pytest

from pipeline.cli.sources import to_clipboard


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_asked_by_its_own_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    to_clipboard("[^north.share]")

    encoded = base64.b64encode(b"[^north.share]").decode()
    assert terminal.getvalue() == f"\033]52;c;{encoded}\a"


def test_what_is_no_terminal_gets_no_escape(capsys: pytest.CaptureFixture[str]) -> None:
    to_clipboard("[^north.share]")

    assert "\033" not in capsys.readouterr().err
