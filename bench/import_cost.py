"""What ``import ratelimit_ddb`` costs: milliseconds, resident memory, and what it drags in.

Beside it, the standard library's part of that, which no code here can save: mostly dataclasses,
which import inspect.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
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
    taken: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for name, statement in STATEMENTS.items():
            script = MEASURE.format(statement=statement)
            done = subprocess.run(
                [sys.executable, "-c", script], check=True, capture_output=True, text=True
            )
            took_ms, megabytes, botocore = done.stdout.split()
            figures = taken.setdefault(name, {"ms": [], "megabytes": []})
            figures["ms"].append(round(float(took_ms), 1))
            figures["megabytes"].append(round(float(megabytes), 1))
            figures["botocore"] = botocore == "True"
    return taken


def main() -> None:
    """Print medians over fresh interpreters."""
    for name, figures in measured().items():
        took_ms = statistics.median(figures["ms"])
        megabytes = statistics.median(figures["megabytes"])
        botocore = "with" if figures["botocore"] else "without"
        print(f"{name:<40} {took_ms:>6.0f} ms  {megabytes:>5.1f} MB  {botocore} botocore")


if __name__ == "__main__":
    main()
