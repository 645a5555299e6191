"""A command in a process group of its own, which ends with it; and why it failed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from bench.environment import ROOT


def failure_of(command: Sequence[str], most_seconds: float) -> str | None:
    """Run a command to its end, showing what it says; why it failed, or None if it did not."""
    expired = threading.Event()
    last = ""
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:

        def expire() -> None:
            expired.set()
            _end_group(process)

        timer = threading.Timer(most_seconds, expire)
        timer.start()
        try:
            assert process.stderr is not None
            for line in process.stderr:
                sys.stderr.write(line)
                last = line.strip() or last
            code = process.wait()
        finally:
            timer.cancel()
            _end_group(process)
    if expired.is_set():
        return f"it did not end within {most_seconds:g} s"
    return (last or f"exit code {code}")[:200] if code else None


def _end_group(process: subprocess.Popen[str]) -> None:
    """End it with the engines and workers that it started, unless it has ended by itself."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
