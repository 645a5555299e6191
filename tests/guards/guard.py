"""A guard: the lines of a package that one rule hangs on, and the tests that hold it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COPIED = ("ddbwire", "ratelimit_ddb", "sessions", "demo", "tests", "examples", "pyproject.toml")
UNNEEDED = (
    "debugging doctest faulthandler junitxml legacypath pastebin setuponly setupplan stepwise"
)
"""Plugins of pytest itself, whose registration takes an eighth of a short test's time."""
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
        for module, guarded, unguarded in self._places:
            file = root / module
            text = file.read_text(encoding="utf-8")
            assert text.count(guarded) == 1, f"{module} has changed: {self.rule}"
            write(file, text.replace(guarded, unguarded))

    def put_back_into(self, root: Path) -> None:
        """Make the copy whole again, whatever of the guard is missing."""
        for module, _, _ in self._places:
            write(root / module, (ROOT / module).read_text(encoding="utf-8"))

    @property
    def _places(self) -> list[tuple[str, str, str]]:
        first = (self.module, self.guarded, self.unguarded)
        return [first, self.second] if self.second else [first]


def write(module: Path, text: str) -> None:
    """Change a file of a copy."""
    module.write_text(text, encoding="utf-8")
    # Python takes bytecode for current if the second and the length of its source are the same.
    Path(importlib.util.cache_from_source(str(module))).unlink(missing_ok=True)


def copy_to(folder: Path) -> Path:
    """A copy of the project that may be spoilt, with the bytecode that there is of it.

    Bytecode is current if the second and the length of its source are, which a copy keeps.
    """
    unneeded = shutil.ignore_patterns(".*", "*.pyc.*")  # the latter are only being written
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=unneeded)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs tests of a copy of the project, each time in a process that knows nothing of it."""

    printed: Path
    process: subprocess.Popen[str]

    def outcome(self, *tests: str) -> tuple[int, str]:
        """Pytest's exit code, and what it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        # Pytest's own tracebacks parse each file in them: half the time of a short test that fails.
        arguments = ["-q", "-x", "--tb=native", "-p", "no:cacheprovider"]
        for plugin in UNNEEDED.split():
            arguments += ["-p", f"no:{plugin}"]
        arguments += tests
        print(json.dumps(arguments), file=self.process.stdin, flush=True)
        code = self.process.stdout.readline()
        assert code, "the tests' interpreter has ended"
        return int(code), self.printed.read_text(encoding="utf-8")


@contextmanager
def runner_of(
    root: Path, printed: Path, *, seconds: int = 0, profile: str = "unhurried"
) -> Iterator[Runner]:
    """A runner for a copy of the project, while the block lasts.

    Args:
        root: the copy.
        printed: the file, outside the copy, that tests print to.
        seconds: after how many a run is ended; 0 for never.
        profile: Hypothesis's, of those in ``tests/conftest.py``.
    """
    # Plugins take longer to import than the tests to run, and these need none.
    without = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_PROFILE": profile,
    }
    # The copy has no engine: the tests run on it in the tree itself, and here without it.
    without.pop("REQUIRE_ENGINE", None)
    # Each run imports the project anew, and only what was changed is to be compiled anew.
    without.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        [sys.executable, str(root / "tests" / "guards" / "warm.py"), str(printed), str(seconds)],
        cwd=root,
        env=without,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Runner(printed, process)
