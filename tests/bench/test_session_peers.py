"""Sessions beside those of peers: what a visit takes, by the engine's bill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import suite
from bench.engine import limit_table
from bench.environment import ROOT
from bench.progress import Progress
from bench.session_peers import BARE, LINEUP, OURS, STORY, measured
from bench.worker.site import cookie_after


def test_each_framework_has_a_bare_site_ours_and_one_peer() -> None:
    by_framework: dict[str, list[str]] = {}
    for entry in LINEUP:
        by_framework.setdefault(entry.framework, []).append(entry.name)
    assert {name: len(of) for name, of in by_framework.items()} == dict.fromkeys(by_framework, 3)
    assert all(of[:2] == [BARE, OURS] for of in by_framework.values())
    assert all(entry.packages and entry.note for entry in LINEUP if entry.name not in (BARE, OURS))


def test_a_session_takes_what_the_documentation_says(dynamodb_endpoint: str) -> None:
    ours = [entry for entry in LINEUP if (entry.framework, entry.name) == ("Starlette", OURS)]
    with limit_table(dynamodb_endpoint) as table:
        found = measured(dynamodb_endpoint, table, Progress(), 1, 2, ours)
    assert found["failures"] == {}
    cases = found["results"]["Starlette"][OURS]
    assert list(cases) == [name for name, _, _ in STORY]
    units = {name: (of["calls"], of["write_units"], of["read_units"]) for name, of in cases.items()}
    assert units["no cookie, session untouched"] == (0, 0, 0)
    assert units["no cookie, a value is set"] == (1, 1, 0)
    assert units["session read"] == (1, 0, 1)
    assert units["a value is changed"] == (2, 1, 1)
    assert len(cases["session read"]["cpu_us"]) == 1


def test_a_browser_sends_the_last_cookie_and_none_that_was_deleted() -> None:
    assert cookie_after("", ["session=abc; Path=/; HttpOnly"]) == "session=abc"
    assert cookie_after("session=abc", []) == "session=abc"
    assert cookie_after("session=abc", ["session=; Max-Age=0; Path=/"]) == ""
    past = "session=''; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT"
    assert cookie_after("session=abc", [past]) == ""


def test_a_sites_process_needs_the_standard_library_only() -> None:
    command = [sys.executable, "-S", "-c", "import bench.worker.visits"]
    subprocess.run(command, cwd=ROOT, check=True)


def test_the_time_of_the_tests_is_read_from_what_pytest_leaves(tmp_path: Path) -> None:
    files = []
    for name, tests, began in (("one", 7, "11:20:30"), ("other", 3, "11:05:30")):
        file = tmp_path / f"{name}.xml"
        file.write_text(
            f'<testsuites><testsuite tests="{tests}" failures="0" errors="0" skipped="1" '
            f'time="60.25" timestamp="2026-01-01T{began}.123456"/></testsuites>',
            encoding="utf-8",
        )
        files.append(file)
    assert suite.measured((*files, tmp_path / "absent.xml")) == {
        "tests": 10,
        "failures": 0,
        "errors": 0,
        "skipped": 2,
        "seconds": 120,
        "began": "2026-01-01 11:05",
    }
    with pytest.raises(RuntimeError, match="run `make test` first"):
        suite.measured((tmp_path / "absent.xml",))
