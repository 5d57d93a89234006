"""R-09 in full: random histories of subscribers against a model of the rules; `tests/mail/test_lifecycle.py` holds both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from pipeline.store.engine import connect
from pipeline.store.migrations import upgrade
from tests.chaos.scene import Told
from tests.mail.test_lifecycle import SubscribersLife


def in_full(folder: Path, scale: float, seed: int) -> Iterator[Told]:
    """10,000 histories of up to 40 acts."""
    histories = max(50, int(10_000 * scale))
    template = folder / "template.db"
    store = connect(f"sqlite:///{template}")
    upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    machine = seeded(seed)(type("AnyOrder", (SubscribersLife,), {"template": template}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=False,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
    yield Told("R-09", f"{histories:,} random histories", "each ended as the rules say")
