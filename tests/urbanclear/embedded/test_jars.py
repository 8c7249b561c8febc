"""The Java libraries arrive complete and unaltered, or the message says what to do."""

import asyncio
import os
import shutil
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import psutil
import pytest

from tests.waiting import until
from urbanclear.embedded import ivy
from urbanclear.embedded.jars import ROOTS, locked, resolve
from urbanclear.errors import JarsUnavailable
from urbanclear.settings import Settings


class Repository(SimpleHTTPRequestHandler):
    """A folder over HTTP, to be asked directly or as a proxy; counts what it sends."""

    sent: ClassVar[Counter[str]] = Counter()

    def translate_path(self, path: str) -> str:
        return super().translate_path(urlsplit(path).path)

    def do_GET(self) -> None:
        self.sent[Path(self.path).name] += 1
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def known() -> Path:
    """Spark's set, from this machine's cache or Maven Central."""
    return resolve("spark", Settings())


@pytest.fixture
def mirror_folder(known: Path, tmp_path: Path) -> Path:
    """The same libraries in the layout of a Maven repository."""
    for jar in locked("spark"):
        target = tmp_path / "mirror" / jar.group.replace(".", "/") / jar.artifact / jar.version
        target.mkdir(parents=True)
        shutil.copy(known / jar.file, target / jar.file)
    return tmp_path / "mirror"


@pytest.fixture
def mirror_port(mirror_folder: Path) -> Iterator[int]:
    Repository.sent.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Repository, directory=str(mirror_folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mirror(mirror_port: int) -> Settings:
    return Settings(maven_repository=f"http://127.0.0.1:{mirror_port}")


@contextmanager
def silent_mirror() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def ivies(cache: Path) -> list[psutil.Process]:
    """The running Ivy processes that fill `cache`."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(word.startswith(str(cache)) for word in process.info["cmdline"] or [])
        and process.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture(autouse=True)
def own_cache(known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.jar")}


def test_a_mirror_serves_every_library_and_a_damaged_cache_is_mended(mirror: Settings) -> None:
    told: list[tuple[int, int]] = []
    folder = resolve("spark", mirror, lambda done, total: told.append((done, total)))
    assert names(folder) == {jar.file for jar in locked("spark")}
    assert all(0 <= done <= total == len(locked("spark")) for done, total in told)
    damaged = next(folder.glob("*.jar"))
    damaged.write_bytes(b"damaged")
    (folder / "stranger.jar").touch()
    assert resolve("spark", mirror) == folder
    assert damaged.read_bytes() != b"damaged"
    assert names(folder) == {jar.file for jar in locked("spark")}


def test_two_at_once_fetch_each_library_once(mirror: Settings) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: resolve("spark", mirror), range(2))
    assert first == second
    assert Repository.sent == Counter({jar.file: 1 for jar in locked("spark")})


def test_the_machines_proxy_is_used(mirror_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{mirror_port}")
    folder = resolve("spark", Settings(maven_repository="http://repository.invalid"))
    assert names(folder) == {jar.file for jar in locked("spark")}


def test_a_caller_that_gives_up_takes_ivy_with_it_and_leaves_nothing_half_done(own_cache: Path) -> None:
    def give_up_once_ivy_runs(done: int, total: int) -> None:
        if ivies(own_cache):
            raise InterruptedError

    with silent_mirror() as address, pytest.raises(JarsUnavailable):
        resolve("spark", Settings(maven_repository=address), give_up_once_ivy_runs)
    assert ivies(own_cache) == []
    assert [path.suffix for path in (own_cache / "urbanclear" / "jars").iterdir()] == [".lock"]


async def test_a_killed_caller_takes_ivy_with_it_and_the_next_one_clears_up(
    own_cache: Path, mirror: Settings
) -> None:
    program = "from urbanclear.embedded.jars import *; resolve('spark', Settings())"

    async def ivy_runs() -> bool:
        return bool(ivies(own_cache))

    async def ivy_is_gone() -> bool:
        return not ivies(own_cache)

    with silent_mirror() as address:
        environment = {**os.environ, "URBANCLEAR_MAVEN_REPOSITORY": address}
        caller = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment)
        await until(ivy_runs)
        caller.kill()
        await caller.wait()
        await until(ivy_is_gone)
    folder = resolve("spark", mirror)
    assert {path for path in folder.parent.iterdir() if path.is_dir()} == {folder}


def test_a_library_that_is_not_what_was_locked_is_refused(
    mirror: Settings, mirror_folder: Path, own_cache: Path
) -> None:
    for file in mirror_folder.rglob("postgresql-*.jar"):
        file.write_bytes(b"something else")
    with pytest.raises(JarsUnavailable, match=r"the checksum of postgresql-.* is not the one in the lock"):
        resolve("spark", mirror)
    assert not list(own_cache.rglob("*.jar"))


def test_a_mirror_that_is_away_is_a_message_with_both_ways_out_and_no_password() -> None:
    with pytest.raises(JarsUnavailable) as refused:
        resolve("spark", Settings(maven_repository="http://ana:s3cret@127.0.0.1:1"))
    message = str(refused.value)
    assert locked("spark")[0].file in message
    assert "Connection refused" in message
    assert "URBANCLEAR_MAVEN_REPOSITORY" in message
    assert "URBANCLEAR_JARS" in message
    assert "s3cret" not in message


def test_a_mirror_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ivy, "STALL_SECONDS", 1)
    with silent_mirror() as address, pytest.raises(JarsUnavailable, match="Nothing arrived for 1 s"):
        resolve("spark", Settings(maven_repository=address))


def test_a_cache_folder_that_cannot_be_used_is_a_message(own_cache: Path) -> None:
    own_cache.touch()
    with pytest.raises(JarsUnavailable, match="make it writable, or set XDG_CACHE_HOME"):
        resolve("spark", Settings())


def test_a_given_folder_is_used_as_it_is_and_what_it_lacks_is_named(known: Path, tmp_path: Path) -> None:
    assert resolve("spark", Settings(jars=known)) == known
    with pytest.raises(JarsUnavailable, match=r"URBANCLEAR_JARS .*postgresql-.*\.jar is missing"):
        resolve("spark", Settings(jars=tmp_path))


@pytest.mark.parametrize("name", sorted(ROOTS))
def test_every_library_asked_for_is_locked_and_each_with_a_checksum(name: str) -> None:
    libraries = locked(name)
    assert {(jar.group, jar.file) for jar in ROOTS[name]} <= {(jar.group, jar.file) for jar in libraries}
    assert all(len(jar.sha256) == 64 for jar in libraries)
