"""An operator's many machines, as processes: `opensignal worker`, `up` and `serve` on one Postgres, and the words on SQLite."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import MailServer, mail_server
from tests.repository import HERE, Repository


@pytest.fixture
def shared(tmp_path: Path, new_postgres: Callable[[], str]) -> Repository:
    """A repository whose database is Postgres, with an issue that is due and nobody to get it yet."""
    repository = Repository.make(
        tmp_path / "newsletter", database_url=new_postgres(), daily_at="00:00", lease_seconds="5", connections="2"
    )
    repository.add_article("grid")
    return repository


def _until(true: Callable[[], object], *processes: subprocess.Popen[str], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        for process in processes:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _ended(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[str, float]:
    """Ask it to end: what it had to say, and how long it took."""
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in out + err
    assert "@example.org" not in out + err
    return out + err, time.monotonic() - began


def test_without_postgres_there_is_one_machine_and_it_is_told_what_to_run(repository: Repository) -> None:
    ended = repository.run("worker")

    assert ended.code == 2
    assert "run opensignal up" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", [(), ("keys",), ("subscribers",)])
def test_a_group_of_commands_alone_is_answered_with_its_list(repository: Repository, words: tuple[str, ...]) -> None:
    ended = repository.run(*words)

    assert ended.code == 2
    assert (ended.out + ended.err).startswith("Usage: opensignal")
    assert "--help" not in (ended.out + ended.err).splitlines()[-1]


def test_a_queue_that_there_is_not_ends_with_2(shared: Repository) -> None:
    ended = shared.run("worker", "--queues", "letters")

    assert ended.code == 2
    assert "no queue 'letters'" in ended.err


def test_on_sqlite_the_queue_of_many_machines_is_not_even_loaded(repository: Repository) -> None:
    """What it is made of is an extra that need not be installed."""
    code = """
import datetime as dt, sys
from pipeline import jobs
from pipeline.config import Settings
from pipeline.store import open_store
settings = Settings.load()
store = open_store(settings)
runner = jobs.open_runner(jobs.Desk(store, settings, lambda: dt.datetime.now(dt.UTC)))
runner.start()
runner.stop()
import pipeline.cli, pipeline.web.server
print([name for name in ("procrastinate", "psycopg", "croniter", "asgiref") if name in sys.modules])
"""
    done = _run(code, repository)

    assert done.stdout == "[]\n", done.stderr


_SENDING = "sqlalchemy smtplib fastapi css_inline cryptography".split()
_FETCHING = "requests feedparser trafilatura lxml pypdf asyncio".split()
_DRAWING = "PIL fontTools pipeline.site.share.lettering".split()
_ELSEWHERE = [*_SENDING, *_FETCHING, "rich", "pipeline.site.verify"]


def _taken_in(repository: Repository, *modules: str) -> list[str]:
    """Which of *modules* a build takes in."""
    code = f"""
import sys
from pipeline.cli import main
sys.argv = ["opensignal", "build"]
try:
    main()
finally:
    print([name for name in {modules!r} if name in sys.modules])
"""
    done = _run(code, repository)
    assert done.returncode == 0, done.stderr
    taken_in: list[str] = ast.literal_eval(done.stdout.splitlines()[-1])
    return taken_in


def test_a_build_takes_in_what_it_needs_and_no_more(repository: Repository) -> None:
    """What is taken in is most of the time of a build in which little has changed."""
    article = repository.add_article("one-change")
    assert repository.run("build").code == 0

    assert _taken_in(repository, *_ELSEWHERE, *_DRAWING, "pipeline.library.tracing") == []

    article.write_text(article.read_text("utf-8") + "\nA word more.\n", "utf-8")
    assert _taken_in(repository, *_ELSEWHERE, *_DRAWING, "pipeline.library.tracing") == ["pipeline.library.tracing"]


def test_a_second_signal_does_not_wait_for_a_server_that_is_silent(shared: Repository) -> None:
    shared.add_subscribers(["ann@example.org"])

    asked, answered = threading.Event(), threading.Event()

    def silent(stage: str, recipient: str, connection: int) -> str:
        if stage == "message":
            asked.set()
            answered.wait(60)
        return ""

    with mail_server(silent) as server:
        worker = shared.start("worker", "--queues", "send", smtp_url=server.url)
        _until(asked.is_set, worker)
        worker.send_signal(signal.SIGTERM)
        time.sleep(2)  # two that come at once are one
        assert worker.poll() is None
        _, seconds = _ended(worker)
        answered.set()

        assert worker.returncode == 128 + signal.SIGTERM
        assert seconds < 20


def test_up_is_web_and_worker_in_one_and_serve_answers_sign_ups_beside_it(
    shared: Repository, server: MailServer
) -> None:
    shared.add_subscribers(["ann@example.org"])
    up = shared.start("up", "--port", "0", smtp_url=server.url)
    serve = shared.start("serve", "--port", "0", smtp_url=server.url)
    _until(lambda: "ann@example.org" in server.recipients(), up, serve)
    said = [_ended(process) for process in (up, serve)]

    assert server.recipients() == ["ann@example.org"]
    assert all("listening on" in words for words, _ in said)
    assert all(seconds < 20 for _, seconds in said)


def _run(code: str, repository: Repository) -> subprocess.CompletedProcess[str]:
    """Run *code* in *repository*, in a Python of its own."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository.root,
        env={**repository.env(), "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=60,
    )
