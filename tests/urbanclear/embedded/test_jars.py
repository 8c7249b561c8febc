"""The Java libraries arrive complete and unaltered, or the message says what to do."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from urbanclear.embedded.jars import Jar, locked, resolve
from urbanclear.errors import JarsUnavailable
from urbanclear.settings import Settings


class Quiet(SimpleHTTPRequestHandler):
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
def mirror(mirror_folder: Path) -> Iterator[Settings]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(mirror_folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Settings(maven_repository=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


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
    assert resolve("spark", mirror) == folder
    assert damaged.read_bytes() != b"damaged"


def test_a_library_that_is_not_what_was_locked_is_refused(
    mirror: Settings, mirror_folder: Path, own_cache: Path
) -> None:
    for file in mirror_folder.rglob("postgresql-*.jar"):
        file.write_bytes(b"something else")
    with pytest.raises(JarsUnavailable, match=r"the checksum of postgresql-.* is not the one in the lock"):
        resolve("spark", mirror)
    assert not list(own_cache.rglob("*.jar"))


def test_a_mirror_that_is_away_is_a_message_with_both_ways_out() -> None:
    with pytest.raises(JarsUnavailable) as refused:
        resolve("spark", Settings(maven_repository="http://127.0.0.1:1"))
    assert "URBANCLEAR_MAVEN_REPOSITORY" in str(refused.value)
    assert "URBANCLEAR_JARS" in str(refused.value)


def test_a_given_folder_is_used_as_it_is_and_what_it_lacks_is_named(known: Path, tmp_path: Path) -> None:
    assert resolve("spark", Settings(jars=known)) == known
    with pytest.raises(JarsUnavailable, match=r"URBANCLEAR_JARS .*postgresql-.*\.jar is missing"):
        resolve("spark", Settings(jars=tmp_path))


@pytest.mark.parametrize("name", ["kafka", "spark"])
def test_every_locked_library_has_its_coordinates_and_a_checksum(name: str) -> None:
    assert all(isinstance(jar, Jar) and jar.group and jar.version and len(jar.sha256) == 64 for jar in locked(name))
