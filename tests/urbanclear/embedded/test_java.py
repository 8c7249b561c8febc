"""A Java runtime is found, and one that is too old is passed over."""

import subprocess
from pathlib import Path

import pytest

from urbanclear.embedded import java
from urbanclear.embedded.java import OLDEST_JAVA, find_java
from urbanclear.errors import JavaNotFound


def fake_java(folder: Path, version: str) -> Path:
    """A home whose `java` says that it is of `version`."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    program.chmod(0o755)
    return folder


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "new", "21.0.2")))
    assert (find_java().home, find_java().major) == (tmp_path / "new", 21)


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2"])
def test_a_java_home_that_is_too_old_is_passed_over(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "old", version)))
    found = find_java()
    assert found.home != tmp_path / "old"
    assert found.major >= OLDEST_JAVA


def test_the_wheels_runtime_runs_without_the_module_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    if java._wheel_home() is None:
        pytest.skip("the wheel with a Java runtime is not installed: it is only where the machine has no Java")
    monkeypatch.setattr(java, "_homes", lambda: iter(()))
    found = find_java()
    assert found.from_wheel
    command = [str(found.executable), "--add-modules=jdk.incubator.vector", "-version"]
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_the_wheels_runtime_gets_every_other_argument_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = fake_java(tmp_path / "it's a wheel", "25.0.1")
    with (wheel / "bin" / "java").open("a") as program:
        program.write('for word do echo "<$word>"; done\n')
    monkeypatch.setattr(java, "_homes", lambda: iter(()))
    monkeypatch.setattr(java, "_wheel_home", lambda: wheel)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = [str(find_java().executable), "-a b", "--add-modules=jdk.incubator.vector", "c*"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "<-a b>\n<c*>\n"


def test_a_cache_folder_that_cannot_be_used_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setattr(java, "_homes", lambda: iter(()))
    monkeypatch.setattr(java, "_wheel_home", lambda: fake_java(tmp_path / "wheel", "25.0.1"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(JavaNotFound, match="set XDG_CACHE_HOME"):
        find_java()


def test_no_runtime_at_all_is_a_message_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_homes", lambda: iter(()))
    monkeypatch.setattr(java, "_wheel_home", lambda: None)
    with pytest.raises(JavaNotFound, match="apt install"):
        find_java()
