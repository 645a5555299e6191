"""One [[rule]]: what its keys mean, and what is said of those that can't hold."""

from __future__ import annotations

import pytest

from ratelimit_ddb.web import client_address, cookie, everyone, header, session_user
from ratelimit_ddb.web.identity.identity import Identity
from tests.web.rules_text import NOTATION, REQUESTS, RULE, refusal, rules_of, tenant

KEYS = (
    "path, methods, limits, by, name, scope, cost, exempt, enforce, reserves, default, lease, "
    "messages, in-flight, allow, deny, block-after, block-for, up-to, give-back"
)
KINDS = "must have one of header, cookie, session-user, address, function"
WORDS = "must be 'address', 'everyone', 'session-user' or a table such as { header = \"x\" }"
OF_ADDRESS = "trusted-hops, trusted, field, overwritten-field, ipv6-prefix, ipv4-prefix"
CODES = "must be status codes: '2xx', '404' or '200-399'"
NEVER = "must be from 1 to the burst of 5; more than the bucket holds could never be admitted"
EXPECTED = "expected one of is_internal, plan_limits, rows, tenant in functions= of the RulesFile"

IDENTITIES: list[tuple[str, Identity]] = [
    ('"address"', client_address()),
    ('"everyone"', everyone()),
    ('"session-user"', session_user()),
    ('{ session-user = "tenant" }', session_user("tenant")),
    ('{ header = "x-api-key" }', header("x-api-key")),
    ('{ header = "x-api-key", digest = true }', header("x-api-key")),
    ('{ digest = false, header = "x-api-key" }', header("x-api-key", digest=False)),
    ('{ cookie = "sid" }', cookie("sid")),
    ('{ cookie = "sid", digest = false }', cookie("sid", digest=False)),
    ("{ address = {} }", client_address()),
    ("{ address = { trusted-hops = 1 } }", client_address(trusted_hops=1)),
    (
        '{ address = { trusted = ["10.0.0.0/8"], field = "forwarded", ipv6-prefix = 56 } }',
        client_address(trusted=["10.0.0.0/8"], field="forwarded", ipv6_prefix=56),
    ),
    ("{ address = { ipv4-prefix = 24 } }", client_address(ipv4_prefix=24)),
    ('{ function = "tenant" }', tenant),
    (
        '{ header = "x-api-key", otherwise = { cookie = "sid", otherwise = "everyone" } }',
        header("x-api-key", otherwise=cookie("sid", otherwise=everyone())),
    ),
    (
        '{ session-user = "user_id", otherwise = { function = "tenant" } }',
        session_user(otherwise=tenant),
    ),
    ('{ cookie = "sid", otherwise = "session-user" }', cookie("sid", otherwise=session_user())),
]


@pytest.mark.parametrize(("by", "identity"), IDENTITIES, ids=[by for by, _ in IDENTITIES])
def test_an_identity_is_written_in_a_word_or_a_table(by: str, identity: Identity) -> None:
    (read,) = rules_of(f'[[rule]]\npath = "/x"\nlimits = "5/minute"\nby = {by}')
    assert [read.by(request) for request in REQUESTS] == [identity(each) for each in REQUESTS]


