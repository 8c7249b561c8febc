"""`urbanclear alerting preview`."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from urbanclear.settings import get_settings


def preview(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="name of the rule")],
    channel: Annotated[
        Literal["email", "slack", "webhook", "sms", "push"], typer.Option(help="on which it is shown")
    ] = "email",
    to: Annotated[
        Path | None, typer.Option(help="file to write; HTML is written to a file of its own in any case")
    ] = None,
) -> None:
    """Show the newest alert of a rule, or one made up, as a channel would tell it; nothing is sent."""
    from alerting.preview import preview_of

    shown, made_up = asyncio.run(preview_of(rule, channel, get_settings()))
    if made_up:
        typer.echo(f"{rule} has not fired yet: this alert is made up.", err=True)
    if to is None and shown.ending != ".html":
        typer.echo(shown.content.decode())
        return
    file = to or Path(f"preview-{rule}{shown.ending}")
    file.write_bytes(shown.content)
    typer.echo(f"{file}")
