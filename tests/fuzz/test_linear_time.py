"""Four times the input takes four times the steps, and not sixteen: no input is a weapon.

Steps of regular expressions and lines of Python are counted (``steps``), since time is anybody's on
a busy machine. Where one C function does all the work, the processor's time is compared.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratelimit_ddb import Limit, Quota
from ratelimit_ddb.web.identity.client_address import client_address
from ratelimit_ddb.web.identity.identity import bearer_claim, cookie, header
from ratelimit_ddb.web.request import of_scope
from ratelimit_ddb.web.response import accept
from ratelimit_ddb.web.rules.path import fits_of, spellings
from ratelimit_ddb.web.rules.path_notation import segments_of
from ratelimit_ddb.web.rules.rules_toml import rules_of_toml
from sessions.authorization import bearer_token_in
from sessions.cookie.cookie import Cookie
from sessions.cookie.token import Tokens
from sessions.values.values import require_storable
from tests.fuzz.steps import CountedPatterns, Counter, CountingPattern, deep_calls, lines_run

TIMES = 48
FAR_MORE_THAN_LINEAR = 6.0
"""Between 4, which is linear, and 16, which is quadratic."""
OVERHEAD = 400
"""Steps that do not grow."""


def request_with(**fields: str) -> Any:
    headers = [
        (name.replace("_", "-").encode(), value.encode("latin-1", "replace"))
        for name, value in fields.items()
    ]
    return of_scope({"type": "http", "path": "/", "headers": headers, "client": ("10.0.0.1", 1)})


def of_cookies(text: str) -> None:
    cookie("sid")(request_with(cookie=text))
    of = Cookie().values_in(text)
    Tokens("s" * 32, "").of_cookies(of)
    request_with(cookie=text).cookie("sid")


def of_authorization(text: str) -> None:
    request = request_with(authorization=text, x_api_key=text)
    header("authorization")(request)
    header("x-api-key")(request)
    bearer_claim("sub", claims=lambda _token: None)(request)
    bearer_token_in([text])


def of_addresses(text: str) -> None:
    for field in ("forwarded", "x-forwarded-for"):
        # All are trusted, so that everything is read.
        identity: Any = client_address(trusted=["0.0.0.0/0", "::/0"], field=field)
        identity(SimpleNamespace(client="10.0.0.1", header=lambda _name: text))


def of_accept(text: str) -> None:
    accept._best.cache_clear()  # what was read before is remembered
    accept.preferred(text, ["application/json", "text/html"])


def of_paths(text: str) -> None:
    patterns = ("/{a}x/{b:int}", "/files/{rest:path}/edit", "/{a}-{b}.{c:int}", "/a/*")
    fits = [fits_of(pattern) for pattern in patterns]
    for path in spellings("/" + text):
        for fit in fits:
            fit(path)


def of_patterns(text: str) -> None:
    with contextlib.suppress(ValueError):
        segments_of(text)
    with contextlib.suppress(ValueError):
        segments_of("/" + text)


READERS: dict[str, tuple[Callable[[str], object], list[str]]] = {
    "cookies": (
        of_cookies,
        [
            "sid",
            "sid=",
            ";",
            "=",
            " ",
            '"',
            "\\",
            "\\1",
            "%",
            "%2",
            "v",
            "\t",
            "\xa0",
            "a" * 43,
            ".",
        ],
    ),
    "authorization": (of_authorization, ["Bearer", "basic", " ", "\t", ",", "a", "=", "\xe9", '"']),
    "addresses": (
        of_addresses,
        [
            '"',
            "\\",
            '\\"',
            ",",
            ";",
            "=",
            " ",
            "\t",
            "[",
            "]",
            ":",
            "for=",
            'for="',
            "1.1.1.1",
            "x",
        ],
    ),
    "accept": (
        of_accept,
        ["text", "/", "*", ";", "q", "=", "0.5", ",", " ", "\t", '"', "\\", "a"],
    ),
    "paths": (of_paths, ["/", "//", "x", "1", "-", ".", "\n", "edit", "a", " "]),
    "patterns": (
        of_patterns,
        [
            "/",
            "{",
            "}",
            "<",
            ">",
            ":",
            "a",
            "int",
            "(",
            ")",
            ".",
            "*",
            "%(",
            "$",
            " ",
            "A,",
            "path",
        ],
    ),
}

PATTERNS = CountedPatterns()

recipes = {
    name: st.tuples(
        st.lists(st.sampled_from(pieces), max_size=3).map("".join),
        st.lists(st.sampled_from(pieces), min_size=1, max_size=3).map("".join),
        st.lists(st.sampled_from([*pieces, "!"]), max_size=3).map("".join),
    )
    for name, (_, pieces) in READERS.items()
}


def steps(read: Callable[[str], object], text: str) -> int:
    with PATTERNS.counted() as counter, deep_calls():
        read(text)
    return counter.steps + lines_run(lambda: read(text))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=250)
@given(data=st.data())
def test_no_text_takes_more_than_a_linear_time(name: str, data: st.DataObject) -> None:
    read, _ = READERS[name]
    before, again, after = data.draw(recipes[name])
    few = steps(read, before + again * TIMES + after)
    many = steps(read, before + again * (4 * TIMES) + after)
    assert many <= FAR_MORE_THAN_LINEAR * few + OVERHEAD, (before, again, after, few, many)


@pytest.mark.parametrize(
    ("name", "before", "again", "after"),
    [
        ("addresses", "for=1.1.1.1;", " ", "x"),
        ("addresses", 'for="', "\\", '"'),
        ("addresses", "", 'for="\\",', ""),
        ("cookies", 'sid="', "\\", ""),
        ("cookies", "sid", " ", "x"),
        ("accept", "text/html;a=", '"\\', ""),
        ("patterns", "//", ".", "{"),
        ("patterns", "", "A,", " "),
        ("patterns", "", "$", "{"),
        ("patterns", "%", "25", "41"),
        ("patterns", "", "//a.b", ""),
        ("paths", "", "x", "y"),
        ("paths", "a", "/", "\n"),
    ],
)
def test_known_traps_take_a_linear_time(name: str, before: str, again: str, after: str) -> None:
    read, _ = READERS[name]
    few = steps(read, before + again * TIMES + after)
    many = steps(read, before + again * (4 * TIMES) + after)
    assert many <= FAR_MORE_THAN_LINEAR * few + OVERHEAD, (few, many)


def test_the_count_tells_a_quadratic_expression() -> None:
    def taken(count: int) -> int:
        counter = Counter()
        CountingPattern(re.compile(r"[ab]*b?[ab]*c"), counter).match("a" * count)
        return counter.steps

    assert taken(4 * TIMES) > 12 * taken(TIMES)


@given(spaces=st.tuples(*[st.integers(0, 60)] * 3), last=st.sampled_from(["", "!", "second", "/"]))
@example((60, 60, 60), "!")
def test_a_limits_notation_has_bounded_steps(spaces: tuple[int, int, int], last: str) -> None:
    text = "1" + " " * spaces[0] + "/" + " " * spaces[1] + last + " " * spaces[2]

    def read(notation: str) -> None:
        with contextlib.suppress(ValueError):
            Limit.parse(notation)

    assert steps(read, text) < 500_000


@pytest.mark.parametrize("digits", ["1" * 5_000, "9" * 201])
def test_a_limit_of_very_many_digits_is_refused_in_words(digits: str) -> None:
    with pytest.raises(ValueError, match="must have at most 200 characters"):
        Limit.parse(digits + "/second")
    with pytest.raises(ValueError, match="must have at most 200 characters"):
        Quota.parse(digits + "/calendar month")
    number = 10 ** len(digits)
    with pytest.raises(ValueError, match="quantity"):
        Limit(number, 1)
    with pytest.raises(ValueError, match="period_seconds"):
        Limit(1, number)
    with pytest.raises(ValueError, match="burst"):
        Limit(1, 1, number)
    with pytest.raises(ValueError, match="quantity"):
        Quota(number, "month")


def seconds(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return min(taken)


def refuse(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        rules_of_toml(content, "rules.toml", {})


def methods(count: int) -> bytes:
    return b"[[rule]]\npath = 5\nmethods = [\n" + b"'GET', # x\n" * count + b"]\nlimits = '1/s'\n"


def test_the_lines_of_mistakes_in_a_long_statement_take_a_linear_time() -> None:
    refuse(methods(10))
    assert seconds(lambda: refuse(methods(8_000))) < 8 * seconds(lambda: refuse(methods(2_000)))


def nested(count: int) -> dict[str, Any]:
    return {"x" * count: [1] * count}


def test_names_in_a_sessions_value_take_a_linear_time() -> None:
    few, many = nested(50_000), nested(200_000)
    assert seconds(lambda: require_storable("k", many)) < 8 * seconds(
        lambda: require_storable("k", few)
    )
