"""RateLimit, RateLimit-Policy and X-RateLimit-*: exact texts, and what a parser makes of them."""

from __future__ import annotations

import json
import time
from typing import Any

import http_sf
import pytest

from ratelimit_ddb import Limit, MemoryStore, Quota, StoreUnavailable, wsgi
from ratelimit_ddb.web import DenialResponse, Rule
from ratelimit_ddb.web.rules import policy
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited, Page, Response, over_wsgi

STANDARD = {"ratelimit-policy", "ratelimit"}
X = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}


def limits_told(response: Response) -> set[str]:
    return {name for name in response.headers if "ratelimit" in name}


def parsed(response: Response, name: str) -> list[tuple[str, dict[str, int]]]:
    items: Any = http_sf.parse(response.headers[name].encode(), tltype="list")
    return [(policy, dict(parameters)) for policy, parameters in items]


LIMITS: list[tuple[Any, str, list[str]]] = [
    # The limits, the policy, and RateLimit after one request, two, three and so on.
    ("2/minute", '"api";q=2;w=60', ["r=1;t=30", "r=0;t=30", "r=0;t=30", "r=0;t=30"]),
    ("3/second", '"api";q=3;w=1', ["r=2;t=1", "r=1;t=1", "r=0;t=1", "r=0;t=1"]),
    ("10/second burst 50", '"api";q=50;w=5', ["r=49;t=1", "r=48;t=1"]),
    ("1/minute burst 3", '"api";q=3;w=180', ["r=2;t=60", "r=1;t=60", "r=0;t=60", "r=0;t=60"]),
    ("1/day", '"api";q=1;w=86400', ["r=0;t=86400", "r=0;t=86400"]),
    ("3/10 seconds", '"api";q=3;w=10', ["r=2;t=4", "r=1;t=4", "r=0;t=4", "r=0;t=4"]),
    # The clock stands at 08:00 of the 15th of January 2027, in UTC.
    ("2 per calendar hour", '"api";q=2;w=3600', ["r=1;t=3600", "r=0;t=3600", "r=0;t=3600"]),
    ("2 per calendar month", '"api";q=2;w=2678400', ["r=1;t=1440000", "r=0;t=1440000"]),
    (
        "1 per calendar month anchor 31",
        '"api";q=1;w=2678400',
        ["r=0;t=1353600", "r=0;t=1353600"],
    ),
    # A window of no whole number of seconds can't be told.
    (Limit(2, 1.5), '"api";q=2', ["r=1;t=1", "r=0;t=1", "r=0;t=1"]),
    ("2/100 ms", '"api";q=2', ["r=1;t=1", "r=0;t=1", "r=0;t=1"]),
]


@pytest.mark.parametrize(("limits", "policy", "told"), LIMITS)
def test_each_response_tells_the_policy_and_what_is_left(
    limited: Limited, limits: Any, policy: str, told: list[str]
) -> None:
    rules = [Rule("/*", limits, name="api")]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules)
    for expected in told:
        response = ask(Get())
        assert response.headers["ratelimit-policy"] == policy
        assert response.headers["ratelimit"] == f'"api";{expected}'


def test_what_is_left_grows_with_time(limited: Limited, clock: FakeClock) -> None:
    ask = limited(store=MemoryStore(clock=clock), rules=[Rule("/*", "4/minute", name="api")])
    told = []
    for seconds in (0, 5, 9, 1, 60):
        clock.advance(seconds)
        told.append(ask(Get()).headers["ratelimit"].removeprefix('"api";'))
    assert told == ["r=3;t=15", "r=2;t=10", "r=1;t=1", "r=1;t=15", "r=3;t=15"]


@pytest.mark.parametrize(
    ("limits", "policy", "told"),
    [
        (
            ["2/second", "3/hour"],
            '"api:2-per-second";q=2;w=1, "api:3-per-hour";q=3;w=3600',
            [f'"api:2-per-second";r={left};t=1' for left in (1, 0, 0)],
        ),
        (
            ["9/second", Limit(1, 3600, name="total")],
            '"api:9-per-second";q=9;w=1, "api:total";q=1;w=3600',
            ['"api:total";r=0;t=3600', '"api:total";r=0;t=3600'],
        ),
    ],
)
def test_of_several_limits_all_are_told_and_the_binding_one_shown(
    limited: Limited, limits: Any, policy: str, told: list[str]
) -> None:
    rules = [Rule("/*", limits, name="api")]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules)
    for expected in told:
        headers = ask(Get()).headers
        assert (headers["ratelimit-policy"], headers["ratelimit"]) == (policy, expected)


