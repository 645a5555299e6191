"""Which requests a rule is about, by their path: the same over ASGI and WSGI."""

from __future__ import annotations

import itertools
import re
import string
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from ratelimit_ddb.web.rules.path import fits_below_mounts_of
from tests.web.exchange import Get, Limited

CASES = {
    "/": {"/": True, "/a": False, "//": True, "": True, "/\n": True},
    "/login": {
        "/login": True,
        "/login/": True,
        "/login//": True,
        "//login": True,
        "login": True,
        "/login\n": True,
        "/login/\n": True,
        "/login\n/": True,
        "/Login": True,
        "/LOG\u0130N": True,
        "/logi": False,
        "/logins": False,
        "/loginX": False,
        "/loginX/": False,
        "/login/a": False,
        "/a/login": False,
        "/\nlogin": False,
        "/login\r": False,
        "/login ": False,
        "/login\n\n": False,
        "/login;a=b": False,
        "/./login": True,
        "/a/../login": True,
        "/../login/.": True,
        "/login/..": False,
        "/login/../a": False,
        "\\login": False,
        "": False,
    },
    "/login/": {"/login": True, "/login/": True, "/login/a": False},
    "/users/{id}": {
        "/users/1": True,
        "/users/1/": True,
        "/users/käse": True,
        "/users/a b": True,
        "/users/a\nb": True,
        "/users/1\n": True,
        "/users/\n": True,
        "/users/": True,
        "/users//": True,
        "/users": False,
        "/users/1/posts": False,
    },
    "/users/{id:int}": {
        "/users/42": True,
        "/users/42\n": True,
        "/users/٣": True,
        "/users/-1": True,
        "/users/+1": True,
        "/users/5_0": True,
        "/users/ 5 ": True,
        "/users/\u20035": True,
        "/users/42a": False,
        "/users/²": False,
        "/users/5.0": True,
        "/users/": False,
        "/users//": False,
    },
    "/prices/{price:float}": {
        "/prices/1.5": True,
        "/prices/1": True,
        "/prices/-1_0.5e-3": True,
        "/prices/inf": True,
        "/prices/-Infinity": True,
        "/prices/nan": True,
        "/prices/\u0661.\u0665": True,
        "/prices/x": False,
        "/prices/": False,
    },
    "/objects/{id:uuid}": {
        "/objects/12345678-1234-5678-1234-56781234567f": True,
        "/objects/1234567812345678123456781234567F": True,
        "/objects/{12345678-1234-5678-1234-567812345678}": True,
        "/objects/urn:uuid:12345678-1234-5678-1234-567812345678": True,
        "/objects/0x345678123456781234567812345678": True,
        "/objects/me": False,
        "/objects/": False,
    },
    "/posts/{post:slug}": {"/posts/a-B_1": True, "/posts/a.b": False, "/posts/": False},
    "/users/{id:str}": {"/users/42": True, "/users/a/b": False, "/users/": True},
    "/days/{day:date}": {"/days/2024-02-29": True, "/days/2024/02": False},
    "/{id}": {"/1": True, "/1/": True, "/": True, "": True, "*": True, "/1/2": False},
    "/{id}/": {"/1": True, "/1/": True, "/": True},
    "/Xa": {"//Xa": True, "///a": False, "//a": False},
    "/b/aX": {"/b//aX": True, "/b//aXX": False, "/b//a": False},
    "/a/b": {"/a//b/": True, "/a//b ": False, "/a/": False},
    "/a/b/{x}": {"/a/b/1": True, "/a/1": False, "/a/b": False},
    "/a/{x}/b": {
        "/a//b": True,
        "//a//b": True,
        "/a//b\n": True,
        "/a//\n/b": True,
        "/a///b": False,
    },
    "/{a}/c/d": {"/\n//c\n/d": True, "/\n/c\n//d": True, "/\n//c\nx/d": False},
    "/{id}/{post}/": {"/\n/2": True, "/1//\n/": True, "/1///": True, "/1/\n//": True},
    "/{id}/{post}": {"/1/2": True, "/1": False, "/1/": True, "/1/2/3": False, "//1": False},
    "/users/{id}.json": {
        "/users/1.json": True,
        "/users/.json": True,
        "/users/1.json\n": True,
        "/users/1": False,
        "/users/1.json/a": False,
    },
    "/users/{id}/posts/{post:int}": {
        "/users/u/posts/7": True,
        "/users//posts/7": True,
        "/users//posts/7/": True,
        "/users/u//posts/7": True,
        "/users/posts/7": False,
        "/users/u/posts/x": False,
    },
    "/{name}.json/a": {"/b.json/a": True, "/b.json\n/a": True, "/b.jsonx/a": False},
    "/v{major:int}.{minor:int}/a": {
        "/v1.12/a": True,
        "/v1.1\n/a": True,
        "/v1/a": False,
        "/v1x12/a": False,
        "/v1.x/a": False,
    },
    "/a/{slug}-{id:int}": {
        "/a/title-5": True,
        "/a/my-title-5": True,
        "/a/my-title--5": True,
        "/a/my-title-5\n": True,
        "/a/my-title-x": False,
        "/a/my-title": False,
        "/a/my/title-5": False,
    },
    "/a/{x}{y:int}": {"/a/b5": True, "/a/\xe9\u0663": True, "/a/5": True, "/a/b": False},
    "/{a}-{b}-{c}": {"/1-2-3": True, "/-1-2-3-": True, "/1-2": False},
    "/{a:int}-{b:int}/{c:int}:{d}": {"/1--2/3:4:5": True, "/1-2/x:4": False},
    "/api/*": {
        "/api": True,
        "/api/": True,
        "/api/a": True,
        "/api/a/b/": True,
        "/api/a\nb": True,
        "/api\n": True,
        "/apis": False,
        "/a/api/b": False,
    },
    "/files/{rest:path}": {"/files": True, "/files/a/b": True, "/filesystem": False},
    "/files{rest:path}": {"/files": True, "/files/a/b": True, "/filesystem": True, "/file": False},
    "/pages/{page:path}/edit": {
        "/pages/a/edit": True,
        "/pages/a/b//c/edit/": True,
        "/pages/a/edit/edit": True,
        "/pages/edit": True,
        "/pages//edit": True,
        "/pages/a/edit\n": True,
        "/pagesa/edit": False,
        "/pages/a/edits": False,
        "/pages/a/edit/b": False,
    },
    "/{a:path}/x/{b:path}/y": {
        "/x/y": True,
        "/1/2/x/3/y": True,
        "/x/x/y/y": True,
        "/1/y": False,
        "/1/x/y/z": False,
    },
    "/{a:path}{b:path}/x": {"///x": True, "//a/x": True, "/x": True, "/a/xy": False},
    "/{a:path}.{b}": {"/1/2.3": True, "/.": True, "/1/2": False, "/1.2/3": False},
    "/users/{id}/*": {
        "/users/1": True,
        "/users/1/a/b": True,
        "/users/1/a\nb": True,
        "/users": False,
        "/users/1\n": True,
    },
    "/users/{id}-{n:int}/*": {
        "/users/1-1": True,
        "/users/1-1/a/b": True,
        "/users/1-1a": False,
        "/users/1": False,
    },
    "/*": {"/": True, "": True, "/a/b": True, "*": True},
    "/a.b": {"/a.b": True, "/axb": False},
    "/a+(b)$c;d=e,f:g@h!i'j": {"/a+(b)$c;d=e,f:g@h!i'j": True, "/a": False, "/aa": False},
    "/proxy/http://{url:path}": {"/proxy/http://a/b": True, "/proxy/ftp://a": False},
    "/x/{path:path}": {"/x/a": True},
    "/x/{int:int}": {"/x/5": True, "/x/a": False},
    "/$batch": {"/$batch": True},
    "/a b": {"/a b": True, "/a%20b": False},
    "/100%": {"/100%": True},
    "/käse": {"/käse": True, "/kase": False, "/k%C3%A4se": False},
    "/é": {"/e\u0301": False, "/É": True},
    "/Straße/{Name}/Ort": {
        "/STRASSE/x/ort": True,
        "/STRA\u1e9eE//ORT": True,
        "/strase/x/ort": False,
    },
    "/static/private/*": {
        "/static/public/../private/a": True,
        "/static/./private//a": True,
        "/static/private/../public/a": True,
        "/static/public/a": False,
    },
    "/.well-known/{name}": {"/.well-known/a": True, "/well-known/a": False},
}


