"""Django: how the middleware is set up, and which settings are refused."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Request, Rule
from tests.fake_clock import FakeClock
from tests.frameworks.django_site.clients import Behind, behind_in, statuses


@pytest.fixture
def behind() -> Iterator[Behind]:
    with ExitStack() as stack:
        yield functools.partial(behind_in, stack)


of_this_module = MemoryStore(clock=FakeClock())
rules_of_this_module = [Rule("/login", "1/minute")]
told: list[str] = []


def tell(decision: Any) -> None:
    told.append(decision.rule)


def test_settings_may_be_dotted_paths(behind: Behind) -> None:
    client = behind(
        STORE=f"{__name__}.of_this_module",
        RULES=f"{__name__}.rules_of_this_module",
        ON_DECISION=[f"{__name__}.tell", tell],
        ENDPOINT_OF=f"{__name__}.endpoint_of",
    )
    assert statuses(client, "/login", "/login", "/") == [200, 429, 200]
    assert told == ["/login"] * 4


def endpoint_of(request: Request) -> str:
    return "/everything"


def test_an_endpoint_of_the_settings_is_asked_instead_of_django(behind: Behind) -> None:
    rule = Rule("/*", "1/minute", scope="endpoint")
    assert statuses(behind(rule, ENDPOINT_OF=endpoint_of), "/", "/login") == [200, 429]


class ChangingRules:
    """Rules that change while they are in force."""

    def __init__(self) -> None:
        self.rules: tuple[Rule, ...] = (Rule("/*", "1/minute"),)

    def current(self) -> tuple[Rule, ...]:
        return self.rules


def test_rules_may_change_their_scope_while_in_force(behind: Behind) -> None:
    rules = ChangingRules()
    client = behind(RULES=rules)
    assert statuses(client, "/", "/login") == [200, 429]
    rules.rules = (Rule("/*", "1/minute", scope="endpoint"),)
    assert statuses(client, "/", "/login", "/") == [200, 200, 429]


def test_rules_may_come_from_a_generator_or_be_a_single_one(behind: Behind) -> None:
    rule = Rule("/*", "1/minute", scope="endpoint")
    for rules in ((one for one in [rule]), rule):
        assert statuses(behind(RULES=rules), "/", "/") == [200, 429]


MISSING = object()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"STORE": MISSING}, "'STORE' is required"),
        ({"RULES": MISSING}, "'RULES' is required"),
        ({"STORES": 1}, "unknown option 'STORES'; expected one of DEADLINE, .*STORE"),
        ({"store": 1}, "unknown option 'store'"),
        (
            {"STORE": MemoryStore},
            "STORE must be a DynamoDBStore.*, not the class MemoryStore: call it",
        ),
        ({"STORE": "nowhere.store"}, "STORE 'nowhere.store': No module named 'nowhere'"),
        ({"STORE": f"{__name__}.absent"}, "STORE '.*absent'.* does not define a \"absent\""),
        ({"RULES": "rules"}, "RULES 'rules': rules doesn't look like a module path"),
        ({"RULES": "rules.toml"}, "RULES 'rules.toml': .*; for a rules file, pass RulesFile"),
        ({"RULES": 5}, "rules 5: must be a Rule, a list"),
        ({"RULES": ["/login"]}, "rule '/login': must be a Rule"),
        ({"ON_OUTAGE": "panic"}, "on_outage 'panic'"),
        ({"DEADLINE": 99}, "deadline 99"),
        ({"FIELDS": "loud"}, "fields 'loud'"),
        ({"ON_DENIED": 7}, "on_denied 7"),
        ({"ON_DECISION": [tell, "nowhere.tell"]}, "ON_DECISION 'nowhere.tell'"),
        ({"SEEN_KEYS": 0}, "seen_keys 0"),
    ],
)
def test_a_setting_that_cannot_hold_is_named(options: dict[str, Any], message: str) -> None:
    given = {"STORE": of_this_module, "RULES": [Rule("/*", "1/minute")], **options}
    given = {name: value for name, value in given.items() if value is not MISSING}
    with (
        override_settings(RATELIMIT_DDB=given),
        pytest.raises(ImproperlyConfigured, match=f"RATELIMIT_DDB: {message}"),
    ):
        Client().get("/")


def test_no_settings_at_all_are_a_mistake() -> None:
    with pytest.raises(
        ImproperlyConfigured, match="RATELIMIT_DDB: None: must be a dict with STORE and"
    ):
        Client().get("/")


def test_rules_that_can_be_read_once_are_refused_the_second_time(behind: Behind) -> None:
    # Django makes the middleware anew for each handler: for a server's, for each test client's.
    rules = iter([Rule("/*", "1/minute")])
    assert statuses(behind(RULES=rules), "/") == [200]
    with pytest.raises(ImproperlyConfigured, match="was read before; give a list"):
        statuses(behind(RULES=rules), "/")
