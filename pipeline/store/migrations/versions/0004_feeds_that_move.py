"""Feeds that move: the address that a host names in place of a feed's, and since when it does."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("feeds", sa.Column("moved_to", sa.Text(), nullable=True))
    op.add_column("feeds", sa.Column("moved_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("feeds", sa.Column("moved_seen", sa.DateTime(timezone=True), nullable=True))
