"""Keys made, listed and revoked, by command and by REST; nothing but the answer that makes one holds it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner, Result

from api.access.cli import app
from schema.dialect import connectable
from schema.keys import called, digest_of, ensure, new_key
from schema.scopes import Scope
from tests.api.access.conftest import Guarded
from urbanclear.errors import ConfigurationError, StartError, UrbanclearError
from urbanclear.settings import get_settings

KEYS = "/api/v1/keys"
ONLY_PLAIN = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    get_settings.cache_clear()
    yield database_url
    get_settings.cache_clear()


def keys(*arguments: str) -> Result:
    done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, UrbanclearError):
        raise done.exception
    return done


def listed(*arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(keys("list", "--json", *arguments).output)
    return found


def test_a_key_is_printed_once_and_only_its_digest_is_stored(url: str) -> None:
    key = keys("create", "signs", "--scope", "report", "--scope", "read", "--expires", "90d").output.strip()
    assert key.startswith("uc_")
    assert len(key) == 46
    with psycopg.connect(url) as connection:
        [row] = connection.execute("SELECT digest, scopes, expires_at FROM api_keys").fetchall()
        everything = connection.execute("SELECT api_keys::text FROM api_keys").fetchall()
    assert (row[0], row[1]) == (digest_of(key), ["read", "report"])
    assert abs(row[2] - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)
    assert key not in str(everything)
    assert [(one["name"], one["hint"]) for one in listed()] == [("signs", key[:7])]
    assert "signs" in keys("list").output


def test_a_name_is_taken_until_its_key_is_revoked(url: str) -> None:
    keys("create", "map", "--scope", "read")
    with pytest.raises(ConfigurationError, match="named map is in use: revoke it first"):
        keys("create", "map", "--scope", "read")
    assert "revoked map" in keys("revoke", "map").output
    keys("create", "map", "--scope", "read")
    keys("revoke", str(listed()[0]["id"]))
    assert listed() == []
    assert [one["revoked_at"] is not None for one in listed("--all")] == [True, True]
    with pytest.raises(ConfigurationError, match="No key in use is called map"):
        keys("revoke", "map")


@ONLY_PLAIN
@pytest.mark.parametrize("name", ["", "  ", "12", "a\nb", "x" * 101, "\x00"])
def test_a_name_that_cannot_be_one_is_refused(url: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a key"):
        keys("create", name, "--scope", "read")
    assert listed() == []


def test_without_a_database_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", "postgresql://a@127.0.0.1:1/a")
    get_settings.cache_clear()
    with pytest.raises(StartError, match=r"The keys could not be read or changed: .*Check URBANCLEAR_DATABASE_URL"):
        keys("list")
    get_settings.cache_clear()


def test_a_number_that_is_too_large_is_taken_for_a_name(url: str) -> None:
    assert "name" in str(called("9" * 30))
    with pytest.raises(ConfigurationError, match="No key in use"):
        keys("revoke", "9" * 30)


def test_a_key_of_a_stack_is_registered_once_and_not_again_after_it_was_revoked(url: str) -> None:
    first, second = new_key(), new_key()
    with connectable(url).begin() as connection:
        assert [ensure(connection, "stack", first) for _ in range(2)] == [True, True]
    keys("revoke", "stack")
    with connectable(url).begin() as connection:
        assert not ensure(connection, "stack", first)
        assert ensure(connection, "stack", second)
        assert ensure(connection, "stack", new_key())  # the folder was lost: another takes the name
    assert [one["revoked_at"] is None for one in listed("--all")] == [False, False, True]


@ONLY_PLAIN
async def test_administrators_make_list_and_revoke_keys_by_rest(guarded: Guarded) -> None:
    client, admin = guarded.client, guarded.bearer(Scope.ADMIN)
    wanted = {"name": "map of the city", "scopes": ["read"], "expires": "90d"}
    made = await client.post(KEYS, json=wanted, headers=admin)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    key, number = made.json()["key"], made.json()["id"]
    assert await guarded.status("/api/v1/sensors", key) == 200

    answer = await client.get(KEYS, headers=admin)
    assert [row["name"] for row in answer.json()["items"]][-1] == "map of the city"
    assert key not in answer.text
    assert "digest" not in answer.text
    assert (await client.post(KEYS, json=wanted, headers=admin)).status_code == 409

    assert (await client.delete(f"{KEYS}/{number}", headers=admin)).status_code == 204
    assert await guarded.status("/api/v1/sensors", key) == 401  # at once
    assert (await client.delete(f"{KEYS}/{number}", headers=admin)).status_code == 404


@ONLY_PLAIN
async def test_a_key_that_cannot_be_made_is_a_problem_that_says_why(guarded: Guarded) -> None:
    for wrong in (
        {"name": "12", "scopes": ["read"]},
        {"name": "a\x00", "scopes": ["read"]},
        {"name": "a", "scopes": []},
        {"name": "a", "scopes": ["root"]},
        {"name": "a", "scopes": ["read"], "expires": "soon"},
        {"name": "a", "scopes": ["read"], "key": "uc_mine"},
    ):
        answer = await guarded.client.post(KEYS, json=wrong, headers=guarded.bearer(Scope.ADMIN))
        assert (answer.status_code, answer.json()["status"]) == (422, 422), wrong
    assert len((await guarded.client.get(KEYS, headers=guarded.bearer(Scope.ADMIN))).json()["items"]) == len(Scope)
