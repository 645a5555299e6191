"""The process that workers are forked of: it has imported all that they need, and has no threads.

It is told what to do by lines of JSON, and says a line when it is done. It signals its children
itself, since only a parent knows that a process id is still its child's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from tests.engine.faults import libfaketime, worker
from tests.engine.faults.worker import Work

_ROOT = Path(__file__).parents[3]
_SIGNALS = {
    "kill": signal.SIGKILL,
    "suspend": signal.SIGSTOP,
    "resume": signal.SIGCONT,
}


class Nursery:
    """Starts it; ``with`` ends it, with all of its workers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, work: Work) -> None:
        """Start a worker."""
        self._tell("start", asdict(work))

    def signal(self, what: str, number: int) -> None:
        """Kill, suspend or resume the worker of that number."""
        self._tell(what, number)

    def has_ended(self, number: int) -> bool:
        """Whether a worker has ended by itself."""
        return bool(self._tell("look", number))

    def close(self) -> None:
        """End it, and its workers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tell(self, what: str, argument: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([what, argument]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that workers are forked of has ended")
        return json.loads(line)


def main() -> None:
    """Do what is told, until nothing more comes."""
    children: dict[int, int] = {}
    try:
        for line in sys.stdin:
            what, argument = json.loads(line)
            answer = None
            if what == "start":
                children[argument["process"]] = _forked(Work(**argument))
            elif what == "look":
                answer = _has_ended(children, argument)
            elif argument in children:
                os.kill(children[argument], _SIGNALS[what])
                if what == "kill":
                    os.waitpid(children.pop(argument), 0)
            print(json.dumps(answer), flush=True)
    finally:
        for process in children.values():
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _has_ended(children: dict[int, int], number: int) -> bool:
    if number in children and os.waitpid(children[number], os.WNOHANG)[0]:
        del children[number]
    return number not in children


def _forked(work: Work) -> int:
    process = os.fork()
    if not process:
        _work(work)
    return process


def _work(work: Work) -> NoReturn:
    """Never back into the parent's loop."""
    try:
        errors = os.open(f"{work.journal}.errors", os.O_WRONLY | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor, instead in ((0, nothing), (1, nothing), (2, errors)):
            os.dup2(instead, descriptor)
        if work.clock and libfaketime.library() is not None:
            # It is not made for forks, and begins with a program.
            command = [sys.executable, "-m", worker.__name__, json.dumps(asdict(work))]
            os.execve(command[0], command, {**os.environ, **libfaketime.environment(work.clock)})
        worker.work(work)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
