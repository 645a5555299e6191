"""What `make test` took: read from the results that pytest leaves in .cache/, in JUnit's format."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from bench.environment import ROOT

RESULTS = (ROOT / ".cache" / "tests.xml", ROOT / ".cache" / "tests-alone.xml")
"""Of the tests side by side, and of those that need the machine to themselves (Makefile)."""
HOW_TO_GET_IT = "no results of a run of the tests in .cache/: run `make test` first"


def measured(files: tuple[Path, ...] = RESULTS) -> dict[str, Any]:
    """Tests, failures, skipped tests and seconds, over these files; and when they began.

    Raises:
        RuntimeError: none of the files is there.
    """
    suites = [
        suite for file in files if file.exists() for suite in ET.parse(file).iter("testsuite")
    ]
    if not suites:
        raise RuntimeError(HOW_TO_GET_IT)
    results: dict[str, Any] = {
        name: sum(int(suite.attrib[name]) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    results["seconds"] = round(sum(float(suite.attrib["time"]) for suite in suites))
    results["began"] = min(suite.attrib["timestamp"] for suite in suites)[:16].replace("T", " ")
    return results


def main() -> None:
    """Print them."""
    found = measured()
    print(f"{found['tests']:,} tests in {found['seconds']:,} s, begun {found['began']}; ", end="")
    print(f"{found['failures'] + found['errors']} failed, {found['skipped']} skipped")


if __name__ == "__main__":
    main()
