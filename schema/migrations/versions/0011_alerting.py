"""Alerting: what it is told, alerts and what happened to them, the outbox, and who leads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: Rules of incidents are evaluated when there is something new.
_TELL = """
    CREATE FUNCTION measures.tell_incidents() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NOTIFY incidents_changed;
        RETURN NULL;
    END $$
"""
_TOLD = """
    CREATE TRIGGER incidents_told AFTER INSERT OR UPDATE ON incidents
    FOR EACH STATEMENT EXECUTE FUNCTION measures.tell_incidents()
"""


def upgrade() -> None:
    op.execute(_TELL)
    op.execute(_TOLD)
    op.create_table(
        "alert_definitions",
        sa.Column("kind", sa.Text(), nullable=False, comment="rule, contact or policy"),
        sa.Column("name", sa.Text(), nullable=False, comment="of the rule or contact; the policy is called policy"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="from 1; the newest counts"),
        sa.Column(
            "definition",
            postgresql.JSONB(),
            comment="as it was written; NULL where it was deleted",
        ),
        sa.Column("origin", sa.Text(), nullable=False, comment="default, file or api"),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it was written, UTC",
        ),
        sa.Column("changed_by", sa.Text(), nullable=False, comment="who wrote it"),
        sa.CheckConstraint("kind IN ('rule', 'contact', 'policy')", name=op.f("alert_definitions_kind_check")),
        sa.CheckConstraint("origin IN ('default', 'file', 'api')", name=op.f("alert_definitions_origin_check")),
        sa.PrimaryKeyConstraint("kind", "name", "version", name="alert_definitions_pkey"),
        comment="Every version of what alerting is told",
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text(), nullable=False, comment="of this one time that the rule held of the subject"),
        sa.Column("rule", sa.Text(), nullable=False, comment="name of the rule"),
        sa.Column("rule_version", sa.Integer(), nullable=False, comment="by which it was last evaluated"),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="such as a sensor's external id, an area or an incident's id",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="what the subject is called"),
        sa.Column("state", sa.Text(), nullable=False, comment="pending, firing or resolved"),
        sa.Column("reason", sa.Text(), nullable=False, comment="value, or no_data"),
        sa.Column("priority", sa.Text(), nullable=False, comment="low, medium, high or critical"),
        sa.Column(
            "labels",
            postgresql.JSONB(),
            nullable=False,
            comment="by which it is routed, grouped, silenced and inhibited",
        ),
        sa.Column("summary", sa.Text(), nullable=False, comment="the rule's title, filled in"),
        sa.Column(
            "description", sa.Text(), server_default="", nullable=False, comment="the rule's description, filled in"
        ),
        sa.Column("value", sa.Double(), comment="that was last seen, in the unit of the rule's measure"),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), nullable=False, comment="since when the rule has held, UTC"
        ),
        sa.Column(
            "fired_at",
            sa.DateTime(timezone=True),
            comment="when it had held for long enough, UTC; NULL while pending",
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), comment="when it was over, UTC"),
        sa.Column(
            "clear_since",
            sa.DateTime(timezone=True),
            comment="since when it has been well while it is kept firing, UTC",
        ),
        sa.Column(
            "observed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was last changed by an evaluation, UTC",
        ),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), comment="when somebody took it on, UTC"),
        sa.Column("acknowledged_by", sa.Text(), comment="who did"),
        sa.Column("assignee", sa.Text(), comment="whose it is"),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False, comment="counts its changes"),
        sa.CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name=op.f("alerts_resolved_at_check")),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high', 'critical')", name=op.f("alerts_priority_check")),
        sa.CheckConstraint("reason IN ('value', 'no_data')", name=op.f("alerts_reason_check")),
        sa.CheckConstraint("state IN ('pending', 'firing', 'resolved')", name=op.f("alerts_state_check")),
        sa.PrimaryKeyConstraint("id", name="alerts_pkey"),
        comment="What is wrong, or was: one row each time that a rule held of a subject",
    )
    op.create_index("alerts_fired_at_idx", "alerts", ["fired_at"], unique=False)
    op.create_index(
        "alerts_open_idx", "alerts", ["rule", "subject"], unique=True, postgresql_where=sa.text("state <> 'resolved'")
    )
    op.create_table(
        "alert_events",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="in the order in which they were written",
        ),
        sa.Column("alert_id", sa.Text(), nullable=False, comment="alerts.id"),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False, comment="when it happened, UTC"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="pending, firing, raised (to another priority), resolved, calmed (pending, and then not), "
            "acknowledged, unacknowledged, assigned, commented, escalated, notified or muted",
        ),
        sa.Column("actor", sa.Text(), nullable=False, comment="who did it; alerting for what came by itself"),
        sa.Column(
            "detail",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="such as the words of a comment",
        ),
        sa.Column(
            "event",
            postgresql.JSONB(),
            comment="what traffic.alerts is told of it; NULL for what is not told",
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), comment="when it was told, UTC"),
        sa.PrimaryKeyConstraint("id", name="alert_events_pkey"),
        comment="What happened to each alert",
    )
    op.create_index("alert_events_alert_id_idx", "alert_events", ["alert_id"], unique=False)
    op.create_index(
        "alert_events_unpublished_idx",
        "alert_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("event IS NOT NULL AND published_at IS NULL"),
    )
    op.create_table(
        "alert_silences",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False, comment="number of the silence"),
        sa.Column(
            "definition",
            postgresql.JSONB(),
            nullable=False,
            comment="matchers, hours that it is for, and a comment",
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False, comment="UTC"),
        sa.Column(
            "ends_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="UTC; the time it was ended at, where it was",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="UTC"
        ),
        sa.Column("created_by", sa.Text(), nullable=False, comment="who wants it"),
        sa.Column("ended_by", sa.Text(), comment="who ended it early"),
        sa.PrimaryKeyConstraint("id", name="alert_silences_pkey"),
        comment="When nobody is told of which alerts",
    )
    op.create_index("alert_silences_ends_at_idx", "alert_silences", ["ends_at"], unique=False)
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.Text(), nullable=False, comment="begins the idempotency key of each of its notifications"),
        sa.Column("route", sa.Text(), nullable=False, comment="of the policy; direct where no rule is behind it"),
        sa.Column(
            "step", sa.Integer(), nullable=False, comment="of the route's escalation; 0 is the first to be told"
        ),
        sa.Column("group_key", sa.Text(), nullable=False, comment="what its alerts have in common"),
        sa.Column("group_labels", postgresql.JSONB(), nullable=False, comment="the same as labels"),
        sa.Column("alert_ids", sa.ARRAY(sa.Text()), nullable=False, comment="alerts.id"),
        sa.Column(
            "document",
            postgresql.JSONB(),
            comment="what is told, as it was when it was due; of a direct one, what was given",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="UTC"
        ),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="until when it waits for others of its group, UTC",
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), comment="when its notifications were written, UTC"),
        sa.Column(
            "outcome",
            sa.Text(),
            comment="told, muted (silenced, inhibited, or over before it was due) or nobody (is there)",
        ),
        sa.PrimaryKeyConstraint("id", name="alert_notices_pkey"),
        comment="What people are to be told: one row for a group of alerts, written with the change that it is about",
    )
    op.create_index(
        "alert_notices_alert_ids_idx", "alert_notices", ["alert_ids"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "alert_notices_due_idx",
        "alert_notices",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "alert_notices_waiting_idx",
        "alert_notices",
        ["route", "step", "group_key"],
        unique=True,
        postgresql_where=sa.text("done_at IS NULL AND route <> 'direct'"),
    )
    op.create_table(
        "alert_told",
        sa.Column("alert_id", sa.Text(), nullable=False, comment="alerts.id"),
        sa.Column("route", sa.Text(), nullable=False, comment="of the policy"),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False, comment="of the route's escalation"),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="of the alert when it was last told: firing or resolved"
        ),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False, comment="when it was first told, UTC"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, comment="when it was last told, UTC"),
        sa.Column("group_key", sa.Text(), nullable=False, comment="of the group in which it was told"),
        sa.PrimaryKeyConstraint("alert_id", "route", "step", name="alert_told_pkey"),
        comment="What has been told of each alert",
    )
    op.create_index("alert_told_group_key_idx", "alert_told", ["route", "step", "group_key"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text(), nullable=False, comment="the idempotency key, which a receiver is given"),
        sa.Column("notice_id", sa.Text(), nullable=False, comment="what is told"),
        sa.Column("contact", sa.Text(), nullable=False, comment="who is told"),
        sa.Column("channel", postgresql.JSONB(), nullable=False, comment="how, as the contact had it"),
        sa.Column("kind", sa.Text(), nullable=False, comment="email, slack, webhook, sms or push"),
        sa.Column("destination", sa.Text(), nullable=False, comment="where to; never a secret"),
        sa.Column("priority", sa.Text(), nullable=False, comment="of its most urgent alert"),
        sa.Column(
            "state",
            sa.Text(),
            server_default="waiting",
            nullable=False,
            comment="waiting, delivered, given_up or obsolete",
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="so far"),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False, comment="not to be tried before, UTC"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="UTC"
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), comment="when it was delivered or given up, UTC"),
        sa.Column("error", sa.Text(), comment="of the newest attempt; NULL when it succeeded"),
        sa.Column(
            "reference",
            postgresql.JSONB(),
            comment="by which the receiver knows it, such as Slack's channel and ts",
        ),
        sa.Column("taken_by", sa.BigInteger(), comment="epoch of the leader that is sending it"),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'given_up', 'obsolete')", name=op.f("notifications_state_check")
        ),
        sa.ForeignKeyConstraint(["notice_id"], ["alert_notices.id"], name="notifications_notice_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="notifications_pkey"),
        comment="The outbox: one row for each message to each destination",
    )
    op.create_index(
        "notifications_given_up_idx",
        "notifications",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("state = 'given_up'"),
    )
    op.create_index("notifications_notice_id_idx", "notifications", ["notice_id"], unique=False)
    op.create_index(
        "notifications_waiting_idx",
        "notifications",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "alert_requests",
        sa.Column("id", sa.Text(), nullable=False, comment="of the request"),
        sa.Column("kind", sa.Text(), nullable=False, comment="dry_run, backtest or preview"),
        sa.Column("body", postgresql.JSONB(), nullable=False, comment="what is asked"),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="UTC"
        ),
        sa.Column("requested_by", sa.Text(), nullable=False, comment="who asks"),
        sa.Column(
            "state", sa.Text(), server_default="waiting", nullable=False, comment="waiting, running, done or failed"
        ),
        sa.Column("progress", sa.REAL(), server_default="0", nullable=False, comment="0 to 1"),
        sa.Column("result", postgresql.JSONB(), comment="the answer"),
        sa.Column("error", sa.Text(), comment="why there is none, in a sentence"),
        sa.Column("finished_at", sa.DateTime(timezone=True), comment="UTC"),
        sa.PrimaryKeyConstraint("id", name="alert_requests_pkey"),
        comment="What the API asks alerting to work out",
    )
    op.create_index(
        "alert_requests_waiting_idx",
        "alert_requests",
        ["requested_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_table(
        "alert_leader",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "epoch",
            sa.BigInteger(),
            nullable=False,
            comment="counts the changes of leader: who has an older one, stops",
        ),
        sa.Column("instance", sa.Text(), nullable=False, comment="host and process"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="UTC"),
        sa.Column(
            "renewed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it last said so, by the database's clock, UTC",
        ),
        sa.CheckConstraint("single", name=op.f("alert_leader_single_check")),
        sa.PrimaryKeyConstraint("single", name="alert_leader_pkey"),
        comment="Which alerting process leads",
    )
