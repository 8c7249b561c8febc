"""Analysts may read what is for them, for as long as is allowed, and nothing else."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from schema.analyst import ROLE, readable
from schema.upgrade import upgrade
from urbanclear.errors import StartError
from urbanclear.settings import Settings

PASSWORD = uuid.uuid4().hex


@pytest.fixture
def analyst(empty_database_url: str) -> Iterator[psycopg.Connection]:
    settings = Settings.model_validate({"analyst_password": PASSWORD, "analyst_timeout": timedelta(seconds=2)})
    upgrade(empty_database_url, settings)
    place = empty_database_url.split("@")[1]
    with psycopg.connect(f"postgresql://{ROLE}:{PASSWORD}@{place}", autocommit=True) as connection:
        yield connection


def test_every_relation_for_analysts_can_be_read(analyst: psycopg.Connection) -> None:
    for relation in readable():
        analyst.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(relation)))


@pytest.mark.parametrize(
    "relation", ["heartbeats", "upkeep", "alembic_version", "notification_log", "api_keys", "audit_log"]
)
def test_what_is_not_for_analysts_cannot_be_read(analyst: psycopg.Connection, relation: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(relation)))


def test_nothing_can_be_written_even_in_a_transaction_that_asks_for_it(analyst: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        analyst.execute("DELETE FROM sensors")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("BEGIN READ WRITE; DELETE FROM sensors")


def test_a_query_that_takes_too_long_is_ended(analyst: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute("SELECT count(*) FROM generate_series(1, 1000000000)")


def test_every_relation_and_column_for_analysts_is_explained(analyst: psycopg.Connection) -> None:
    silent = analyst.execute(
        """
        SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        WHERE relname = ANY (%s) AND NOT attisdropped AND relnamespace = 'public'::regnamespace
          AND (col_description(attrelid, attnum) IS NULL OR obj_description(pg_class.oid) IS NULL)
        """,
        [readable()],
    )
    assert silent.fetchall() == []


@pytest.fixture
def limited(empty_database_url: str) -> Iterator[tuple[str, str]]:
    """A role without any rights, and the database's address for it."""
    name = f"limited_{uuid.uuid4().hex[:8]}"
    role = sql.Identifier(name)
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(PASSWORD)))
        yield name, f"postgresql://{name}:{PASSWORD}@{empty_database_url.split('@')[1]}"
        admin.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER; DROP OWNED BY {}").format(role, role))
        admin.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_role_without_rights_is_told_who_may_upgrade(limited: tuple[str, str]) -> None:
    with pytest.raises(StartError, match=r"permission denied .*; do it as the owner of the database"):
        upgrade(limited[1])


def test_an_owner_that_may_not_set_up_roles_is_told_what_an_administrator_has_to_do(
    empty_database_url: str, limited: tuple[str, str]
) -> None:
    name, url = limited
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(admin.info.dbname), sql.Identifier(name))
        )
    with pytest.raises(StartError, match=f"ALTER ROLE {name} CREATEROLE"):
        upgrade(url)
