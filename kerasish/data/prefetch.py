"""Elements made ahead, by a thread or by workers."""

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

_END = object()


class _Failed:
    def __init__(self, error: BaseException):
        self.error = error


def prefetched(make: Callable[[], Iterator[Any]], size: int) -> Iterator[Any]:
    """Yield the elements of an iterator that a thread of its own runs, `size` of them ahead.

    An error in the thread is raised here, at the place of the element; the thread ends with this generator.
    """
    buffer: queue.Queue = queue.Queue(size)
    stopped = threading.Event()

    def put(item: Any) -> bool:
        while not stopped.is_set():
            try:
                buffer.put(item, timeout=0.1)
                return True
            except queue.Full:
                pass
        return False

    def work() -> None:
        try:
            for element in make():
                if not put(element):
                    return
            put(_END)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the elements are read
            put(_Failed(error))

    threading.Thread(target=work, daemon=True, name="kerasish-prefetch").start()
    try:
        while (item := buffer.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stopped.set()


def threads(number: int) -> Any:
    """Return a pool of threads, an `Executor`."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import, and few programs need it

    return ThreadPoolExecutor(number)


def processes(number: int, start: Callable[..., None], *arguments: Any) -> Any:
    """Return a pool of processes, an `Executor`; each calls `start(*arguments)` first."""
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(number, initializer=start, initargs=arguments)


def made_ahead(pool: Any, call: Callable[[Any], Any], items: Iterator[Any], ahead: int) -> Iterator[Any]:
    """Yield a function's results for items in order while a pool works on the next ones; it is shut down at the end."""
    try:
        waiting = deque(pool.submit(call, item) for item in itertools.islice(items, ahead))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(call, item) for item in itertools.islice(items, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
