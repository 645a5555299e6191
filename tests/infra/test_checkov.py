"""checkov finds nothing in the module, and what it is told to skip is told with a reason."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.infra.places import CHECKOV, MODULE

pytestmark = pytest.mark.infra


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What checkov says of the module; nothing is fetched for it."""
    command = [f"{CHECKOV}/bin/checkov", "--directory", str(MODULE), "--skip-download"]
    command += ["--framework", "terraform", "--output", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr
    return dict(json.loads(ran.stdout))


def test_that_no_check_fails(report: dict[str, Any]) -> None:
    failed = report["results"]["failed_checks"]

    assert [(check["check_id"], check["resource"]) for check in failed] == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0


def test_that_each_check_that_is_skipped_has_a_reason(report: dict[str, Any]) -> None:
    reasons = {
        check["check_id"]: check["check_result"]["suppress_comment"]
        for check in report["results"]["skipped_checks"]
    }

    text = "".join(path.read_text() for path in MODULE.glob("*.tf"))
    assert len(reasons) == text.count("#checkov:skip=")
    assert all(len(reason.split()) >= 5 for reason in reasons.values())
