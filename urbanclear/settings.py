"""All configuration, in one typed place: environment variables `URBANCLEAR_*` or a `.env` file.

While the embedded stack runs it writes the addresses of its servers to `<data dir>/stack.env`, which is read
last, so that every command finds the running stack without being told.
"""

import re
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    BeforeValidator,
    Field,
    HttpUrl,
    PostgresDsn,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from urbanclear.durations import read_duration

STACK_ENV = "stack.env"
LOOPBACK = "127.0.0.1"


FOREVER = "forever"
#: The settings that say how long a time series is kept.
RETENTIONS: Final = ("readings_retention", "rollups_5m_retention", "predictions_retention", "alerts_retention")
OFF = "off"


def _parse_kept(value: object) -> object:
    return None if value == FOREVER else read_duration(value)


def _parse_words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Kept = Annotated[timedelta | None, BeforeValidator(_parse_kept)]
Rate = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$")]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parse_words)]


def time_of_day(text: str) -> time | None:
    """`03:00` as a time, `off` as none; raises `ValueError` for anything else."""
    if text == OFF:
        return None
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text!r} is no time of day: say one from 00:00 to 23:59, such as 03:00, or {OFF}")
    return time.fromisoformat(text)


def known_zone(name: str) -> str:
    """`name`; raises `ValueError` where it is no time zone."""
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone: say one of the IANA database, such as Europe/Berlin")
    return name


def as_text(value: object) -> str:
    """`value` as an environment variable takes it."""
    if value is None:
        return FOREVER
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value.total_seconds():.0f}s" if isinstance(value, timedelta) else str(value)