def test_p15_letters_are_the_same_as_a_regular_expression_compares_them() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    for letter in string.ascii_lowercase:
        for same in re.findall(letter, every, re.IGNORECASE):
            assert Rule(f"/{letter}", "1/hour").matches(f"/{same}"), hex(ord(same))


@pytest.mark.parametrize("pattern", CASES)
def test_p15_patterns(limited: Limited, pattern: str) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule(pattern, "99/hour")])
    matched = {path: "ratelimit" in ask(Get(path)).headers for path in CASES[pattern]}
    assert matched == CASES[pattern]
    assert {path: Rule(pattern, "1/hour").matches(path) for path in matched} == matched


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (5, "path 5: must be a str such as '/api/*'"),
        (None, "path None"),
        ("", "path '': a pattern begins with '/'"),
        ("login", "path 'login': a pattern begins with '/'"),
        ("*", "path '*': a pattern begins with '/'"),
        ("/api*", "'*' stands only as the last segment"),
        ("/*/a", "'*' stands only as the last segment"),
        ("/a/*/b", "write '{name}' for one segment or '{name:path}'"),
        ("/a/**", "'*' stands only as the last segment"),
        ("/a/**/b", "'*' stands only as the last segment"),
        ("/a/*/", "'*' stands only as the last segment"),
        ("/{", "a parameter is written '{name}'"),
        ("/}", "a parameter is written '{name}'"),
        ("/{}", "a parameter is written '{name}'"),
        ("/{1}", "a parameter is written '{name}'"),
        ("/{a b}", "a parameter is written '{name}'"),
        ("/}{a}", "path '/}{a}': a parameter is written '{name}'"),
        ("/{a}}", "path '/{a}}': a parameter is written '{name}'"),
        ("/{ a }", "a parameter is written '{name}'"),
        ("/{{a}}", "a parameter is written '{name}'"),
        ("/{a", "a parameter is written '{name}'"),
        ("/{a..}", "a parameter is written '{name}'"),
        ("/{a:INT}", "unknown converter 'INT'"),
        ("/{a:integer}", "unknown converter 'integer'; expected one of str, int, float, uuid"),
        ("/{a:year}", "or '{a}' for any text of one segment"),
        ("/{a:my_year}", "unknown converter 'my_year'; expected one of str, int"),
        ("/{a:int(2)}", "'{a:int(2)}' is another notation; write '/{a:int}'"),
        ('/{a:dt("%Y-%d")}', "write '/{a:dt}'"),
        ("/{a:mine(1)}/{b:path(2)}", "write '/{a}/{b:path}'"),
        ("/items/:id?", "write '/items/{id}'"),
        ("GET /items/:id?x=1", "the method is given as methods=; write '/items/{id}'"),
        ("https://h/<int:id>#x", "a pattern has no scheme and no host; write '/{id:int}'"),
        ("https://h/[id]", "no scheme and no host; that leaves path '/[id]': '[' belongs to"),
        ("/a%23b", "no pattern has what this one stands for; write '{name}' there"),
        ("/a%2520b", "no pattern has what this one stands for; write '{name}' there"),
        ("/%3Cint:id%3E", "no pattern has what this one stands for; write '{name}' there"),
        ("/items/<id>", "write '/items/{id}'"),
        ("/items/<int:id>", "'<int:id>' is another notation; write '/items/{id:int}'"),
        ("/<path:page>/edit", "write '/{page:path}/edit'"),
        ("/<slug:post>/<uuid:id>", "write '/{post:slug}/{id:uuid}'"),
        ("/<string:a>-<float:b>", "write '/{a}-{b:float}'"),
        ("/<string(length=2):lang>", "write '/{lang}'"),
        ("/<int(min=1, max=9):id>", "write '/{id:int}'"),
        ("/<any(a, b):choice>", "write '/{choice}'"),
        ("/items/:id", "':id' is another notation; write '/items/{id}'"),
        ("/:a/:b", "write '/{a}/{b}'"),
        ("/items/${id}", "'${' is another notation; write '/items/{id}'"),
        ("/items/{int:id}", "write '/items/{id:int}'"),
        ("/items/%s", "'%s' is another notation; write '/items/{name}'"),
        ("/items/%d/edit", "write '/items/{name}/edit'"),
        ("/items/%(id)s", "write '/items/{id}'"),
        ("/files/{*rest}", "write '/files/{rest:path}'"),
        ("/files/{**rest}", "write '/files/{rest:path}'"),
        ("/files/{rest...}", "write '/files/{rest:path}'"),
        ("/items/{id?}", "a parameter is written '{name}'"),
        ("/items/<int:id", "a parameter is written '{name}'"),
        ("/items/id>", "a parameter is written '{name}'"),
        (r"/items/\d+", r"'\\d' belongs to a regular expression"),
        (r"/items/(?P<id>\d+)", "regular expression"),
        (r"/items/{id:\d+}", "regular expression"),
        ("/items/[0-9]+", "regular expression"),
        ("/items/[id]", "write '{name}' for any one segment"),
        ("/(a|b)", "regular expression"),
        ("/login$", "regular expression"),
        ("/login$/", "regular expression"),
        ("/^login", "regular expression"),
        ("/files/.*", "'.*' belongs to a regular expression"),
        ("/files/.+", "a last '*' for everything below"),
        ("^/login", "a pattern begins with '/'"),
        ("/search?q=", "'?' begins the query, which is no part of it; write '/search'"),
        ("/search?q={q}", "write '/search'"),
        ("/login/?", "write '/login/'"),
        ("/page#top", "'#' begins the fragment, which is no part of it; write '/page'"),
        ("/a%20b", "paths are compared percent-decoded; write '/a b'"),
        ("/caf%C3%A9", "write '/café'"),
        ("/caf%c3%a9/{id:int}", "write '/café/{id:int}'"),
        ("/%C3/a", "its percent-encoded text is not UTF-8"),
        ("/login ", "white space at the end is part of no path; write '/login'"),
        ("/login\n", "write '/login'"),
        ("/a\tb", r"'\t' can't stand in a pattern"),
        ("/a\x00", r"'\x00' can't stand in a pattern"),
        ("/a\u200ab", r"'\u200a' can't stand in a pattern"),
        ("/login\u200b", r"'\u200b' can't stand in a pattern"),
        ("/log\xadin", r"'\xad' can't stand in a pattern"),
        ("/\u202alogin\u202c", r"'\u202a' can't stand in a pattern"),
        ("/\ufefflogin", r"'\ufeff' can't stand in a pattern"),
        ("/a\udc80", r"'\udc80' can't stand in a pattern"),
        ("/./a", "'.' and '..' can't be segments"),
        ("/a/../b", "'.' and '..' can't be segments"),
        ("/a/..", "'.' and '..' can't be segments"),
        ("https://example.com/login", "a pattern has no scheme and no host; write '/login'"),
        ("http://example.com", "write '/'"),
        ("//example.com/login", "write '/login'"),
        ("//localhost:8000/a/b", "write '/a/b'"),
        (
            "/ab" * 700,
            "path '/ab/ab/ab/ab/ab/ab/ab/ab/ab/ab'...: must have at most 2000 characters",
        ),
        ("/" + "$" * 1_900 + "{a}", "write '/{a}'"),
        ("/%" + "25" * 900 + "41", "no pattern has what this one stands for"),
        ("//a.b" * 390 + "/login", "a pattern has no scheme and no host; write '/login'"),
        ("GET /login", "the method is given as methods=; write '/login'"),
        ("GET,POST /login", "the method is given as methods=; write '/login'"),
    ],
)
def test_p15_a_pattern_that_could_match_nothing_is_refused(pattern: str, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(told)) as refused:
        Rule(pattern, "1/hour")
    named = pattern[:30] if len(str(pattern)) > 2000 else pattern
    assert str(refused.value).startswith(f"path {named!r}")


