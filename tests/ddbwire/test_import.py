"""Importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, ddbwire; ddbwire.Wire(); "
        "heavy = {'botocore', 'boto3', 'tenacity', 'asyncio', 'ssl'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
