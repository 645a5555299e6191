"""A process that serves one of the applications, and what CPU it has used. For Locust's process.

Locust patches sockets and subprocesses to its own loop; what is here works under that too.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SECONDS_TO_START = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running application.

    Attributes:
        url: where it listens.
        process: its process.
    """

    url: str
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """User and system CPU of the process so far."""
        import psutil  # Locust brings it

        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def resident_megabytes(self) -> float:
        """Memory of the process that is resident now."""
        import psutil

        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def started(app: str, store: str, table: str, limit: str, sessions_table: str) -> Server:
    """An application that listens.

    Raises:
        RuntimeError: it ended, or does not listen within SECONDS_TO_START.
    """
    port = _free_port()
    command = [sys.executable, "-m", "bench.load_apps", app, "--port", str(port)]
    command += ["--store", store, "--table", table, "--limit", limit]
    command += ["--sessions-table", sessions_table]
    process = subprocess.Popen(command, cwd=ROOT)
    until = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
            continue
        return Server(f"http://127.0.0.1:{port}", process)
    process.kill()
    raise RuntimeError(f"the application {app!r} did not start (exit code {process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
