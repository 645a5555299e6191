"""Whatever is in a rules file, it is rules or a RulesError."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ratelimit_ddb import Limit
from ratelimit_ddb.web import Rule, RulesError, RulesFile
from ratelimit_ddb.web.rules.path import fits_of
from ratelimit_ddb.web.rules.rules_toml import rules_of_toml

FUNCTIONS: Mapping[str, Any] = {"f": lambda _request: None}
LARGE = "0x" + "f" * 20_000
"""An integer of which Python makes no text."""

scalars = st.sampled_from(
    [
        *(
            '"/"',
            "'/api/{id:int}'",
            "'/a}'",
            "'1/second'",
            "'POST'",
            "'address'",
            "'f'",
            "''",
            "'é'",
        ),
        *("0", "-1", "1.5", "nan", "-inf", "1e400", "true", "1979-05-27", "07:32:00", LARGE),
        *("9223372036854775808", "'" + "x" * 300 + "'", "'\\u0000'", '"\\u0000"', "'a b'", "'*'"),
    ]
)
KEYS = (
    *("path", "methods", "limits", "by", "name", "scope", "cost", "exempt", "enforce", "default"),
    *("lease", "messages", "header", "cookie", "function", "otherwise", "digest", "address"),
    *("trusted-hops", "trusted", "field", "ipv4-prefix", "session-user", "other", "rules", "rule"),
)
keys = st.sampled_from(KEYS)


def tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.dictionaries(keys, values, max_size=3)
    return pairs.map(
        lambda given: "{" + ", ".join(f"{key} = {value}" for key, value in given.items()) + "}"
    )


values = st.recursive(
    scalars,
    lambda inner: (
        tables(inner) | st.lists(inner, max_size=3).map(lambda several: f"[{', '.join(several)}]")
    ),
    max_leaves=5,
)
statements = st.tuples(keys, values).map(" = ".join)
VALID = {"path": "'/'", "limits": "'1/second'"}
rules_with = st.dictionaries(keys, values, max_size=3).map(
    lambda given: "[[rule]]\n" + "\n".join(f"{key} = {one}" for key, one in (VALID | given).items())
)
contents = (
    rules_with.map(str.encode)
    | st.tuples(statements, rules_with).map("\n".join).map(str.encode)
    | st.lists(
        st.sampled_from(
            [
                *(
                    "[[rule]]",
                    "[rule]",
                    "[rule.by]",
                    "\n",
                    "\r\n",
                    "\r",
                    "=",
                    "#",
                    '"""',
                    "'''",
                    "[",
                    "]",
                ),
                *("path", " = ", '"/"', "{", "}", ",", "\\", "\x00", "\ufeff", ".", "rules = 1"),
            ]
        )
        | statements,
        max_size=12,
    )
    .map("".join)
    .map(str.encode)
    | st.binary(max_size=40)
)


def rules_or_error(content: bytes) -> tuple[Rule, ...] | RulesError:
    try:
        return rules_of_toml(content, "rules.toml", FUNCTIONS)
    except RulesError as error:
        return error


@given(contents)
@example(f"rule = [{LARGE}]".encode())
@example(f"rules = {LARGE}\n[[rule]]\npath = '/'\nlimits = '1/s'".encode())
@example(f"other = {LARGE}".encode())
@example(b"[[rule]]\npath = " + b"[" * 320 + b"]" * 320 + b"\nlimits = '1/s'")
@example(b"[[rule]]\npath = " + b"[" * 20_000)
def test_any_content_is_rules_or_a_rules_error(content: bytes) -> None:
    found = rules_or_error(content)
    if isinstance(found, RulesError):
        assert str(found).startswith("rules.toml")
        assert found.line is None or 1 <= found.line <= content.count(b"\n") + 1
    else:
        assert all(isinstance(rule, Rule) for rule in found)


def test_a_large_integer_is_told_with_its_rule_and_line() -> None:
    content = f"[[rule]]\npath = '/'\nname = 'login'\nlimits = '1/s'\ncost = {LARGE}\n".encode()
    with pytest.raises(RulesError, match=r"^r:5: rule 'login': an integer must fit in 64 bits$"):
        rules_of_toml(content, "r", {})


@pytest.mark.parametrize("bound", ["9223372036854775807", "-9223372036854775808"])
def test_an_integer_of_64_bits_is_judged_by_its_key(bound: str) -> None:
    content = f"[[rule]]\npath = '/'\nlimits = '1/s'\ncost = {bound}\n".encode()
    with pytest.raises(RulesError, match="cost"):
        rules_of_toml(content, "r", {})


def test_a_file_that_gets_a_large_integer_leaves_the_old_rules_in_force(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[[rule]]\npath = '/'\nlimits = '1/s'\n")
    told: list[object] = []
    rules = RulesFile(file, check_seconds=0, on_reload=told.append)
    before = rules.current()
    file.write_text(f"rule = [{LARGE}]\n")
    assert rules.current() == before
    assert [type(one) for one in told] == [RulesError]


NOTATION = [
    "1",
    "10",
    " ",
    "/",
    "per",
    "second",
    "s",
    "burst",
    "k",
    "and",
    ",",
    ".5",
    "_000",
    "months",
]


@given(st.lists(st.sampled_from(NOTATION), max_size=10).map("".join) | st.text(max_size=20))
def test_any_notation_is_a_limit_or_a_value_error(notation: str) -> None:
    with contextlib.suppress(ValueError):
        Limit.parse(notation)


PATTERN = [
    "/",
    "{",
    "}",
    "id",
    ":int",
    ":path",
    "*",
    "<int:id>",
    ":id",
    "%20",
    "?",
    "#",
    "\\d",
    "é",
    "\ud800",
]


@given(
    st.lists(st.sampled_from(PATTERN), max_size=8).map("".join) | st.text(max_size=12),
    st.text(max_size=12),
)
def test_any_pattern_is_matched_or_a_value_error(pattern: str, path: str) -> None:
    with contextlib.suppress(ValueError):
        fits_of(pattern)("/" + path)


@pytest.mark.parametrize("large", [str(2**63), str(-(2**63) - 1)])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("[[rule]]\npath = '/'\nlimits = '1/s'\ncost = {}\n", 4),
        ("[[rule]]\npath = '/'\nlimits = '1/s'\n\n[other]\nkey = [{{a = {}}}]\n", 5),
    ],
)
def test_an_integer_of_more_than_64_bits_is_told_where_it_is(
    content: str, line: int, large: str
) -> None:
    error = rules_or_error(content.format(large).encode())
    assert isinstance(error, RulesError)
    assert "an integer must fit in 64 bits" in str(error)
    assert error.line == line
