"""`urbanclear up` as a user meets it: it starts, recovers, stops, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from schema.events import Prediction
from tests.api.conftest import bearer
from tests.kafka_content import read_all
from tests.waiting import fetch_one, until, until_query
from urbanclear.embedded import state
from urbanclear.embedded.ports import choose
from urbanclear.embedded.stack import public_url, reads_are_open
from urbanclear.errors import StartError
from urbanclear.settings import Settings

UP_SECONDS = 90.0
STOP_SECONDS = 10.0
SENSORS, STEPS = 20, 400


@dataclass
class Stack:
    """A running `urbanclear up`."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def said(self) -> str:
        """What it wrote to the terminal."""
        return log_of(self.folder).read_text()

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder)

    @property
    def database_url(self) -> str:
        return str(self.settings.database_url)

    def scraped(self) -> set[str]:
        """The jobs that Prometheus is to ask now."""
        return {one["labels"]["job"] for one in json.loads((self.folder / state.TARGETS).read_text())}

    def pids(self) -> dict[str, int]:
        """The process of each part now."""
        processes = json.loads((self.folder / "stack.json").read_text())["processes"]
        return {name: pid for name, (pid, _) in processes.items()}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="urbanclear-up-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def log_of(folder: Path) -> Path:
    return folder.with_suffix(".log")


