"""What a job is doing, for people: the stage, and how many of Spark's tasks of it are done."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyspark import SparkContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from spark.runs import Say

LOOKS_PER_S: Final = 4


class Bar:
    """A bar on standard error, gone when the job is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("Starting Spark", total=None)
        self._done = threading.Event()

    def say(self, stage: str) -> None:
        """Show that this is being done now."""
        self._progress.update(self._task, description=stage, completed=0, total=None)

    @contextmanager
    def watching(self, context: SparkContext) -> Iterator[Say]:
        """Follow the tasks of a session while within."""
        thread = threading.Thread(target=self._watch, args=(context,), daemon=True)
        thread.start()
        try:
            yield self.say
        finally:
            self._done.set()
            thread.join()

    def _watch(self, context: SparkContext) -> None:
        tracker = context.statusTracker()
        while not self._done.wait(1 / LOOKS_PER_S):
            found = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
            stages = [stage for stage in found if stage is not None]
            if stages:
                done, total = (
                    sum(getattr(stage, part) for stage in stages) for part in ("numCompletedTasks", "numTasks")
                )
                self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Bar]:
    """A bar for as long as a job takes."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console or Console(stderr=True), transient=True) as progress:
        yield Bar(progress)
