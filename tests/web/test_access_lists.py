"""Lists of who is always or never let through: ``Rule(allow=..., deny=...)``."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import flask
import pytest

from ratelimit_ddb import MemoryStore, StoreUnavailable, asgi
from ratelimit_ddb import flask as ratelimit_flask
from ratelimit_ddb.key import KeyLike
from ratelimit_ddb.web import (
    AccessList,
    Request,
    Rule,
    RuleDecision,
    client_address,
    cookie,
    everyone,
    header,
    session_user,
)
from ratelimit_ddb.web.identity.identity import Identity
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited, Page, limited_asgi, limited_wsgi, scope_of

OFFICE = AccessList(networks=["192.0.2.0/24", "2001:db8:1::/48"])
BEHIND_ONE = client_address(trusted_hops=1)


def page() -> str:
    return "page"


def rule(**options: Any) -> Rule:
    return Rule("/*", options.pop("limits", "1/minute"), name="api", **options)


def statuses(limited: Limited, given: Rule, *gets: Get, **options: Any) -> list[int]:
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=given, **options)
    return [ask(get).status for get in gets]


def by_key(value: str) -> Get:
    return Get(headers={"x-api-key": value}, client="203.0.113.9")


def test_who_is_allowed_is_not_limited_and_others_are(limited: Limited) -> None:
    inside, outside = Get(client="192.0.2.7"), Get(client="203.0.113.9")
    assert statuses(limited, rule(allow=OFFICE), *[inside] * 3, outside, outside) == [
        200,
        200,
        200,
        200,
        429,
    ]


def test_who_is_denied_is_answered_403_without_a_call(limited: Limited) -> None:
    store = FlakyStore()
    page = Page()
    ask = limited(page, store=store, rules=rule(deny=OFFICE), fields="both")
    response = ask(Get(client="192.0.2.7", headers={"accept": "application/json"}))
    assert response.status == 403
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "This client is not let through.",
    }
    assert not any("ratelimit" in name or name == "retry-after" for name in response.headers)
    assert response.headers["cache-control"] == "no-store"
    assert not page.visits
    assert not store.operations
    assert ask(Get(client="203.0.113.9")).status == 200


@pytest.mark.parametrize(
    ("client", "denied"),
    [
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.7", True),
        ("2001:db8:1:ffff::7", True),
        ("2001:db8:2::7", False),
        ("[2001:db8:1::7]:443", True),
        (None, True),
        ("unknown", True),
    ],
)
def test_a_network_is_meant_however_its_addresses_are_written(
    limited: Limited, client: str | None, denied: bool
) -> None:
    """Who has no address that is known may be anybody, and is denied."""
    assert statuses(limited, rule(deny=OFFICE), Get(client=client)) == [403 if denied else 200]


def test_who_has_no_known_address_is_not_allowed(limited: Limited) -> None:
    unknown = Get(client=None)
    assert statuses(limited, rule(allow=OFFICE), unknown, unknown) == [200, 429]


@pytest.mark.parametrize("forged", ["192.0.2.7", "192.0.2.7, 203.0.113.9", "192.0.2.7:1"])
def test_an_allowed_address_can_not_be_made_up(limited: Limited, forged: str) -> None:
    get = Get(client="203.0.113.9", headers={"x-forwarded-for": forged})
    assert statuses(limited, rule(allow=OFFICE), get, get) == [200, 429]
    behind = Get(client="10.0.0.1", headers={"x-forwarded-for": f"{forged}, 203.0.113.9"})
    assert statuses(limited, rule(allow=OFFICE, by=BEHIND_ONE), behind, behind) == [200, 429]


def test_a_denied_address_can_not_be_hidden(limited: Limited) -> None:
    get = Get(client="10.0.0.1", headers={"x-forwarded-for": "203.0.113.9, 192.0.2.7"})
    assert statuses(limited, rule(deny=OFFICE, by=BEHIND_ONE), get) == [403]


def test_single_addresses_are_told_apart_where_the_rule_counts_networks(limited: Limited) -> None:
    one = AccessList(networks=["2001:db8::7"])
    by = client_address(ipv6_prefix=48)
    told = statuses(
        limited, rule(deny=one, by=by), Get(client="2001:db8::7"), Get(client="2001:db8::8")
    )
    assert told == [403, 200]


def test_keys_are_written_as_clients_send_them(limited: Limited) -> None:
    given = rule(by=header("x-api-key"), allow=AccessList(keys=["good"]))
    assert statuses(limited, given, *[by_key("good")] * 3) == [200] * 3
    assert statuses(limited, given, by_key("other"), by_key("other")) == [200, 429]
    plain = rule(by=header("x-api-key", digest=False), deny=AccessList(keys=["bad"]))
    assert statuses(limited, plain, by_key("bad"), by_key("other")) == [403, 200]


@pytest.mark.parametrize(
    ("by", "name", "sent"),
    [
        (header("authorization"), "authorization", "Bearer a.b-c"),
        (header("authorization"), "authorization", "Basic dXNlcjpwdw=="),
        (header("x-api-key"), "x-api-key", "a, b"),
        (header("x-api-key", digest=False), "x-api-key", " a "),
        (cookie("sid"), "cookie", "sid=a%3Db"),
        (cookie("sid"), "cookie", 'sid="a b"'),
        (cookie("sid"), "cookie", r'sid="\163a\"b"'),
        (cookie("sid", digest=False), "cookie", "sid=a%3Db"),
    ],
)
def test_a_listed_key_is_read_as_a_clients_is(
    limited: Limited, by: Identity, name: str, sent: str
) -> None:
    listed = AccessList(keys=[sent.removeprefix("sid=")])
    get = Get(headers={name: sent})
    assert statuses(limited, rule(by=by, deny=listed), get) == [403]
    allowed = rule(by=by, allow=listed)
    assert statuses(limited, allowed, get, get, get) == [200] * 3


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_listed_key_is_read_in_every_encoding(encoding: str) -> None:
    given = rule(by=header("x-api-key"), deny=AccessList(keys=["é"]))
    get = Get(headers={"x-api-key": "é".encode(encoding).decode("latin-1")})
    assert statuses(limited_wsgi, given, get) == [403]


@pytest.mark.parametrize("style", ["standard", "both"])
def test_a_403_has_no_fields_of_other_rules(limited: Limited, style: str) -> None:
    rules = [rule(deny=OFFICE, in_flight=2), Rule("/*", "9/minute", name="others")]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules, fields=style)
    response = ask(Get(client="192.0.2.7"))
    assert response.status == 403
    assert not [name for name in response.headers if "rate" in name or "retry" in name]


def test_a_rule_shows_no_key_that_it_lists() -> None:
    given = rule(by=header("x-api-key"), allow=AccessList(keys=["the-monitoring-key"]))
    assert "the-monitoring-key" not in repr(given)


def test_a_part_of_an_allowed_key_is_not_allowed(limited: Limited) -> None:
    # "a b" could be read as "a", so that who is denied by it is denied by either.
    listed = AccessList(keys=['"a b"'])
    part = Get(headers={"cookie": "sid=a"})
    assert statuses(limited, rule(by=cookie("sid"), allow=listed), part, part) == [200, 429]
    assert statuses(limited, rule(by=cookie("sid"), deny=listed), part) == [403]


@pytest.mark.parametrize(
    ("by", "key", "told"),
    [
        (client_address(), "2001:db8::7", "counts '2001:db8::/64' as one client; list that, or"),
        (client_address(ipv4_prefix=24), "192.0.2.7", "counts '192.0.2.0/24' as one client"),
        (client_address(), "office", "key 'office': must be an address, or 'unknown'"),
        (client_address(), "2001:db8::/32", "key '2001:db8::/32': must be an address, or a"),
        (header("x-api-key"), " ", "key ' ': must be a value of the header 'x-api-key'"),
        (everyone(), "everyone", "key 'everyone': give none, the rule counts everyone together"),
    ],
)
def test_a_key_that_no_client_has_is_refused(by: Identity, key: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"deny: .*{re.escape(told)}"):
        rule(by=by, deny=AccessList(keys=[key]))


def test_clients_are_listed_as_the_rule_counts_addresses(limited: Limited) -> None:
    given = rule(deny=AccessList(keys=["2001:0db8::/64", "192.0.2.7", "unknown"]))
    clients = ["2001:db8::7", "192.0.2.7", None, "192.0.2.8"]
    asked = [Get(client=client) for client in clients]
    assert statuses(limited, given, *asked) == [403, 403, 403, 200]


def test_of_several_keys_one_is_enough_to_be_denied_and_all_are_needed_to_be_allowed(
    limited: Limited,
) -> None:
    def both(_request: Request) -> set[KeyLike]:
        return {"good", "bad"}

    assert statuses(limited, rule(by=both, deny=AccessList(keys=["bad"])), Get()) == [403]
    allowed = rule(by=both, allow=AccessList(keys=["good"]))
    assert statuses(limited, allowed, Get(), Get()) == [200, 429]


def test_a_digest_that_is_sent_as_a_key_is_not_the_key(limited: Limited) -> None:
    digest = "770e607624d689265ca6c44884d0807d"  # of "good"
    given = rule(by=header("x-api-key"), allow=AccessList(keys=["good"]))
    assert statuses(limited, given, by_key(digest), by_key(digest)) == [200, 429]
    plain = rule(by=header("x-api-key", digest=False), allow=AccessList(keys=["good"]))
    assert statuses(limited, plain, by_key(digest), by_key(digest)) == [200, 429]


def test_a_key_is_not_an_address_that_somebody_falls_back_to(limited: Limited) -> None:
    given = rule(by=header("x-api-key", digest=False), allow=AccessList(keys=["203.0.113.9"]))
    without_key = Get(client="203.0.113.9")
    assert statuses(limited, given, without_key, without_key) == [200, 429]


def test_users_are_listed_by_their_ids(limited: Limited) -> None:
    given = rule(by=session_user(), deny=AccessList(keys=[17]))
    banned, other = (Get(session={"user_id": user}) for user in (17, 18))
    assert statuses(limited, given, banned, other) == [403, 200]


def test_networks_beside_keys_need_to_know_how_addresses_are_read(limited: Limited) -> None:
    with pytest.raises(ValueError, match="deny: networks go by an address, and the rule"):
        rule(by=header("x-api-key"), deny=OFFICE)
    listed = AccessList(networks=["192.0.2.0/24"], keys=["bad"], address=BEHIND_ONE)
    given = rule(by=header("x-api-key"), deny=listed)
    inside = Get(client="10.0.0.1", headers={"x-forwarded-for": "192.0.2.7", "x-api-key": "a"})
    outside = Get(client="10.0.0.1", headers={"x-forwarded-for": "203.0.113.9", "x-api-key": "a"})
    assert statuses(limited, given, inside, outside, by_key("bad")) == [403, 200, 403]


def test_denial_goes_before_allowance_and_that_before_exemption(limited: Limited) -> None:
    bad = AccessList(networks=["192.0.2.66"])
    given = rule(allow=OFFICE, deny=bad, exempt=lambda _request: True)
    assert statuses(limited, given, Get(client="192.0.2.66"), Get(client="192.0.2.7")) == [403, 200]


def test_a_preflight_of_who_is_denied_is_denied(limited: Limited) -> None:
    headers = {"origin": "https://a.example", "access-control-request-method": "POST"}
    preflights = [
        Get(method="OPTIONS", headers=headers, client=client)
        for client in ("192.0.2.7", *["203.0.113.9"] * 3)
    ]
    assert statuses(limited, rule(deny=OFFICE), *preflights) == [403, 200, 200, 200]


@pytest.mark.parametrize("limits", [None, lambda _request: None, lambda _request: "9/second"])
def test_who_is_denied_is_denied_whatever_the_limits(limited: Limited, limits: Any) -> None:
    given = rule(limits=limits, deny=OFFICE, messages="5/second")
    assert statuses(limited, given, Get(client="192.0.2.7"), Get(client="203.0.113.9")) == [
        403,
        200,
    ]


def test_other_rules_still_limit_who_is_allowed(limited: Limited) -> None:
    rules: Any = [rule(allow=OFFICE), Rule("/*", "2/minute", name="all")]
    assert statuses(limited, rules, *[Get()] * 3) == [200, 200, 429]


def test_p3_other_rules_take_nothing_of_who_is_denied(limited: Limited) -> None:
    store = FlakyStore()
    ask = limited(store=store, rules=[Rule("/*", "2/minute", name="all"), rule(deny=OFFICE)])
    assert [ask(Get()).status for _ in range(5)] == [403] * 5
    assert not [one for one in store.operations if hasattr(one, "cost_ns")]


def test_in_an_outage_who_is_denied_is_denied(limited: Limited) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    ask = limited(store=store, rules=rule(deny=OFFICE), on_outage="allow")
    assert [ask(Get()).status, ask(Get(client="203.0.113.9")).status] == [403, 200]


def test_in_shadow_mode_a_list_is_told_and_denies_nobody(limited: Limited) -> None:
    told: list[RuleDecision] = []
    given = rule(deny=OFFICE, enforce=False)
    assert statuses(limited, given, Get(), on_decision=told.append) == [200]
    assert [(one.decision.allowed, one.decision.source) for one in told] == [(False, "listed")]
    assert [(one.key, one.charge.cost) for one in told] == [("api:denied:192.0.2.7", 1)]
    statuses(limited, given, Get(client=None), namespace="shop", on_decision=told.append)
    assert told[1].key == "shop:api:denied:unknown"


def test_a_default_rule_denies_whatever_limits_the_view_has() -> None:
    site = flask.Flask(__name__, root_path=".")
    store = MemoryStore(clock=FakeClock())
    ratelimit_flask.limit_app(
        site, store, rule(deny=AccessList(networks=["127.0.0.1"]), default=True)
    )
    site.add_url_rule("/", view_func=ratelimit_flask.limited("9/second", store=store)(page))
    assert site.test_client().get("/").status_code == 403


def test_an_error_handler_of_flask_answers_who_is_denied() -> None:
    site = flask.Flask(__name__, root_path=".")
    store = MemoryStore(clock=FakeClock())
    ratelimit_flask.limit_app(site, store, rule(deny=AccessList(networks=["127.0.0.1"])))
    site.register_error_handler(403, lambda error: (f"no: {error.description}", 403))
    response = site.test_client().get("/")
    assert (response.status_code, response.text) == (403, "no: This client is not let through.")


@pytest.mark.parametrize(
    ("allow", "calls"),
    [
        (AccessList(networks=["192.0.2.0/24"], address=client_address()), ["messages"]),
        (AccessList(keys=["staff"]), ["handshake", "messages"]),
    ],
    ids=["networks", "keys"],
)
def test_the_messages_of_who_is_allowed_are_not_limited(
    allow: AccessList, calls: list[str]
) -> None:
    asked: list[str] = []

    def group(request: Request) -> str:
        asked.append("staff" if request.client == "192.0.2.7" else "others")
        return asked[-1]

    async def chat(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": "heard"})

    given = Rule("/*", messages="1/minute", by=group, allow=allow)
    app = asgi.RateLimitMiddleware(chat, MemoryStore(clock=FakeClock()), given)

    async def heard(client: str) -> int:
        said = [{"type": "websocket.receive", "text": "hello"}] * 3
        coming = [{"type": "websocket.connect"}, *said, {"type": "websocket.disconnect"}]
        sent: list[Any] = []

        async def receive() -> Any:
            return coming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await app({**scope_of(Get(client=client)), "type": "websocket"}, receive, send)
        return sent.count("websocket.send")

    assert asyncio.run(heard("192.0.2.7")) == 3
    assert asyncio.run(heard("203.0.113.9")) == 1
    assert asked.count("others") == len(calls)


def test_a_coroutine_function_gives_keys_too() -> None:
    async def user(request: Any) -> str:
        await asyncio.sleep(0)
        return "banned" if request.path == "/banned" else "other"

    given = rule(by=user, deny=AccessList(keys=["banned"]))
    ask = limited_asgi(store=MemoryStore(clock=FakeClock()), rules=given)
    assert [ask(Get(path)).status for path in ("/banned", "/other", "/other")] == [403, 200, 429]


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({}, ValueError, "must have networks or keys"),
        ({"networks": "10.0.0.0/8"}, TypeError, "networks '10.0.0.0/8': must be a list of str"),
        ({"networks": ["10.0.0.1/8"]}, ValueError, "bits are set after the prefix"),
        ({"networks": ["10.0.0.0/33"]}, ValueError, "must be an address or a network"),
        ({"networks": [10]}, TypeError, "network 10: must be a str"),
        ({"keys": "abc"}, TypeError, "keys 'abc': must be a list of str"),
        ({"keys": [""]}, ValueError, "key '': must not be empty"),
        ({"keys": [1.5]}, TypeError, "key 1.5: must be a str, or an int"),
        ({"keys": ["a"], "address": everyone()}, TypeError, "must be a client_address"),
        ({"keys": ["a"], "address": client_address}, TypeError, "must be a client_address"),
    ],
)
def test_what_can_not_be_listed_is_refused(options: Any, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        AccessList(**options)


@pytest.mark.parametrize("what", ["allow", "deny"])
def test_a_rule_takes_no_other_lists(what: str) -> None:
    options: Any = {what: ["10.0.0.0/8"]}
    with pytest.raises(TypeError, match=rf"{what} \['10.0.0.0/8'\]: must be an AccessList"):
        rule(**options)
