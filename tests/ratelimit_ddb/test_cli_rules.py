"""Keys by a rule's name and an identity: those that the middleware makes of a request."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ratelimit_ddb import ConcurrencyLimiter, Limit, MemoryStore, Quota, RateLimiter
from ratelimit_ddb.cli import keys, main
from ratelimit_ddb.stored_limits.stored_limits import StoredLimits
from ratelimit_ddb.web import RulesFile
from tests.web.exchange import Get, Limited, limited_asgi, limited_wsgi

RULES = """
[[rule]]
name = "login"
path = "/login"
limits = "5/hour"

[[rule]]
name = "login: by /24, /48"
path = "/subnets"
limits = ["5/hour", "50 per day"]
by = { address = { ipv4-prefix = 24, ipv6-prefix = 48 } }

[[rule]]
name = "hops"
path = "/hops"
limits = "5/hour"
by = { address = { trusted-hops = 1 } }

[[rule]]
path = "/api/*"
limits = "5 per calendar year in Europe/Berlin"
by = { header = "X-Api-Key" }

[[rule]]
name = "plain"
path = "/plain"
limits = "5/hour"
by = { header = "x-api-key", digest = false, otherwise = { cookie = "sid" } }

[[rule]]
name = "credentials"
path = "/credentials"
limits = "5/hour"
by = { header = "authorization" }

[[rule]]
name = "visitor"
path = "/visitor"
limits = "5/hour"
by = { cookie = "sid" }

[[rule]]
name = "user"
path = "/user"
limits = "5/hour"
by = "session-user"

[[rule]]
name = "tenant"
path = "/tenant"
limits = { stored = "plan:pro", default = "2/hour" }
by = { function = "tenant_and_user" }

[[rule]]
name = "plans"
path = "/plans"
limits = { stored = { function = "plan" }, default = "2/hour" }
by = "everyone"

[[rule]]
name = "routes"
path = ["/routes/*", "/routes.json"]
limits = "5/hour"
by = "everyone"
scope = "endpoint"

[[rule]]
name = "computed"
path = "/computed"
limits = { function = "limits" }
by = "everyone"
cost = { function = "cost" }

[[rule]]
name = "costly"
path = "/costly"
limits = "5/hour"
by = "everyone"
cost = 3

[[rule]]
name = "chat"
path = "/chat"
messages = "5/hour"
in-flight = { slots = 3, lifetime = 30 }
"""
FUNCTIONS = {
    "tenant_and_user": lambda _request: ("acme", 17),
    "plan": lambda _request: "plan:pro",
    "limits": lambda _request: "5/hour",
    "cost": lambda _request: 1,
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rules") / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store that the application and the command share."""
    store = MemoryStore()
    monkeypatch.setattr(keys, "store_of", lambda _options: store)
    return store


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    ended = main([*arguments, "--table", "t", "--json"])
    said = capsys.readouterr()
    assert not said.err
    return ended, [json.loads(line) for line in said.out.splitlines()]


def by_key(value: str) -> dict[str, str]:
    return {"x-api-key": value}


