"""`urbanclear watch`."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console

from urbanclear.settings import get_settings

Repeated = list[str] | None
_COLOURS = {"A": "green", "B": "green", "C": "yellow", "D": "yellow", "E": "red", "F": "red"}


def watch(
    topic: Annotated[str, typer.Argument(help="traffic, incidents, predictions or alerts")] = "traffic",
    area: Annotated[Repeated, typer.Option(help="part of the city; may be repeated")] = None,
    sensor: Annotated[Repeated, typer.Option(help="external id; may be repeated")] = None,
    interval: Annotated[float, typer.Option(help="least seconds between two updates", min=0.1, max=3600)] = 1.0,
    since: Annotated[str | None, typer.Option(help="cursor to go on from")] = None,
    delta: Annotated[bool, typer.Option(help="only the fields that changed")] = False,
    url: Annotated[
        str | None, typer.Option(help="ws://…/ws/traffic; by default that of the API in the settings")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="each message on a line, for programs")] = False,
) -> None:
    """Follow what changes, as it changes; goes on where it was after a broken connection. Ctrl-C ends it."""
    settings = get_settings()
    address = url or f"ws://{settings.api_host}:{settings.api_port}/ws/traffic"
    key = None if settings.api_key is None else settings.api_key.get_secret_value()
    wanted = {"areas": area or None, "sensors": sensor or None, "interval": interval, "delta": delta}
    try:
        asyncio.run(_show(address, topic, key, since, wanted, as_json=as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _show(
    url: str, topic: str, key: str | None, since: str | None, wanted: dict[str, Any], *, as_json: bool
) -> None:
    from api.live.client import follow

    console, aside = Console(), Console(stderr=True)

    def waiting(seconds: float) -> None:
        aside.print(f"{url} is not there: tried again in {seconds:.1f} s", style="yellow", highlight=False)

    async for message in follow(url, topic, key=key, since=since, on_wait=waiting, **wanted):
        if as_json:
            typer.echo(json.dumps(message))
            continue
        for item in message.get("items", []):
            console.print(_line(item), highlight=False, soft_wrap=True, markup=True)
        if message["type"] == "lagged":
            console.print(f"[red]{message['dropped']} events were dropped[/red]")


def _line(item: dict[str, Any]) -> str:
    """What a person wants to know of an item, in one line."""
    from rich.markup import escape

    level = item.get("los") or ""
    colour = _COLOURS.get(level, "default")
    name = escape(str(item.get("sensor") or item.get("id")))
    facts = " ".join(
        f"{name}={escape(str(value))}"
        for name, value in item.items()
        if value is not None and name not in ("sensor", "id", "time", "los")
    )
    return f"{item.get('time', '')} [{colour}]{level or '-'}[/{colour}] [bold]{name}[/bold] {facts}"
