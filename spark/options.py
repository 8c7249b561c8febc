"""The options that say which span of time a command is about."""

from typing import Annotated

import typer

From = Annotated[str | None, typer.Option("--from", help="first time, RFC 3339; by default --days before the last")]
To = Annotated[
    str | None, typer.Option("--to", help="time just after the last; by default that of the newest reading")
]
Days = Annotated[float, typer.Option(help="how far back, where --from is not said", min=0.05)]
