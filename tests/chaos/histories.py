"""R-09 in full: random histories against models of the rules, which stand beside their tests in `tests/mail`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from pipeline.config import Settings
from pipeline.store.engine import connect
from pipeline.store.migrations import upgrade
from tests.chaos.scene import Told, tried
from tests.mail.test_audience import Audience
from tests.mail.test_lifecycle import SubscribersLife
from tests.repository import Repository


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """10,000 histories of who is subscribed to what, and as many of what they are sent."""
    histories = max(50, int(10_000 * scale))
    template = _template(folder / "template.db")
    repository = Repository.make(folder / "repository")
    values = {"template": template, "settings": Settings.load(repository.root)}
    for words, machine, steps in (("of subscribers", SubscribersLife, 40), ("of letters", Audience, 14)):
        act = functools.partial(_live, _with(machine, values), histories, steps, seed)
        yield tried("R-09", f"{histories:,} random histories {words}", act)


def _live(machine: Callable[[], RuleBasedStateMachine], histories: int, steps: int, seed: int) -> str:
    run_state_machine_as_test(
        seeded(seed)(machine),
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=False,
            phases=(Phase.generate,),  # shrinking a failure takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
    return "each ended as the rules say"


def _with(machine: type[RuleBasedStateMachine], values: dict[str, object]) -> type[RuleBasedStateMachine]:
    return type(machine.__name__, (machine,), values)


def _template(path: Path) -> Path:
    """A SQLite database with our tables and nothing in it, to be copied."""
    store = connect(f"sqlite:///{path}")
    upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path
