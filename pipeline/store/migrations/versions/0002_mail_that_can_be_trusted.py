"""Mail that can be trusted: limits, receivers, bounces, controls, and consents that cannot be changed unseen."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _consents()
    _requests()
    _limits()
    _sending()
    _bounces()


def _consents() -> None:
    for column in (
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("trace", sa.String(length=64), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
    ):
        op.add_column("consents", column)
    op.create_table(
        "traces",
        sa.Column("consent_id", ID, autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_traces_consent_id")),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_traces")),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(length=32), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_requests_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("ref", name=op.f("uq_requests_ref")),
    )
    op.create_index(op.f("ix_requests_subscriber_id"), "requests", ["subscriber_id"])


def _limits() -> None:
    for column in (
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
    ):
        op.add_column("signups", column)
    op.create_table(
        "limits",
        sa.Column("bucket", sa.String(length=80), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_limits")),
    )
    op.create_index(op.f("ix_limits_expires_at"), "limits", ["expires_at"])
    op.create_table(
        "solved",
        sa.Column("challenge", sa.String(length=64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_solved")),
    )
    op.create_index(op.f("ix_solved_expires_at"), "solved", ["expires_at"])


def _sending() -> None:
    op.add_column("issues", sa.Column("control", sa.String(length=16), nullable=False, server_default="sending"))
    op.add_column("deliveries", sa.Column("domain", sa.String(length=255), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("first_at", TIME, nullable=True))
    op.create_table(
        "domains",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_domains")),
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("epoch", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )


def _bounces() -> None:
    op.create_table(
        "bounces",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("subscriber_id", ID, nullable=True),
        sa.Column("issue_id", ID, nullable=True),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("diagnostic", sa.Text(), nullable=True),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_bounces_subscriber_id")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_bounces_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounces")),
        sa.UniqueConstraint("key", name=op.f("uq_bounces_key")),
    )
    for column in ("at", "subscriber_id", "issue_id"):
        op.create_index(op.f(f"ix_bounces_{column}"), "bounces", [column])
