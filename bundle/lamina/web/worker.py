"""Threads that work in turn, and refuse what is beyond their capacity."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class BusyError(Exception):
    """There is more to do than may wait: the client should ask again later."""


class Worker:
    """A thread, or several, and a queue.

    What only one thread touches needs no lock: two predictions never mix, and new weights wait
    for those that run.

    Parameters
    ----------
    name
        Of its threads.
    most
        What may wait or run at a time.
    threads
        How many there are.

    Examples
    --------
    >>> worker = Worker("example", most=2)
    >>> worker.submit(sum, [1, 2]).result()
    3
    >>> worker.close()
    """

    def __init__(self, name: str, most: int, threads: int = 1) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"lamina-{name}")
        self._most = most
        self._pending = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Queue some work.

        Raises
        ------
        BusyError
            If as much waits already as may.
        """
        with self._lock:
            if self._pending >= self._most:
                raise BusyError
            self._pending += 1
        future = self._threads.submit(work, *arguments)
        future.add_done_callback(self._done)
        return future

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Queue some work and wait for its result; raises what it raises, and ``BusyError``."""
        return await asyncio.wrap_future(self.submit(work, *arguments))

    def close(self) -> None:
        """Forget what waits, and wait for what runs."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _done(self, _: Future[Any]) -> None:
        with self._lock:
            self._pending -= 1
