"""A rule with several paths: their requests share a bucket."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from tests.web.exchange import Get, Limited
from tests.web.rules_text import refusal, rules_of

LOGINS = ["/login", "/api/{version}/login"]


def test_the_paths_of_a_rule_share_a_bucket(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=Rule(LOGINS, "2/hour", name="login"))
    paths = ["/login", "/api/v1/login", "/api/v2/login", "/login/", "/other"]
    assert [ask(Get(path)).status for path in paths] == [200, 200, 429, 429, 200]
    assert ask(Get("/login")).headers["ratelimit-policy"] == '"login";q=2;w=3600'


def test_a_request_that_matches_several_paths_is_charged_once(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=Rule(["/api/*", "/api/{x}"], "2/hour", name="api"))
    assert [ask(Get("/api/a")).status for _ in range(3)] == [200, 200, 429]


def test_mounts_may_stay_on_any_of_the_paths(limited: Limited) -> None:
    rule = Rule(["/login", "/{tenant}/users/{id}"], "1/hour", name="users")
    assert rule.fits_below_mounts(("/users/5",))
    assert not rule.fits_below_mounts(("/teams/5",))
    ask = limited(store=MemoryStore(), rules=rule)
    assert [ask(Get(path)).status for path in ("/a/users/5", "/login\n")] == [200, 429]


def test_scope_endpoint_has_a_bucket_for_each_of_the_paths(limited: Limited) -> None:
    rule = Rule(["/users/me", "/users/{id}"], "1/hour", scope="endpoint", name="users")
    ask = limited(store=MemoryStore(), rules=rule)
    paths = ["/users/me", "/users/5", "/users/6", "/users/me/"]
    assert [ask(Get(path)).status for path in paths] == [200, 200, 429, 429]
    assert rule.pattern_of(("/sers/5",)) == "/users/me"


def test_one_path_in_a_list_is_as_one_alone() -> None:
    one = Rule(["/login"], "1/hour")
    assert (one.path, one.name) == ("/login", "/login")
    assert Rule(LOGINS, "1/hour", name="login").path == tuple(LOGINS)


@pytest.mark.parametrize(
    ("path", "error", "told"),
    [
        (LOGINS, ValueError, "a rule with several paths needs a name="),
        ([], ValueError, r"path \[\]: must not be empty; write '/\*' for all paths"),
        (["/a", 5], TypeError, "path 5: must be a str"),
        (["/a", "b"], ValueError, "path 'b': a pattern begins with '/'"),
        ({"/a", "/b"}, TypeError, "must be a str such as '/api/\\*', or a list of them"),
        (b"/a", TypeError, "path b'/a': must be a str"),
        (None, TypeError, "path None: must be a str"),
    ],
)
def test_what_are_no_paths_is_told(path: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        Rule(path, "1/hour")


def test_a_rules_file_has_several_paths_in_an_array() -> None:
    text = '[[rule]]\npath = ["/a", "/b/{id}"]\nlimits = "5/minute"\n'
    (rule,) = rules_of(text + 'name = "both"\n')
    assert (rule.path, rule.name) == (("/a", "/b/{id}"), "both")
    assert (refusal(text).line, refusal(text).rule) == (2, "rule 1")
    assert "needs a name" in str(refusal(text))
    late = refusal(text + 'methods = "get"\nname = "both"\n')
    assert (late.line, late.rule) == (4, "both"), "the path is not to blame"
