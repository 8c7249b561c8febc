"""`urbanclear up`: starts the stack, prints its table and a live line, stops it on Ctrl-C or SIGTERM."""

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from urbanclear import logs
from urbanclear.embedded import state
from urbanclear.embedded.source import SHIFT, ReplayOptions, source_arguments
from urbanclear.embedded.watch import Figures, Watch
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

if TYPE_CHECKING:
    from urbanclear.embedded.stack import Stack

console = Console()

CHECK_SECONDS = 0.2
FIGURES_SECONDS = 1.0
PLAIN_LINE_SECONDS = 10.0
TABLE_WIDTH = 110

HISTORY_HELP = "how much of the past the simulator fills in first, such as 7d or 12h"


def up(
    source: Annotated[str, typer.Option(help="simulator[:SCENARIO], live:NAME, replay:PATH or none")] = "simulator",
    data_dir: Annotated[Path | None, typer.Option(help="where the stack keeps its state")] = None,
    port: Annotated[int | None, typer.Option(help="port of the API and the live page", min=1, max=65535)] = None,
    history: Annotated[str, typer.Option(help=HISTORY_HELP)] = "7d",
    speed: Annotated[str | None, typer.Option(help="of a replay: 1x, 60x, … or max")] = None,
    file_format: Annotated[str | None, typer.Option("--format", help="of a replay's file; else recognised")] = None,
    sensors: Annotated[Path | None, typer.Option(help="file that describes a replay's sensors")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="replay again and again")] = False,
    shift_to_now: Annotated[bool, typer.Option(SHIFT, help="replay as if it happened now")] = False,
    align: Annotated[Literal["week"] | None, typer.Option(help="move a replay by whole weeks only")] = None,
) -> None:
    """Start everything on this machine, with data flowing, until stopped."""
    stated = {"data_dir": data_dir, "api_port": port}
    overrides = {name: value for name, value in stated.items() if value is not None}
    replay = ReplayOptions(speed, file_format, sensors, loop, shift_to_now, align)
    arguments = source_arguments(source, history, replay)
    folder = Settings.model_validate(overrides).data_dir
    with state.exclusive(folder):
        state.remove_addresses(folder)  # of a run that was killed
        settings = Settings.model_validate(overrides)
        logs.configure(settings)
        asyncio.run(_run(folder, settings, arguments))


async def _run(folder: Path, settings: Settings, arguments: list[str]) -> None:
    from urbanclear.embedded.stack import Stack

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    began = time.monotonic()
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("Checks", total=None)
        stack = Stack(
            folder,
            settings,
            arguments,
            say=lambda what: progress.update(task, description=what, total=None, completed=0),
            jar_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
        try:
            if not await _start_unless_stopped(stack, stop):
                return
        except BaseException:
            stack.stop()
            raise
        progress.update(task, description="Up", total=1, completed=1)
    Console(width=max(console.width, TABLE_WIDTH)).print(_table(stack))  # an address is to be copied whole
    console.print(f"Started in {time.monotonic() - began:.1f} s. Stop with Ctrl-C.")
    try:
        await _watch(stack, stop)
    finally:
        console.print("Stopping …")
        stack.stop()


async def _start_unless_stopped(stack: "Stack", stop: asyncio.Event) -> bool:
    """Whether the stack is up; False when it was told to stop before, and is down again."""
    starting, stopped = asyncio.ensure_future(stack.start()), asyncio.ensure_future(stop.wait())
    await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        stack.stop()
        return False
    stopped.cancel()
    await starting
    return True


async def _watch(stack: "Stack", stop: asyncio.Event) -> None:
    """Keep the parts alive and the live line fresh until told to stop."""
    progress = Progress(TextColumn("{task.description}"), BarColumn(), console=console)
    history = progress.add_task(_what_is_published(stack.source), total=1.0, visible=False)
    next_line = 0.0
    async with Watch(stack.metrics_urls, stack.api_url, stack.key) as watch:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while not stop.is_set():
                stack.check()
                if time.monotonic() >= next_line:
                    figures = await watch.figures()
                    _draw(live, progress, history, figures)
                    next_line = time.monotonic() + (FIGURES_SECONDS if console.is_terminal else PLAIN_LINE_SECONDS)
                await stopped_within(stop, CHECK_SECONDS)


def _what_is_published(source: list[str]) -> str:
    return "Replay" if source[:1] == ["replay"] else "Filling in history"


def _draw(live: Live, progress: Progress, history: TaskID, figures: Figures) -> None:
    if not console.is_terminal:
        console.print(figures.line)
        return
    filling = figures.history is not None and figures.history < 1
    progress.update(history, completed=figures.history or 0, visible=filling)
    live.update(Group(progress, figures.line) if filling else figures.line, refresh=True)


def _table(stack: "Stack") -> Table:
    table = Table("part", Column("address", no_wrap=True), "state")
    for row in stack.addresses:
        table.add_row(row.part, row.address, stack.part_state(row.part))
    return table