@pytest.mark.parametrize(
    "pattern",
    [
        "/100%",
        "/" + "a" * 1_999,
        "/%silver",
        "/\u0646\u200c\u0647",
        "/a\u200db",
        "/$metadata",
        "/@{user}",
        "/c++/v1:x",
    ],
)
def test_what_paths_do_have_may_stand_in_a_pattern(pattern: str) -> None:
    assert Rule(pattern, "1/hour").matches(pattern.replace("{user}", "ada"))


LITERAL = st.text(
    st.characters(
        codec="utf-8", categories=["L", "N", "S", "P"], exclude_characters=r"/{}*\^|[]<>?#%$:."
    ),
    min_size=1,
    max_size=8,
)
PATH = st.lists(LITERAL, max_size=4).map(lambda segments: "/" + "/".join(segments))


@given(PATH, PATH)
def test_a_plain_pattern_means_itself_alone(pattern: str, path: str) -> None:
    rule = Rule(pattern, "1/hour")
    assert rule.matches(pattern)
    assert rule.matches(path) == (path == pattern)


@given(st.lists(LITERAL, min_size=1, max_size=6), st.data())
def test_a_parameter_means_one_segment(segments: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(segments) - 1))
    pattern = "/" + "/".join([*segments[:index], "{any}", *segments[index + 1 :]])
    rule = Rule(pattern, "1/hour")
    assert rule.matches("/" + "/".join(segments))
    assert not rule.matches("/" + "/".join([*segments, "more"]))
    if index:  # in front, slashes are never counted
        assert rule.matches("/" + "/".join([*segments[:index], "", *segments[index + 1 :]]))
    if len(segments) > 1:
        assert not rule.matches("/" + "/".join(segments[:-1]))


