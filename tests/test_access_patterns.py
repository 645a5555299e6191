"""The example asks the tables that ``ratelimit-ddb tables create`` makes, and is answered.

``tests/infra/`` asks the same of the tables that Terraform plans, one question at a time.
"""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from examples import access_patterns
from ratelimit_ddb.tables import application_tables, create
from tests.rate_limit_table import client


@mock_aws
def test_the_example_of_access_patterns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    create(client(None), application_tables())

    access_patterns.main()

    assert capsys.readouterr().out.splitlines() == [
        "media: ['talk.mp4', 'holiday.jpg']",
        "session after 59 s: live",
        "session after 61 s: over",
        "unread: ['Grace likes talk.mp4']",
        "messages: ['Twice.', 'Did you see it?']",
        "conversations: 1",
    ]
