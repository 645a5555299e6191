"""Which requests a rule is about, by their path: the same over ASGI and WSGI."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from tests.web.exchange import Get, Limited

CASES = {
    "/": {"/": True, "/a": False, "//": True},
    "/login": {
        "/login": True,
        "/login/": True,
        "/login//": True,
        "/Login": False,
        "/logi": False,
        "/logins": False,
        "/login/a": False,
        "/a/login": False,
        "/login\n": False,
        "/login ": False,
        "": False,
    },
    "/login/": {"/login": True, "/login/": True, "/login/a": False},
    "/users/{id}": {
        "/users/1": True,
        "/users/1/": True,
        "/users/käse": True,
        "/users/a b": True,
        "/users/a\nb": True,
        "/users/": False,
        "/users": False,
        "/users/1/posts": False,
        "/users//": False,
    },
    "/users/{id:int}": {
        "/users/42": True,
        "/users/42a": False,
        "/users/٣": False,
        "/users/-1": False,
    },
    "/users/{id:str}": {"/users/42": True, "/users/a/b": False, "/users/": False},
    "/{id}": {"/1": True, "/1/": True, "/": False, "": False, "*": False, "/1/2": False},
    "/{id}/": {"/1": True, "/1/": True, "/": False},
    "/{id}/{post}": {"/1/2": True, "/1": False, "/1/2/3": False},
    "/users/{id}.json": {"/users/1.json": True, "/users/1": False, "/users/.json": False},
    "/users/{id}/posts/{post:int}": {
        "/users/u/posts/7": True,
        "/users/u/posts/x": False,
        "/users//posts/7": False,
    },
    "/v{major:int}.{minor:int}/a": {"/v1.12/a": True, "/v1/a": False, "/v1x12/a": False},
    "/api/*": {
        "/api": True,
        "/api/": True,
        "/api/a": True,
        "/api/a/b/": True,
        "/api/a\nb": True,
        "/apis": False,
        "/a/api/b": False,
    },
    "/files/{rest:path}": {"/files": True, "/files/a/b": True, "/filesystem": False},
    "/users/{id}/*": {
        "/users/1": True,
        "/users/1/a/b": True,
        "/users": False,
        "/users/1\n": True,
    },
    "/*": {"/": True, "": True, "/a/b": True, "*": True},
    "/a.b": {"/a.b": True, "/axb": False},
    "/a+(b)|[c]^$": {"/a+(b)|[c]^$": True, "/a": False, "/aa": False},
    "/käse": {"/käse": True, "/kase": False, "/k%C3%A4se": False},
    "/é": {"/e\u0301": False},
}


@pytest.mark.parametrize("pattern", CASES)
def test_patterns(limited: Limited, pattern: str) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule(pattern, "99/hour")])
    matched = {path: "ratelimit" in ask(Get(path)).headers for path in CASES[pattern]}
    assert matched == CASES[pattern]


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (5, "path 5: a text such as '/api/\\*' is needed"),
        (None, "path None"),
        ("", "path '': a pattern begins with '/'"),
        ("login", "path 'login': a pattern begins with '/'"),
        ("*", "path '\\*': a pattern begins with '/'"),
        ("/api*", "'\\*' stands only as the last segment"),
        ("/*/a", "'\\*' stands only as the last segment"),
        ("/a/**", "'\\*' stands only as the last segment"),
        ("/a/*/", "'\\*' stands only as the last segment"),
        ("/{", "a parameter is written '{name}'"),
        ("/}", "a parameter is written '{name}'"),
        ("/{}", "a parameter is written '{name}'"),
        ("/{1}", "a parameter is written '{name}'"),
        ("/{a b}", "a parameter is written '{name}'"),
        ("/{a:INT}", "a parameter is written '{name}'"),
        ("/{a:uuid}", "'{a:uuid}' can't stand there"),
        ("/{a:path}/b", "'{a:path}' can't stand there"),
        ("/x{a:path}", "'{a:path}' can't stand there"),
    ],
)
def test_a_pattern_that_is_none_is_told(pattern: str, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        Rule(pattern, "1/hour")


SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="/{}*"), min_size=1, max_size=8)
PATH = st.lists(SEGMENT, max_size=4).map(lambda segments: "/" + "/".join(segments))


@settings(deadline=None)
@given(PATH, PATH)
def test_a_plain_pattern_means_itself_alone(pattern: str, path: str) -> None:
    rule = Rule(pattern, "1/hour")
    assert rule.matches(pattern.rstrip("/"))
    assert rule.matches(path.rstrip("/")) == (path.rstrip("/") == pattern.rstrip("/"))


@settings(deadline=None)
@given(st.lists(SEGMENT, min_size=1, max_size=6), st.data())
def test_a_parameter_means_one_segment(segments: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(segments) - 1))
    pattern = "/" + "/".join([*segments[:index], "{any}", *segments[index + 1 :]])
    rule = Rule(pattern, "1/hour")
    assert rule.matches("/" + "/".join(segments))
    assert not rule.matches("/" + "/".join([*segments, "more"]))
    assert not rule.matches("/" + "/".join(segments[:-1]))


@settings(deadline=None)
@given(PATH, PATH)
def test_a_star_means_all_below(pattern: str, path: str) -> None:
    pattern, path = pattern.rstrip("/"), path.rstrip("/")
    rule = Rule(f"{pattern}/*", "1/hour")
    assert rule.matches(pattern)
    assert rule.matches(pattern + path)
    assert rule.matches(path) == (path == pattern or path.startswith(f"{pattern}/"))


def test_a_hostile_path_is_read_once() -> None:
    # With one way tried after another this would not come to an end.
    matches = Rule("/{a}-{b}-{c}-{d}-{e}-{f}.json", "1/hour").matches
    assert not matches("/" + "-" * 20_000 + "/y")
    assert matches("/1-2-3-4-5-6-7.json")


def test_parameters_need_a_text_between_them() -> None:
    with pytest.raises(ValueError, match="two parameters need a text between them"):
        Rule("/{a}{b}", "1/hour")
