"""The Java libraries that are used: pinned coordinates with checksums, had from Maven Central by Apache Ivy.

What Ivy brings is checked against `jars.lock.json` and kept in the user's cache folder. To renew the lock, change
ROOTS and run `python -m urbanclear.embedded.jars`.
"""

import fcntl
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from urbanclear.embedded.cache import cache_folder
from urbanclear.embedded.ivy import Jar, Progress, cache_of, retrieve, spark_jars
from urbanclear.errors import JarsUnavailable
from urbanclear.settings import Settings

LOCK_FILE: Final = Path(__file__).with_name("jars.lock.json")
CHECK_SECONDS: Final = 0.2


def locked(name: str) -> list[Jar]:
    """The libraries of the set `name`: `kafka`, `spark` or `connect`."""
    return [Jar(**jar) for jar in json.loads(LOCK_FILE.read_text())[name]]


def resolve(name: str, settings: Settings, progress: Progress | None = None) -> Path:
    """The folder that holds the libraries of set `name`, complete and checked.

    `progress` is told how many of how many are there, several times a second while anything is waited for; what it
    raises ends the work at once. Raises `JarsUnavailable`. Either way the folder is then as it was.
    """
    wanted = locked(name)
    if settings.jars is not None:
        return _given(settings.jars, wanted)
    digest = hashlib.sha256("".join(jar.sha256 for jar in wanted).encode()).hexdigest()[:12]
    folder = cache_folder().absolute() / "jars" / f"{name}-{digest}"
    tell = progress or (lambda done, total: None)
    try:
        with _alone(folder, lambda: tell(0, len(wanted))):
            if _faults(folder, wanted) or _strangers(folder, wanted):
                _fetch(wanted, folder, settings, tell)
    except OSError as error:
        raise JarsUnavailable(
            f"The cache folder {cache_folder()} cannot be used ({error.strerror}): make it writable, or set "
            f"XDG_CACHE_HOME to one that is, or URBANCLEAR_JARS to a folder that holds the Java libraries."
        ) from error
    return folder


def _given(folder: Path, wanted: list[Jar]) -> Path:
    if faults := _faults(folder, wanted):
        raise JarsUnavailable(f"URBANCLEAR_JARS ({folder}) does not hold what is needed: {'; '.join(faults)}.")
    return folder.absolute()


def _faults(folder: Path, wanted: list[Jar]) -> list[str]:
    """What is wrong with `folder`, a sentence a library; empty when nothing is."""
    return [fault for jar in wanted if (fault := _fault(folder / jar.file, jar))]


def _fault(file: Path, jar: Jar) -> str | None:
    if not file.is_file():
        return f"{jar.file} is missing"
    if _sha256(file) != jar.sha256:
        return f"the checksum of {jar.file} is not the one in the lock"
    return None


def _strangers(folder: Path, wanted: list[Jar]) -> set[str]:
    """What else lies in `folder`; Java would load it too."""
    return {file.name for file in folder.iterdir()} - {jar.file for jar in wanted}


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _alone(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """One process at a time fills a folder; `waiting` is called now and then by one that has to wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        while not _taken(lock.fileno()):
            waiting()
            time.sleep(CHECK_SECONDS)
        yield


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fetch(wanted: list[Jar], folder: Path, settings: Settings, progress: Progress) -> None:
    work = folder.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
    work.mkdir()
    try:
        reason = retrieve(wanted, work, settings.maven_repository, progress)
        if faults := _faults(work / "jars", wanted):
            raise JarsUnavailable(_what_to_do(faults, reason, settings))
        shutil.rmtree(folder, ignore_errors=True)
        (work / "jars").rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _what_to_do(faults: list[str], reason: str, settings: Settings) -> str:
    shown = "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")
    origin = "URBANCLEAR_MAVEN_REPOSITORY" if settings.maven_repository else "Maven Central"
    return (
        f"Java libraries could not be had from {origin}: {shown}. {reason}\n"
        f"Set URBANCLEAR_MAVEN_REPOSITORY to a mirror that has them, or URBANCLEAR_JARS to a folder that holds them."
    )


#: What the lock is made from: the libraries asked for; all they need comes along.
ROOTS: Final = {
    "kafka": [
        Jar("org.apache.kafka", "kafka_2.13", "4.4.0"),
        Jar("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5"),
    ],
    "spark": [
        Jar("org.postgresql", "postgresql", "42.7.14"),
        Jar("org.apache.spark", "spark-sql-kafka-0-10_2.13", "4.2.0"),
    ],
    "connect": [  # what `urbanclear bench ingest` compares with; had only there
        Jar("org.apache.kafka", "connect-runtime", "4.3.1"),
        Jar("io.debezium", "debezium-connector-jdbc", "3.4.0.Final"),
        Jar("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5"),
    ],
}


def _relock(settings: Settings) -> None:
    """Resolve ROOTS with all they need, but what Spark itself carries for its own, and write the lock."""
    lock, carried = {}, spark_jars()
    for name, roots in ROOTS.items():
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            reason = retrieve(roots, work, settings.maven_repository, lambda done, total: None, transitive=True)
            wanted = {file.name for file in (work / "jars").glob("*.jar")}
            if not wanted:
                raise JarsUnavailable(f"The libraries of {name} could not be resolved. {reason}")
            found = [_jar_of(file) for file in sorted(cache_of(work).glob("*/*/[jb]*s/*.jar")) if file.name in wanted]
            lock[name] = [
                jar for jar in found if name != "spark" or not list(carried.glob(f"{jar['artifact']}-*.jar"))
            ]
    LOCK_FILE.write_text(json.dumps(lock, indent=1) + "\n")


def _jar_of(file: Path) -> dict[str, str]:
    artifact = file.parents[1].name
    version = file.stem.removeprefix(f"{artifact}-")
    return {"group": file.parents[2].name, "artifact": artifact, "version": version, "sha256": _sha256(file)}


if __name__ == "__main__":
    _relock(Settings())