@given(PATH, PATH)
def test_a_star_means_all_below(pattern: str, path: str) -> None:
    pattern, path = pattern.rstrip("/"), path.rstrip("/")
    rule = Rule(f"{pattern}/*", "1/hour")
    assert rule.matches(pattern)
    assert rule.matches(pattern + path)
    assert rule.matches(path) == (path == pattern or path.startswith(f"{pattern}/"))


class Piece(NamedTuple):
    """A piece of a pattern, as it is written, and the texts that the oracle lets it be."""

    written: str
    may_be: Callable[[str], bool]


def literal(text: str) -> Piece:
    return Piece(text, lambda found: found == text)


ANY = Piece("{p}", lambda text: "/" not in text)
NUMBER = Piece("{p:int}", lambda text: text != "" and set(text) <= set("15-٣ .\n"))
PATHS = Piece("{p:path}", lambda _text: True)
PIECES = st.sampled_from([literal("a"), literal("-"), literal("a-"), ANY, NUMBER, PATHS])
PATTERN = st.lists(st.lists(PIECES, min_size=1, max_size=4), min_size=1, max_size=3)


def fits(pieces: list[Piece], text: str) -> bool:
    """Every way to split the text among the pieces, one after the other."""
    if not pieces:
        return text == ""
    first, *others = pieces
    return any(
        first.may_be(text[:end]) and fits(others, text[end:]) for end in range(len(text) + 1)
    )


