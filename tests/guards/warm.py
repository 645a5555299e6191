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
from functools import cache
from pathlib import Path
from typing import Any

# What the guards' tests import at length. A run's first test takes moto's hook out of botocore.
IMPORTED_ONCE = (
    "pytest",
    "hypothesis",
    "boto3",
    "botocore.session",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.ciphers.aead",
    "django.test",
    "django.views.generic",
    "falcon",
    "falcon.asgi",
    "fastapi",
    "flask",
    "httptools",
    "httpx",
    "joserfc.jwt",
    "litestar",
    "moto",
    "moto.dynamodb.responses",
    "moto.iam.access_control",
    "starlette.applications",
    "tenacity",
    "unittest.mock",
    "wsgiref.util",
)
PROJECT = ("ddbwire", "ratelimit_ddb", "sessions", "demo", "tests")


def main(printed: Path, seconds: int) -> None:
    """Answer each line of arguments with a line that is pytest's exit code."""
    for name in (*IMPORTED_ONCE, *_plugins_of_pytest()):
        importlib.import_module(name)
    _read_service_models_once()
    _report_examples_as_they_are_found()
    if known := [name for name in PROJECT if name in sys.modules]:
        raise RuntimeError(f"imported before a guard is removed: {known}")
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(_run(json.loads(line), printed, seconds))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _plugins_of_pytest() -> list[str]:
    from _pytest.config import default_plugins

    return [f"_pytest.{name}" for name in default_plugins]


def _read_service_models_once() -> None:
    """Have the sessions of all runs share AWS's models: parsed here, before the forks."""
    import botocore.session

    module: Any = botocore.session
    module.create_loader = cache(module.create_loader)
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "of nobody")
    session.create_client("dynamodb", region_name="us-east-1").close()


def _report_examples_as_they_are_found() -> None:
    """Have Hypothesis look for no smaller one: a run is to fail, whatever its example."""
    from hypothesis import Phase, settings

    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("first example", settings.default, phases=phases, database=None)
    settings.load_profile("first example")


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
