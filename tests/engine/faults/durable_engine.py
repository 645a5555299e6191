"""DynamoDB Local with its tables in files, so that what it answered outlives its process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests import dynamodb_local

_IN_MEMORY = Path("/dev/shm")
"""Files that need no disk: they outlive a process all the same."""
_SECONDS_TO_START = 60.0


class DurableEngine:
    """An engine on one port, whose process may be another one from time to time.

    Args:
        folder: where the files of its tables are.

    Attributes:
        url: its endpoint.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = dynamodb_local.free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def start(self) -> None:
        """Start it, and return once it takes connections."""
        self._process = dynamodb_local.start(self._port, folder=self._folder)
        until = time.monotonic() + _SECONDS_TO_START
        dynamodb_local.wait_until_it_listens(self._process, self._port, until)

    def kill(self) -> None:
        """``kill -9``: nothing is written in peace."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Stand still: connections are taken, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on where it stood."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)


@contextlib.contextmanager
def durable_engine() -> Iterator[DurableEngine]:
    """An engine that has been started; its files are removed afterwards."""
    folder = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="dynamodb-local-", dir=folder) as files:
        engine = DurableEngine(Path(files))
        try:
            engine.start()
            yield engine
        finally:
            engine.kill()
