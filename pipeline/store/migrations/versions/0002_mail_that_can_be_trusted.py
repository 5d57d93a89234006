"""Mail that can be trusted: limits, receivers, bounces, controls, and consents that cannot be changed unseen."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _consents()
    _people()
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

    op.create_table(
        "chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain")),
    )
    op.execute("INSERT INTO chain (id, head) VALUES (1, '')")
    op.create_table(
        "cuts",
        sa.Column("consent_id", ID, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_cuts")),
    )
    _let_cut_consents_go()


def _let_cut_consents_go() -> None:
    """As before, nobody changes a consent; one that has a row in `cuts`, with the same hash, may be deleted."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER consents_no_delete")
        op.execute(
            "CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents "
            "WHEN NOT EXISTS (SELECT 1 FROM cuts WHERE consent_id = OLD.id AND hash IS OLD.hash) "
            "BEGIN SELECT RAISE(ABORT, 'consents is append-only'); END"
        )
        return
    op.execute("DROP TRIGGER consents_append_only ON consents")
    op.execute(
        "CREATE TRIGGER consents_append_only BEFORE UPDATE OR TRUNCATE ON consents "
        "FOR EACH STATEMENT EXECUTE FUNCTION consents_append_only()"
    )
    op.execute(
        "CREATE FUNCTION consents_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM cuts WHERE consent_id = OLD.id AND hash IS NOT DISTINCT FROM OLD.hash) "
        "THEN RETURN OLD; END IF; RAISE EXCEPTION 'consents is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents FOR EACH ROW EXECUTE FUNCTION consents_no_delete()"
    )


def _people() -> None:
    op.add_column("suppressions", sa.Column("key", sa.String(length=16), nullable=True))
    op.create_table(
        "departures",
        sa.Column("file", sa.String(length=32), nullable=False),
        sa.Column("offset", ID, nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_departures")),
    )
    op.create_table(
        "delivery_counts",
        sa.Column("issue_id", ID, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_delivery_counts_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", "status", name=op.f("pk_delivery_counts")),
    )
    _keep_the_suppressed_out()


def _keep_the_suppressed_out() -> None:
    """The last line behind the code: no delivery is claimed for who has left; only a new confirmation ends a suppression."""
    gone = "SELECT 1 FROM subscribers WHERE id = NEW.subscriber_id AND (email IS NULL OR state NOT IN ('active', 'paused'))"
    back = (
        "OLD.state = 'suppressed' AND NEW.state <> 'suppressed' AND NOT (NEW.state = 'active' "
        "AND NEW.confirmed_at IS NOT NULL AND (OLD.confirmed_at IS NULL OR NEW.confirmed_at > OLD.confirmed_at))"
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER deliveries_claim BEFORE UPDATE OF status ON deliveries "
            f"WHEN NEW.status = 'claimed' AND EXISTS ({gone}) "
            "BEGIN SELECT RAISE(ABORT, 'no letter is claimed for who has left'); END"
        )
        op.execute(
            f"CREATE TRIGGER subscribers_return BEFORE UPDATE OF state ON subscribers WHEN {back} "
            "BEGIN SELECT RAISE(ABORT, 'only a new confirmation ends a suppression'); END"
        )
        return
    # Who leaves between the look and the claim of another transaction is no fault: that transaction is to look again.
    op.execute(
        "CREATE FUNCTION deliveries_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF EXISTS ({gone}) THEN RAISE EXCEPTION 'could not serialize: no letter is claimed for who has left' "
        "USING ERRCODE = 'serialization_failure'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER deliveries_claim BEFORE UPDATE OF status ON deliveries FOR EACH ROW "
        "WHEN (NEW.status = 'claimed') EXECUTE FUNCTION deliveries_claim()"
    )
    op.execute(
        "CREATE FUNCTION subscribers_return() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'only a new confirmation ends a suppression'; END $$"
    )
    op.execute(
        "CREATE TRIGGER subscribers_return BEFORE UPDATE OF state ON subscribers FOR EACH ROW "
        f"WHEN ({back}) EXECUTE FUNCTION subscribers_return()"
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
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    # In one statement: SQLite adds no reference to a column that is there.
    op.execute(
        f"ALTER TABLE notices ADD COLUMN request_id {number} CONSTRAINT fk_notices_request_id REFERENCES requests (id)"
    )


def _limits() -> None:
    for column in (
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("due_at", TIME, nullable=True),
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
        sa.Column("seen_at", TIME, nullable=True),
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
    op.create_table(
        "stops",
        sa.Column("issue_id", ID, autoincrement=False, nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("complaints", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_stops_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", "domain", name=op.f("pk_stops")),
    )
    op.create_table(
        "calls",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_expires_at"), "calls", ["expires_at"])
