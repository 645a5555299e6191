"""``ratelimit-ddb rules``: whether a rules file holds, and which rules match a request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ratelimit_ddb.cli import main

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "rules.toml")
RULES = """
[[rule]]
name = "login"
path = ["/login", "/api/login"]
methods = "POST"
limits = ["5/minute", "20/day"]

[[rule]]
name = "plans"
path = "/api/*"
limits = { stored = "plan:pro", default = "100/minute" }
by = { header = "x-api-key", otherwise = "address" }
enforce = false

[[rule]]
name = "chat"
path = "/chat"
messages = "20/second"
in-flight = 3
by = { function = "tenant" }

[[rule]]
name = "file"
path = "/files/{name}"
limits = "10/second"
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return str(path)


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    main(["rules", *arguments, "--json"])
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["rules"]
    return found


def test_rules_are_listed_in_words(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", rules]) == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "RULE",
        "login",
        "plans",
        "chat",
        "file",
    ]
    main(["rules", rules, "--path", "/api/x"])
    (_, plans) = capsys.readouterr().out.splitlines()
    assert plans == (
        "plans  all      /api/*  stored, named 'plan:pro'; not enforced  "
        "a value of the header 'x-api-key', or the client's address"
    )


def test_as_json_they_have_their_limits(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    login, _, chat, _ = listed(capsys, rules)
    assert login == {
        "name": "login",
        "methods": ["POST"],
        "paths": ["/login", "/api/login"],
        "limits": ["5 per minute", "20 per day"],
        "messages": None,
        "in_flight": None,
        "by": "the client's address",
        "enforce": True,
    }
    assert (chat["limits"], chat["messages"], chat["in_flight"], chat["by"]) == (
        None,
        ["20 per second"],
        3,
        "a function",
    )


@pytest.mark.parametrize(
    ("request_of", "names"),
    [
        (["--path", "/login"], ["login"]),
        (["--path", "/login/"], ["login"]),
        (["--path", "/api/login", "--method", "POST"], ["login", "plans"]),
        (["--path", "/api/login", "--method", "GET"], ["plans"]),
        (["--path", "/%61pi/x"], ["plans"]),
        (["--method", "GET"], ["plans", "chat", "file"]),
        (["--path", "/LOGIN", "--method", "post"], ["login"]),
        (["--path", "/files/a%2Fb"], ["file"]),
        (["--path", "/files/a/b"], []),
        (["--path", "/files/\xfc%2f\udcff"], ["file"]),
        (["--path", "/x/../chat"], ["chat"]),
    ],
)
def test_those_that_match_a_request_are_those_that_limit_it(
    rules: str, capsys: pytest.CaptureFixture[str], request_of: list[str], names: list[str]
) -> None:
    assert [one["name"] for one in listed(capsys, rules, *request_of)] == names


def test_a_request_that_no_rule_matches_is_a_failure(
    rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", rules, "--path", "/about"]) == 1
    assert capsys.readouterr().out == "no rule matches\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path", "login"], "--path 'login': must begin with '/'"),
        (["--path", "/login?next=x"], "and have no query"),
        (["--method", "GET /"], "--method: method 'GET /': must be a name in capitals"),
    ],
)
def test_what_is_no_request_is_misuse(
    rules: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["rules", rules, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\npath = "/x"\nlimits = "5/fortnight"\n')
    assert main(["rules", str(path)]) == 2
    assert f"{path}:3: rule 1: limit '5/fortnight'" in capsys.readouterr().err


def test_the_example_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(listed(capsys, EXAMPLE)) == 7
