"""The kept figures: sections come from several runs, and one that fails loses nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import machine, report
from bench.own_process import failure_of
from bench.raw_file import compact_json, keep, keep_failure, read, write
from bench.sections import SECTIONS
from tests.bench.sample_results import a_run

MACHINE = a_run()["machine"]
LATER = {**MACHINE, "commit": "def5678", "date": "2026-02-02 08:00 UTC"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results" / "raw.json"


def test_kept_figures_are_json_with_a_section_a_line(file: Path) -> None:
    write(file, a_run())
    assert read(file) == a_run()
    assert compact_json(a_run()).count("\n") == len(a_run()) + 2
    assert read(file.with_name("absent.json")) == {}


def test_a_section_is_put_beside_the_others_with_its_own_commit_and_date(file: Path) -> None:
    keep(file, "outage", {"after_ms": 1}, MACHINE, 12.4)
    keep(file, "rules", {"blocking": {}}, LATER, 5.0)
    raw = read(file)
    assert raw["outage"] == {"after_ms": 1}
    assert raw["taken"]["outage"] == {
        "date": "2026-01-01 12:00 UTC",
        "commit": "abc1234",
        "machine": "a processor, 2 cores, 4 GB; Linux 6; CPython 3.11.7",
        "load": 0.1,
        "seconds": 12,
    }
    assert raw["taken"]["rules"]["commit"] == "def5678"


def test_a_section_that_fails_keeps_what_it_had_until_it_is_taken_again(file: Path) -> None:
    keep(file, "outage", {"after_ms": 1}, MACHINE, 12)
    keep_failure(file, "outage", "no route", LATER)
    raw = read(file)
    assert raw["outage"] == {"after_ms": 1}
    assert raw["taken"]["outage"]["commit"] == "abc1234"
    assert raw["failed"]["outage"]["reason"] == "no route"
    keep(file, "outage", {"after_ms": 2}, LATER, 12)
    assert read(file)["failed"] == {}


def test_a_command_that_fails_tells_its_last_line(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('first', file=sys.stderr); sys.exit('the reason')"
    assert failure_of([sys.executable, "-c", code], 30) == "the reason"
    assert "first" in capfd.readouterr().err
    assert failure_of([sys.executable, "-c", "raise SystemExit(3)"], 30) == "exit code 3"
    assert failure_of([sys.executable, "-c", "pass"], 30) is None


def test_a_command_that_hangs_is_ended_with_what_it_started() -> None:
    code = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])
"""
    assert failure_of([sys.executable, "-c", code], 0.5) == "it did not end within 0.5 s"


def test_a_run_goes_on_after_a_section_that_failed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(command: Sequence[str], most_seconds: float) -> str | None:
        if "canned" in command:
            return "no canned server"
        Path(command[-1]).write_text(json.dumps({"of": command[3]}), encoding="utf-8")
        return None

    monkeypatch.setattr(report, "failure_of", ends)
    monkeypatch.setattr(machine, "versions", lambda: {"ratelimit-ddb": "0.1.0"})
    keep(file, "soak", {"runs": []}, MACHINE, 600)
    assert report.run(file, ["outage", "canned", "rules"], is_tiny=True) == ["canned"]
    raw = read(file)
    assert (raw["outage"], raw["rules"]) == ({"of": "outage"}, {"of": "rules"})
    assert raw["soak"] == {"runs": []}
    assert raw["failed"]["canned"]["reason"] == "no canned server"


def test_what_another_command_wrote_is_merged_and_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, a_run())
    faults = file.with_name("faults.json")
    rows = [{"fault": "kill -9", "promise": "P12", "tried": 7, "violations": 0}]
    faults.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    out = ["report", "--out", str(file.parent)]
    monkeypatch.setattr("sys.argv", [*out, "--merge", "faults", str(faults)])
    assert report.main() == 0
    assert "| kill -9 | P12 | 7 | 0 |" in (file.parent / "trouble.md").read_text(encoding="utf-8")
    assert read(file)["canned"] == a_run()["canned"]
    monkeypatch.setattr("sys.argv", [*out, "--merge", "canned", str(faults)])
    with pytest.raises(ValueError, match="section 'canned': expected one of soak, faults"):
        report.main()


def test_a_failed_part_fails_the_report_and_writes_its_pages(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(into: Path, names: Sequence[str], *, is_tiny: bool) -> list[str]:
        write(into, {**read(into), **a_run(), "names": list(names)})
        return ["outage"]

    stale: dict[str, Any] = {"notes": ["old"], "no_longer_taken": 1, "faults": {"rows": []}}
    write(file, stale)
    monkeypatch.setattr(report, "run", run)
    monkeypatch.setattr("sys.argv", ["report", "--out", str(file.parent)])
    assert report.main() == 1
    assert "failed: outage" in capsys.readouterr().err
    raw = read(file)
    assert raw["names"] == list(SECTIONS)
    assert {"notes", "no_longer_taken"}.isdisjoint(raw)
    assert raw["faults"] == {"rows": []}
    assert "# Results" in (file.parent / "README.md").read_text(encoding="utf-8")