CASES: dict[str, tuple[Get, list[str]]] = {
    "an address": (Get("/login"), ["login", "192.0.2.7"]),
    "an address with a port": (Get("/login", client="192.0.2.7"), ["login", "192.0.2.7:4711"]),
    "a mapped address": (Get("/login"), ["login", "::ffff:192.0.2.7"]),
    "an IPv6 address": (Get("/login", client="2001:db8::7"), ["login", "2001:DB8:0::99"]),
    "an IPv6 network": (Get("/login", client="2001:db8::7"), ["login", "2001:db8::/64"]),
    "nobody's address": (Get("/login", client=None), ["login", "unknown"]),
    "a subnet": (Get("/subnets"), ["login: by /24, /48", "192.0.2.99"]),
    "a subnet as it is shown": (Get("/subnets"), ["login: by /24, /48", "192.0.2.0/24"]),
    "an IPv6 subnet": (
        Get("/subnets", client="2001:db8:1:2::3"),
        ["login: by /24, /48", "2001:db8:1:ffff::"],
    ),
    "behind a proxy": (
        Get("/hops", headers={"x-forwarded-for": "203.0.113.9"}),
        ["hops", "203.0.113.9"],
    ),
    "an API key": (Get("/api/x", headers=by_key("s3cret")), ["/api/*", "s3cret"]),
    "an API key with spaces": (Get("/api/x", headers=by_key("a, b")), ["/api/*", " a,b "]),
    "without an API key": (Get("/api/x"), ["/api/*", "--otherwise", "192.0.2.7"]),
    "no digest": (Get("/plain", headers=by_key("a:b%")), ["plain", "a:b%"]),
    "a cookie instead": (
        Get("/plain", headers={"cookie": "sid=abc"}),
        ["plain", "--otherwise", "abc"],
    ),
    "an address instead of that": (
        Get("/plain"),
        ["plain", "--otherwise", "--otherwise", "192.0.2.7"],
    ),
    "a token": (
        Get("/credentials", headers={"authorization": "Bearer abc.def"}),
        ["credentials", "Bearer abc.def"],
    ),
    "a token alone": (
        Get("/credentials", headers={"authorization": "Bearer abc.def"}),
        ["credentials", "abc.def"],
    ),
    "a cookie": (Get("/visitor", headers={"cookie": "a=1; sid=abc"}), ["visitor", "abc"]),
    "a quoted cookie": (Get("/visitor", headers={"cookie": 'sid="abc"'}), ["visitor", "abc"]),
    "a user": (Get("/user", session={"user_id": 17}), ["user", "17"]),
    "nobody logged in": (Get("/user", session={}), ["user", "--otherwise", "192.0.2.7"]),
    "several parts, stored limits": (Get("/tenant"), ["tenant", "acme", "17"]),
    "stored limits by a function": (Get("/plans"), ["plans", "--stored-name", "plan:pro"]),
    "a route": (Get("/routes/a"), ["routes", "--endpoint", "/routes/*"]),
    "limits by a function": (Get("/computed"), ["computed", "--limit", "5/hour"]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("limited", [limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def test_peek_shows_what_a_request_took(
    store: MemoryStore,
    rules: str,
    capsys: pytest.CaptureFixture[str],
    case: str,
    limited: Limited,
) -> None:
    request, (rule, *identity) = CASES[case]
    StoredLimits(store, namespace="shop").set("plan:pro", "5/hour")
    source = RulesFile(rules, functions=FUNCTIONS)
    assert limited(store=store, rules=source, namespace="shop")(request).status == 200
    of_rule = ["--rules", rules, "--rule", rule, *identity, "--namespace", "shop"]
    ended, found = run(capsys, "peek", *of_rule)
    assert (ended, [one["remaining"] for one in found]) == (0, [4])


def test_what_is_charged_blocked_and_reset_is_what_a_request_meets(
    store: MemoryStore, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = limited_asgi(store=store, rules=RulesFile(rules, functions=FUNCTIONS), deny_cache=0)
    request = Get("/api/x", headers=by_key("s3cret"))
    of_rule = ["--rules", rules, "--rule", "/api/*", "s3cret"]
    ended, (charged,) = run(capsys, "charge", *of_rule, "--cost", "5")
    assert (ended, charged["allowed"], charged["remaining"]) == (0, False, 0)
    assert ask(request).status == 429
    ended, (peeked,) = run(capsys, "peek", *of_rule)
    assert (ended, peeked["allowed"]) == (1, False)
    assert "s3cret" not in peeked["key"]
    assert run(capsys, "reset", *of_rule) == (0, [{"key": peeked["key"], "reset": True}])
    assert ask(request).status == 200
    assert run(capsys, "block", *of_rule, "--for", "60")[0] == 0
    assert ask(request).status == 429


def test_a_key_that_is_not_ascii_is_sent_in_utf_8(
    store: MemoryStore, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = limited_asgi(store=store, rules=RulesFile(rules, functions=FUNCTIONS))
    assert ask(Get("/plain", headers=by_key("cl\xe9"))).status == 200
    ended, found = run(capsys, "peek", "--rules", rules, "--rule", "plain", "cl\xe9")
    assert (ended, found[0]["remaining"]) == (0, 4)


def test_a_secret_may_come_by_stdin(
    store: MemoryStore,
    rules: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = limited_asgi(store=store, rules=RulesFile(rules, functions=FUNCTIONS))
    assert ask(Get("/api/x", headers=by_key("s3cret"))).status == 200
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret\nmore\n"))
    ended, found = run(capsys, "peek", "--rules", rules, "--rule", "/api/*", "-")
    assert (ended, found[0]["remaining"]) == (0, 4)


def test_a_secret_by_stdin_need_not_be_utf_8(
    store: MemoryStore,
    rules: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peek = ("peek", "--rules", rules, "--rule", "/api/*")
    secret = b"s3cret\xe9"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(secret), encoding="utf-8"))
    by_stdin = run(capsys, *peek, "-")
    assert by_stdin == run(capsys, *peek, os.fsdecode(secret))


def test_a_closed_stdin_has_no_identity(
    rules: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["peek", "--rules", rules, "--rule", "login", "-", "--table", "t"]) == 2
    assert "an identity is required" in capsys.readouterr().err


def test_credentials_that_are_read_in_several_ways_are_several_keys(
    store: MemoryStore, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = limited_asgi(store=store, rules=RulesFile(rules, functions=FUNCTIONS))
    credentials = "Basic dXNlcjpwYXNz and more"
    request = Get("/credentials", headers={"authorization": credentials})
    assert ask(request).status == 200
    ended, found = run(capsys, "peek", "--rules", rules, "--rule", "credentials", credentials)
    assert (ended, {one["remaining"] for one in found}) == (0, {4})
    assert len({one["key"] for one in found}) == len(found) > 1


def test_peek_says_what_a_request_of_the_rule_s_cost_would_be_told(
    store: MemoryStore, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = limited_asgi(store=store, rules=RulesFile(rules, functions=FUNCTIONS), deny_cache=0)
    of_rule = ["--rules", rules, "--rule", "costly"]
    assert run(capsys, "peek", *of_rule)[0] == 0
    assert [ask(Get("/costly")).status for _ in range(2)] == [200, 429]
    ended, (seen,) = run(capsys, "peek", *of_rule)
    assert (ended, seen["allowed"], seen["remaining"]) == (1, False, 2)
    assert run(capsys, "peek", *of_rule, "--cost", "2")[0] == 0


def test_slots_of_a_rule_are_shown_and_freed(
    store: MemoryStore, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    of_slots = ["--rules", rules, "--rule", "chat", "--in-flight", "192.0.2.7"]
    held = ConcurrencyLimiter(store, 3, namespace="shop").acquire(("chat", "192.0.2.7"))
    assert held
    ended, (seen,) = run(capsys, "peek", *of_slots, "--namespace", "shop")
    assert (ended, seen["remaining"], seen["limit"]) == (0, 2, "3 at once")
    ended, (freed,) = run(capsys, "reset", *of_slots, "--namespace", "shop")
    assert freed == {"key": seen["key"], "reset": True}
    assert seen["key"] == "shop:chat:192.0.2.7:slots"
    assert run(capsys, "peek", *of_slots, "--namespace", "shop")[1][0]["remaining"] == 3
    held.release()


APPLICATION = """
from ratelimit_ddb.web import Rule, bearer_claim

def claims(token):
    return {"sub": token.removeprefix("of-")}

rules = [Rule("/me", "5/hour", by=bearer_claim("sub", claims=claims), name="me")]
alone = rules[0]
numbers = [1]
twice = [alone, alone]
"""


@pytest.mark.parametrize(
    ("headers", "identity"),
    [({"authorization": "Bearer of-ada"}, ["ada"]), ({}, ["--otherwise", "192.0.2.7"])],
)
@pytest.mark.parametrize("name", ["rules", "alone"])
def test_rules_in_the_code_of_the_application_are_imported(
    store: MemoryStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    identity: list[str],
    name: str,
) -> None:
    (tmp_path / "limits_of_app.py").write_text(APPLICATION, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    of_rule = ["--rules", f"limits_of_app:{name}", "--rule", "me"]
    assert run(capsys, "peek", *of_rule, *identity)[1][0]["remaining"] == 5
    rules = importlib.import_module("limits_of_app").rules
    assert limited_asgi(store=store, rules=rules)(Get("/me", headers=headers)).status == 200
    assert run(capsys, "peek", *of_rule, *identity)[1][0]["remaining"] == 4
    for given, message in (
        ("limits_of_app:numbers", "must be a Rule, several of them, or a RulesFile"),
        ("limits_of_app:twice", "two rules are named 'me'"),
        ("limits_of_app:absent", "has no attribute 'absent'"),
        ("absent_app:rules", "No module named 'absent_app'"),
    ):
        assert main(["peek", "--rules", given, "--rule", "me", "ada", "--table", "t"]) == 2
        assert message in capsys.readouterr().err


def test_messages_of_a_rule_are_buckets_of_their_own(
    store: MemoryStore, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    of_rule = ["--rules", rules, "--rule", "chat", "--messages", "192.0.2.7"]
    RateLimiter(store, "5/hour").acquire(("chat", "192.0.2.7", "messages"))
    assert run(capsys, "peek", *of_rule)[1][0]["remaining"] == 4
    assert run(capsys, "reset", *of_rule)[1] == [{"key": "chat:192.0.2.7:messages", "reset": True}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "logn", "192.0.2.7"], "unknown rule 'logn'; expected one of 'login', "),
        (["--rule", "logn", "192.0.2.7"], "; did you mean 'login'?"),
        (["--rule", "login"], "rule 'login': an identity is required: must be a client's address"),
        (["--rule", "login", "192.0.2"], "identity '192.0.2': must be an address"),
        (["--rule", "login", "a", "b"], "identity 'a b': must be a client's address"),
        (["--rule", "login", "2001:db8::/32"], "a network such as '2001:db8::/64'"),
        (["--rule", "login", "192.0.2.0/33"], "'192.0.2.0/33': must be an address or a network"),
        (["--rule", "login", "--otherwise", "192.0.2.7"], "identity has no otherwise"),
        (
            ["--rule", "login", "--endpoint", "/x", "192.0.2.7"],
            "--endpoint is for rules with scope",
        ),
        (["--rule", "login", "--limit", "5/hour", "192.0.2.7"], "omit --limit"),
        (["--rule", "login", "--stored-name", "x", "192.0.2.7"], "--stored-name does not apply"),
        (["--rule", "login", "--messages", "192.0.2.7"], "rule 'login' has no messages"),
        (["--rule", "chat", "192.0.2.7"], "rule 'chat' has no limits"),
        (["--rule", "login", "--in-flight", "192.0.2.7"], "rule 'login' has no in_flight"),
        (["--rule", "/api/*", " "], "must be a value of the header 'X-Api-Key'"),
        (["--rule", "visitor", ""], "must be a value of the cookie 'sid'"),
        (["--rule", "user"], "must be the 'user_id' of a session"),
        (["--rule", "tenant"], "an identity is required: what the rule's function gives"),
        (["--rule", "plans"], "give --stored-name, such as plan:pro"),
        (["--rule", "plans", "ada", "--stored-name", "x"], "give none, the rule counts everyone"),
        (["--rule", "tenant", "a", "--stored-name", "x"], "stored limits are named 'plan:pro'"),
        (["--rule", "routes"], "or '/routes/*' or '/routes.json' if it finds none"),
        (["--rule", "computed"], "its limits are a function of the request: give --limit"),
    ],
)
def test_what_is_no_bucket_of_the_rule_is_refused_with_the_way_out(
    rules: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["peek", "--rules", rules, *arguments, "--table", "t"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "login", "192.0.2.7"], "--rules FILE and --rule NAME must be given"),
        (
            ["--rules", "absent.toml", "192.0.2.7"],
            "--rules FILE and --rule NAME must be given together",
        ),
        (["--rules", "absent.toml", "--rule", "x"], "rules absent.toml: can't be read: No such"),
        (["--rules", ":rules", "--rule", "x"], "rules :rules: can't be read: No such file"),
        (["--rules", ".shop:rules", "--rule", "x"], "rules .shop:rules: can't be read"),
        (["--rules", "no_such_shop:rules", "--rule", "x"], "No module named 'no_such_shop'"),
        (["--messages", "ada", "--limit", "5/hour"], "--messages needs --rules and --rule"),
        ([], "give one KEY"),
        (["a", "b", "--limit", "5/hour"], "give one KEY"),
    ],
)
def test_a_key_is_given_in_one_way(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["peek", *arguments, "--table", "t"]) == 2
    assert message in capsys.readouterr().err


def test_a_rules_file_that_can_not_hold_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\npath = "/x"\nlimits = "5/fortnight"\n', encoding="utf-8")
    assert main(["peek", "--rules", str(path), "--rule", "/x", "a", "--table", "t"]) == 2
    assert f"{path}:3: rule 1: limit '5/fortnight'" in capsys.readouterr().err


def test_several_mistakes_of_a_rules_file_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nlimit = "5/minute"\n[[rule]]\nlimit = "6/minute"\n')
    assert main(["peek", "--rules", str(path), "--rule", "/x", "a", "--table", "t"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"; {path}:4: rule 2: " in line


def test_a_limit_with_a_name_of_its_own_is_written_so(
    store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    of_plan: list[Limit | Quota] = [Limit(5, 3_600, name="plan"), Quota(9, "day", name="daily")]
    RateLimiter(store, of_plan).acquire("ada", cost=2)
    limits = ["--limit", "plan=5/hour", "--limit", "daily=9 per calendar day"]
    assert run(capsys, "peek", "ada", *limits)[1][0]["remaining"] == 3
    assert run(capsys, "peek", "ada", "--limit", "5/hour")[1][0]["remaining"] == 5
    assert run(capsys, "peek", "ada", limits[2], limits[3])[1][0]["remaining"] == 7
    assert main(["peek", "ada", "--limit", "a b=5/hour", "--table", "t"]) == 2
    assert "limit name 'a b'" in capsys.readouterr().err


def test_what_a_terminal_would_obey_is_escaped(
    store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "ada\x1b[2J\u202e"
    assert main(["peek", hostile, "--limit", "5/hour", "--table", "t"]) == 0
    assert main(["reset", hostile, "--table", "t"]) == 0
    told, reset = capsys.readouterr().out.splitlines()
    assert told.startswith("ada\\x1b[2J\\u202e: allowed")
    assert reset == "ada\\x1b[2J\\u202e: reset"
