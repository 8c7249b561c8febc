"""Rules by an analyst's query: what they see, what is said of wrong ones, and what they cannot do."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from sqlalchemy import text

from alerting.conditions import Context, observe
from tests.alerting.watching import Watch, rule_when
from tests.schema.city import Reading
from urbanclear.errors import ConfigurationError

NOW = datetime(2026, 3, 3, 12, 2, tzinfo=UTC)


def query(asked: str, **others: object) -> dict[str, object]:
    return {"kind": "sql", "query": asked, **others}


async def test_each_row_is_a_subject(watch: Watch) -> None:
    seen = await watch.sees(query("SELECT 'a' AS subject, 1.5 AS value, 'An a' AS name, 'x' AS kind"), NOW)
    assert (seen["a"].value, seen["a"].name, seen["a"].labels) == (1.5, "An a", {"kind": "x"})


async def test_value_and_name_may_be_left_out(watch: Watch) -> None:
    seen = await watch.sees(query("SELECT 'a' AS subject"), NOW)
    assert (seen["a"].value, seen["a"].name) == (None, "a")


AS_WRITTEN = [
    "SELECT 'a' AS subject;",
    "SELECT 'a' AS subject -- the end",
    "SELECT 'a' AS subject /* ; */ ; ",
    "WITH known(s) AS (VALUES ('a')) SELECT s AS subject FROM known",
    "SELECT 'a' AS subject WHERE 'x%' LIKE 'x%' AND '%s' <> '%(a)s' AND ':now' <> $$:x$$",
]


async def test_a_query_is_taken_as_it_is_written(watch: Watch) -> None:
    for asked in AS_WRITTEN:
        assert set(await watch.sees(query(asked), NOW)) == {"a"}, asked


async def test_what_is_no_number_is_no_data(watch: Watch) -> None:
    for value in ("NULL", "'NaN'::float8", "'Infinity'::float8"):
        bounded = query(f"SELECT 'a' AS subject, {value} AS value", bounds={"above": 1})
        assert await watch.values(bounded, NOW) == {"a": None}


async def test_a_subject_that_is_a_sensor_has_its_labels(watch: Watch) -> None:
    sensor = await watch.city.sensor("a", area="Queens")
    await watch.city.sensor("b", area="Brooklyn")
    await watch.city.read([Reading(sensor, NOW, 30)])
    asked = query("SELECT sensor AS subject, speed_kmh AS value FROM current_conditions")
    seen = await watch.sees(asked, NOW)
    assert seen["t:a"].labels == {"sensor": "t:a", "area": "Queens", "source": "t"}
    assert seen["t:a"].value == 30
    both = query("SELECT 'pair ' || external_id AS subject, external_id AS sensor FROM sensors")
    assert set(await watch.sees(both, NOW, where={"areas": ["Brooklyn"]})) == {"pair t:b"}


WRONG = [
    ("SELEC 1", 'syntax error at or near "SELEC", at character 1'),
    ("SELECT nothing AS subject", 'column "nothing" does not exist, at character 8'),
    ("SELECT 1 AS value", "no column subject: name one so"),
    ("SELECT 'a' AS subject", "no column value"),
    ("SELECT 'a' AS subject, 'b' AS value", 'invalid input syntax for type double precision: "b"'),
    ("SELECT 'a' AS subject, 1/0 AS value", "division by zero"),
    ("SELECT NULL AS subject, 1 AS value", "a row without a subject"),
    ("SELECT 'a' AS subject, 1 AS value UNION ALL SELECT 'a', 2", "the subject 'a' twice: group by it"),
    ("SELECT n AS subject, 1 AS value FROM generate_series(1, 10001) AS n", "more than 10,000 rows"),
    ("SELECT 'a' AS subject, 1 AS value, 2 AS \"Bad Name\"", "'Bad Name' is no label"),
    ("SELECT 'a' AS subject, 1 AS value, 2 AS value", "specified more than once"),
    ("", "String should have at least 1"),
    ("-- nothing", "syntax error at end of input"),
    ("SELECT $1 AS subject, 1 AS value", "there is no parameter $1"),
]


async def test_of_a_wrong_query_it_is_said_what_is_wrong(watch: Watch) -> None:
    for asked, said in WRONG:
        with pytest.raises((ConfigurationError, ValueError)) as raised:
            await watch.sees(query(asked, bounds={"above": 1}), NOW)
        assert said in str(raised.value), asked


ATTACKS = [
    ("SELECT name AS subject FROM api_keys", "permission denied for table api_keys"),
    ("SELECT rolname AS subject FROM pg_authid", "permission denied"),
    ("SELECT part AS subject FROM heartbeats", "permission denied for table heartbeats"),
    ("SELECT 'a' AS subject; SELECT 'b' AS subject", "multiple commands"),
    ("SELECT 'a' AS subject; DROP TABLE sensors", "multiple commands"),
    ("DELETE FROM sensors RETURNING 'a' AS subject", "syntax error"),
    ("WITH gone AS (DELETE FROM sensors RETURNING 1) SELECT 'a' AS subject FROM gone", "data-modifying"),
    ("SELECT 'a' AS subject INTO stolen", "must not contain SELECT INTO"),
    ("SELECT external_id AS subject FROM sensors FOR UPDATE", "permission denied for table sensors"),
    ("SELECT external_id AS subject FROM sensors FOR SHARE", "permission denied for table sensors"),
    ("COPY sensors TO STDOUT", "syntax error"),
    ("SELECT 'a' AS subject) AS asked, pg_advisory_lock(1) AS (x", "syntax error"),
    ("SELECT pg_advisory_lock(1)::text AS subject", "calls pg_advisory_lock"),
    ("SELECT 'a' AS subject FROM pg_try_advisory_lock(1)", "calls pg_try_advisory_lock"),
    ("SELECT 'a' AS subject WHERE EXISTS (SELECT pg_sleep(60))", "calls pg_sleep"),
    ("SELECT set_config('role', 'none', true) AS subject", "calls set_config"),
    ("SELECT \"pg_catalog\".\"set_config\"('role', 'none', true) AS subject", "calls set_config"),
    ("SELECT U&\"set\\005Fconfig\"('role', 'none', true) AS subject", "calls set_config"),
    (
        "SELECT query_to_xml('SELECT * FROM api_keys', true, true, '')::text AS subject "
        "FROM (SELECT set_config('role', 'none', true)) AS off",
        "calls query_to_xml, set_config",
    ),
    ("SELECT pg_read_file('/etc/passwd') AS subject", "calls pg_read_file"),
    ("SELECT pg_terminate_backend(1)::text AS subject", "calls pg_terminate_backend"),
    ("SELECT lo_import('/etc/passwd')::text AS subject", "calls lo_import"),
    ("SELECT pg_notify('alert_requests', '')::text AS subject", "calls pg_notify"),
    ("SELECT table_to_xml('api_keys', true, true, '')::text AS subject", "The query "),
]


async def test_a_query_can_do_nothing_but_read_what_analysts_may_read(watch: Watch) -> None:
    for asked, said in ATTACKS:
        with pytest.raises(ConfigurationError) as raised:
            await watch.sees(query(asked), NOW)
        assert said in str(raised.value), asked


async def test_a_query_that_takes_too_long_is_ended(watch: Watch) -> None:
    asked = query(
        "SELECT count(*)::text AS subject FROM generate_series(1, 10000000000) AS n WHERE n % 2 = 3", timeout="0.2s"
    )
    began = perf_counter()
    with pytest.raises(ConfigurationError, match=r"longer than its timeout of 0\.2s"):
        await watch.sees(asked, NOW)
    assert perf_counter() - began < 5


@pytest.mark.parametrize("autocommit", [False, True])
async def test_afterwards_the_connection_is_as_it_was_also_after_an_error(watch: Watch, autocommit: bool) -> None:
    settings = text(
        "SELECT current_user, current_setting('transaction_read_only'), current_setting('statement_timeout'), "
        "current_setting('max_parallel_workers_per_gather'), to_regclass('pg_temp.urbanclear_asked')"
    )
    context = Context(NOW, "America/New_York", "US")
    async with watch.engine.connect() as connection:
        if autocommit:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
        before = (await connection.execute(settings)).one()
        await observe(connection, rule_when(query("SELECT 'a' AS subject")), context)
        for wrong in ("SELECT 1/0 AS subject", "SELECT x", "SELECT name AS subject FROM api_keys"):
            with pytest.raises(ConfigurationError):
                await observe(connection, rule_when(query(wrong)), context)
        assert (await connection.execute(settings)).one() == before
        await connection.execute(text("CREATE TABLE it_can_write ()"))
        await connection.rollback()


async def test_a_query_that_waits_for_a_lock_is_ended(watch: Watch) -> None:
    async with watch.engine.connect() as other:
        await other.execute(text("LOCK TABLE sensors IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(ConfigurationError):
            await asyncio.wait_for(
                watch.sees(query("SELECT external_id AS subject FROM sensors", timeout="0.2s"), NOW), 10
            )
        await other.rollback()


async def test_rules_that_were_right_once_are_checked_only_then(watch: Watch) -> None:
    asked = query(f"SELECT 'a' AS subject, {timedelta(minutes=1).seconds} AS value")
    assert await watch.values(asked, NOW) == await watch.values(asked, NOW) == {"a": 60}
