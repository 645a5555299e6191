"""CORS preflights cost nothing, unless a rule names OPTIONS; what no browser sends as one does."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import AccessList, Rule, everyone, header
from tests.web.exchange import Ask, Get, Limited

ASKED = {"origin": "https://a.example", "access-control-request-method": "POST"}


def preflight(**more: str) -> Get:
    headers = {**ASKED, **{name.replace("_", "-"): value for name, value in more.items()}}
    return Get(method="OPTIONS", headers=headers)


def statuses(ask: Ask, get: Get, times: int = 4) -> list[int]:
    return [ask(get).status for _ in range(times)]


@pytest.fixture
def ask(limited: Limited) -> Ask:
    return limited(store=MemoryStore(), rules=Rule("/*", "2/hour"))


def test_a_preflight_costs_nothing_and_passes_when_nothing_is_left(ask: Ask) -> None:
    assert statuses(ask, preflight()) == [200, 200, 200, 200]
    assert statuses(ask, Get(method="POST", headers={"origin": "https://a.example"}), 3)[2] == 429
    assert statuses(ask, preflight(content_length="0")) == [200, 200, 200, 200]


def test_a_rule_that_names_options_counts_preflights(limited: Limited) -> None:
    rule = Rule("/*", "2/hour", methods=["POST", "OPTIONS"])
    ask = limited(store=MemoryStore(), rules=rule)
    assert statuses(ask, preflight()) == [200, 200, 429, 429]


def test_a_preflight_costs_nothing_where_a_rule_lists_who_is_denied(limited: Limited) -> None:
    by = header("x-api-key", otherwise=everyone())
    rule = Rule("/*", "2/hour", by=by, deny=AccessList(keys=["stolen"]))
    ask = limited(store=MemoryStore(), rules=rule)
    assert statuses(ask, preflight()) == [200, 200, 200, 200]
    assert statuses(ask, Get(method="OPTIONS"), 3) == [200, 200, 429]


@pytest.mark.parametrize(
    "get",
    [
        Get(method="OPTIONS"),
        Get(method="OPTIONS", headers={"origin": "https://a.example"}),
        Get(method="OPTIONS", headers={"access-control-request-method": "POST"}),
        Get(method="POST", headers=ASKED),
        preflight(content_length="5"),
        preflight(transfer_encoding="chunked"),
        preflight(cookie="sid=1"),
        preflight(authorization="Bearer t"),
    ],
)
def test_what_no_browser_sends_as_a_preflight_is_counted(ask: Ask, get: Any) -> None:
    assert statuses(ask, get) == [200, 200, 429, 429]
