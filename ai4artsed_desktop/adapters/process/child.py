"""One child process: started, drained for life, ended with everything it started itself.

Threads, not asyncio's subprocess support: the same code runs under qasync, whose loop has no child watcher of its own,
under plain asyncio and on Windows. All threads of a child end with it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.lines import LineBacklog, LineSplitter
from ai4artsed_desktop.adapters.process.watchdog import Watchdog

if sys.platform == "win32":
    from ai4artsed_desktop.adapters.process.windows import ProcessTree
else:
    from ai4artsed_desktop.adapters.process.posix import ProcessTree

_log = logging.getLogger(__name__)

_Work = Callable[[], None]

Stream = Literal["stdout", "stderr"]

#: How many of the last stderr lines are kept for error details.
TAIL_LINES = 200

#: How long followers may go on after a leader that ended by itself, before they are killed.
FOLLOWER_GRACE_S = 1.0

#: How long the system may take to end a killed tree before we say that it does not.
_KILL_LIMIT_S = 10.0

_FOLLOWER_POLL_S = 0.02

#: After the tree's end: more chunks than any pipe holds (``/proc/sys/fs/pipe-max-size``, 1 MiB) come from a stray.
_LAST_CHUNKS = 32


class ChildProcess:
    """A running child; made by ``start``, used as a context whose end is the whole tree's end.

    Attributes:
        name: What logs and the ledger call it.
    """

    def __init__(self, argv: Sequence[str], name: str, watchdog: Watchdog | None, ledger: Ledger | None) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self._argv = tuple(argv)
        self._watchdog = watchdog
        self._ledger = ledger
        self._backlogs: dict[Stream, LineBacklog] = {"stdout": LineBacklog(loop), "stderr": LineBacklog(loop)}
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._started: Future[ProcessTree] = Future()
        self._exited: Future[int] = Future()
        self._over: Future[None] = Future()
        self._changed = threading.Condition()
        self._deadline_s: float | None = None
        self._is_draining_last = False
        self._is_buried = False
        self._is_fed = threading.Event()
        self._threads: list[threading.Thread] = []

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        name: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin_data: bytes | None = None,
        keep_stdin_open: bool = False,
        watchdog: Watchdog | None = None,
        ledger: Ledger | None = None,
    ) -> Self:
        """Start ``argv`` in a session of its own.

        Args:
            env: The child's whole environment; None = ours.
            stdin_data: Written to the child; then its stdin ends, unless ``keep_stdin_open``.
            keep_stdin_open: The child's stdin ends when we stop it or die, and not before.
            watchdog: Ends the tree if we are killed ourselves (POSIX; on Windows a job object always does).
            ledger: Remembers the child across a crash of ours.

        Raises:
            OSError: There is no such program, or it may not be run.

        A cancelled call leaves no process behind.
        """
        child = cls(argv, name, watchdog, ledger)
        needs_stdin = keep_stdin_open or stdin_data is not None
        child._run(lambda: child._live(cwd, env, needs_stdin, stdin_data, keep_stdin_open), "life")
        try:
            await asyncio.shield(asyncio.wrap_future(child._started))
        except asyncio.CancelledError:
            await child._end_for_sure()
            raise
        except OSError:
            child._join()
            raise
        return child

    @property
    def pid(self) -> int:
        """Process id; also the id of its group and session on POSIX."""
        return self._started.result().pid

    @property
    def returncode(self) -> int | None:
        """Exit code, minus the signal number if a signal ended it, None while it runs."""
        return self._exited.result() if self._exited.done() else None

    async def lines(self, stream: Stream = "stdout") -> AsyncGenerator[str, None]:
        """Yield the stream's lines until it ends; a second call goes on where the first one was left.

        One consumer per stream at a time. See LineSplitter and LineBacklog.
        """
        while (line := await self._backlogs[stream].next()) is not None:
            yield line

    def tail(self, count: int = 20) -> list[str]:
        """Return the last lines of stderr, at most ``TAIL_LINES``."""
        return list(self._tail)[-count:]

    async def wait(self) -> int:
        """Wait until the child has ended by itself or by ``stop``, and return its exit code."""
        return await asyncio.shield(asyncio.wrap_future(self._exited))

    def note_port(self, port: int) -> None:
        """Add the port the child serves to its ledger entry."""
        if self._ledger is not None:
            self._ledger.set_port(self.pid, port)

    def ask_to_end(self, grace_s: float = 3.0) -> None:
        """Begin what ``stop`` waits for: stdin's end and TERM to the whole tree, then after ``grace_s`` KILL."""
        with self._changed:
            is_first = self._deadline_s is None
            deadline_s = time.monotonic() + grace_s
            self._deadline_s = deadline_s if self._deadline_s is None else min(deadline_s, self._deadline_s)
            self._changed.notify_all()
        if is_first:
            self._run(self._end, "end")

    async def stop(self, grace_s: float = 3.0) -> int | None:
        """End the whole tree (see ``ask_to_end``), wait until it is gone, and return the exit code.

        May be called again, also with a shorter grace. The ending goes on when the call is cancelled.

        Raises:
            TimeoutError: The system does not end the killed processes (an uninterruptible wait, such as a dead disk).
        """
        self.ask_to_end(grace_s)
        async with asyncio.timeout(grace_s + _KILL_LIMIT_S):
            await asyncio.shield(asyncio.wrap_future(self._over))
        self._join()
        return self.returncode

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end_for_sure()

    async def _end_for_sure(self) -> None:
        cancelled: asyncio.CancelledError | None = None
        while not self._over.done() or any(thread.is_alive() for thread in self._threads):
            try:
                await self.stop()
            except asyncio.CancelledError as exc:
                cancelled = exc
        if cancelled is not None:
            raise cancelled

    def _run(self, work: _Work, purpose: str) -> None:
        thread = threading.Thread(target=work, name=f"child {self.name}: {purpose}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    # ---- from here on: the child's threads ----

    def _live(
        self, cwd: Path | None, env: Mapping[str, str] | None, needs_stdin: bool, data: bytes | None, keep_open: bool
    ) -> None:
        """The child's whole life."""
        try:
            tree = ProcessTree(self._argv, cwd, env, needs_stdin=needs_stdin)
        except OSError as exc:
            self._started.set_exception(exc)
            self._over.set_result(None)
            return
        if self._watchdog is not None:
            self._watchdog.register(tree.pid)
        if self._ledger is not None:
            self._ledger.add(tree.pid, self._argv, self.name)
        workers = [
            threading.Thread(target=self._drain, args=(tree, "stdout", tree.stdout), daemon=True),
            threading.Thread(target=self._drain, args=(tree, "stderr", tree.stderr), daemon=True),
        ]
        if data is None:
            self._is_fed.set()
        else:
            workers.append(threading.Thread(target=self._feed, args=(tree, data, keep_open), daemon=True))
        for worker in workers:
            worker.start()
        self._started.set_result(tree)
        self._exited.set_result(tree.wait_for_leader())
        with self._changed:
            self._changed.notify_all()
        self._end_followers(tree)
        self._is_draining_last = True
        tree.stop_reading()
        for worker in workers:
            worker.join()
        self._bury(tree)

    def _bury(self, tree: ProcessTree) -> None:
        with self._changed:  # not while _end signals the tree
            tree.close()
            self._is_buried = True
        if self._watchdog is not None:
            self._watchdog.unregister(tree.pid)
        if self._ledger is not None:
            self._ledger.remove(tree.pid)
        _log.debug("child %s (%d) ended with %s", self.name, tree.pid, self._exited.result())
        self._over.set_result(None)

    def _drain(self, tree: ProcessTree, stream: Stream, pipe: IO[bytes]) -> None:
        splitter = LineSplitter()
        chunks_left = _LAST_CHUNKS
        while chunks_left and (data := tree.read(pipe)):
            self._hand_on(stream, splitter.feed(data))
            chunks_left -= self._is_draining_last
        self._hand_on(stream, splitter.finish())
        self._backlogs[stream].close()

    def _hand_on(self, stream: Stream, lines: list[str]) -> None:
        if stream == "stderr":
            self._tail.extend(lines)
        if lines:
            self._backlogs[stream].put(lines)

    def _feed(self, tree: ProcessTree, data: bytes, keep_open: bool) -> None:
        try:
            tree.write(data)
        except BrokenPipeError:
            _log.info("child %s ended or closed its input before it had read all of it", self.name)
        if not keep_open:
            self._close_stdin(tree)
        self._is_fed.set()

    def _close_stdin(self, tree: ProcessTree) -> None:
        if tree.stdin is not None:
            try:
                tree.stdin.close()
            except OSError as exc:
                _log.debug("child %s: closing its input: %s", self.name, exc)

    def _end_followers(self, tree: ProcessTree) -> None:
        """The leader has ended: nothing it started may outlive it."""
        if not tree.has_followers():
            return
        deadline_s = time.monotonic() + FOLLOWER_GRACE_S
        if self._deadline_s is None:  # else stop() has asked them already, and twice means "now" to some programs
            tree.terminate()
        while tree.has_followers():
            limit_s = deadline_s if self._deadline_s is None else self._deadline_s
            if time.monotonic() >= limit_s:
                tree.kill()
            time.sleep(_FOLLOWER_POLL_S)

    def _end(self) -> None:
        """TERM, then KILL at the deadline, which may move closer."""
        try:
            tree = self._started.result()
        except OSError:
            return
        with self._changed:
            if self._is_buried:
                return
            if (
                self._is_fed.is_set()
            ):  # else the feeder still uses the pipe, and the child has not read what it was asked
                self._close_stdin(tree)
            tree.terminate()
            while not self._exited.done() and (left_s := self._left_s()) > 0:
                self._changed.wait(left_s)
            if not self._exited.done():
                tree.kill()

    def _left_s(self) -> float:
        assert self._deadline_s is not None, "stop() sets it before it asks for the end"
        return self._deadline_s - time.monotonic()
