"""An interpreter that has imported the tests' libraries, and forks itself for each run of pytest.

Of the project it has imported nothing: it is run by its path, in a copy of the project, and not as
a module of it. Each line that it reads is a JSON list of pytest's arguments, each that it writes
pytest's exit code; what pytest printed is in the file that was named to it. A run of more than the
seconds that were named is ended by a signal, whose negative number is written.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path

# What the guards' tests import at length. Not moto, which hooks itself into botocore.
IMPORTED_ONCE = (
    "pytest",
    "hypothesis",
    "boto3",
    "botocore.session",
    "django.http",
    "falcon",
    "falcon.asgi",
    "fastapi",
    "flask",
    "litestar",
    "starlette.applications",
)
PROJECT = ("ddbwire", "ratelimit_ddb", "sessions", "demo", "tests")


def main(printed: Path, seconds: int) -> None:
    """Answer each line of arguments with a line that is pytest's exit code."""
    for name in IMPORTED_ONCE:
        importlib.import_module(name)
    if known := [name for name in PROJECT if name in sys.modules]:
        raise RuntimeError(f"imported before a guard is removed: {known}")
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(_run(json.loads(line), printed, seconds))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(arguments: list[str], printed: Path, seconds: int) -> int:
    import pytest

    signal.alarm(seconds)
    with printed.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = int(pytest.main(arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    # As ``python -m pytest`` would find the project: in the folder where it is run.
    sys.path[0] = str(Path.cwd())
    main(Path(sys.argv[1]), int(sys.argv[2]))