def flattened(segments: list[list[Piece]]) -> Iterator[list[Piece]]:
    """The pattern with and without each segment that is any number of segments."""
    choices = [
        [True, False] if {piece.written for piece in segment} == {PATHS.written} else [True]
        for segment in segments
    ]
    for chosen in itertools.product(*choices):
        kept = [segment for segment, is_kept in zip(segments, chosen, strict=True) if is_kept]
        yield [piece for segment in kept for piece in (literal("/"), *segment)]


def read_by_some_router(path: str) -> Iterator[str]:
    """What routers make of slashes and line feeds, each in its own way."""
    whole = "/" + path.lstrip("/")
    for read in (whole, re.sub("/+", "/", whole)):
        dropped = "/".join(segment.removesuffix("\n") for segment in read.split("/"))
        yield dropped
        yield dropped.removesuffix("/")
        yield dropped.removesuffix("/").removesuffix("/")
        yield "".join(f"/{segment}" for segment in dropped.split("/") if segment)


@settings(max_examples=400)
@given(PATTERN, st.text("a-5٣/\n", max_size=9).map("/".__add__))
@example([[ANY, literal("-"), NUMBER]], "/my-title-5")
@example([[PATHS], [literal("a")]], "/a")
@example([[literal("a")], [ANY], [literal("a")]], "/a//a/")
@example([[ANY], [literal("a")]], "/\n/a")
@example([[ANY], [PATHS, PATHS, PATHS]], "/")
def test_p15_whatever_the_split_a_pattern_is_what_trying_all_of_them_finds(
    segments: list[list[Piece]], path: str
) -> None:
    written = "".join("/" + "".join(piece.written for piece in segment) for segment in segments)
    expected = any(
        fits(pieces, text) for pieces in flattened(segments) for text in read_by_some_router(path)
    )
    assert Rule(written, "1/hour").matches(path) == expected


