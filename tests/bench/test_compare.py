"""Whether two runs agree."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.compare import main, rankings, ratios
from tests.bench.sample_results import (
    BOTO3,
    BOTO3_TO_THREAD,
    OURS,
    OURS_ASYNC,
    a_run,
    everywhere,
)


def run_with(**cpu_us: float) -> dict[str, Any]:
    run = a_run()
    names = {"ours": OURS, "ours_async": OURS_ASYNC, "boto3": BOTO3, "to_thread": BOTO3_TO_THREAD}
    for name, value in cpu_us.items():
        run["canned"]["results"][names[name]] = everywhere(value)
    return run


def test_a_run_agrees_with_itself() -> None:
    assert all(check.agrees for check in [*rankings(a_run(), a_run()), *ratios(a_run(), a_run())])


def test_a_slower_machine_with_the_same_ratios_agrees() -> None:
    slower = run_with(ours=300, ours_async=360, boto3=6_000, to_thread=7_200)
    assert all(check.agrees for check in rankings(a_run(), slower))
    checks = {check.what: check.agrees for check in ratios(a_run(), slower)}
    assert all(agrees for what, agrees in checks.items() if BOTO3 in what)


def test_two_that_change_places_disagree() -> None:
    swapped = run_with(ours=120, ours_async=100)
    against = [check for check in rankings(a_run(), swapped) if not check.agrees]
    assert against
    assert all(OURS_ASYNC in check.what for check in against)


def test_a_ratio_out_of_its_spread_disagrees() -> None:
    assert not all(check.agrees for check in ratios(a_run(), run_with(boto3=3_000)))


@pytest.mark.parametrize(("boto3", "exit_code"), [(2_000, 0), (4_000, 1)])
def test_the_exit_code_says_it(
    boto3: float,
    exit_code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, run in (("a", a_run()), ("b", run_with(boto3=boto3))):
        (tmp_path / name).write_text(json.dumps(run), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    assert main() == exit_code
    assert "rankings: " in capsys.readouterr().out
