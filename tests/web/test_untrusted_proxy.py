"""The warning where all clients of a proxy share its bucket."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule, client_address, header
from tests.web.exchange import Get, Limited

BALANCER = "10.0.0.5"
XFF = {"x-forwarded-for": "203.0.113.9"}
KEY = {"x-key": "10.0.0.5"}


def warnings_of(
    limited: Limited, caplog: pytest.LogCaptureFixture, get: Get, **rule: Any
) -> list[str]:
    ask = limited(store=MemoryStore(), rules=Rule("/*", "1/hour", **rule))
    assert [ask(get).status for _ in range(4)] == [200] + [429] * 3
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        (BALANCER, XFF),
        ("::ffff:10.0.0.5", XFF),
        ("127.0.0.1", XFF),
        ("fd00::5", {"forwarded": "for=203.0.113.9"}),
        ("100.64.0.5", XFF),  # shared by carriers, and by the pods of many clusters
    ],
)
def test_a_denied_peer_that_is_likely_a_proxy_is_told_once(
    limited: Limited, caplog: pytest.LogCaptureFixture, peer: str, headers: dict[str, str]
) -> None:
    (told,) = warnings_of(limited, caplog, Get("/", headers=headers, client=peer))
    assert f"denied {peer}, which sent {next(iter(headers))}" in told
    assert "client_address(trusted_hops=1)" in told


@pytest.mark.parametrize("by", [header("x-key"), header("x-a", otherwise=header("x-key"))])
@pytest.mark.parametrize("peer", [BALANCER, "fd00::5", None])
def test_a_peer_that_has_no_key_and_is_likely_a_proxy_is_told_once(
    limited: Limited, caplog: pytest.LogCaptureFixture, peer: str | None, by: Any
) -> None:
    (told,) = warnings_of(limited, caplog, Get("/", headers=XFF, client=peer), by=by)
    assert "which sent x-forwarded-for" in told


def test_a_denied_peer_at_a_unix_socket_is_told_once(
    limited: Limited, caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = warnings_of(limited, caplog, Get("/", headers=XFF, client=None))
    assert "denied a peer without an address, which sent x-forwarded-for" in told
    assert "client_address(trusted_hops=1)" in told


@pytest.mark.parametrize(
    ("get", "rule"),
    [
        (Get("/", headers=XFF, client="203.0.114.1"), {}),
        (Get("/", headers=XFF, client="2600::5"), {}),
        (Get("/", client=BALANCER), {}),
        (Get("/", headers=XFF, client="localhost"), {}),
        (Get("/", headers=XFF, client=None), {"by": client_address(trusted=["unix"])}),
        (Get("/", headers=XFF, client=BALANCER), {"by": client_address(trusted_hops=1)}),
        (Get("/", headers=XFF, client=BALANCER), {"by": client_address(trusted=["10.0.0.0/8"])}),
        (Get("/", headers=XFF | KEY, client=BALANCER), {"by": header("x-key")}),
        (
            Get("/", headers=XFF, client=BALANCER),
            {"by": header("x-key", otherwise=client_address(trusted_hops=1))},
        ),
    ],
)
def test_nothing_is_told_of_others(
    limited: Limited, caplog: pytest.LogCaptureFixture, get: Get, rule: dict[str, Any]
) -> None:
    assert warnings_of(limited, caplog, get, **rule) == []
