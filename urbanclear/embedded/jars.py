"""The Java libraries of Kafka and Spark: pinned coordinates with checksums, had from Maven Central by Apache Ivy.

Ivy comes in PySpark's wheel and knows the repository by itself. What it brings is checked against `jars.lock.json`
and kept in the user's cache folder. To renew the lock: `python -m urbanclear.embedded.jars`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

from urbanclear.embedded.cache import cache_folder
from urbanclear.embedded.java import Java, find_java
from urbanclear.embedded.process import Process
from urbanclear.embedded.truststore import java_network_options
from urbanclear.errors import JarsUnavailable
from urbanclear.settings import Settings

LOCK_FILE: Final = Path(__file__).with_name("jars.lock.json")
IVY_SECONDS: Final = 600.0
STALL_SECONDS: Final = 60.0  # a firewall that drops packets would otherwise cost two minutes a library
CHECK_SECONDS: Final = 0.2

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Jar:
    """One library."""

    group: str
    artifact: str
    version: str
    sha256: str = ""

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked(name: str) -> list[Jar]:
    """The libraries of the set `name`: `kafka` or `spark`."""
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
    folder = cache_folder() / "jars" / f"{name}-{digest}"
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
        reason = _run_ivy(wanted, work / "jars", work, settings, progress)
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


def _run_ivy(
    wanted: list[Jar], target: Path, work: Path, settings: Settings, progress: Progress, *, transitive: bool = False
) -> str:
    """Have Ivy put `wanted` into `target`; returns what went wrong, if it says. What is missing shows in `target`."""
    (work / "ivy.xml").write_text(_module(wanted, transitive))
    (work / "ivysettings.xml").write_text(_settings(settings.maven_repository, transitive))
    cache = work / "ivy-cache"
    arguments = ["-settings", work / "ivysettings.xml", "-ivy", work / "ivy.xml", "-cache", cache]
    pattern = target / "[artifact]-[revision].[ext]"
    command = [*_java_command(find_java()), *arguments, "-retrieve", pattern, "-confs", "default"]
    ivy = Process("Ivy", [*command, "-types", "jar", "bundle"], work / "ivy.log", stop_signal=signal.SIGKILL)
    ivy.start()
    try:
        in_time = _watch(ivy, cache, len(wanted), progress)
    finally:
        ivy.wait(0)
    return _complaint(ivy.log) if in_time else f"Nothing arrived for {STALL_SECONDS:.0f} s."


def _watch(ivy: Process, cache: Path, total: int, progress: Progress) -> bool:
    """Tell `progress` until Ivy ends; False where it has to be ended because nothing comes."""
    end, stalled, seen = time.monotonic() + IVY_SECONDS, 0.0, (-1, -1)
    while ivy.running:
        progress(len(list(cache.rglob("*.jar"))), total)
        now = (_bytes(cache), ivy.log.stat().st_size)
        stalled = 0.0 if now != seen else stalled + CHECK_SECONDS
        if stalled > STALL_SECONDS or time.monotonic() > end:
            return False
        seen = now
        time.sleep(CHECK_SECONDS)
    progress(len(list(cache.rglob("*.jar"))), total)
    return True


def _bytes(cache: Path) -> int:
    """How much has arrived, unfinished files included."""
    total = 0
    for file in cache.rglob("*.jar*"):
        with suppress(FileNotFoundError):  # renamed at this moment, being complete
            total += file.stat().st_size
    return total


def _complaint(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next((line.strip() for line in lines if "error" in line.lower()), "")


def _java_command(java: Java) -> list[str]:
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise JarsUnavailable("PySpark, which carries Ivy, is not installed: run `make install`.")
    [ivy] = (Path(spec.origin).parent / "jars").glob("ivy-*.jar")
    return [str(java.executable), *java_network_options(java), "-cp", str(ivy), "org.apache.ivy.Main"]


def _module(wanted: list[Jar], transitive: bool) -> str:
    flag = str(transitive).lower()
    lines = [
        f"<dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)} rev={quoteattr(jar.version)} "
        f'transitive="{flag}" conf="default->default"/>'
        for jar in wanted
    ]
    return (
        '<ivy-module version="2.0"><info organisation="urbanclear" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(lines)}</dependencies></ivy-module>"
    )


def _settings(mirror: str | None, transitive: bool) -> str:
    """One resolver: Maven Central, which Ivy knows by itself, or the mirror.

    What a library needs is only asked for (in its POM) where all of that is wanted too.
    """
    root = f" root={quoteattr(mirror.rstrip('/') + '/')}" if mirror else ""
    flags = f'm2compatible="true" usepoms="{str(transitive).lower()}"'
    return (
        '<ivysettings><settings defaultResolver="maven"/><resolvers>'
        f'<ibiblio name="maven" {flags}{root}/></resolvers></ivysettings>'
    )


#: What the lock is made from: the libraries asked for; all they need comes along.
ROOTS: Final = {
    "kafka": [
        Jar("org.apache.kafka", "kafka_2.13", "4.4.0"),
        Jar("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5"),
    ],
    "spark": [Jar("org.postgresql", "postgresql", "42.7.8")],
}


def _relock(settings: Settings) -> None:
    """Resolve ROOTS with all they need, and write the lock."""
    lock = {}
    for name, roots in ROOTS.items():
        with tempfile.TemporaryDirectory() as work:
            reason = _run_ivy(roots, Path(work) / "jars", Path(work), settings, print, transitive=True)
            found = sorted((Path(work) / "ivy-cache").glob("*/*/[jb]*s/*.jar"))
            if not found:
                raise JarsUnavailable(reason)
            lock[name] = [_jar_of(file) for file in found if (Path(work) / "jars" / file.name).exists()]
    LOCK_FILE.write_text(json.dumps(lock, indent=1) + "\n")


def _jar_of(file: Path) -> dict[str, str]:
    """Ivy's cache has the layout group/artifact/type/artifact-version.jar."""
    artifact = file.parents[1].name
    version = file.stem.removeprefix(f"{artifact}-")
    return {"group": file.parents[2].name, "artifact": artifact, "version": version, "sha256": _sha256(file)}


if __name__ == "__main__":
    os.environ.pop("URBANCLEAR_JARS", None)
    _relock(Settings())
