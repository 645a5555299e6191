"""``ratelimit-ddb limits``: what it stores, shows and refuses."""

from __future__ import annotations

import json

import pytest
from moto import mock_aws

from ratelimit_ddb.cli import main
from tests.rate_limit_table import rate_limit_table


def test_limits_are_set_shown_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws(), rate_limit_table(None) as table:
        of_table = ["plan:pro", "--table", table, "--json"]
        assert main(["limits", "set", "plan:pro", "5/minute", "9/hour", "--table", table]) == 0
        assert capsys.readouterr().out == "plan:pro: 5 per minute, 9 per hour\n"
        assert main(["limits", "show", *of_table]) == 0
        assert json.loads(capsys.readouterr().out)["limits"] == ["5 per minute", "9 per hour"]
        assert main(["limits", "set", "plan:pro", "5/fortnight", "--table", table]) == 2
        assert main(["limits", "delete", *of_table]) == 0
        assert main(["limits", "show", *of_table]) == 1


@pytest.mark.parametrize(
    ("missing", "way_out"),
    [
        ("AWS_DEFAULT_REGION", "give --region"),
        ("AWS_ACCESS_KEY_ID", "set AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_the_way_out_of_a_missing_setting_is_the_commands(
    missing: str,
    way_out: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv(missing)
    assert main(["limits", "show", "plan:pro", "--table", "t"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert way_out in line
    assert "region_name=" not in line
    assert "session=" not in line
