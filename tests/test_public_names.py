"""The packages name what is theirs, also what is loaded when it is first used."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import importlib, json, sys
seen = {}
for name in ("ddbwire", "ratelimit_ddb", "sessions"):
    package = importlib.import_module(name)
    named = dir(package)
    seen[name] = {
        "not in dir": sorted(set(package.__all__) - set(named)),
        "in dir, and not there": [one for one in named if not hasattr(package, one)],
    }
print(json.dumps(seen))
"""


def test_dir_has_every_public_name_and_none_that_is_not_there() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True)
    for package, wrong in json.loads(done.stdout).items():
        assert not any(wrong.values()), (package, wrong)


def test_importing_the_limiter_loads_only_what_every_process_needs() -> None:
    program = "import sys, ratelimit_ddb; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    loaded = set(done.stdout.split())
    late = {
        "asyncio",
        "botocore",
        "logging",
        "random",
        "ddbwire.wire",
        "ratelimit_ddb.all_or_none.acquire_all",
        "ratelimit_ddb.concurrency_limiter",
        "ratelimit_ddb.decorator.rate_limited",
        "ratelimit_ddb.reservation",
        "ratelimit_ddb.stored_limits.limits_cache",
    }
    assert late & loaded == set()
    assert "ratelimit_ddb.limiter" in loaded
