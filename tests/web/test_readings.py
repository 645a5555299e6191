"""What an application may read a field or a cookie to be: every value of it, in one form each."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Request, Rule, RuleDecision, bearer_claim, cookie, header
from ratelimit_ddb.web.identity.readings import (
    MOST_VALUES,
    Readings,
    of_bearer_token,
    of_cookie,
    of_header,
)
from ratelimit_ddb.web.request import of_environ, of_scope
from tests.web.exchange import Get, Limited

Sent = tuple[tuple[str, str], ...]


def over_asgi(*sent: tuple[str, str]) -> Request:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in sent]
    return of_scope({"type": "http", "path": "/", "headers": headers})


def over_wsgi(name: str, value: str) -> Request:
    return of_environ({"PATH_INFO": "/", "REQUEST_METHOD": "GET", name: value})


def headers_of(*values: str) -> tuple[str, ...]:
    return of_header("x-key")(over_asgi(*[("X-Key", value) for value in values])).values


def cookies_of(*fields: str) -> tuple[str, ...]:
    return of_cookie("sid")(over_asgi(*[("cookie", field) for field in fields])).values


@pytest.mark.parametrize(
    ("sent", "values"),
    [
        ((), []),
        (("",), []),
        (("a",), ["a"]),
        ((" a\t",), ["a"]),
        (("a\xa0",), ["a"]),
        (("a, b",), ["a,b"]),
        (("a", "b"), ["a", "b", "a,b"]),
        (("b", "a"), ["b", "a", "b,a"]),
        (("a", "b,c"), ["a", "b,c", "a,b,c"]),
        (("a,b", "c"), ["a,b", "c", "a,b,c"]),
    ],
)
def test_p15_a_field_sent_twice_is_each_of_its_values_and_all_of_them(
    sent: tuple[str, ...], values: list[str]
) -> None:
    assert sorted(headers_of(*sent)) == sorted(values)


def test_p15_a_name_with_underscores_is_read_with_the_other() -> None:
    read = of_header("x-api-key")(over_asgi(("x-api-key", "a"), ("x_API-key", "b"))).values
    assert sorted(read) == ["a", "a,b", "b"]


def test_over_wsgi_the_server_has_joined_them_and_the_application_reads_that() -> None:
    assert of_header("x-key")(over_wsgi("HTTP_X_KEY", "a, b")).values == ("a,b",)


SPELLINGS = [
    "sid=a b%",
    'sid="a b%"',
    r'sid="\141 b%"',
    r'sid="\a\ b\%"',
    r'sid="\141\040\142\045"',
    "sid=%61%20b%25",
    'sid="%61 b%25"',
    r'sid="\045\066\061 b%25"',
    "x=1;sid=a b%;y=2",
    " sid\t= \ta b%\t ; y=2",
    "\xa0sid=a b%\x85",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_p15_spellings_of_a_cookie_have_one_form(text: str) -> None:
    assert cookies_of(text)[0] == "a b%"


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ([], []),
        (["sid="], []),
        (["sid"], []),
        (["xsid=a; sidx=b; x.sid=c"], []),
        (['x="sid=a"'], []),
        (["SID=a"], []),
        (["sid=a; sid=b"], ["a", "b"]),
        (["sid=a", "sid=b"], ["a", "b"]),
        (["x=1", "sid=a"], ["a"]),
        (["sid=a", "x=1"], ["a"]),
        (["sid=; sid=a"], ["a"]),
        (["sid=a; \xa0sid=b"], ["a", "b"]),
        (["sid=a sid=b"], ["a sid=b", "a", "b"]),
        (["sid=a b c"], ["a b c", "a"]),
        (['x="; sid=a; "; sid=b'], ["a", "b"]),
        (['sid="a;b"'], ["a", "a;b"]),
        (['sid="a;b'], ["a"]),
    ],
)
def test_p15_a_cookie_is_every_value_that_a_framework_may_find(
    fields: list[str], values: list[str]
) -> None:
    assert sorted(cookies_of(*fields)) == sorted(values)


@pytest.mark.parametrize(
    ("sent", "tokens"),
    [
        (["Bearer a"], ["a"]),
        (["bearer  a "], ["a"]),
        (["Bearer\ta"], ["a"]),
        (["Bearer"], []),
        (["Basic a"], []),
        (["Bearer a", "Bearer b"], ["a", "a,Bearer b", "a,Bearer", "b"]),
        (["Bearer a", "junk"], ["a", "a,junk"]),
        (["Bearer a, Bearer b"], ["a,Bearer b", "a,Bearer", "a", "b"]),
        (["Bearer a b"], ["a b", "a", "b"]),
        (["Bearer a  Bearer b"], ["a Bearer b", "a", "b"]),
    ],
)
def test_p15_a_token_is_whatever_may_follow_bearer(sent: list[str], tokens: list[str]) -> None:
    request = over_asgi(*[("authorization", value) for value in sent])
    assert sorted(of_bearer_token()(request).values) == sorted(tokens)


@pytest.mark.parametrize(
    ("spellings", "value"),
    [
        (["Token a", "token a", "TOKEN   a ", "Token\ta", "Other a", "a"], "a"),
        (["Basic dTpw", "basic  dTpw", "Basic d!T.p!w", "Basic dTpw="], "dTpw"),
        (["Basic dQ==", "Basic dR==", "Basic dX=="], "dQ=="),
        (["Basic dQ", "Basic d!Q=", "Basic dQ===", "Basic \xffd\xffQ==", "Basic dQ\xe9"], "dQ=="),
    ],
)
def test_p15_spellings_of_an_authorization_have_one_form(spellings: list[str], value: str) -> None:
    read = of_header("Authorization")
    assert {read(over_asgi(("authorization", one))).values for one in spellings} == {(value,)}


def test_p15_what_follows_the_padding_is_what_the_applications_decoder_makes_of_it() -> None:
    """Python 3.11 stops at the padding; 3.13.5 reads on, and fails if nobody pads the end."""
    form = b64encode(b64decode("dQ==more==")).decode()
    assert of_header("Authorization")(over_asgi(("authorization", "Basic dQ==more"))).values == (
        form,
    )


def test_p15_an_authorization_of_several_words_is_the_first_the_last_and_all() -> None:
    values = of_header("authorization")(over_asgi(("authorization", "Token a b c"))).values
    assert values == ("a b c", "a", "c")
    assert of_header("authorization")(over_asgi(("authorization", "Basic a"))).values == ("a",)


@pytest.mark.parametrize(
    ("sent", "values"),
    [
        ("Basic dT pw", ["dTpw", "dQ==", "pw=="]),
        ("Basic dTpw junk", ["dTpwjunk", "dTpw", "junk"]),
        ("Basic dTp_", ["dTo=", "dTp/"]),
        ("Basic dTpw-_", ["dTpw", "dTpw+w=="]),
        ("Basic dTpwA-__", ["dTpwA+//"]),
    ],
)
def test_p15_base64_is_read_with_what_a_decoder_passes_over_and_by_words(
    sent: str, values: list[str]
) -> None:
    found = of_header("authorization")(over_asgi(("authorization", sent))).values
    assert set(found) == set(values)


HONEST_TEXTS = ["sid=caf\u00e9", "sid=\u041f\u0440\u0438\u0432\u0435\u0442; x=1", 'sid="\u00df"']


@pytest.mark.parametrize("text", HONEST_TEXTS)
def test_a_cookie_in_utf_8_is_one_value(text: str) -> None:
    value = text.partition("=")[2].partition(";")[0].strip('"')
    assert cookies_of(text.encode().decode("latin-1")) == (value,)


def test_p15_a_cookie_is_read_with_white_space_of_utf_8_too() -> None:
    em_space = "\u2003".encode().decode("latin-1")
    assert "a" in cookies_of(f"sid={em_space}a{em_space}")
    assert {"a", "b"} <= set(cookies_of(f"sid=b; {em_space}sid{em_space}=a"))


def sent_as(kind: str, values: str) -> Readings:
    """What is read of values of one letter each."""
    if kind == "header":
        return of_header("x-key")(over_asgi(*[("x-key", one) for one in values]))
    if kind == "cookie":
        return of_cookie("sid")(over_asgi(("cookie", "; ".join(f"sid={one}" for one in values))))
    return of_bearer_token()(over_asgi(*[("authorization", f"Bearer {one}") for one in values]))


@pytest.mark.parametrize("kind", ["header", "cookie", "bearer"])
def test_p15_of_many_values_the_first_two_and_the_last_two_are_read(kind: str) -> None:
    for sent, read, more in (("abcd", "abcd", False), ("abcde", "abde", True)):
        found = sent_as(kind, sent)
        assert tuple(one for one in found.values if len(one) == 1) == tuple(read)
        assert found.more == more


def test_p15_a_list_of_bearer_tokens_is_read_from_both_ends() -> None:
    for several, more in (("abcd", False), ("abcde", True)):
        listed = ", ".join(f"Bearer {one}" for one in several)
        found = of_bearer_token()(over_asgi(("authorization", listed)))
        assert {"a", "b", several[-2], several[-1]} <= set(found.values)
        assert ("c" in found.values) != more
        assert found.more == more


def test_however_many_empty_values_are_none() -> None:
    assert of_cookie("sid")(over_asgi(("cookie", "sid=; " * 9))) == Readings((), more=False)
    assert headers_of(*[""] * 9) == ("," * 8,)


MANY = 13_000


@pytest.mark.parametrize(
    ("read", "request_"),
    [
        (of_header("x-key"), over_asgi(*[("x-key", f"v{n}") for n in range(MANY)])),
        (of_cookie("sid"), over_asgi(("cookie", "; ".join(f"sid={n}" for n in range(MANY))))),
        (of_cookie("sid"), over_asgi(("cookie", " ".join(f"sid={n}" for n in range(MANY))))),
        (of_cookie("sid"), over_asgi(("cookie", 'sid="' + '\\"; sid="' * MANY))),
        (of_cookie("sid"), over_asgi(("cookie", ("sid" + " " * 50) * 1_000 + "=;" * 10_000))),
        (of_bearer_token(), over_asgi(("authorization", ",".join(["Bearer t"] * MANY)))),
        (
            of_bearer_token(),
            over_asgi(*[("authorization", f"Bearer t{n},Bearer u{n}") for n in range(MANY)]),
        ),
    ],
)
def test_p9_however_much_is_sent_few_values_come_of_it_and_soon(read: Any, request_: Any) -> None:
    began = time.perf_counter()
    values, more = read(request_)
    assert time.perf_counter() - began < 2.0
    assert len(values) <= 8 * MOST_VALUES
    assert more or not values


def claims(token: str) -> dict[str, str] | None:
    return {"sub": token} if token == "valid" else None


async def claims_async(token: str) -> dict[str, str] | None:
    return claims(token)


@pytest.mark.parametrize(
    ("by", "get"),
    [
        (cookie("sid"), {"cookie": "; ".join(f"sid={n}" for n in range(5))}),
        (cookie("sid"), {"cookie": "; ".join(f"sid=\xe9{n}" for n in range(5))}),
        (bearer_claim("sub", claims=claims), {"authorization": ",".join(["bearer t"] * 5)}),
    ],
)
def test_requests_with_more_values_than_are_looked_at_share_one_bucket(
    limited: Limited, by: Any, get: dict[str, str]
) -> None:
    told: list[RuleDecision] = []
    rule = Rule("/*", "9/hour", by=by, name="n")
    ask = limited(store=MemoryStore(), rules=rule, on_decision=told.append)
    ask(Get(headers=get, client="192.0.2.1"))
    ask(Get(headers=get, client="192.0.2.2"))
    assert [one.key for one in told].count("n:otherwise:too many values:") == 2


@pytest.mark.parametrize("given", [claims, claims_async])
def test_each_token_is_verified_and_what_is_in_none_falls_back(given: Any) -> None:
    by = bearer_claim("sub", claims=given)
    for sent, key in [
        (["Bearer valid", "Bearer x"], "valid"),
        (["x", "Bearer valid"], "valid"),
        (["Bearer x", "Bearer y"], ("otherwise", "unknown")),
    ]:
        found: Any = by(over_asgi(*[("authorization", value) for value in sent]))
        if given is claims_async:
            steps = found.__await__()
            with pytest.raises(StopIteration) as done:
                next(steps)
            found = done.value.value
        assert found == key


def test_no_request_loses_another_clients_tokens_by_more_than_its_value_alone_would(
    limited: Limited,
) -> None:
    """Junk beside a known value takes one token of it, as that value alone does."""
    rule = Rule("/*", "3/hour", by=cookie("user", digest=False))
    ask = limited(store=MemoryStore(), rules=rule)
    assert ask(Get(headers={"cookie": "user=ada; user=ada; user=x; user=ada"})).status == 200
    fields = ask(Get(headers={"cookie": "user=ada"})).headers
    assert ";r=1;" in fields["ratelimit"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sid=a; sid=b", "a"),
        (r'sid="\141"', "a"),
        ("\xa0sid=b; sid=a", "a"),
        ("\x0csid=b; sid=a", "a"),
        ("\t sid =a", "a"),
        ("sid", None),
    ],
)
def test_the_cookie_of_a_request_is_the_first_unquoted_by_spaces_and_tabs_alone(
    text: str, value: str | None
) -> None:
    assert over_asgi(("cookie", text)).cookie("sid") == value


def test_cookie_fields_of_a_request_are_put_together_as_http_2_has_split_them() -> None:
    request = over_asgi(("cookie", "a=1"), ("cookie", "sid=a"))
    assert request.header("Cookie") == "a=1; sid=a"
    assert request.cookie("sid") == "a"


def test_fields_are_listed_as_they_were_sent() -> None:
    request = over_asgi(("x-key", "a"), ("X-Key", "b"), ("x_key", "c"))
    assert request.fields("X-KEY") == ["a", "b"]
    assert request.header("x-key") == "a, b"
    assert header("x-key", digest=False)(request) == {"a", "b", "c", "a,b", "a,b,c"}


def test_a_cookie_that_no_server_could_have_sent_is_read_all_the_same() -> None:
    request = over_wsgi("HTTP_COOKIE", "sid=a; other=\u20ac; sid=\ud800")
    values, _ = of_cookie("sid")(request)
    assert "a" in values
