"""What ``import ratelimit_ddb`` costs: milliseconds, resident memory, and what it drags in.

Beside it, the standard library's part of that, which no code here can save: mostly dataclasses,
which import inspect.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

MEASURE = """
import resource, sys, time
began = time.perf_counter()
{statement}
took_ms = (time.perf_counter() - began) * 1000
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(took_ms, megabytes, "botocore" in sys.modules)
"""
STATEMENTS = {
    "nothing": "pass",
    "what it needs of the standard library": "import dataclasses, re, threading, typing",
    "ratelimit_ddb": "import ratelimit_ddb",
    "boto3 and a client": "import boto3; boto3.client('dynamodb', region_name='us-east-1')",
}
ROUNDS = 9


def main() -> None:
    """Print medians over fresh interpreters."""
    for name, statement in STATEMENTS.items():
        rows = []
        for _ in range(ROUNDS):
            script = MEASURE.format(statement=statement)
            done = subprocess.run(
                [sys.executable, "-c", script], check=True, capture_output=True, text=True
            )
            rows.append(done.stdout.split())
        took_ms = statistics.median(float(row[0]) for row in rows)
        megabytes = statistics.median(float(row[1]) for row in rows)
        botocore = "with" if rows[0][2] == "True" else "without"
        print(f"{name:<40} {took_ms:>6.0f} ms  {megabytes:>5.1f} MB  {botocore} botocore")


if __name__ == "__main__":
    main()
