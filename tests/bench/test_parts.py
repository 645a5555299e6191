"""Each part of `make bench` still runs, as far as a moment tells."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from bench import middleware, sessions

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def test_the_middlewares_part_runs() -> None:
    assert middleware.measured(rounds=1, calls=2)


def test_the_sessions_part_runs() -> None:
    assert sessions.measured(rounds=1, calls=2)


@pytest.mark.parametrize("module", re.findall(r"-m (bench\.\w+)", MAKEFILE.read_text()))
def test_each_part_can_be_called(module: str) -> None:
    assert callable(importlib.import_module(module).main)
