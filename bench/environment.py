"""Python environments of peers: one each, since their dependencies clash; made once, in .cache/."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOME = ROOT / ".cache" / "bench"
INSTALL_SECONDS = 300

VERSIONS = """
import importlib.metadata as m, json, sys
print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))
"""


class CannotInstall(Exception):
    """The environment can't be made, with the reason in a line."""


def python_with(packages: Sequence[str]) -> Path:
    """An interpreter that has these packages: this one if none is named.

    Raises:
        CannotInstall: they can't be had.
    """
    if not packages:
        return Path(sys.executable)
    home = HOME / packages[0]
    python = home / "bin" / "python"
    ready = home / ".ready"
    if not ready.exists():
        venv.create(home, clear=True, with_pip=False)
        _install(python, packages)
        ready.touch()
    return python


def _install(python: Path, packages: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", *packages]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise CannotInstall(f"installing took more than {INSTALL_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.startswith("ERROR")]
        raise CannotInstall((lines or [f"pip ended with {error.returncode}"])[-1]) from error


def versions_in(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The versions of these packages in an environment.

    Raises:
        CannotInstall: one of them is not there.
    """
    command = [str(python), "-c", VERSIONS, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(done.stderr.strip().splitlines()[-1])
    found: dict[str, str] = json.loads(done.stdout)
    return found
