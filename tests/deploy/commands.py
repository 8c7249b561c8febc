"""Whether a command line is one that `urbanclear` takes."""

from typing import Any

from typer.main import get_command

from urbanclear.cli import app


def parse(words: list[str], command: Any = None) -> None:
    """As the command line does, up to running it; raises `KeyError` for a command that is not there, and what the
    command line raises for an option or argument that is not."""
    command = command or get_command(app)
    children = getattr(command, "commands", None)
    if children and words:
        parse(words[1:], children[words[0]])
    else:
        command.make_context(command.name, words)
