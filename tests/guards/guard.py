"""A guard: the lines of a package that one rule hangs on, and the tests that hold it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COPIED = ("ddbwire", "ratelimit_ddb", "sessions", "demo", "tests", "examples", "pyproject.toml")
TESTS_FAILED = 1
"""Pytest's exit code; any other says that they could not even be run."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard and what is left when it is removed.

    Attributes:
        rule: what holds because of it.
        module: the file it is in.
        guarded: its text there, once.
        unguarded: what takes its place.
        test: the test, as pytest names it, that must fail then.
        second: another place that holds the same rule, as module, guarded and unguarded.
    """

    rule: str
    module: str
    guarded: str
    unguarded: str
    test: str
    second: tuple[str, str, str] | None = None

    def removed_from(self, root: Path) -> None:
        """Take it out of a copy of the project."""
        places = [(self.module, self.guarded, self.unguarded)]
        for module, guarded, unguarded in [*places, *([self.second] if self.second else [])]:
            file = root / module
            text = file.read_text(encoding="utf-8")
            assert text.count(guarded) == 1, f"{module} has changed: {self.rule}"
            file.write_text(text.replace(guarded, unguarded), encoding="utf-8")


def copy_to(folder: Path) -> Path:
    """A copy of the project that may be spoilt."""
    unneeded = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=unneeded)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def outcome(root: Path, *tests: str) -> tuple[int, str]:
    """Pytest's exit code for tests of a copy, and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    # Plugins take longer to import than the tests to run, and these need none.
    without = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=root, env=without, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
