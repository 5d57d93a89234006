"""Jobs of many machines: the tables of Procrastinate, on Postgres only. One machine with SQLite looks for its work by itself."""

from alembic import op

from pipeline.store.migrations.procrastinate import bring_up

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        bring_up(connection)