async def run(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """An `urbanclear` command: its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def up(
    folder: Path, *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> AsyncIterator[Stack]:
    """A stack, up; stopped on leaving if it still runs."""
    port = str(choose(1, [])[0])
    without_spark = {"URBANCLEAR_NIGHTLY_AT_START": "false"}
    log = log_of(folder).open("w+")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "up", "--data-dir", str(folder), "--port", port, *arguments),
        stdout=log,
        stderr=log,
        env={**os.environ, **without_spark, **(env or {})},
        cwd=cwd,
    )
    stack = Stack(process, folder)
    try:
        await until(lambda: _started(process, Path(log.name)), timeout=UP_SECONDS, what="the start")
        yield stack
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        log.close()
        Path(log.name).unlink()


async def _started(process: asyncio.subprocess.Process, log: Path) -> bool:
    assert process.returncode is None, log.read_text()
    return "Started in" in log.read_text()


async def gone(pids: dict[str, int]) -> None:
    async def none_left() -> bool:
        return not any(psutil.pid_exists(pid) for pid in pids.values())

    await until(none_left, timeout=STOP_SECONDS, what="the end of all processes")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Readings of an hour and more of some sensors, in the project's own long form."""
    file = tmp_path / "readings.csv"
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    lines = ["sensor,time,speed_kmh"]
    for step in range(STEPS):
        time = (start + timedelta(seconds=10 * step)).isoformat()
        lines += [f"file:{sensor},{time},{(step * 7 + sensor) % 90}" for sensor in range(SENSORS)]
    file.write_text("\n".join(lines) + "\n")
    return file


async def test_the_simulator_flows_status_is_well_and_sigterm_stops_all_within_ten_seconds(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("URBANCLEAR_RATE_PER_ADDRESS=77/minute\n")
    async with up(folder, "--history", "1h", cwd=tmp_path) as stack, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{stack.settings.public_url}api/v1/sensors")
        assert "q=77" in answer.headers["ratelimit-policy"]
        await until_query(stack.database_url, "SELECT count(*) > 5000 FROM readings", True)
        await until(lambda: read_all(str(stack.settings.kafka_bootstrap), Prediction), what="predictions")
        await until_query(stack.database_url, "SELECT count(*) FROM heartbeats WHERE part = 'forecast'", 1)
        code, out, _ = await run("status", "--json", "--data-dir", str(folder))
        report = json.loads(out)
        assert (code, report["ok"]) == (0, True), report
        assert report["parts"]["kafka"]["offsets"]["traffic.readings"] > 100  # messages of many readings each
        assert report["parts"]["database"]["rows"]["sensors"] >= 150
        pids = stack.pids()
        assert {"PostgreSQL", "Kafka", "api", "ingest", "alerting", "forecast", "jobs", "source"} == set(pids)
        assert str(stack.settings.public_url) == f"http://127.0.0.1:{stack.settings.api_port}/"
        stack.process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            assert await stack.process.wait() == 0
        assert not any(psutil.pid_exists(pid) for pid in pids.values())
    code, out, _ = await run("status", "--json", "--data-dir", str(folder))
    assert code == 1
    assert "urbanclear up" in json.loads(out)["parts"]["database"]["problem"]


async def test_killed_parts_in_turn_lose_and_repeat_nothing_and_a_killed_parent_leaves_nothing(
    folder: Path, recording: Path
) -> None:
    async with up(folder, "--source", f"replay:{recording}", "--speed", "200x") as stack:
        await until_query(stack.database_url, "SELECT count(*) > 200 FROM readings", True)
        for part in ("ingest", "Kafka", "PostgreSQL"):
            await _kill_and_wait_for_more(stack, part)
        for words in ("killed by SIGKILL", "stack.part_started_again"):
            assert stack.said.count(words) >= 3
        await until_query(stack.database_url, "SELECT count(*) FROM readings", SENSORS * STEPS, timeout=60)
        total = sum((step * 7 + sensor) % 90 for step in range(STEPS) for sensor in range(SENSORS))
        assert await fetch_one(stack.database_url, "SELECT sum(speed_kmh)::int FROM readings") == total
        await until(lambda: _not_scraped(stack, "urbanclear-source"), what="the end of the replay")
        pids = stack.pids()
        stack.process.kill()
        await stack.process.wait()
        await gone(pids)
    async with up(folder, "--source", "none") as again:
        assert await fetch_one(again.database_url, "SELECT count(*) FROM readings") == SENSORS * STEPS


async def test_the_terminal_says_how_many_rows_of_a_replay_were_refused_and_where_they_stand(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "readings.csv"
    rows = ["city:a,2026-03-02T12:00:00Z,fast", "city:a,2026-03-02T12:00:01Z,50", "a,2026-03-02T12:00:02Z,50"]
    file.write_text("\n".join(["sensor,time,speed_kmh", *rows, ""]))
    async with up(folder, "--source", f"replay:{file}", "--speed", "max") as stack:
        await until(lambda: _line_with(stack, "stack.part_done"), what="the end of the replay")
        told = await _line_with(stack, "stack.part_done")
    source_log = folder / "logs" / "source.log"
    assert "refused={'bad_number': 1, 'bad_sensor': 1}" in told
    assert f"log={source_log}" in told
    assert "'fast' is no number" in source_log.read_text()


async def _line_with(stack: Stack, word: str) -> str:
    """The line on the terminal that has the word; empty where there is none yet."""
    return next((line for line in stack.said.splitlines() if word in line), "")


async def _not_scraped(stack: Stack, job: str) -> bool:
    return job not in stack.scraped()


async def _kill_and_wait_for_more(stack: Stack, part: str) -> None:
    before = stack.pids()[part]
    os.kill(before, signal.SIGKILL)

    async def restarted() -> bool:
        return stack.pids()[part] != before

    await until(restarted, what=f"the restart of {part}")

    async def answers() -> bool:
        code, _, _ = await run("status", "--json", "--data-dir", str(stack.folder))
        return code == 0

    await until(answers, timeout=60, what=f"a well stack after {part} was killed")


async def test_servers_that_the_settings_name_are_used_instead_of_embedded_ones(
    folder: Path, kafka_bootstrap: str, empty_database_url: str
) -> None:
    given = {"URBANCLEAR_DATABASE_URL": empty_database_url, "URBANCLEAR_KAFKA_BOOTSTRAP": kafka_bootstrap}
    async with up(folder, "--history", "10m", env={**given, "URBANCLEAR_NIGHTLY_AT": "off"}) as stack:
        assert set(stack.pids()) == {"api", "ingest", "alerting", "forecast", "source"}
        await until_query(empty_database_url, "SELECT count(*) > 500 FROM readings", True)
        assert stack.scraped() == {f"urbanclear-{part}" for part in stack.pids()}
    assert not (folder / state.TARGETS).exists()


async def test_the_key_in_the_folder_is_printed_and_does_all_while_reads_need_none(
    folder: Path, kafka_bootstrap: str, empty_database_url: str
) -> None:
    given = {"URBANCLEAR_DATABASE_URL": empty_database_url, "URBANCLEAR_KAFKA_BOOTSTRAP": kafka_bootstrap}
    async with up(folder, "--source", "none", env=given) as stack:
        key = folder / "api.key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_text() not in (folder / "stack.env").read_text()
        assert key.read_text() in "".join((folder.parent / f"{folder.name}.log").read_text().split())
        url = f"http://127.0.0.1:{stack.settings.api_port}/api/v1"
        pushed = {"sensor": "test:1", "time": datetime.now(UTC).isoformat(), "speed_kmh": 50}
        async with httpx.AsyncClient(trust_env=False) as client:
            for said, status in (
                (f"Bearer {key.read_text()}", 202),
                ("Bearer another key altogether", 401),
                ("", 401),
            ):
                answer = await client.post(f"{url}/readings", json=pushed, headers={"Authorization": said})
                assert answer.status_code == status
            assert (await client.get(f"{url}/keys")).status_code == 401
            [row] = (await client.get(f"{url}/keys", headers=bearer(key.read_text()))).json()["items"]
            assert (str(folder) in row["name"], row["scopes"]) == (True, ["admin"])
            assert (await client.get(f"{url}/sensors")).status_code == 200
        await until_query(empty_database_url, "SELECT count(*) FROM readings", 1)


@pytest.mark.parametrize(
    ("said", "are_open"),
    [
        ({}, True),
        ({"api_host": "::1"}, True),
        ({"api_host": "localhost"}, True),
        ({"api_host": "0.0.0.0"}, False),
        ({"api_host": "traffic.example"}, False),
        ({"api_host": "0.0.0.0", "open_reads": True}, True),
        ({"open_reads": False}, False),
    ],
)
def test_reads_are_open_to_this_machine_alone_unless_the_settings_say_otherwise(
    said: dict[str, object], are_open: bool
) -> None:
    assert reads_are_open(Settings.model_validate(said)) == are_open


@pytest.mark.parametrize(
    ("said", "linked"),
    [
        ({}, "http://127.0.0.1:8000/"),
        ({"api_host": "::1", "api_port": 9000}, "http://[::1]:9000/"),
        ({"api_host": "0.0.0.0"}, f"http://{socket.gethostname()}:8000/"),
        ({"public_url": "https://traffic.example"}, "https://traffic.example/"),
    ],
)
def test_messages_link_to_the_stacks_own_page_unless_the_settings_say_otherwise(
    said: dict[str, object], linked: str
) -> None:
    assert public_url(Settings.model_validate(said)) == linked


def test_a_full_disk_is_one_clear_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LEAST_FREE_BYTES", 2**60)
    with pytest.raises(StartError, match=r"MiB are free on the disk of .* make room, or .* --data-dir"):
        state.require_space(folder)


async def test_two_stacks_cannot_share_a_folder_and_the_second_says_so(folder: Path) -> None:
    async with up(folder, "--source", "none") as stack:
        code, _, err = await run("up", "--data-dir", str(folder), "--port", str(choose(1, [])[0]))
        assert (code, "already running" in err, "--data-dir" in err) == (1, True, True)
        assert stack.process.returncode is None


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda folder: (folder / "stack.json").write_text('{"layout": 999}'), "another version of Urbanclear"),
        (lambda folder: (folder / "stack.json").write_text("{"), "not readable"),
        (lambda folder: _postgres_of_another_version(folder), "data of PostgreSQL 9"),
        (lambda folder: (folder / "stack.json").write_text('{"kafka": "99.1.0"}'), "data of Kafka 99.1.0"),
    ],
)
async def test_a_folder_of_another_version_is_one_clear_sentence_and_nothing_is_left_running(
    folder: Path, prepare: Callable[[Path], object], sentence: str
) -> None:
    prepare(folder)
    code, out, err = await run("up", "--data-dir", str(folder), "--source", "none", "--port", str(choose(1, [])[0]))
    assert code == 1
    assert sentence in err
    assert "Traceback" not in out + err
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]


