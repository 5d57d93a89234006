"""The cage in which strangers' bytes are read: what a parser that was taken over, or lost its way, cannot do (T-30)."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sandbox import LONGEST_ANSWER, MEMORY, Broken, NotStarted, Sandbox


@pytest.fixture
def cage() -> Iterator[Sandbox]:
    with Sandbox("tests.caged:answered", seconds=15) as cage:
        yield cage


def needs(cage: Sandbox, what: str) -> None:
    """Skip a test of what this kernel does not hold back, as `Sandbox.held` tells."""
    cage.ask({"deed": "environment"})
    if what not in cage.held:
        pytest.skip(f"this kernel lets no process give up {what}")


def test_t30_no_byte_reaches_a_file(cage: Sandbox, tmp_path: Path) -> None:
    answer = cage.ask({"deed": "write", "at": str(tmp_path / "x")})

    assert not answer["done"]
    assert not (tmp_path / "x").exists() or (tmp_path / "x").read_bytes() == b""


@pytest.mark.parametrize("deed", ["delete", "rename"])
def test_t30_no_file_is_changed_where_the_kernel_lets_us(cage: Sandbox, tmp_path: Path, deed: str) -> None:
    needs(cage, "files")
    (tmp_path / "kept").write_text("kept")

    answer = cage.ask({"deed": deed, "at": str(tmp_path / "kept")})

    assert not answer["done"]
    assert (tmp_path / "kept").read_text() == "kept"


def test_t30_no_program_is_run_where_the_kernel_lets_us(cage: Sandbox) -> None:
    needs(cage, "files")

    assert not cage.ask({"deed": "run"})["done"]


@pytest.mark.parametrize("deed", ["connect", "datagram"])
def test_t30_nothing_reaches_the_network_where_the_kernel_lets_us(cage: Sandbox, deed: str) -> None:
    needs(cage, "network")
    kind = socket.SOCK_STREAM if deed == "connect" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as listening:
        listening.bind(("127.0.0.1", 0))
        if deed == "connect":
            listening.listen()

        answer = cage.ask({"deed": deed, "at": listening.getsockname()[1]})

    assert not answer["done"]


def test_t30_memory_has_an_end(cage: Sandbox) -> None:
    assert cage.ask({"deed": "memory", "at": MEMORY // 8})["done"]
    assert not cage.ask({"deed": "memory", "at": MEMORY})["done"]


def test_t30_processor_time_has_an_end_before_the_wall_time(cage: Sandbox) -> None:
    began = time.monotonic()
    with pytest.raises(Broken):
        cage.ask({"deed": "spin"}, seconds=120, processor=1)

    assert time.monotonic() - began < 100


def test_the_child_knows_nothing_of_our_environment(cage: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSIGNAL_SMTP_URL", "smtp://a:secret@example.org")

    assert "OPENSIGNAL_SMTP_URL" not in cage.ask({"deed": "environment"})["gave"]


def test_an_answer_without_end_is_none(cage: Sandbox) -> None:
    """It would fill the memory of who asks."""
    with pytest.raises(Broken):
        cage.ask({"deed": "flood", "at": LONGEST_ANSWER + 10})

    assert cage.ask({"deed": "environment"})["done"]


def test_a_child_that_takes_no_question_is_ended(cage: Sandbox) -> None:
    """A pipe holds 64 kB; what is longer has to be taken."""
    cage.ask({"deed": "environment"})
    assert cage._child is not None
    os.kill(cage._child._process.pid, signal.SIGSTOP)

    with pytest.raises(Broken):
        cage.ask({"deed": "environment", "more": "x" * 1_000_000}, seconds=0.3)

    assert cage.ask({"deed": "environment"})["done"]


def test_a_child_that_cannot_start_is_told_from_a_question_that_was_too_much() -> None:
    with (
        Sandbox("tests.caged:nothing_of_that_name", seconds=5) as cage,
        pytest.raises(NotStarted, match="did not start"),
    ):
        cage.ask({})

    assert cage._child is None
