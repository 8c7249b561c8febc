"""What `urbanclear up --source` means: the arguments of the `urbanclear source` that the stack runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from urbanclear.durations import parse_duration

SHIFT: Final = "--shift-to-now"


@dataclass(frozen=True)
class ReplayOptions:
    """How a file is replayed; None and False leave it to the replay."""

    speed: str | None = None
    file_format: str | None = None
    sensors: Path | None = None
    loop: bool = False
    shift_to_now: bool = False
    align: str | None = None

    def words(self) -> list[str]:
        """As the command line says them."""
        stated = {
            "--speed": self.speed,
            "--format": self.file_format,
            "--sensors": self.sensors and str(self.sensors.absolute()),
            "--align": self.align,
        }
        flags = {"--loop": self.loop, SHIFT: self.shift_to_now}
        given = [word for name, value in stated.items() if value for word in (name, value)]
        return given + [name for name, is_set in flags.items() if is_set]


def source_arguments(source: str, history: str, replay: ReplayOptions) -> list[str]:
    """The arguments of `urbanclear source` for what `--source` says; none for `none`.

    Raises `typer.BadParameter` or `ConfigurationError`.
    """
    kind, _, name = source.partition(":")
    if source == "none":
        return []
    if kind == "simulator":
        parse_duration(history)
        scenario = Path(name).absolute() if Path(name).is_file() else name
        return ["simulator", "--history", history, *(["--scenario", str(scenario)] if name else [])]
    if kind == "live" and name:
        return ["live", name]
    if kind != "replay" or not name:
        raise typer.BadParameter(
            f"{source!r} is not simulator[:SCENARIO], live:NAME, replay:PATH or none", param_hint="--source"
        )
    if not Path(name).is_file():
        raise typer.BadParameter(f"there is no file {name}", param_hint="--source")
    return ["replay", str(Path(name).absolute()), *replay.words()]


def keeps_old_times(arguments: list[str]) -> bool:
    """Whether the source replays a recording at the times it was made."""
    return arguments[:1] == ["replay"] and SHIFT not in arguments
