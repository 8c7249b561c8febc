"""What is stored: the tables, in SQLAlchemy Core. Migrations under `migrations/` bring a database to this state.

Units are in the names; `time` is always `timestamptz` in UTC. Time series (`TIME_SERIES`) are hypertables on
TimescaleDB and range-partitioned tables on plain PostgreSQL, which `engines` decides.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

Time = DateTime(timezone=True)


def _now() -> Column[object]:
    return Column("updated_at", Time, nullable=False, server_default=func.now(), comment="when its description came")


sensors = Table(
    "sensors",
    metadata,
    Column("id", Integer, Identity(), primary_key=True, comment="the key that other relations use"),
    Column("external_id", Text, nullable=False, unique=True, comment="source:id"),
    Column("name", Text, nullable=False, comment="what the sensor is called"),
    Column(
        "kind", Text, nullable=False, server_default="link", comment="link (a stretch of road) or detector (a point)"
    ),
    Column("area", Text, index=True, comment="part of the city"),
    Column("road", Text, index=True, comment="road the sensor is on"),
    Column("direction", Text, comment="compass direction of travel"),
    Column("lat", Double, comment="degrees, WGS 84"),
    Column("lon", Double, comment="degrees, WGS 84"),
    Column("geometry", JSONB, comment="GeoJSON, RFC 7946"),
    Column("length_m", Double, comment="of the link, m"),
    Column("free_flow_speed_kmh", Double, comment="speed without other traffic, km/h"),
    Column("lanes", SmallInteger, comment="number of lanes"),
    _now(),
    comment="Where traffic is measured: loop detectors and road links",
)

readings = Table(
    "readings",
    metadata,
    Column("sensor_id", Integer, primary_key=True, autoincrement=False, comment="sensors.id"),
    Column("time", Time, primary_key=True, comment="when it was observed, UTC"),
    Column("speed_kmh", REAL, comment="mean speed, km/h"),
    Column("volume_vph", REAL, comment="vehicles per hour"),
    Column("occupancy", REAL, comment="share of time a vehicle covers the detector, 0 to 1"),
    Column("travel_time_s", REAL, comment="time over the link, seconds"),
    Column(
        "flag", SmallInteger, comment="NULL: good; 1 implausible, 2 stuck, 3 late: kept, and left out of every mean"
    ),
    comment="One observation of a sensor; each is stored exactly once",
)

latest_readings = Table(
    "latest_readings",
    metadata,
    Column("sensor_id", Integer, primary_key=True, autoincrement=False, comment="sensors.id"),
    Column("time", Time, nullable=False),
    Column("speed_kmh", REAL),
    Column("volume_vph", REAL, comment="vehicles per hour"),
    Column("occupancy", REAL, comment="share of time a vehicle covers the detector, 0 to 1"),
    Column("travel_time_s", REAL),
    Column("unchanged_since", Time, comment="time of the first of the readings that are all like this one"),
    Column("unchanged", Integer, comment="how many readings in a row are like this one"),
    comment="The newest good reading of each sensor, kept by ingest so that the city's state is one small table",
    postgresql_with={"fillfactor": 50},
)

weather = Table(
    "weather",
    metadata,
    Column("station", Text, primary_key=True, comment="where it was observed"),
    Column("time", Time, primary_key=True, comment="when it was observed, UTC"),
    Column("temperature_c", REAL, comment="air temperature, degrees Celsius"),
    Column("precipitation_mm", REAL, comment="sum over the hour before time"),
    Column("wind_speed_kmh", REAL, comment="mean wind speed, km/h"),
    Column("visibility_m", REAL, comment="m"),
    Column("condition", Text, comment="clear, cloud, rain, snow, fog or storm"),
    comment="What weather stations observed",
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True, comment="source:id"),
    Column("time", Time, nullable=False, comment="of the newest update"),
    Column("status", Text, nullable=False, comment="reported, updated or cleared"),
    Column("kind", Text, nullable=False, comment="collision, breakdown, road_works, event, weather, hazard or other"),
    Column("severity", Text, nullable=False, comment="low, medium, high or critical"),
    Column("started_at", Time, nullable=False, comment="when it began, UTC"),
    Column("cleared_at", Time, comment="when it was cleared, UTC; NULL while it lasts"),
    Column("description", Text, nullable=False, server_default="", comment="in the source's words"),
    Column(
        "sensors",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="external ids of sensors affected: those that its source names, else those that it is at",
    ),
    Column("area", Text, comment="part of the city"),
    Column("road", Text, comment="road it is on"),
    Column("lat", Double, comment="degrees, WGS 84"),
    Column("lon", Double, comment="degrees, WGS 84"),
    Column("lanes_blocked", SmallInteger, comment="number of lanes"),
    Column("direction", Text, comment="compass direction of the traffic it is in; NULL for both, or not known"),
    Column("placed_at", Time, comment="when sensors that it is at were looked for; NULL where its source names them"),
    CheckConstraint("(status = 'cleared') = (cleared_at IS NOT NULL)", name="cleared_at"),
    Index(None, "started_at"),
    comment="The newest state of each incident",
)

incident_updates = Table(
    "incident_updates",
    metadata,
    Column("incident_id", Text, primary_key=True, comment="incidents.id"),
    Column("time", Time, primary_key=True, comment="of the update, UTC"),
    Column("status", Text, primary_key=True, comment="reported, updated or cleared"),
    Column("severity", Text, nullable=False, comment="low, medium, high or critical"),
    Column("description", Text, nullable=False, server_default="", comment="in the source's words"),
    Column("lanes_blocked", SmallInteger, comment="number of lanes"),
    comment="Every state an incident has had",
)

predictions = Table(
    "predictions",
    metadata,
    Column("sensor_id", Integer, primary_key=True, autoincrement=False, comment="sensors.id"),
    Column("time", Time, primary_key=True, comment="end of the 5 minutes that are predicted, UTC"),
    Column("made_at", Time, primary_key=True, comment="when it was predicted, UTC"),
    Column("speed_kmh", REAL, nullable=False, comment="mean of the 5 minutes"),
    Column("lower_kmh", REAL, comment="lower end of the interval"),
    Column("upper_kmh", REAL, comment="upper end of the interval"),
    Column("model", Text, nullable=False, comment="what made it"),
    comment="Speeds as they were expected; the horizon is time - made_at",
)

anomalies = Table(
    "anomalies",
    metadata,
    Column("sensor_id", Integer, primary_key=True, autoincrement=False, comment="sensors.id"),
    Column("time", Time, primary_key=True, comment="when it began"),
    Column("kind", Text, primary_key=True, comment="what is not as it is normally, such as speed_drop"),
    Column("ended_at", Time, comment="NULL while it lasts"),
    Column("score", REAL, nullable=False, comment="how far from normal, in robust standard deviations"),
    Column("expected", REAL, comment="in the unit of what was observed"),
    Column("observed", REAL, comment="what was, in the unit of what was expected"),
    Column("run_id", Text, comment="spark_runs.id; NULL where it was found as it happened"),
    comment="Stretches in which a sensor was not as it normally is",
)

notification_log = Table(
    "notification_log",
    metadata,
    Column("id", Text, primary_key=True, comment="the idempotency key of the notification"),
    Column("time", Time, primary_key=True, comment="of the attempt"),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("alert_id", Text),
    Column("outcome", Text, nullable=False, comment="delivered, failed or given up"),
    Column("detail", Text),
    comment="Every attempt to deliver a notification",
)

spark_runs = Table(
    "spark_runs",
    metadata,
    Column("id", Text, primary_key=True, comment="the job, and letters of the run's own"),
    Column("job", Text, nullable=False, comment="such as patterns"),
    Column("status", Text, nullable=False, comment="running, succeeded or failed"),
    Column("started_at", Time, nullable=False, server_default=func.now(), comment="when it began, UTC"),
    Column("ended_at", Time, comment="NULL while it runs"),
    Column("span_start", Time, comment="of the readings"),
    Column("span_end", Time, comment="just after the last of the readings"),
    Column("parameters", JSONB, nullable=False, comment="what the run was asked for"),
    Column("code_version", Text, nullable=False, comment="of Urbanclear"),
    Column("rows_in", BigInteger, nullable=False, server_default="0", comment="that were read"),
    Column("rows_out", BigInteger, nullable=False, server_default="0", comment="that were written"),
    Column("seconds", JSONB, nullable=False, server_default=text("'{}'"), comment="by stage"),
    Column("error", Text, comment="why it failed"),
    Index("spark_runs_job_started_at_idx", "job", "started_at"),
    CheckConstraint("status IN ('running', 'succeeded', 'failed')", name="status"),
    comment="Every run of a batch job",
)


def _run() -> Column[object]:
    return Column("run_id", Text, ForeignKey(spark_runs.c.id), nullable=False, comment="spark_runs.id")


profiles = Table(
    "profiles",
    metadata,
    Column("subject_kind", Text, primary_key=True, comment="sensor, area or road"),
    Column("subject", Text, primary_key=True, comment="a sensor's external id, an area's or a road's name"),
    Column("day_type", Text, primary_key=True, comment="weekday, saturday, or sunday, as public holidays are"),
    Column("minute", SmallInteger, primary_key=True, comment="of the city's local day, in steps of 15"),
    Column("speed_kmh", REAL, nullable=False, comment="median of the days"),
    Column("lower_kmh", REAL, nullable=False, comment="10th percentile"),
    Column("upper_kmh", REAL, nullable=False, comment="90th percentile"),
    Column("volume_vph", REAL, comment="median of the days"),
    Column("days", Integer, nullable=False, comment="how many days are behind it"),
    _run(),
    comment="What is normal: speeds by kind of day and quarter of an hour",
)

calendar = Table(
    "calendar",
    metadata,
    Column("day", Date, primary_key=True, comment="in local time"),
    Column("day_type", Text, nullable=False, comment="weekday, saturday, or sunday, as public holidays are"),
    Column("holiday", Text, comment="its name; NULL on all other days"),
    comment="What kind of day each day is, by URBANCLEAR_HOLIDAYS",
)

seasonality = Table(
    "seasonality",
    metadata,
    Column("subject_kind", Text, primary_key=True, comment="sensor, area or road"),
    Column("subject", Text, primary_key=True, comment="as in profiles"),
    Column("daily_strength", REAL, comment="0 to 1: how much of what varies is the time of the day"),
    Column("weekly_strength", REAL, comment="0 to 1: how much more is the day of the week"),
    Column("rush_hours", JSONB, nullable=False, comment="day_type, from_minute, to_minute, slowest_minute, depth"),
    _run(),
    comment="How regular traffic is, and when its rush hours are",
)

cluster_shapes = Table(
    "cluster_shapes",
    metadata,
    Column("cluster", Integer, primary_key=True, autoincrement=False, comment="number of the cluster, from 0"),
    Column("name", Text, nullable=False, comment="of its shape, such as morning peak"),
    Column("sensors", Integer, nullable=False, comment="how many are in it"),
    Column("medoid_sensor_id", Integer, nullable=False, comment="sensors.id of its most typical sensor"),
    Column("profile", ARRAY(REAL), nullable=False, comment="168 hourly speeds of its centre, from Monday 0:00"),
    Column("silhouette", REAL, nullable=False, comment="of all sensors and clusters, -1 to 1"),
    Column("stability", REAL, nullable=False, comment="0 to 1: agreement of runs from other starts"),
    _run(),
    comment="The shapes that sensors are grouped by",
)

insights = Table(
    "insights",
    metadata,
    Column("run_id", Text, ForeignKey(spark_runs.c.id), primary_key=True, comment="spark_runs.id"),
    Column("kind", Text, primary_key=True, comment="such as worst_delay"),
    Column("rank", Integer, primary_key=True, autoincrement=False, comment="1 is the most notable"),
    Column("subject", Text, nullable=False, comment="a corridor, an incident, a sensor or the city"),
    Column("value", Double, nullable=False, comment="in the unit"),
    Column("unit", Text, nullable=False, comment="of value and before"),
    Column("before", Double, comment="the same of the span before"),
    Column("detail", JSONB, nullable=False, comment="what else is known, such as the share of good data"),
    comment="What a span was notable for",
)

anomaly_streams = Table(
    "anomaly_streams",
    metadata,
    Column("query_id", Text, primary_key=True, comment="of the query, as its checkpoint has it"),
    Column("batch_id", BigInteger, nullable=False, comment="of the newest batch whose effects are here"),
    Column("state", LargeBinary, nullable=False, comment="what the detector remembered after it"),
    Column("updated_at", Time, nullable=False, server_default=func.now(), comment="when that batch was written, UTC"),
    comment="How far each stream of anomalies has come",
)

forecast_models = Table(
    "forecast_models",
    metadata,
    Column("name", Text, primary_key=True, comment="as predictions.model has it"),
    Column(
        "state",
        Text,
        nullable=False,
        server_default="candidate",
        comment="candidate, in_place, former (a rollback brings it back) or rolled_back",
    ),
    Column("trained_at", Time, nullable=False, comment="when it was made, UTC"),
    Column("data_from", Time, nullable=False, comment="of the readings it is from"),
    Column("data_to", Time, nullable=False, comment="just after the last of them"),
    Column("code_version", Text, nullable=False, comment="of Urbanclear"),
    Column("seed", BigInteger, nullable=False, comment="of what was drawn at random"),
    Column("sha256", Text, nullable=False, comment="of its file, in hexadecimal"),
    Column("path", Text, nullable=False, comment="of its file, in the folder of models"),
    Column(
        "metrics",
        JSONB,
        nullable=False,
        comment="how good it was when it was made; held_out: its scores on weeks it was not made from",
    ),
    Column("promoted_at", Time, comment="when it was last put in place, UTC"),
    Column("evidence", JSONB, comment="why it was put in place: two scores on the same week"),
    Index("forecast_models_in_place_idx", "state", unique=True, postgresql_where=text("state = 'in_place'")),
    CheckConstraint("state IN ('candidate', 'in_place', 'former', 'rolled_back')", name="state"),
    comment="The models that forecast, each with where it is from; at most one is in place",
)

sensor_clusters = Table(
    "sensor_clusters",
    metadata,
    Column(
        "sensor_id", Integer, ForeignKey("sensors.id"), primary_key=True, autoincrement=False, comment="sensors.id"
    ),
    Column("cluster", Integer, nullable=False, comment="number of the cluster, from 0"),
    Column("k", Integer, nullable=False, comment="how many clusters the run made"),
    Column("distance", REAL, nullable=False, comment="from the cluster's centre, in normalised speed"),
    Column(
        "profile",
        ARRAY(REAL),
        nullable=False,
        comment="168 hourly speeds over the sensor's highest, from Monday 0:00",
    ),
    Column("computed_at", Time, nullable=False, comment="when Spark computed it, UTC"),
    comment="Sensors grouped by the shape of their week",
)

maintenance = Table(
    "maintenance",
    metadata,
    Column(
        "sensor_id", Integer, ForeignKey("sensors.id"), primary_key=True, autoincrement=False, comment="sensors.id"
    ),
    Column("rank", Integer, nullable=False, comment="1 is the most likely to fail"),
    Column("risk", REAL, nullable=False, comment="probability of a failure within 7 days, 0 to 1"),
    Column("reason", Text, nullable=False, comment="in a sentence"),
    Column("failures", Integer, nullable=False, comment="times it was silent or stuck for 30 minutes or more"),
    Column("silent_hours", REAL, nullable=False, comment="how long those were that it was silent"),
    Column("stuck_hours", REAL, nullable=False, comment="how long those were that it was stuck"),
    Column(
        "missing_share", REAL, comment="share of readings missed on the last day it worked, failures apart, 0 to 1"
    ),
    Column("last_failure", Time, comment="when the newest failure began, UTC; NULL where there is none"),
    Column("days", Integer, nullable=False, comment="how many days are behind it"),
    _run(),
    comment="Sensors by how likely they are to fail",
)

alert_definitions = Table(
    "alert_definitions",
    metadata,
    Column("kind", Text, primary_key=True, comment="rule, contact or policy"),
    Column("name", Text, primary_key=True, comment="of the rule or contact; the policy is called policy"),
    Column("version", Integer, primary_key=True, autoincrement=False, comment="from 1; the newest counts"),
    Column("definition", JSONB, comment="as it was written; NULL where it was deleted"),
    Column("origin", Text, nullable=False, comment="default, file or api"),
    Column("changed_at", Time, nullable=False, server_default=func.now(), comment="when it was written, UTC"),
    Column("changed_by", Text, nullable=False, comment="who wrote it"),
    CheckConstraint("kind IN ('rule', 'contact', 'policy')", name="kind"),
    CheckConstraint("origin IN ('default', 'file', 'api')", name="origin"),
    comment="Every version of what alerting is told",
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True, comment="of this one time that the rule held of the subject"),
    Column("rule", Text, nullable=False, comment="name of the rule"),
    Column("rule_version", Integer, nullable=False, comment="by which it was last evaluated"),
    Column("subject", Text, nullable=False, comment="such as a sensor's external id, an area or an incident's id"),
    Column("name", Text, nullable=False, comment="what the subject is called"),
    Column("state", Text, nullable=False, comment="pending, firing or resolved"),
    Column("reason", Text, nullable=False, comment="value, or no_data"),
    Column("priority", Text, nullable=False, comment="low, medium, high or critical"),
    Column("labels", JSONB, nullable=False, comment="by which it is routed, grouped, silenced and inhibited"),
    Column("summary", Text, nullable=False, comment="the rule's title, filled in"),
    Column("description", Text, nullable=False, server_default="", comment="the rule's description, filled in"),
    Column("value", Double, comment="that was last seen, in the unit of the rule's measure"),
    Column("started_at", Time, nullable=False, comment="since when the rule has held, UTC"),
    Column("fired_at", Time, comment="when it had held for long enough, UTC; NULL while pending"),
    Column("resolved_at", Time, comment="when it was over, UTC"),
    Column("clear_since", Time, comment="since when it has been well while it is kept firing, UTC"),
    Column("observed_at", Time, nullable=False, comment="when it was last changed by an evaluation, UTC"),
    Column("acknowledged_at", Time, comment="when somebody took it on, UTC"),
    Column("acknowledged_by", Text, comment="who did"),
    Column("assignee", Text, comment="whose it is"),
    Column("revision", Integer, nullable=False, server_default="1", comment="counts its changes"),
    Index("alerts_open_idx", "rule", "subject", unique=True, postgresql_where=text("state <> 'resolved'")),
    Index("alerts_fired_at_idx", "fired_at"),
    CheckConstraint("state IN ('pending', 'firing', 'resolved')", name="state"),
    CheckConstraint("reason IN ('value', 'no_data')", name="reason"),
    CheckConstraint("priority IN ('low', 'medium', 'high', 'critical')", name="priority"),
    CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved_at"),
    comment="What is wrong, or was: one row each time that a rule held of a subject",
)

alert_events = Table(
    "alert_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="in the order in which they were written"),
    Column("alert_id", Text, nullable=False, index=True, comment="alerts.id"),
    Column("time", Time, nullable=False, comment="when it happened, UTC"),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="pending, firing, raised (to another priority), resolved, calmed (pending, and then not), "
        "acknowledged, unacknowledged, assigned, commented, escalated, notified or muted",
    ),
    Column("actor", Text, nullable=False, comment="who did it; alerting for what came by itself"),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'"), comment="such as the words of a comment"),
    Column("event", JSONB, comment="what traffic.alerts is told of it; NULL for what is not told"),
    Column("published_at", Time, comment="when it was told, UTC"),
    Index(
        "alert_events_unpublished_idx",
        "id",
        postgresql_where=text("event IS NOT NULL AND published_at IS NULL"),
    ),
    comment="What happened to each alert",
)

alert_silences = Table(
    "alert_silences",
    metadata,
    Column("id", Integer, Identity(), primary_key=True, comment="number of the silence"),
    Column("definition", JSONB, nullable=False, comment="matchers, hours that it is for, and a comment"),
    Column("starts_at", Time, nullable=False, comment="UTC"),
    Column("ends_at", Time, nullable=False, index=True, comment="UTC; the time it was ended at, where it was"),
    Column("created_at", Time, nullable=False, server_default=func.now(), comment="UTC"),
    Column("created_by", Text, nullable=False, comment="who wants it"),
    Column("ended_by", Text, comment="who ended it early"),
    comment="When nobody is told of which alerts",
)

alert_notices = Table(
    "alert_notices",
    metadata,
    Column("id", Text, primary_key=True, comment="begins the idempotency key of each of its notifications"),
    Column("route", Text, nullable=False, comment="of the policy; direct where no rule is behind it"),
    Column("step", Integer, nullable=False, comment="of the route's escalation; 0 is the first to be told"),
    Column("group_key", Text, nullable=False, comment="what its alerts have in common"),
    Column("group_labels", JSONB, nullable=False, comment="the same as labels"),
    Column("alert_ids", ARRAY(Text), nullable=False, comment="alerts.id"),
    Column("document", JSONB, comment="what is told, as it was when it was due; of a direct one, what was given"),
    Column("created_at", Time, nullable=False, server_default=func.now(), comment="UTC"),
    Column("due_at", Time, nullable=False, comment="until when it waits for others of its group, UTC"),
    Column("done_at", Time, comment="when its notifications were written, UTC"),
    Column(
        "outcome", Text, comment="told, muted (silenced, inhibited, or over before it was due) or nobody (is there)"
    ),
    Index(
        "alert_notices_waiting_idx",
        "route",
        "step",
        "group_key",
        unique=True,
        postgresql_where=text("done_at IS NULL AND route <> 'direct'"),
    ),
    Index("alert_notices_alert_ids_idx", "alert_ids", postgresql_using="gin"),
    Index("alert_notices_due_idx", "due_at", postgresql_where=text("done_at IS NULL")),
    comment="What people are to be told: one row for a group of alerts, written with the change that it is about",
)

alert_told = Table(
    "alert_told",
    metadata,
    Column("alert_id", Text, primary_key=True, comment="alerts.id"),
    Column("route", Text, primary_key=True, comment="of the policy"),
    Column("step", Integer, primary_key=True, autoincrement=False, comment="of the route's escalation"),
    Column("state", Text, nullable=False, comment="of the alert when it was last told: firing or resolved"),
    Column("first_at", Time, nullable=False, comment="when it was first told, UTC"),
    Column("told_at", Time, nullable=False, comment="when it was last told, UTC"),
    Column("group_key", Text, nullable=False, comment="of the group in which it was told"),
    Index("alert_told_group_key_idx", "route", "step", "group_key"),
    comment="What has been told of each alert",
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True, comment="the idempotency key, which a receiver is given"),
    Column("notice_id", Text, ForeignKey("alert_notices.id"), nullable=False, index=True, comment="what is told"),
    Column("contact", Text, nullable=False, comment="who is told"),
    Column("channel", JSONB, nullable=False, comment="how, as the contact had it"),
    Column("kind", Text, nullable=False, comment="email, slack, webhook, sms or push"),
    Column("destination", Text, nullable=False, comment="where to; never a secret"),
    Column("priority", Text, nullable=False, comment="of its most urgent alert"),
    Column(
        "state", Text, nullable=False, server_default="waiting", comment="waiting, delivered, given_up or obsolete"
    ),
    Column("attempts", Integer, nullable=False, server_default="0", comment="so far"),
    Column("next_at", Time, nullable=False, comment="not to be tried before, UTC"),
    Column("created_at", Time, nullable=False, server_default=func.now(), comment="UTC"),
    Column("finished_at", Time, comment="when it was delivered or given up, UTC"),
    Column("error", Text, comment="of the newest attempt; NULL when it succeeded"),
    Column("reference", JSONB, comment="by which the receiver knows it, such as Slack's channel and ts"),
    Column("taken_by", BigInteger, comment="epoch of the leader that is sending it"),
    Index("notifications_waiting_idx", "next_at", postgresql_where=text("state = 'waiting'")),
    Index("notifications_given_up_idx", "finished_at", postgresql_where=text("state = 'given_up'")),
    CheckConstraint("state IN ('waiting', 'delivered', 'given_up', 'obsolete')", name="state"),
    comment="The outbox: one row for each message to each destination",
)

alert_requests = Table(
    "alert_requests",
    metadata,
    Column("id", Text, primary_key=True, comment="of the request"),
    Column("kind", Text, nullable=False, comment="dry_run, backtest or preview"),
    Column("body", JSONB, nullable=False, comment="what is asked"),
    Column("requested_at", Time, nullable=False, server_default=func.now(), comment="UTC"),
    Column("requested_by", Text, nullable=False, comment="who asks"),
    Column("state", Text, nullable=False, server_default="waiting", comment="waiting, running, done or failed"),
    Column("progress", REAL, nullable=False, server_default="0", comment="0 to 1"),
    Column("result", JSONB, comment="the answer"),
    Column("error", Text, comment="why there is none, in a sentence"),
    Column("finished_at", Time, comment="UTC"),
    Index("alert_requests_waiting_idx", "requested_at", postgresql_where=text("state IN ('waiting', 'running')")),
    comment="What the API asks alerting to work out",
)

alert_leader = Table(
    "alert_leader",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("epoch", BigInteger, nullable=False, comment="counts the changes of leader: who has an older one, stops"),
    Column("instance", Text, nullable=False, comment="host and process"),
    Column("since", Time, nullable=False, comment="UTC"),
    Column("renewed_at", Time, nullable=False, comment="when it last said so, by the database's clock, UTC"),
    CheckConstraint("single", name="single"),
    comment="Which alerting process leads",
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("part", Text, primary_key=True),
    Column("instance", Text, primary_key=True, comment="host and process"),
    Column("time", Time, nullable=False),
    comment="When each running part last said that it is well",
)

upkeep = Table(
    "upkeep",
    metadata,
    Column("task", Text, primary_key=True),
    Column("last_run", Time, nullable=False),
    Column("last_success", Time),
    Column("seconds", Double, nullable=False, comment="that the last run took"),
    Column("runs", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("error", Text, comment="of the last run; NULL when it succeeded"),
    comment="How the recurring tasks of schema/upkeep.py have gone",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Integer, Identity(), primary_key=True, comment="number of the key"),
    Column("name", Text, nullable=False, comment="what it is for; of the keys in use only one has it"),
    Column("hint", Text, nullable=False, comment="the key's beginning, to tell keys apart"),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the key"),
    Column("scopes", ARRAY(Text), nullable=False, comment="read, report, operate, admin"),
    Column("created_at", Time, nullable=False, server_default=func.now(), comment="when it was made, UTC"),
    Column("expires_at", Time, comment="from when on it is refused; NULL: never"),
    Column("last_used_at", Time, comment="about when it was last used; noted at most once a minute"),
    Column("revoked_at", Time, comment="since when it is refused; NULL while it is in use"),
    Index("api_keys_name_idx", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
    comment="Who may use the API, by key; the keys themselves are nowhere",
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="number of the row"),
    Column("time", Time, nullable=False, index=True, comment="when it was asked, UTC"),
    Column("key_id", Integer, comment="api_keys.id; NULL for a token of the identity provider"),
    Column("name", Text, nullable=False, comment="of the key, or the token's subject"),
    Column("address", Text, nullable=False, comment="where it was asked from"),
    Column("method", Text, nullable=False, comment="of HTTP"),
    Column("path", Text, nullable=False, comment="what it was asked of, without a query"),
    Column("action", Text, nullable=False, comment="the operation, such as push_readings"),
    Column("subject", Text, comment="what it was done to, such as an incident's id"),
    Column("status", SmallInteger, nullable=False, comment="of HTTP"),
    Column("detail", JSONB, comment="counts and the like"),
    comment="Every write asked of the API by somebody known, also if refused",
)

definitions = Table(
    "definitions",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("algorithm_version", Integer, nullable=False),
    Column("time_zone", Text, nullable=False, comment="whose days and hours count"),
    Column("planning_percentile", Double, nullable=False, comment="of travel times, for the planning time index"),
    Column("delay_speed_ratio", Double, nullable=False, comment="share of free-flow speed below which time is lost"),
    Column("bottleneck_speed_kmh", Double, nullable=False, comment="below it traffic is congested"),
    Column("bottleneck_drop_kmh", Double, nullable=False, comment="least rise of speed past a bottleneck"),
    UniqueConstraint(
        "algorithm_version",
        "time_zone",
        "planning_percentile",
        "delay_speed_ratio",
        "bottleneck_speed_kmh",
        "bottleneck_drop_kmh",
        name="definitions_key",
    ),
    schema="measures",
    comment="What measures were computed by: the version of the code and the agency's choices",
)


def _measure(name: str, *columns: Column[object], comment: str) -> Table:
    """A table of results; each row says what it was computed by, and how good its data were."""
    by = Column("definition_id", Integer, ForeignKey(definitions.c.id), nullable=False)
    good = Column("good_share", REAL, comment="share of the readings behind it that are good, 0 to 1")
    return Table(name, metadata, *columns, good, by, schema="measures", comment=comment)


def _sensor(*, primary_key: bool = True) -> Column[object]:
    return Column("sensor_id", Integer, primary_key=primary_key, autoincrement=False, comment="sensors.id")


links = Table(
    "links",
    metadata,
    _sensor(),
    Column("corridor", Text, comment="road and direction"),
    Column("ordinal", Integer, comment="place along the corridor, in the direction of travel, from 1"),
    Column("position_m", Double, comment="from the corridor's first sensor, along the sensors"),
    Column("length_m", Double, comment="of the link; for a detector, half-way to both neighbours"),
    Column("free_flow_speed_kmh", Double, comment="the sensor's own, or the 85th percentile of its hourly speeds"),
    Column("readings_per_hour", REAL, comment="90th percentile of the last week's hourly counts"),
    schema="measures",
    comment="What measures need to know of each sensor",
)

days = Table(
    "days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("readings", BigInteger, nullable=False, comment="that there were when it was computed"),
    Column("computed_at", Time, nullable=False),
    Column("definition_id", Integer, ForeignKey(definitions.c.id), nullable=False),
    schema="measures",
    comment="The days whose measures are computed",
)

reliability = _measure(
    "reliability",
    Column("day", Date, primary_key=True),
    _sensor(),
    Column("period", Text, primary_key=True),
    Column("travel_time_index", REAL, nullable=False),
    Column("planning_time_index", REAL, nullable=False),
    Column("buffer_index", REAL, nullable=False),
    Column("buckets", Integer, nullable=False, comment="of 5 minutes with good readings"),
    comment="How reliable each link was, by period of the day",
)

delay = _measure(
    "delay",
    Column("day", Date, primary_key=True),
    _sensor(),
    Column("vehicle_hours_of_delay", Double),
    Column("vehicle_hours", Double),
    Column("vehicle_km", Double),
    Column("delay_s_per_vehicle", Double, comment="mean over the day's buckets"),
    Column("buckets", Integer, nullable=False, comment="of 5 minutes with good readings"),
    comment="Time lost on each link",
)

bottlenecks = _measure(
    "bottlenecks",
    _sensor(),
    Column("started_at", Time, primary_key=True),
    Column("day", Date, nullable=False, index=True),
    Column("ended_at", Time, nullable=False),
    Column("active_minutes", Integer, nullable=False),
    Column("mean_extent_m", Double, comment="length of the queue upstream"),
    Column("max_extent_m", Double),
    Column("vehicle_hours_of_delay", Double, comment="in the queue"),
    Column("delay_s_per_vehicle", Double, comment="through the whole queue, mean while active"),
    comment="Activations of bottlenecks",
)

incident_impact = _measure(
    "incident_impact",
    Column("incident_id", Text, primary_key=True),
    Column("day", Date, nullable=False, index=True, comment="on which it started"),
    Column("sensors", Integer, nullable=False, comment="affected ones that have readings"),
    Column("normal_speed_kmh", Double, comment="same hour of the same kind of day in the 4 weeks before"),
    Column("mean_speed_kmh", Double),
    Column("least_speed_kmh", REAL),
    Column("vehicle_hours_of_delay", Double),
    Column("delay_s_per_vehicle", Double, comment="over all affected links, mean while it lasted"),
    comment="What incidents cost against the same hour's normal",
)


forecast_changes = Table(
    "forecast_changes",
    metadata,
    Column("hour", Time, nullable=False),
    schema="measures",
    comment="Hours whose predictions were written, to be scored",
)

forecast_hours = Table(
    "forecast_hours",
    metadata,
    Column("hour", Time, primary_key=True),
    Column("changed", Boolean, nullable=False, comment="whether predictions were written since it was scored"),
    Column("readings", BigInteger, comment="in it and the two before, when it was scored"),
    Column("good", BigInteger, comment="of those, the good ones"),
    Column("scored_at", Time, comment="NULL where it has never been scored"),
    schema="measures",
    comment="Hours that predictions are for, and what they were scored from",
)


def _scores(name: str, *subject: Column[object], comment: str) -> Table:
    """A table of sums over the predictions of an hour that were measured."""
    return Table(
        name,
        metadata,
        Column("hour", Time, primary_key=True, comment="in which the 5 minutes began that were predicted, UTC"),
        Column("model", Text, primary_key=True, comment="what made the predictions, as predictions.model"),
        Column("horizon_minutes", Integer, primary_key=True, autoincrement=False, comment="minutes ahead"),
        *subject,
        Column("day", Date, nullable=False, comment="the city's, on which the hour began"),
        Column("predictions", BigInteger, nullable=False, comment="of times that were measured"),
        Column("abs_error", Double, nullable=False, comment="sum of absolute errors, km/h"),
        Column("sq_error", Double, nullable=False, comment="sum of squared errors"),
        Column("relative", BigInteger, nullable=False, comment="predictions whose measured speed is not 0"),
        Column("relative_error", Double, nullable=False, comment="of those, sum of absolute error / measured speed"),
        Column("persistence", BigInteger, nullable=False, comment="predictions whose last speed was known"),
        Column("persistence_error", Double, nullable=False, comment="of those, sum of the last speed's errors"),
        Column("paired_error", Double, nullable=False, comment="of those, sum of the predictions' errors"),
        Column("profile", BigInteger, nullable=False, comment="predictions whose normal speed is known"),
        Column("profile_error", Double, nullable=False, comment="of those, sum of the normal speed's errors"),
        Column("intervals", BigInteger, nullable=False, comment="predictions with an interval"),
        Column("inside", BigInteger, nullable=False, comment="of those, measured inside of it"),
        Column("width", Double, nullable=False, comment="sum of the intervals' widths, km/h"),
        schema="measures",
        comment=comment,
    )


forecast_scores = _scores("forecast_scores", _sensor(), comment="How well each sensor's forecasts came true, by hour")
forecast_totals = _scores("forecast_totals", comment="How well forecasts came true, by hour; kept for ever")

#: The time series and the width of one chunk of each: a partition, or a hypertable's chunk. A day of a city's
#: readings (1,000 sensors every 30 s: 2.9 M rows, 250 MB with the index) stays in memory while it is written to, and
#: fills the
#: columnstore's batches of 1,000 rows a sensor. The rollups' are those of plain PostgreSQL.
TIME_SERIES: Final[dict[str, timedelta]] = {
    "readings": timedelta(days=1),
    "weather": timedelta(days=28),
    "incident_updates": timedelta(days=28),
    "predictions": timedelta(days=1),
    "anomalies": timedelta(days=28),
    "notification_log": timedelta(days=28),
}
ROLLUP_CHUNK: Final = timedelta(days=7)