class Settings(BaseSettings):
    """Every field is an environment variable: `database_url` is `URBANCLEAR_DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="URBANCLEAR_", env_file=".env", extra="ignore")

    data_dir: Path = Field(Path(".urbanclear"), description="where the embedded stack keeps its state")
    database_url: PostgresDsn | None = Field(
        None, description="PostgreSQL or TimescaleDB to use instead of the embedded server"
    )
    kafka_bootstrap: str | None = Field(
        None, description="host:port[,host:port] of Kafka brokers to use instead of the embedded one"
    )
    kafka_partitions: int = Field(6, ge=1, description="partitions of a topic when Urbanclear creates it")
    kafka_replication: int = Field(1, ge=1, description="replicas of a topic when Urbanclear creates it")
    maven_repository: str | None = Field(
        None, description="mirror of Maven Central from which the Java libraries are taken"
    )
    jars: Path | None = Field(
        None, description="folder that already holds the Java libraries, for machines without Maven Central"
    )
    api_host: str = Field(LOOPBACK, description="address the API binds")
    api_port: int = Field(8000, ge=1, le=65535, description="port the API binds")
    open_reads: bool = Field(
        False, description="whether the API answers questions without a key; `urbanclear up` on loopback: true"
    )
    keys_refresh: Duration = Field(
        timedelta(seconds=10),
        gt=timedelta(0),
        description="how often the API reads the keys anew: a revoked one is refused after that at the latest",
    )
    oidc_issuer: str | None = Field(
        None, description="identity provider whose tokens the API accepts as well, as in their `iss`"
    )
    oidc_audience: str | None = Field(None, description="what a token of the identity provider must have as `aud`")
    oidc_jwks_url: HttpUrl | None = Field(None, description="where the identity provider publishes its keys (JWKS)")
    oidc_scopes_claim: str = Field(
        "scope", min_length=1, description="claim of a token that holds its scopes, with dots for one within another"
    )
    rate_per_key: Rate = Field("6000/minute", description="requests allowed with one key: `100/second`, `6000/hour`")
    rate_per_address: Rate = Field("1200/minute", description="requests allowed from one address without a key")
    rate_writes: Rate = Field("1200/minute", description="writes allowed with one key")
    rate_failures: Rate = Field("30/minute", description="wrong keys allowed from one address")
    allowed_hosts: Words = Field(
        (),
        description="names under which the API answers, with commas between; on loopback, its own as well",
    )
    cors_origins: Words = Field(
        (), description="sites whose pages may use the API, with commas between: `https://map.example`"
    )
    trusted_proxies: Words = Field(
        (), description="addresses of proxies whose `X-Forwarded-For` is believed, with commas between"
    )
    audit_retention: Kept = Field(
        timedelta(days=400), ge=timedelta(days=1), description="how long the audit log is kept: `400d`, `forever`"
    )
    push_most_bytes: int = Field(
        16 * 1024**2, ge=1024, description="longest body of a push, in bytes, after decompression"
    )
    push_timeout: Duration = Field(
        timedelta(seconds=10), gt=timedelta(0), description="longest that a push waits for Kafka to take its readings"
    )
    alert_longest_silence: Duration = Field(
        timedelta(days=7),
        gt=timedelta(0),
        description="longest that alerts may be silenced at once; a window that comes back may last a year",
    )
    api_key: SecretStr | None = Field(
        None, description="key with which commands of this project ask an API that wants one"
    )
    shared_answers: Duration = Field(
        timedelta(seconds=1),
        description="how long an answer of REST is given to all who ask the same; `0s` for never",
    )
    graphql_budget: int = Field(50_000, ge=1, description="most rows that a GraphQL query may return")
    live_clients: int = Field(15_000, ge=1, description="most clients of the live bridge in one API process")
    live_clients_per_address: int = Field(1_000, ge=1, description="most clients of the live bridge from one address")
    live_groups: int = Field(
        2_000, ge=1, description="most distinct topics, filters and forms subscribed to in one API process"
    )
    live_messages_per_second: float = Field(
        5, gt=0, description="messages a second that a client of the live bridge may send, after a few at once"
    )
    live_message_bytes: int = Field(
        65_536, ge=1_024, description="longest message that a client of the live bridge may send, in bytes"
    )
    live_errors: int = Field(
        20, ge=1, description="messages that cannot be understood after which a WebSocket client is sent away"
    )
    live_idle: Duration = Field(
        timedelta(seconds=30),
        gt=timedelta(0),
        description="how long a WebSocket client may stay without a subscription",
    )
    live_ping: Duration = Field(
        timedelta(seconds=20), gt=timedelta(0), description="time between pings of a WebSocket client, and for a pong"
    )
    live_log_events: int = Field(
        200_000, ge=1, description="changes of a topic that are kept in memory for live clients that come back"
    )
    live_log_age: Duration = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        description="how long they are kept for live clients that come back",
    )
    live_replay: Duration = Field(
        timedelta(minutes=5), description="how far back an API that starts reads Kafka, for clients that come back"
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="port on which a part serves /metrics, to whom can reach it, without a key"
    )
    metrics_host: str = Field(LOOPBACK, description="address that this port is bound on")
    slo_freshness: Duration = Field(
        timedelta(minutes=2),
        gt=timedelta(0),
        description="how old the newest reading may be before data counts as not fresh: longer where feeds are slow",
    )
    ingest_group: str = Field("urbanclear-ingest", description="consumer group of the ingest processes")
    ingest_batch_rows: int = Field(10_000, ge=1, description="about how many readings are written in one transaction")
    ingest_batch_seconds: float = Field(
        0.05, gt=0, description="longest wait for a batch to fill before it is written"
    )
    future_tolerance: Duration = Field(
        timedelta(minutes=5), description="how far ahead of the clock an event's time may be"
    )
    oldest_time: datetime = Field(
        datetime(2000, 1, 1, tzinfo=UTC), description="events from before this are dead letters"
    )
    readings_retention: Kept = Field(
        timedelta(days=30),
        ge=timedelta(days=2),
        description="how long readings are kept, 2d at least: `30d`, `forever`",
    )
    predictions_retention: Kept = Field(
        timedelta(days=3),
        ge=timedelta(days=1),
        description="how long predictions are kept, 1d at least; how well they came true stays: `3d`, `forever`",
    )
    rollups_5m_retention: Kept = Field(
        timedelta(days=365),
        ge=timedelta(days=2),
        description="how long 5-minute rollups are kept, not shorter than readings",
    )
    stuck_after: Kept = Field(
        timedelta(hours=1),
        gt=timedelta(0),
        description="how long a sensor may say the same before its readings are flagged as stuck: `1h`, `forever`",
    )
    late_after: Kept = Field(
        timedelta(hours=1),
        gt=timedelta(0),
        description="how far behind its sensor's newest a live reading may be, else it is late: `1h`, `forever`",
    )
    analyst_password: SecretStr | None = Field(
        None, description="password of the role `urbanclear_analyst`; without one it cannot log in"
    )
    analyst_timeout: Duration = Field(
        timedelta(minutes=1), gt=timedelta(0), description="longest that a query of `urbanclear_analyst` may run"
    )
    time_zone: str = Field("America/New_York", description="time zone of the city, whose days and hours count")
    holidays: str = Field(
        "US", min_length=2, description="whose public holidays count: a country by ISO 3166, or one with its part"
    )
    spark_master: str = Field(
        "local[*]",
        description="Spark on which jobs run: this machine's cores (`local[*]`), or a cluster (`spark://HOST:7077`)",
    )
    results_dir: Path = Field(
        Path("data/processed/batch_results"), description="where batch jobs put their results as Parquet files"
    )
    models_dir: Path = Field(
        Path("data/processed/models"), description="where the models that forecast are kept, one file each"
    )
    stream_checkpoint: Path = Field(
        Path("data/processed/stream"),
        description="where `urbanclear spark stream` notes how far it has come, of one database and one Kafka",
    )
    stream_batch_messages: int = Field(
        4_000, ge=1, description="most messages that `urbanclear spark stream` takes at once, which bounds its memory"
    )
    nightly_at: str = Field(
        "03:00", description="when the city's clock shows this, batch jobs run by themselves: `03:00`, `off`"
    )
    nightly_at_start: bool = Field(
        True,
        description="whether they also run minutes after the start, without patterns yet or after a run cut short",
    )
    city_lat: float = Field(
        40.7128, ge=-90, le=90, description="latitude of the city, where its weather is asked for"
    )
    city_lon: float = Field(
        -74.006, ge=-180, le=180, description="longitude of the city, where its weather is asked for"
    )
    feed_timeout: Duration = Field(
        timedelta(seconds=30), gt=timedelta(0), description="longest that one answer of a live feed may take"
    )
    socrata_app_token: SecretStr | None = Field(
        None, description="app token for New York's open data, which raises the number of questions allowed"
    )
    ny511_key: SecretStr | None = Field(None, description="key for 511NY's events, without which it gives none")
    mqtt_password: SecretStr | None = Field(
        None, description="password with which `urbanclear source mqtt` connects to its broker"
    )
    planning_percentile: float = Field(
        0.95, gt=0.5, lt=1, description="percentile of travel times that the planning time and buffer index use"
    )
    delay_speed_ratio: float = Field(
        1.0, gt=0, le=1, description="share of free-flow speed below which time counts as delay"
    )
    bottleneck_speed_kmh: float = Field(64.4, gt=0, description="speed below which traffic counts as congested")
    bottleneck_drop_kmh: float = Field(32.2, gt=0, description="least rise of speed past a bottleneck")
    public_url: HttpUrl | None = Field(
        None,
        description="where people reach the live page, to which messages link: `https://traffic.example`; "
        "`urbanclear up`: its own",
    )
    smtp_host: str | None = Field(None, description="mail server that e-mails are handed to")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how it is spoken to: `starttls`, `tls` from the start, `none`"
    )
    smtp_user: str | None = Field(None, description="name to log in to it with; without one nobody logs in")
    smtp_password: SecretStr | None = Field(None, description="password to log in to it with")
    smtp_from: str = Field("Urbanclear <urbanclear@localhost>", description="whom e-mails are from")
    alerts_retention: Kept = Field(
        timedelta(days=400),
        ge=timedelta(days=1),
        description="how long alerts that are over, and what was told of them, are kept: `400d`, `forever`",
    )
    alert_defaults: bool = Field(
        True, description="whether alerting writes the rules and the policy that a city begins with at its start"
    )
    alert_private_networks: Words = Field(
        (),
        description="networks of one's own that notifications may go to, also without TLS, with commas between: "
        "`10.1.0.0/16`",
    )
    alert_templates: Path | None = Field(
        None, description="folder of templates that take the place of those that come with Urbanclear"
    )
    alert_rate_email: Rate = Field("60000/minute", description="most e-mails in such a time")
    alert_rate_slack: Rate = Field("300/minute", description="most messages to Slack in such a time")
    alert_rate_webhook: Rate = Field("6000/minute", description="most calls of webhooks in such a time")
    alert_rate_sms: Rate = Field("60/minute", description="most SMS in such a time")
    alert_rate_push: Rate = Field("600/minute", description="most push messages in such a time")
    grafana_url: HttpUrl | None = Field(
        None, description="Grafana that `urbanclear grafana apply` writes to: `https://grafana.example`"
    )
    grafana_token: SecretStr | None = Field(
        None, description="token of a service account of that Grafana, which needs the role Admin"
    )
    grafana_user: str = Field("admin", description="name to log in to Grafana with, where there is no token")
    grafana_password: SecretStr | None = Field(None, description="password to log in to Grafana with")
    grafana_database_url: PostgresDsn | None = Field(
        None,
        description="the database as Grafana reaches it, by host, port and name; else `URBANCLEAR_DATABASE_URL`",
    )
    grafana_emails: Words = Field((), description="whom Grafana's alerts are e-mailed to, with commas between")
    grafana_webhook_url: HttpUrl | None = Field(None, description="where Grafana posts its alerts to")
    grafana_webhook_token: SecretStr | None = Field(None, description="bearer token that it posts them with")
    prometheus_url: HttpUrl | None = Field(
        None, description="Prometheus as Grafana reaches it; without one there are no panels and alerts of metrics"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level logged")
    log_format: str = Field("console", pattern="^(console|json)$", description="form of a log line")

    def keeping_forever(self) -> Self:
        """The same, without an end to how long any time series is kept."""
        return self.model_copy(update=dict.fromkeys(RETENTIONS))

    @model_validator(mode="after")
    def _rollups_outlast_readings(self) -> Self:
        """A rollup is computed from the one below it, which therefore has to be there."""
        rollups, readings = self.rollups_5m_retention, self.readings_retention
        if rollups is not None and (readings is None or rollups < readings):
            raise ValueError("URBANCLEAR_ROLLUPS_5M_RETENTION must not be shorter than URBANCLEAR_READINGS_RETENTION")
        return self

    @model_validator(mode="after")
    def _identity_provider_is_whole(self) -> Self:
        """A token whose audience or signature is not checked would let anybody in."""
        if len({value is None for value in (self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url)}) > 1:
            raise ValueError("set URBANCLEAR_OIDC_ISSUER, _AUDIENCE and _JWKS_URL, or none of them")
        return self

    @field_validator("alert_private_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks

    @field_validator("nightly_at")
    @classmethod
    def _time_or_off(cls, text: str) -> str:
        time_of_day(text)
        return text

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return known_zone(name)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then `.env`, then what the running stack left in its folder."""
        stated: dict[str, object] = {**dotenv_settings(), **env_settings(), **init_settings()}
        folder = Path(str(stated.get("data_dir", cls.model_fields["data_dir"].default)))
        stack = DotEnvSettingsSource(settings_cls, env_file=folder / STACK_ENV)
        return init_settings, env_settings, dotenv_settings, stack


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
