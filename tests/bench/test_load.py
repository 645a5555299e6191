"""The short load: a part that failed fails the command, and so `make bench`."""

from __future__ import annotations

from typing import Any

import pytest

from bench import hot_path, load
from bench.progress import Progress

WELL = {
    "user": "AsgiUser",
    "spread": "zipf",
    "store": "memory",
    "requests": 100,
    "failures": 0,
    "denied": 40,
    "per_second": 50.0,
    "p50_ms": 1,
    "p99_ms": 9,
    "server_cpu_us": 100.0,
    "own_cpu_us": 50.0,
}


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({}, 0),
        ({"denied": 100}, 0),
        ({"failure": "No module named locust"}, 1),
        ({"failures": 1}, 1),
        ({"requests": 0, "denied": 0}, 1),
    ],
)
def test_a_run_that_failed_fails_the_load(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], code: int
) -> None:
    monkeypatch.setattr(load, "measured", lambda *_: [WELL, {**WELL, **other}])
    monkeypatch.setattr("sys.argv", ["load"])
    assert load.main() == code


@pytest.mark.parametrize(("failures", "code"), [({}, 0), ({"boto3": "it did not start"}, 1)])
def test_who_was_not_measured_fails_the_hot_path(
    monkeypatch: pytest.MonkeyPatch, failures: dict[str, str], code: int
) -> None:
    def none_taken(*_: Any) -> dict[str, Any]:
        return {"results": {}, "failures": failures}

    monkeypatch.setattr(hot_path, "on_canned_replies", none_taken)
    monkeypatch.setattr(hot_path, "in_memory", none_taken)
    monkeypatch.setattr(hot_path, "set_dummy_credentials", lambda: None)
    monkeypatch.setattr("sys.argv", ["hot_path"])
    assert hot_path.main() == code


def test_a_load_without_locust_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    (run,) = load.measured([load.Run("AsgiUser")], 1, Progress())
    assert load.is_failed(run)
    assert "failed" in load.shown(run)
