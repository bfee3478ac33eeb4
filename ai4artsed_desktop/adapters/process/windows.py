"""A process tree on Windows: a job object that the system closes, and so ends, when we die."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    import os
    import signal
    import subprocess
    from collections.abc import Mapping, Sequence
    from ctypes import wintypes
    from pathlib import Path
    from typing import IO

    _CHUNK_BYTES = 64 * 1024

    # Numbers and structures: Windows SDK, winnt.h (JOBOBJECTINFOCLASS, JOB_OBJECT_LIMIT_*).
    _BASIC_ACCOUNTING_INFORMATION = 1
    _EXTENDED_LIMIT_INFORMATION = 9
    _LIMIT_KILL_ON_JOB_CLOSE = 0x2000

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    class _Accounting(ctypes.Structure):
        _fields_ = [
            ("Times", ctypes.c_int64 * 4),
            ("TotalPageFaultCount", wintypes.DWORD),
            ("TotalProcesses", wintypes.DWORD),
            ("ActiveProcesses", wintypes.DWORD),
            ("TotalTerminatedProcesses", wintypes.DWORD),
        ]

    class ProcessTree:
        """One child in its own job object, and everything it started."""

        def __init__(
            self, argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, *, needs_stdin: bool
        ) -> None:
            """Start the child. Raises OSError when there is no such program or it may not be run."""
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.CreateJobObjectW.restype = wintypes.HANDLE
            self._job = wintypes.HANDLE(self._checked(self._kernel.CreateJobObjectW(None, None)))
            limits = _ExtendedLimits()
            limits.BasicLimitInformation.LimitFlags = _LIMIT_KILL_ON_JOB_CLOSE
            self._checked(
                self._kernel.SetInformationJobObject(
                    self._job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
                )
            )
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if needs_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=env,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
            )
            self.pid = self._popen.pid
            process = wintypes.HANDLE(int(vars(self._popen)["_handle"]))  # the only way to the handle
            try:
                self._checked(self._kernel.AssignProcessToJobObject(self._job, process))
            except OSError:
                self._popen.kill()
                raise

        @property
        def stdin(self) -> IO[bytes] | None:
            """The pipe to the child, if one was asked for."""
            return self._popen.stdin

        @property
        def stdout(self) -> IO[bytes]:
            """What the child writes."""
            assert self._popen.stdout is not None
            return self._popen.stdout

        @property
        def stderr(self) -> IO[bytes]:
            """What the child complains about."""
            assert self._popen.stderr is not None
            return self._popen.stderr

        def wait_for_leader(self) -> int:
            """Block until the leader has ended; return its exit code."""
            return self._popen.wait()

        def terminate(self) -> None:
            """Ask the tree to end. Works for console programs; the others end with stdin or at the deadline."""
            try:
                self._popen.send_signal(signal.CTRL_BREAK_EVENT)
            except OSError:
                # No console in common: Windows knows no other polite way.
                pass

        def kill(self) -> None:
            """End the whole tree at once."""
            self._kernel.TerminateJobObject(self._job, 1)

        def has_followers(self) -> bool:
            """Return whether anything of the tree beside the leader still runs."""
            facts = _Accounting()
            self._checked(
                self._kernel.QueryInformationJobObject(
                    self._job, _BASIC_ACCOUNTING_INFORMATION, ctypes.byref(facts), ctypes.sizeof(facts), None
                )
            )
            return facts.ActiveProcesses > (self._popen.poll() is None)

        def read(self, pipe: IO[bytes]) -> bytes:
            """Block for output; ``b""`` at its end, which comes when the job's last process has ended."""
            return os.read(pipe.fileno(), _CHUNK_BYTES)

        def write(self, data: bytes) -> None:
            """Block until the child took ``data`` or ended."""
            assert self.stdin is not None
            try:
                self.stdin.write(data)
                self.stdin.flush()
            except OSError as exc:
                raise BrokenPipeError from exc  # Windows reports a closed pipe as EINVAL

        def stop_reading(self) -> None:
            """Nothing to do: nothing of the job is left that could hold the pipes."""

        def close(self) -> None:
            """Close the pipes and the job; the tree must be over."""
            for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        pass  # what was still buffered for a dead child
            self._kernel.CloseHandle(self._job)

        def _checked(self, result: int) -> int:
            if not result:
                raise ctypes.WinError(ctypes.get_last_error())
            return result