def test_after_the_denial_of_a_high_cost_it_is_told_when_so_much_is_there(
    limited: Limited,
) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "2/hour", name="count"),
        Rule("/*", "4/minute", name="size", cost=3),
    ]
    for status, standard, x in (
        (200, '"count";r=1;t=1800, "size";r=1;t=15', ("2", "1")),
        (429, '"size";r=1;t=30', ("4", "1")),
    ):
        response = limited(store=store, rules=rules, fields="both")(Get())
        assert response.status == status
        assert response.headers["ratelimit"] == standard
        assert response.headers["ratelimit-policy"] == '"count";q=2;w=3600, "size";q=4;w=60'
        told = [response.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining")]
        assert tuple(told) == x


def test_of_several_rules_all_are_told_and_after_a_denial_the_one_that_denies_longest(
    limited: Limited,
) -> None:
    rules = [Rule("/*", f"{burst}/minute", name=f"n{burst}") for burst in (9, 1, 5, 2)]
    store = MemoryStore(clock=FakeClock())
    limited(store=store, rules=rules[3:])(Get())
    ask = limited(store=store, rules=rules)
    admitted = ask(Get()).headers
    assert admitted["ratelimit-policy"] == (
        '"n9";q=9;w=60, "n1";q=1;w=60, "n5";q=5;w=60, "n2";q=2;w=60'
    )
    assert admitted["ratelimit"] == ('"n9";r=8;t=7, "n1";r=0;t=60, "n5";r=4;t=12, "n2";r=0;t=30')
    for _ in range(2):
        denied = limited(store=store, rules=rules)(Get())
        assert denied.headers["ratelimit"] == '"n1";r=0;t=60', "that denies longest"
        assert {name for name, _ in parsed(denied, "ratelimit-policy")} >= {"n1", "n2"}


NAMES = {
    "plain": "plain",
    'say "when"': 'say "when"',
    "back\\slash": "back\\slash",
    "käse": "k%C3%A4se",
    "100 %": "100 %25",
    "%C3%A4": "%25C3%25A4",
    "a, b;c=1": "a, b;c=1",
    "tab\tnewline\n": "tab%09newline%0A",
    "日本": "%E6%97%A5%E6%9C%AC",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limits", ["2/minute", ["2/minute", "9/hour"]])
def test_any_name_can_be_told(limited: Limited, name: str, limits: Any) -> None:
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=[Rule("/*", limits, name=name)])
    shown = NAMES[name]
    minute, hour = shown, ""
    if isinstance(limits, list):
        minute, hour = f"{shown}:2-per-minute", f"{shown}:9-per-hour"
    policies = [(minute, {"q": 2, "w": 60}), (hour, {"q": 9, "w": 3600})]
    for status, left in ((200, {"r": 1, "t": 30}), (200, {"r": 0, "t": 30}), (429, None)):
        response = ask(Get())
        assert response.status == status
        assert parsed(response, "ratelimit-policy") == [policy for policy in policies if policy[0]]
        assert parsed(response, "ratelimit") == [(minute, left or {"r": 0, "t": 30})]
    assert json.loads(response.body)["violated-policies"] == [minute]


def test_more_than_an_integer_can_tell_is_told_as_the_largest(limited: Limited) -> None:
    # A petabyte a month, counted in bytes: RFC 9651 has integers of 15 digits.
    quota = Quota(10**15, "month")
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=[Rule("/*", quota, name="bytes")])
    response = ask(Get())
    assert parsed(response, "ratelimit-policy")[0][1]["q"] == 999_999_999_999_999
    assert parsed(response, "ratelimit")[0][1]["r"] == 999_999_999_999_999


def test_a_denial_by_tokens_tells_of_the_slots_too(limited: Limited) -> None:
    rules = [Rule("/*", "1/minute", in_flight=2, name="all")]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules)
    assert [ask(Get()).status, ask(Get()).status] == [200, 429]
    policies = [
        ("all", {"q": 1, "w": 60}),
        ("all:in-flight", {"q": 2, "qu": "concurrent-requests"}),
    ]
    assert parsed(ask(Get()), "ratelimit-policy") == policies