# What is behind RULE, what is said of line 4.
WRONG_KEYS = [
    ("limit = 5", f"unknown key 'limit'; expected one of {KEYS}"),
    ("ipv6-prefix = 5", f"unknown key 'ipv6-prefix'; expected one of {KEYS}"),
    ("name = 5", "name 5: must be a str"),
    ('name = ""', "name '': must not be empty"),
    ("methods = 5", "methods 5: must be a string or an array of strings"),
    ("methods = { a = 1 }", "methods {'a': 1}: must be a string or an array of strings"),
    ("methods = []", "methods []: must not be empty; leave it out for all methods"),
    ("methods = [5]", "methods [5]: 5 must be a str such as 'GET'"),
    ('methods = "get"', "method 'get': must be a name in capitals, such as 'GET'"),
    ('scope = "user"', "scope 'user': 'rule' or 'endpoint'"),
    ("scope = []", "scope []: 'rule' or 'endpoint'"),
    ("cost = 6", f"cost 6: {NEVER}"),
    ("cost = true", "cost True: must be an int"),
    ('cost = "1"', "cost '1': must be an int"),
    ("cost = 1.5", "cost 1.5: must be an int, a whole number"),
    ("cost = {}", 'cost {}: must be { function = "its name" } or a number'),
    ('cost = { function = "row" }', f"unknown function 'row'; {EXPECTED}"),
    ("cost = { function = 5 }", "function 5: must be a name"),
    ("exempt = true", 'exempt True: must be { function = "its name" }'),
    ('exempt = "rows"', "exempt 'rows': must be { function = \"its name\" }"),
    (
        'exempt = { function = "rows", of = 1 }',
        "exempt {'function': 'rows', 'of': 1}: must be { function = \"its name\" }",
    ),
    ("give-back = 200", "give-back 200: must be a string or an array of strings"),
    ('give-back = "200 to 299"', f"give-back '200 to 299': {CODES}"),
    ('give-back = ["2xx", "ok"]', f"give-back 'ok': {CODES}"),
    ('give-back = { function = "row" }', f"unknown function 'row'; {EXPECTED}"),
    ('give_back = "2xx"', f"unknown key 'give_back'; expected one of {KEYS}"),
    ("deny = 5", 'deny 5: must be a table such as { networks = ["10.0.0.0/8"] }'),
    (
        'deny = ["10.0.0.0/8"]',
        "deny ['10.0.0.0/8']: must be a table such as { networks = [\"10.0.0.0/8\"] }",
    ),
    ("deny = {}", "an AccessList must have networks or keys"),
    (
        'deny = { network = ["10.0.0.0/8"] }',
        "deny: unknown key 'network'; expected one of networks, keys, address",
    ),
    (
        'allow = { networks = ["10.0.0.1/8"] }',
        "network '10.0.0.1/8': bits are set after the prefix; did you mean '10.0.0.0/8'?",
    ),
    (
        'allow = { keys = ["a"], address = { hops = 1 } }',
        f"address: unknown key 'hops'; expected one of {OF_ADDRESS}",
    ),
    ("block-after = 0", "block-for is required: after how many denials to block, and for how long"),
    (
        'block-for = "1 hour"',
        "block-after is required: after how many denials to block, and for how long",
    ),
    (
        "block-after = 2\nblock-for = 60\nup-to = 5",
        "up-to 5: must be at least block-for, 60",
    ),
    ('scope = "up_to True or False"', "scope 'up_to True or False': 'rule' or 'endpoint'"),
    ("in-flight = 0", "in-flight 0: must be from 1 to 1000"),
    ("enforce = 1", "enforce 1: must be true or false"),
    ("messages = 5", "messages 5: must be a string or an array of strings"),
    ('messages = "5/minuet"', f"messages: limit '5/minuet': {NOTATION}"),
    (
        'messages = { function = "rows" }',
        "messages {'function': 'rows'}: must be a string or an array of strings",
    ),
    ("by = 5", f"by 5: {WORDS}"),
    ('by = "ip"', f"by 'ip': {WORDS}"),
    ("by = {}", f"by {{}}: {KINDS}"),
    (
        'by = { header = "a", cookie = "b" }',
        f"by {{'header': 'a', 'cookie': 'b'}}: {KINDS}",
    ),
    (
        'by = { header = "a", digests = true }',
        "by: unknown key 'digests'; expected digest or otherwise with header",
    ),
    (
        'by = { session-user = "a", digest = true }',
        "by: unknown key 'digest'; expected otherwise with session-user",
    ),
    (
        'by = { function = "tenant", otherwise = "address" }',
        "by: unknown key 'otherwise'; expected no other key with function",
    ),
    ('by = { function = "tenants" }', f"unknown function 'tenants'; {EXPECTED}"),
    ('by = { header = "a", digest = 1 }', "digest 1: must be true or false"),
    ("by = { header = 5 }", "header 5: must be a str"),
    (
        'by = { cookie = "a b" }',
        "cookie 'a b': must be a name in ASCII without spaces and separators",
    ),
    ('by = { header = "a", otherwise = "ip" }', f"by 'ip': {WORDS}"),
    (
        'by = { address = "10.0.0.1" }',
        "address '10.0.0.1': must be a table such as { trusted-hops = 1 }",
    ),
    (
        "by = { address = { hops = 1 } }",
        f"address: unknown key 'hops'; expected one of {OF_ADDRESS}",
    ),
    (
        "by = { address = { trusted-hops = -1 } }",
        "trusted-hops -1: must be from 0 to 16",
    ),
    ("by = { address = { trusted = {} } }", "trusted {}: must be an array of strings"),
    (
        'by = { address = { trusted = "10.0.0.1" } }',
        "trusted '10.0.0.1': must be a list of str such as '10.0.0.0/8'",
    ),
]


@pytest.mark.parametrize(("line", "told"), WRONG_KEYS, ids=[line for line, _ in WRONG_KEYS])
def test_a_wrong_key_is_told_with_its_line(line: str, told: str) -> None:
    error = refusal(f"{RULE}{line}\n\n")
    assert str(error) == f"rules.toml:4: rule 1: {told}"
    assert (error.line, error.rule) == (4, "rule 1")
