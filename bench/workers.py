"""The worker processes of contenders, and the commands sent to them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.cores import pin_to_core
from bench.environment import ROOT, python_with

REGION = "us-east-1"


class ContenderFailed(Exception):
    """A contender raised an error or its process ended; the message is the reason in a line."""


class WorkerProcess:
    """One process that serves commands (bench.worker.serving).

    Args:
        python: the interpreter.
        core: the core to keep it to, or None for any.
        module: what it runs.
    """

    def __init__(self, python: Path, core: int | None, module: str = "bench.worker") -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            [str(python), "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=_environment(),
        )
        if core is not None:
            pin_to_core(core, self._process.pid)

    def send(self, command: str, **arguments: Any) -> None:
        """Send a command without waiting; ``receive`` waits for its response."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ContenderFailed(self._last_error_line()) from error

    def receive(self) -> dict[str, Any]:
        """The response to the last command.

        Raises:
            ContenderFailed: the contender raised something, or its process ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContenderFailed(self._last_error_line())
        response: dict[str, Any] = json.loads(line)
        if "error" in response:
            raise ContenderFailed(response["error"])
        return response

    def request(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its response."""
        self.send(command, **arguments)
        return self.receive()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _last_error_line(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else f"its process ended with {self._process.returncode}"


def _environment() -> dict[str, str]:
    """Dummy credentials: an emulator accepts any, and a real account must never be called."""
    without_aws = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return without_aws | {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONWARNINGS": "ignore",
    }


@contextlib.contextmanager
def start_workers(
    packages: Sequence[str], count: int, core: int | None, **arguments: Any
) -> Iterator[list[WorkerProcess]]:
    """So many worker processes of one contender, started one by one, stopped after the block.

    Raises:
        bench.environment.CannotInstall: its packages cannot be installed.
        ContenderFailed: it cannot be started.
    """
    with contextlib.ExitStack() as ending:
        workers = []
        for _ in range(count):
            worker = WorkerProcess(python_with(packages), core)
            ending.callback(worker.stop)
            worker.request("start", **arguments)
            workers.append(worker)
        yield workers