@pytest.mark.parametrize(
    ("style", "told"),
    [("standard", STANDARD), ("x", X), ("both", STANDARD | X), ("none", set())],
)
def test_styles(limited: Limited, clock: FakeClock, style: str, told: set[str]) -> None:
    ask = limited(store=MemoryStore(clock=clock), rules=[Rule("/*", "1/hour")], fields=style)
    admitted, denied = ask(Get()), ask(Get())
    assert (admitted.status, denied.status) == (200, 429)
    assert limits_told(admitted) == limits_told(denied) == told
    assert denied.headers["retry-after"] == "3600", "no matter of style"


def test_of_a_calendars_window_it_is_told_when_it_ends(limited: Limited, clock: FakeClock) -> None:
    rule = Rule("/*", "2 per calendar day", name="api")
    ask = limited(store=MemoryStore(clock=clock), rules=[rule])
    told = []
    for _ in range(3):
        told += parsed(ask(Get()), "ratelimit")
        clock.advance(3_600)
    # The clock begins at 8 o'clock, UTC.
    assert told == [("api", {"r": left, "t": 3_600 * t}) for left, t in ((1, 16), (0, 15), (0, 14))]


def test_of_limits_with_as_much_left_the_x_fields_tell_the_one_that_is_full_last(
    limited: Limited, clock: FakeClock
) -> None:
    for names in (("minute", "hour"), ("hour", "minute")):
        rules = [Rule("/*", f"9/{name}", name=name) for name in names]
        ask = limited(store=MemoryStore(clock=clock), rules=rules, fields="x")
        told = ask(Get()).headers
        assert told["x-ratelimit-remaining"] == "8"
        # A ninth of an hour, and not of a minute.
        assert int(told["x-ratelimit-reset"]) - time.time() > 300


@pytest.mark.parametrize("outer", ["9/minute", "9/hour"])
def test_of_limits_in_two_places_it_is_the_same(clock: FakeClock, outer: str) -> None:
    options: dict[str, Any] = {"store": MemoryStore(clock=clock), "fields": "x"}
    inner = "9/hour" if outer == "9/minute" else "9/minute"
    app = wsgi.RateLimitMiddleware(Page().wsgi, rules=Rule("/*", inner, name="in"), **options)
    app = wsgi.RateLimitMiddleware(app, rules=Rule("/*", outer, name="out"), **options)
    told = over_wsgi(app)(Get()).headers
    assert told["x-ratelimit-remaining"] == "8"
    assert int(told["x-ratelimit-reset"]) - time.time() > 300


def test_the_x_fields_of_an_admitted_request_are_of_its_tokens_alone(limited: Limited) -> None:
    rule = Rule("/*", "9/minute", in_flight=1)
    told = limited(store=MemoryStore(), rules=rule, fields="x")(Get()).headers
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == ("9", "8")
    alone = limited(store=MemoryStore(), rules=Rule("/*", in_flight=1), fields="x")(Get())
    assert not limits_told(alone)


def test_the_x_fields_tell_the_binding_limit(limited: Limited) -> None:
    rules = [
        Rule("/*", "9/hour", name="wide"),
        Rule("/*", ["2/hour", "50/day"], name="narrow"),
    ]
    ask = limited(store=MemoryStore(), rules=rules, fields="x")
    before_seconds = time.time()
    told = [ask(Get()).headers for _ in range(3)]
    after_seconds = time.time()
    assert [headers["x-ratelimit-limit"] for headers in told] == ["2", "2", "2"]
    assert [headers["x-ratelimit-remaining"] for headers in told] == ["1", "0", "0"]
    # In whole seconds of the epoch: the bucket is full again an hour after its last token went.
    full_at_seconds = int(told[1]["x-ratelimit-reset"])
    assert before_seconds + 3599 <= full_at_seconds <= after_seconds + 3601


