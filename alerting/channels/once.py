"""What is the same for many receivers is made once: a notice's text and picture, however many are told."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Hashable
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

KEPT: Final = 64


class Once(Generic[T]):
    """Keeps the newest `KEPT` results. One who waits and is broken off does not break off the others' result."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Hashable, asyncio.Task[T]] = OrderedDict()

    async def get(self, key: Hashable, make: Coroutine[Any, Any, T]) -> T:
        """The result kept under `key`, or that of `make`; a failure is not kept."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(make)
            task.add_done_callback(lambda done: self._forget_failure(key, done))
        else:
            make.close()
        self._tasks.move_to_end(key)
        while len(self._tasks) > KEPT:
            self._tasks.popitem(last=False)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Break off what is being made."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget_failure(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._tasks.get(key) is task:
            del self._tasks[key]