HOSTILE = {
    "/{a}-{b}-{c}-{d}-{e}-{f}.json": "/" + "-" * 40_000 + "/y",
    "/{a}-{b:int}-{c}-{d:int}": "/" + "1-" * 20_000 + "x",
    "/{a}{b}x": "/" + "y" * 40_000,
    "/{a}{b}{c}{d}x": "/" + "y" * 40_000,
    "/{a:path}x/{b:path}y": "/" + "x/" * 20_000 + "x",
    "/{a:path}/x/{b:path}/x/{c:path}/x/y": "/x" * 20_000,
    "/{a:path}a{b:path}a{c:path}b": "/" + "a" * 40_000,
    "/{a}a/{b}a/{c}a/{d}a/x": "/" + "/".join(["a" * 10_000] * 4) + "/y",
    "/{a:int} 1/{b:int} 1/x": "/" + " 1" * 10_000 + "/" + " 1" * 10_000 + "/y",
    "/{a}/{b}/{c}/{d}/x": "/" * 40_000,
    "/login": "/login" + "\n" * 40_000 + "x",
    "/a/*": "//" * 20_000,
}


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_path_costs_no_more_for_each_character_than_a_short_one(pattern: str) -> None:
    # 16 times the length may take 16 times the CPU, and four times that where caches are busy; with
    # one split tried after another it would be 256 times, or would not come to an end.
    rule = Rule(pattern, "1/hour")
    whole = HOSTILE[pattern]

    def seconds(path: str) -> float:
        spent = []
        for _ in range(5):
            begin = time.thread_time()
            assert not rule.matches(path)
            spent.append(time.thread_time() - begin)
        return min(spent)

    short = whole[: len(whole) // 16 - 1] + whole[-1]
    assert seconds(whole) < 64 * max(seconds(short), 20e-6)


def test_below_mounts_the_first_segment_is_compared_as_a_whole() -> None:
    fits = fits_below_mounts_of("/sers/users/{id}")
    assert fits(("/sers/users/5",)) is False, "only what a mount may have left is meant"
    assert fits(("/users/5",)) is False
    assert fits_below_mounts_of("/{tenant}/users/{id}")(("/users/5",)) is True
    assert fits_below_mounts_of("/{tenant}/users/*")(("/users/5/posts",)) is True


@pytest.mark.parametrize("pattern", ["/{id}}", "/a}/{id}", "/{id}{", "/a{/b"])
def test_a_stray_brace_is_refused_with_the_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"path {pattern!r}: a parameter is written")):
        Rule(pattern, "1/hour")
