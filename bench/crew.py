"""The processes of contenders, and orders to them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.cores import keep_to_core
from bench.environment import ROOT, python_with

REGION = "us-east-1"


class Failed(Exception):
    """A contender does not work, with the reason in a line."""


class Member:
    """One process of worker.py.

    Args:
        python: the interpreter.
        core: the core to keep it to, or None for any.
    """

    def __init__(self, python: Path, core: int | None) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the member
        self._process = subprocess.Popen(
            [str(python), "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=_environment(),
        )
        if core is not None:
            keep_to_core(core, self._process.pid)

    def order(self, do: str, **arguments: Any) -> None:
        """Have it begin something; ``answer`` waits for the end."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Failed(self._last_words()) from error

    def answer(self) -> dict[str, Any]:
        """What came of the last order.

        Raises:
            Failed: the contender raised something, or its process ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Order and answer."""
        self.order(do, **arguments)
        return self.answer()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else f"its process ended with {self._process.returncode}"


def _environment() -> dict[str, str]:
    """The settings of nobody: an emulator takes any, and a real account is never meant."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
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
def crew(
    packages: Sequence[str], count: int, core: int | None, **begin: Any
) -> Iterator[list[Member]]:
    """So many processes of one contender, begun one after the other, for as long as the block.

    Raises:
        bench.environment.CannotInstall: its environment can't be made.
        Failed: it does not work.
    """
    with contextlib.ExitStack() as ending:
        members = []
        for _ in range(count):
            member = Member(python_with(packages), core)
            ending.callback(member.end)
            member.ask("begin", **begin)
            members.append(member)
        yield members