@pytest.mark.parametrize(
    ("style", "on_outage", "told"),
    [
        ("standard", "allow", {"ratelimit-policy"}),
        ("standard", "deny", {"ratelimit-policy"}),
        ("both", "allow", {"ratelimit-policy"}),
        ("x", "allow", set()),
        ("x", "deny", set()),
    ],
)
def test_in_an_outage_the_policy_stays_and_nothing_is_invented(
    limited: Limited, style: str, on_outage: str, told: set[str]
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    rules = [Rule("/*", "2/minute")]
    ask = limited(store=store, rules=rules, on_outage=on_outage, fields=style)
    response = ask(Get())
    assert limits_told(response) == told
    assert response.headers.get("ratelimit-policy", '"/*";q=2;w=60') == '"/*";q=2;w=60'
    several = [*rules, Rule("/*", "9/minute", name="other")]
    response = limited(store=store, rules=several, on_outage=on_outage, fields=style)(Get())
    assert limits_told(response) == told


@pytest.mark.parametrize("parts", [(), (b"",), (b"one",), (b"x" * 10_000,) * 50])
def test_fields_are_there_once_whatever_is_sent(limited: Limited, parts: tuple[bytes, ...]) -> None:
    page = Page(parts=parts)
    response = limited(page, store=MemoryStore(), rules=[Rule("/*", "2/minute")])(Get())
    names = [name for name, _ in response.fields]
    assert names == ["content-type", "ratelimit-policy", "ratelimit"]
    assert response.body == b"".join(parts)


def test_the_applications_own_fields_stay_beside(limited: Limited) -> None:
    own = (("RateLimit", '"own";r=7;t=1'), ("set-cookie", "a=1"), ("set-cookie", "b=2"))
    page = Page(headers=own)
    ask = limited(page, store=MemoryStore(), rules=[Rule("/*", "2/minute", name="ours")])
    response = ask(Get())
    assert response.fields[:3] == own
    added = dict(response.fields[3:])
    assert added == {"ratelimit-policy": '"ours";q=2;w=60', "ratelimit": '"ours";r=1;t=30'}
    lists = ", ".join(value for name, value in response.fields if name.lower() == "ratelimit")
    both: Any = http_sf.parse(lists.encode(), tltype="list")
    assert [name for name, _ in both] == ["own", "ours"]


@pytest.mark.parametrize("name", ["X-RateLimit-Limit", "x-ratelimit-remaining"])
def test_x_fields_that_the_application_sends_stay_the_only_ones(
    limited: Limited, name: str
) -> None:
    page = Page(headers=((name, "7"),))
    ask = limited(page, store=MemoryStore(), rules=[Rule("/*", "2/minute")], fields="both")
    response = ask(Get())
    told = [field for field in response.fields if "ratelimit" in field[0].lower()]
    assert told[0] == (name, "7")
    assert {added for added, _ in told[1:]} == STANDARD


def test_x_fields_of_on_denied_stay_the_only_ones(limited: Limited) -> None:
    def denied(_request: Any, _verdict: Any, response: DenialResponse) -> DenialResponse:
        return response._replace(headers=(*response.headers, ("x-ratelimit-limit", "7")))

    rules = [Rule("/*", "1/minute")]
    ask = limited(store=MemoryStore(), rules=rules, fields="both", on_denied=denied)
    assert limits_told(ask(Get())) == STANDARD | X
    response = ask(Get())
    assert (response.status, response.headers["x-ratelimit-limit"]) == (429, "7")
    assert limits_told(response) == STANDARD | {"x-ratelimit-limit"}


def test_requests_that_no_rule_is_about_get_none(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/api/*", "2/minute")], fields="both")
    assert limits_told(ask(Get("/"))) == set()
    assert limits_told(ask(Get("/api/a"))) == STANDARD | X


def test_a_later_drafts_names_of_parameters_are_changed_in_one_place(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proposal for the draft calls what remains ``a`` and the time ``w``."""
    for name, renamed in {
        "QUOTA": "quota",
        "WINDOW": "over",
        "REMAINING": "a",
        "RESET": "w",
    }.items():
        monkeypatch.setattr(policy, name, renamed)
    rules = [Rule("/*", ["9/second", "2/minute"], name="api"), Rule("/*", "1/hour", name="hour")]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules)
    admitted, denied = ask(Get()).headers, ask(Get()).headers
    assert admitted["ratelimit-policy"] == (
        '"api:9-per-second";quota=9;over=1, "api:2-per-minute";quota=2;over=60, '
        '"hour";quota=1;over=3600'
    )
    assert admitted["ratelimit"] == '"api:2-per-minute";a=1;w=30, "hour";a=0;w=3600'
    assert denied["ratelimit"] == '"hour";a=0;w=3600'