def _postgres_of_another_version(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("9\n")


async def test_a_taken_port_is_one_clear_sentence(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = await run("up", "--data-dir", str(folder), "--port", str(port))
    assert code == 1
    assert f"Port {port}" in err
    assert "--port" in err


async def test_no_java_is_one_clear_sentence_that_says_what_to_install(folder: Path) -> None:
    nothing = folder / "empty"
    nothing.mkdir()
    script = (
        "import pathlib, urbanclear.embedded.java as java\n"
        "java._homes = lambda: iter(())\n"
        "java._wheel_home = lambda: None\n"
        "from urbanclear.cli import main\n"
        "main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, "up", "--data-dir", str(folder), "--port", str(choose(1, [])[0])),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "No Java 17 or newer was found" in err.decode()


@pytest.mark.parametrize("source", ["simulater", "replay:", "replay:/does/not/exist.csv"])
async def test_a_source_that_is_none_is_refused_before_anything_starts(folder: Path, source: str) -> None:
    code, _, err = await run("up", "--data-dir", str(folder / "fresh"), "--source", source)
    assert code == 2
    assert "--source" in err
    assert not (folder / "fresh").exists()


async def test_a_history_that_is_no_duration_is_refused_before_anything_starts(folder: Path) -> None:
    code, _, err = await run("up", "--data-dir", str(folder / "fresh"), "--history", "a week")
    assert code == 1
    assert "'a week' is no duration: say 7d" in err
    assert not (folder / "fresh").exists()


@pytest.mark.parametrize("part", [("ingest",), ("source", "simulator")])
async def test_kafka_away_at_the_start_is_one_clear_sentence(part: tuple[str, ...]) -> None:
    away = {
        "URBANCLEAR_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "URBANCLEAR_DATABASE_URL": "postgresql://a@127.0.0.1:1/a",
    }
    code, _, err = await run(*part, env=away)
    assert code == 1
    assert "Kafka does not answer: check URBANCLEAR_KAFKA_BOOTSTRAP" in err
    assert "Traceback" not in err


async def test_a_setting_that_does_not_fit_is_named(folder: Path) -> None:
    code, _, err = await run("up", "--data-dir", str(folder), env={"URBANCLEAR_INGEST_BATCH_ROWS": "many"})
    assert code == 1
    assert "URBANCLEAR_INGEST_BATCH_ROWS" in err
