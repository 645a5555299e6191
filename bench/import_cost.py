"""What ``import ratelimit_ddb`` costs: milliseconds, resident memory, and what it drags in.

Beside it, the standard library's part of that, which no code here can save: mostly dataclasses,
which import inspect. All of it is compiled beforehand, as pip leaves what it installs: otherwise a
checkout whose interpreter may not write bytecode would be compiled at each start, and boto3 not.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

MEASURE = """
import resource, sys, time
began = time.perf_counter()
{statement}
took_ms = (time.perf_counter() - began) * 1000
try:
    # getrusage also tells what the process had before it became this one.
    status = open("/proc/self/status").read()
    megabytes = int(status.split("VmHWM:")[1].split()[0]) / 1024
except FileNotFoundError:
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(took_ms, megabytes, "botocore" in sys.modules)
"""
STATEMENTS = {
    "nothing": "pass",
    "what it needs of the standard library": "import dataclasses, re, threading, typing",
    "ratelimit_ddb": "import ratelimit_ddb",
    "boto3 and a client": "import boto3; boto3.client('dynamodb', region_name='us-east-1')",
}
ROUNDS = 9


def measured(rounds: int = ROUNDS) -> dict[str, dict[str, Any]]:
    """Milliseconds, megabytes and whether botocore came with it, over fresh interpreters."""
    results: dict[str, dict[str, Any]] = {name: {"ms": [], "megabytes": []} for name in STATEMENTS}
    with tempfile.TemporaryDirectory() as bytecode:
        for statement in STATEMENTS.values():
            _import(statement, bytecode)
        for _ in range(rounds):
            for name, statement in STATEMENTS.items():
                took_ms, megabytes, botocore = _import(statement, bytecode)
                results[name]["ms"].append(round(float(took_ms), 1))
                results[name]["megabytes"].append(round(float(megabytes), 1))
                results[name]["botocore"] = botocore == "True"
    return results


def _import(statement: str, bytecode: str) -> list[str]:
    """What a fresh interpreter prints of it; ``bytecode`` is where it keeps what it compiles."""
    settings = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(statement=statement)],
        check=True,
        capture_output=True,
        text=True,
        env=settings,
    )
    return done.stdout.split()


def main() -> None:
    """Print medians over fresh interpreters."""
    for name, figures in measured().items():
        took_ms = statistics.median(figures["ms"])
        megabytes = statistics.median(figures["megabytes"])
        botocore = "with" if figures["botocore"] else "without"
        print(f"{name:<40} {took_ms:>6.0f} ms  {megabytes:>5.1f} MB  {botocore} botocore")


if __name__ == "__main__":
    main()
