"""Rules as TOML: what they mean, and what is said of those that can't hold."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ratelimit_ddb.web import (
    AccessList,
    Rule,
    client_address,
    cookie,
    everyone,
    header,
    session_user,
)
from ratelimit_ddb.web.rules.rules_toml import rules_of_toml
from tests.web.rules_text import (
    FUNCTIONS,
    NOTATION,
    RULE,
    assert_same,
    is_internal,
    plan_limits,
    refusal,
    rows,
    rules_of,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules.toml"
NEVER = "must be from 1 to the burst of 5; more than the bucket holds could never be admitted"
SHARED = "give one of them a name=, since their buckets are keyed by it"
OUTSIDE = "outside of rules there may be only [[rule]] and rules"
BRACKETS = "rule: each rule begins with [[rule]], in double brackets"
NO_ADDRESS = (
    "networks go by an address, and the rule's by is no address: give the list its "
    "address = { trusted-hops = 1 }"
)
PLURAL = "rules: each rule begins with [[rule]], in the singular"
NONE = "no rules: the file must have at least one [[rule]]"


def test_the_example_means_what_its_comments_say() -> None:
    proxies = client_address(trusted=["10.0.0.0/8", "unix"], field="forwarded", ipv6_prefix=56)
    assert_same(
        rules_of_toml(EXAMPLE.read_bytes(), "rules.toml", FUNCTIONS),
        [
            Rule("/login", "5/minute", methods="POST", name="login"),
            Rule(
                "/api/*",
                ["10/second burst 50", "1000/hour"],
                by=header("x-api-key"),
                exempt=is_internal,
                scope="endpoint",
                name="api",
            ),
            Rule(
                "/login",
                "20/hour",
                methods="POST",
                give_back=["2xx", "3xx"],
                block_after=20,
                block_for="10 minutes",
                up_to="1 day",
                name="failed logins",
            ),
            Rule(
                "/export/{table}",
                plan_limits,
                methods=["GET", "POST"],
                cost=rows,
                by=session_user("user_id", otherwise=cookie("visitor", digest=False)),
                name="export",
            ),
            Rule(
                "/search",
                "2/second burst 10",
                enforce=False,
                by=proxies,
                name="search",
                allow=AccessList(networks=["10.20.0.0/16"]),
                deny=AccessList(networks=["203.0.113.0/24"], keys=["192.0.2.66"]),
            ),
            Rule("/chat", "10/minute", messages="20/second", name="chat"),
            Rule("/*", "2000/second", by=everyone(), name="all"),
        ],
    )


def test_what_is_left_out_is_what_rule_has_for_it() -> None:
    (read,) = rules_of('[[rule]]\npath = "/x"\nlimits = "5/minute"')
    assert_same((read,), [Rule("/x", "5/minute")])


def test_every_key_may_be_given() -> None:
    (read,) = rules_of(
        """
        [[rule]]
        path = "/login"
        methods = ["GET", "POST"]
        limits = ["5/minute", "10/hour"]
        by = "everyone"
        name = "login"
        scope = "endpoint"
        cost = 2
        exempt = { function = "is_internal" }
        enforce = true
        messages = ["20/second", "100/minute"]
        """
    )
    written = Rule(
        "/login",
        ["5/minute", "10/hour"],
        methods=["GET", "POST"],
        by=everyone(),
        name="login",
        scope="endpoint",
        cost=2,
        exempt=is_internal,
        enforce=True,
        messages=["20/second", "100/minute"],
    )
    assert_same((read,), [written])


def test_a_rule_may_be_about_messages_only() -> None:
    (read,) = rules_of('[[rule]]\npath = "/x"\nmessages = "5/minute"')
    assert read.limits is None
    assert read.messages == Rule("/x", messages="5/minute").messages


@pytest.mark.parametrize(
    "text",
    [
        '[[rule]]\npath = "/x"\nlimits = "5/minute"\nby.header = "x-api-key"',
        '[[rule]]\npath = "/x"\nlimits = "5/minute"\n[rule.by]\nheader = "x-api-key"',
        'rule = [{ path = "/x", limits = "5/minute", by = { header = "x-api-key" } }]',
        '\ufeff[["rule"]]\r\n"path" = "/x"\r\nlimits = "5/minute"\r\nby.header = "x-api-key"\r\n',
    ],
    ids=["dotted key", "table of its own", "inline", "byte order mark, quoted keys, CR LF"],
)
def test_any_spelling_that_toml_has_will_do(text: str) -> None:
    assert_same(rules_of(text), [Rule("/x", "5/minute", by=header("x-api-key"))])


# The whole file, the line (None: none is told), the rule, what is said behind both.
FILES: list[tuple[str, int | None, str | None, str]] = [
    ("", None, None, NONE),
    ("# nothing\n", None, None, NONE),
    ("rule = []", None, None, NONE),
    ("\nrule = 5", 2, None, BRACKETS),
    (
        '[[rule]]\npath = "/x"\nlimits = "1/s"\nby = "everyone"\ndeny = { networks = ["::/0"] }',
        5,
        "rule 1",
        f"rule 1: deny: {NO_ADDRESS}",
    ),
    ('\n[[rules]]\npath = "/x"', 2, None, PLURAL),
    ('\n[rules]\npath = "/x"', 2, None, PLURAL),
    ('\n[rule]\npath = "/x"', 2, None, BRACKETS),
    ("rule.path = 1", 1, None, BRACKETS),
    (f"{RULE}[defaults]\nlimits = 1", 4, None, f"unknown key 'defaults'; {OUTSIDE}"),
    (f"scope = 1\n{RULE}", 1, None, f"unknown key 'scope'; {OUTSIDE}"),
    (
        f"rules = 2\n{RULE}",
        1,
        None,
        "rules = 2: there are 1, so the file may be cut off; otherwise write rules = 1",
    ),
    (f"# no\nrules = 0\n{RULE}", 2, None, "rules = 0: there are 1; write rules = 1"),
    (f"rules = '1'\n{RULE}", 1, None, "rules '1': must be the number of the file's rules"),
    (f"rules = true\n{RULE}", 1, None, "rules True: must be the number of the file's rules"),
    (f"{RULE}path =", 4, None, "not TOML: Invalid value (at end of document)"),
    (f"{RULE}x = y\n# z", 4, None, "not TOML: Invalid value (at line 4, column 5)"),
    (f"{RULE}name = [\n\n", 4, None, "not TOML: Invalid value (at end of document)"),
    ('\n[[rule]]\nlimits = "5/minute"', 2, "rule 1", "rule 1: path is required"),
    (
        '[[rule]]\nname = "a"\npath = "/x"',
        1,
        "a",
        "rule 'a': limits, messages or in-flight is required",
    ),
    ("rule = [5]", None, "rule 1", "rule 1: 5: must be a table"),
    (
        '[[rule]]\nlimits = "5/minute"\npath = "x"',
        3,
        "rule 1",
        "rule 1: path 'x': a pattern begins with '/'",
    ),
    (
        "[[rule]]\nlimits = 5\npath = '/x'",
        2,
        "rule 1",
        "rule 1: limits 5: must be a string or an array of strings",
    ),
    (
        "[[rule]]\nlimits = [5]\npath = '/x'",
        2,
        "rule 1",
        "rule 1: limit 5: must be a str such as '100/minute', a Limit or a Quota",
    ),
    (
        "[[rule]]\nlimits = {}\npath = '/x'",
        2,
        "rule 1",
        (
            'rule 1: limits {}: must be { function = "its name" }, a string such as "100/minute", '
            'an array of these, or { stored = "its name", default = ... }'
        ),
    ),
    (
        '[[rule]]\nlimits = "5/minuet"\npath = "/x"\nname = "login"',
        2,
        "login",
        f"rule 'login': limit '5/minuet': {NOTATION}",
    ),
    (
        '[[rule]]\ncost = 9\nlimits = "5/minute"\npath = "/x"',
        2,
        "rule 1",
        f"rule 1: cost 9: {NEVER}",
    ),
    (
        f'{RULE}name = "a"\n{RULE}enforce = true\nname = "a"',
        9,
        "a",
        f"rule 'a': two rules are named 'a': {SHARED}",
    ),
    (f"{RULE}{RULE}", 4, "rule 2", f"rule 2: two rules are named '/x': {SHARED}"),
]


@pytest.mark.parametrize(
    ("text", "line", "rule", "told"), FILES, ids=[f"{text!r}" for text, *_ in FILES]
)
def test_a_bad_file_is_told_with_line_and_rule(
    text: str, line: int | None, rule: str | None, told: str
) -> None:
    error = refusal(text)
    assert str(error) == f"rules.toml{'' if line is None else f':{line}'}: {told}"
    assert (error.line, error.rule) == (line, rule)


def test_without_functions_none_can_be_named() -> None:
    error = refusal(f'{RULE}exempt = {{ function = "rows" }}', {})
    assert str(error) == (
        "rules.toml:4: rule 1: unknown function 'rows'; "
        "there are none in functions= of the RulesFile"
    )


def test_what_is_not_utf_8_is_told_with_its_line() -> None:
    error = refusal(b'[[rule]]\r\npath = "/x"\r\nname = "caf\xe9"\r\n')
    assert str(error) == "rules.toml:3: byte 0xe9 is not UTF-8, which TOML is written in"
    assert (error.line, error.rule) == (3, None)


def test_what_the_reader_itself_cannot_bear_is_an_error_too() -> None:
    assert str(refusal(f"x = {'[' * 5_000}")) == "rules.toml: values are nested too deep"
    assert str(refusal(f"x = {'1' * 5_000}")).startswith("rules.toml: not TOML: Exceeds the limit")


def test_each_rule_with_a_mistake_is_told_of_once() -> None:
    error = refusal(
        '[[rule]]\npath = "x"\nlimits = "5"\n\n'
        '[[rule]]\npath = "/good"\nlimits = "5/minute"\n\n'
        '[[rule]]\nname = "third"\npath = "/x"\nlimits = "5/minute"\ncost = "a"\n'
        "[extra]\n"
    )
    assert str(error).splitlines() == [
        "rules.toml:14: unknown key 'extra'; outside of rules there may be only [[rule]] and rules",
        "rules.toml:2: rule 1: path 'x': a pattern begins with '/'",
        "rules.toml:13: rule 'third': cost 'a': must be an int",
    ]
    assert (error.line, error.rule) == (14, None)


def test_a_key_of_no_letters_has_a_line_and_what_has_no_key_has_none() -> None:
    told = str(refusal('# rules\n"" = 5\n'))
    assert "rules.toml:2: unknown key ''" in told
    assert "rules.toml: no rules: the file must have at least one [[rule]]" in told


def test_lines_are_told_of_a_file_with_line_ends_of_windows() -> None:
    text = RULE + "cost = 99999999999999999999\n\n" + RULE
    for sent in (text, text.replace("\n", "\r\n")):
        told = refusal(sent)
        assert (told.line, told.rule) == (4, "rule 1")
    told = refusal(f"{RULE}\n{RULE}const = 5\n".replace("\n", "\r\n"))
    assert (told.line, told.rule) == (8, "rule 2")


def test_an_error_survives_pickling() -> None:
    error = refusal(f"{RULE}cost = 6")
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), vars(copied)) == (str(error), vars(error))
