"""What `urbanclear bench chaos` shows: a bar with the kinds of faults so far, what was found, and the last line."""

import asyncio
import json
import signal
import tempfile
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.chaos.run import Options, Say, Verdict, chaos
from urbanclear.settings import Settings


def run(settings: Settings, options: Options, as_json: bool) -> bool:
    """Have the faults happen and say what was found; whether all is as it should be.

    SIGTERM ends it as Ctrl-C does, with everything stopped and unmounted.
    """
    with _folder(options.keep) as folder, _shown(options.faults) as say:
        try:
            verdict = asyncio.run(_stoppable(chaos(folder, settings, options, say)))
        except asyncio.CancelledError:
            raise typer.Exit(1) from None
    if options.keep:
        typer.echo(f"kept: {folder}; the disks below it stay mounted until you unmount them", err=True)
    return conclude(verdict, as_json)


def conclude(verdict: Verdict, as_json: bool) -> bool:
    """Say what was found, the line that sums it up last; whether all is as it should be."""
    if as_json:
        typer.echo(_as_json(verdict))
    else:
        _explain(verdict)
    typer.echo(verdict.line, err=as_json)
    return not verdict.findings


async def _stoppable(running: Coroutine[object, object, Verdict]) -> Verdict:
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _explain(verdict: Verdict) -> None:
    """What was left out, what ended, and the first of each kind of what is wrong."""
    for kind in verdict.left_out:
        typer.echo(f"left out: {kind}")
    for note in verdict.notes:
        typer.echo(note)
    for kind, examples in verdict.findings.shown.items():
        typer.echo(f"{kind}: {verdict.findings.counts[kind]}, of which the first are")
        for example in examples:
            typer.echo(f"  {example}")


def _as_json(verdict: Verdict) -> str:
    findings = verdict.findings
    found = {
        "faults": verdict.faults,
        "accepted": verdict.accepted,
        "stored": verdict.stored,
        "rejected": verdict.rejected,
        "lost": findings.lost,
        "repeated": findings.repeated,
        "findings": {
            kind: {"count": findings.counts[kind], "first": first} for kind, first in findings.shown.items()
        },
        "left_out": verdict.left_out,
        "notes": verdict.notes,
    }
    return json.dumps(found, indent=2)


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """A folder that the database's user may enter too."""
    if keep:
        folder = Path(tempfile.mkdtemp(prefix="urbanclear-chaos-"))
        folder.chmod(0o755)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="urbanclear-chaos-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def _shown(faults: int) -> Iterator[Say]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.fields[kinds]}"), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=faults, kinds="")

        def say(what: str, tally: Counter[str]) -> None:
            kinds = ", ".join(f"{kind} {count}" for kind, count in tally.most_common())
            progress.update(task, description=what, completed=tally.total(), kinds=kinds)

        yield say
