"""Time that only moves when nothing is left to do now, and processes that can be killed or frozen.

The loop is asyncio's own over a selector that waits for nothing: it moves the clock instead. Every callback
belongs to the process in whose context it was scheduled; of a dead process none runs any more, not even a
`finally`, as with `kill -9`, and those of a frozen one wait until it is thawed, as with SIGSTOP.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, Never

from aiokafka.errors import KafkaError

PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)


class Stuck(Exception):
    """Nothing will ever happen any more, and the run is not over."""


class Ended(BaseException):
    """The process has ended itself. No Exception: what the engine catches must not go on."""


class Process:
    """One life of a worker. `ended` is called once, with the reason, however it ends."""

    def __init__(self, name: str, ended: Callable[["Process", str], None]) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.context = copy_context()
        self.context.run(PROCESS.set, self)
        self._ended = ended
        self._held: list[tuple[Context, Callable[..., object], tuple[Any, ...]]] = []

    def run(self, context: Context, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if not self.alive:
            return
        if self.frozen:
            self._held.append((context, callback, args))
        else:
            callback(*args)

    def end(self, why: str) -> None:
        """Nothing of it runs from here on."""
        if self.alive:
            self.alive = False
            self._held.clear()
            self._ended(self, why)

    def thaw(self, loop: "VirtualLoop") -> None:
        self.frozen = False
        held, self._held = self._held, []
        for context, callback, args in held:
            loop.call_soon(callback, *args, context=context)


class _Selector(selectors.SelectSelector):
    """Gives no event, and moves the clock by the time it was to wait for one."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck("nothing is scheduled")
        self.loop.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual; the same calls give the same run."""

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        self.now = 0.0
        self._tasks: list[asyncio.Task[Any]] = []
        """All of them: a task that nobody holds is closed when the garbage collector chooses to."""
        self.errors: list[BaseException | str] = []
        super().__init__(selector)
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(self._unexpected)

    def time(self) -> float:
        return self.now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        process = context.get(PROCESS)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(process.run, context, callback, args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        process = context.get(PROCESS)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, process.run, context, callback, args, context=context)

    def finish(self) -> None:
        """Drop what still waits, in silence, and close."""
        self.set_exception_handler(lambda *_: None)
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                assert coroutine is not None
                with suppress(Ended):  # the engine takes being closed for a doubt
                    coroutine.close()
        self._tasks.clear()
        self.close()

    def _make_task(
        self, _: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=self, **options)
        self._tasks.append(task)
        return task

    def _unexpected(self, _: asyncio.AbstractEventLoop, said: Mapping[str, Any]) -> None:
        error = said.get("exception")
        if not isinstance(error, (Ended, KafkaError)):  # what a worker dies of, or was told when it was dead
            self.errors.append(error or str(said.get("message")))


class VirtualClocks:
    """Stands in for the module `time` in the engine's own modules."""

    def __init__(self, loop: VirtualLoop, epoch_seconds: float) -> None:
        self._loop = loop
        self._epoch = epoch_seconds

    def monotonic(self) -> float:
        return self._loop.now

    def perf_counter(self) -> float:
        return self._loop.now

    def time_ns(self) -> int:
        return int((self._epoch + self._loop.now) * 1_000_000) * 1_000


def exit_process(code: int) -> Never:
    """Stands in for `os._exit`: ends the process in whose context it is called."""
    process = PROCESS.get()
    if process is not None:
        process.end(f"exit {code}")
    raise Ended(code)
