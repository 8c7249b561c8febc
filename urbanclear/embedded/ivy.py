"""Apache Ivy as a child process: brings Java libraries by their coordinates. It comes in PySpark's wheel.

Ivy knows Maven Central by itself and takes no dependency's word for where to look; a mirror stands in for it.
"""

import re
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

from urbanclear.embedded.java import Java, find_java
from urbanclear.embedded.process import Process
from urbanclear.embedded.truststore import java_network_options
from urbanclear.errors import JarsUnavailable

LONGEST_SECONDS: Final = 600.0
STALL_SECONDS: Final = 60.0  # a firewall that drops packets would otherwise cost two minutes a library
CHECK_SECONDS: Final = 0.2

#: Told how many libraries of how many have come. What it raises ends the work.
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


def retrieve(
    wanted: Sequence[Jar], work: Path, mirror: str | None, progress: Progress, *, transitive: bool = False
) -> str:
    """Have Ivy put `wanted` into `work`/jars, with all they need where `transitive`.

    Returns what went wrong, as far as Ivy says; what has not come is missing from the folder. Ivy ends with the
    thread that called.
    """
    (work / "ivy.xml").write_text(_module(wanted, transitive))
    (work / "ivysettings.xml").write_text(_settings(mirror, transitive))
    ivy = Process("Ivy", _command(work), work / "ivy.log", stop_signal=signal.SIGKILL)
    ivy.start()
    try:
        return _watch(ivy, cache_of(work), len(wanted), progress) or _complaint(ivy.log)
    finally:
        ivy.wait(0)


def cache_of(work: Path) -> Path:
    """Ivy's own cache, laid out as group/artifact/type/artifact-version.jar."""
    return work / "ivy-cache"


def _command(work: Path) -> list[str | Path]:
    files: list[str | Path] = [
        "-settings",
        work / "ivysettings.xml",
        "-ivy",
        work / "ivy.xml",
        "-cache",
        cache_of(work),
    ]
    pattern = work / "jars" / "[artifact]-[revision].[ext]"
    kinds = ["-confs", "default", "-types", "jar", "bundle"]
    return [*_java_command(find_java()), *files, "-retrieve", pattern, *kinds]


def _watch(ivy: Process, cache: Path, total: int, progress: Progress) -> str:
    """Tell `progress` until Ivy ends; returns why it should be ended where it does not."""
    began = moved = time.monotonic()
    seen = (0, 0)
    while ivy.running:
        progress(_count(cache), total)
        now = time.monotonic()
        if seen != (seen := (_bytes(cache), ivy.log.stat().st_size)):
            moved = now
        if now - moved > STALL_SECONDS:
            return f"Nothing arrived for {STALL_SECONDS:.0f} s."
        if now - began > LONGEST_SECONDS:
            return f"It took longer than {LONGEST_SECONDS:.0f} s."
        time.sleep(CHECK_SECONDS)
    progress(_count(cache), total)
    return ""


def _count(cache: Path) -> int:
    return len(list(cache.rglob("*.jar")))


def _bytes(cache: Path) -> int:
    """How much has arrived, unfinished files included."""
    total = 0
    for file in cache.rglob("*.jar*"):
        with suppress(FileNotFoundError):  # renamed at this moment, being complete
            total += file.stat().st_size
    return total


def _complaint(log: Path) -> str:
    """Ivy's first error without the address it is about, which may hold a mirror's password."""
    text = log.read_text(errors="replace")
    found = re.search(r"Server access error at url \S+ \((.+)\)$|(Host \S+ not found)", text, re.MULTILINE)
    return f"{found[1] or found[2]}." if found else ""


def spark_jars() -> Path:
    """The folder of PySpark's own libraries."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise JarsUnavailable("PySpark, which carries Ivy, is not installed: run `make install`.")
    return Path(spec.origin).parent / "jars"


def _java_command(java: Java) -> list[str]:
    [ivy] = spark_jars().glob("ivy-*.jar")
    return [str(java.executable), *java_network_options(java), "-cp", str(ivy), "org.apache.ivy.Main"]


def _module(wanted: Sequence[Jar], transitive: bool) -> str:
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
