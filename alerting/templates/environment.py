"""How the templates of messages are read: sandboxed, escaped where they are HTML, from the folders they may be in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.templates.bounded import shown

BUILT_IN: Final = Path(__file__).parent / "built_in"
ENDING: Final = ".j2"
LONGEST_OUTPUT: Final = 400_000  # characters


def environment(folders: Sequence[Path]) -> ImmutableSandboxedEnvironment:
    """Templates are looked for in `folders`, in their order."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folders),
        autoescape=lambda name: name is not None and name.endswith(f".html{ENDING}"),
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
