"""How far a long command has come, as a bar on a terminal; elsewhere its log says it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Show = Callable[[int, int], None]


def _nowhere(done: int, total: int) -> None:
    pass


@contextmanager
def progress_bar(what: str, also: Show = _nowhere) -> Iterator[Show]:
    """Call what is yielded with how many of how many are done; `also` is told the same."""
    console = Console(stderr=True)
    named = TextColumn("{task.description}", markup=False)
    columns = (named, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            also(done, total)

        yield show
