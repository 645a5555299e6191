"""Rules written as TOML, and what to hold them against."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb.web import Request, Rule
from ratelimit_ddb.web.request import of_environ
from ratelimit_ddb.web.rules.rules_toml import RulesError, rules_of_toml

RULE = '[[rule]]\npath = "/x"\nlimits = "5/minute"\n'
ATTRIBUTES = (
    "path",
    "limits",
    "methods",
    "cost",
    "name",
    "scope",
    "exempt",
    "enforce",
    "messages",
    "in_flight",
    "give_back",
    "allow",
    "deny",
    "block_after",
    "block_for",
    "up_to",
)


def plan_limits(request: Request) -> str:
    return "5/minute"


def rows(request: Request) -> int:
    return 3


def is_internal(request: Request) -> bool:
    return False


def tenant(request: Request) -> str:
    return f"tenant of {request.path}"


FUNCTIONS = {
    "plan_limits": plan_limits,
    "rows": rows,
    "is_internal": is_internal,
    "tenant": tenant,
}
NOTATION = (
    "write '100/minute', '10/second burst 50' or '3 per 10 seconds', with a unit out of "
    "nanosecond, microsecond, millisecond, second, minute, hour, day, week"
)


def rules_of(text: str, functions: Any = FUNCTIONS) -> tuple[Rule, ...]:
    return rules_of_toml(text.encode(), "rules.toml", functions)


def refusal(text: str | bytes, functions: Any = FUNCTIONS) -> RulesError:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(RulesError) as caught:
        rules_of_toml(content, "rules.toml", functions)
    assert caught.value.path == "rules.toml"
    return caught.value


def assert_same(read: tuple[Rule, ...], written: list[Rule]) -> None:
    """That the rules are the same, whosever bucket they go by: this is asked of REQUESTS."""
    assert len(read) == len(written)
    for one, other in zip(read, written, strict=True):
        for attribute in ATTRIBUTES:
            assert getattr(one, attribute) == getattr(other, attribute), attribute
        for request in REQUESTS:
            assert one.by(request) == other.by(request), one.name


def a_request(session: Any = None, **fields: str) -> Request:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/x",
        "REMOTE_ADDR": "10.0.0.1",
    }
    environ |= {f"HTTP_{name.upper()}": value for name, value in fields.items()}
    return of_environ({**environ, "sessions.session": session})


REQUESTS = [
    a_request(),
    a_request(x_api_key="secret"),
    a_request(cookie="sid=s1; visitor=v1"),
    a_request(session={"user_id": 7, "tenant": "acme"}),
    a_request(x_forwarded_for="203.0.113.9, 2001:db8:1:2::3"),
    a_request(forwarded="for=203.0.113.9"),
    a_request(forwarded='for="[2001:db8:1:2::3]"'),
]
