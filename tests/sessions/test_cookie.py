"""The cookie: its field, and the attributes that are refused when they are configured."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from sessions import Cookie
from sessions.cookie.cookie import without_leading_dot
from sessions.cookie.token import Tokens
from tests.sessions.browser import Site

DAY_SECONDS = 86_400
HOST = {"name": "__Host-session"}
PLAIN = {"name": "session"}
DOMAIN = {"domain": "example.com"}


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({}, "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            {"same_site": "Strict"},
            "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Strict",
        ),
        ({"same_site": "None"}, "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=None"),
        (
            {"same_site": "None", "partitioned": True},
            "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
        ),
        (
            {"persistent": True},
            "__Host-session=v; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Lax",
        ),
        (PLAIN | {"secure": False}, "session=v; Path=/; HttpOnly; SameSite=Lax"),
        (
            {"name": "__Secure-s", "path": "/app", "domain": "example.com"},
            "__Secure-s=v; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            PLAIN | {"path": "/a b/~", "domain": "a-b.example.co.uk"},
            "session=v; Path=/a b/~; Domain=a-b.example.co.uk; Secure; HttpOnly; SameSite=Lax",
        ),
        (
            PLAIN | {"secure": False, "same_site": "Strict"},
            "session=v; Path=/; HttpOnly; SameSite=Strict",
        ),
        ({"name": "!#$%&'*+-.^_`|~09AZaz"}, None),
        ({"name": "n" * (4_096 - 87)}, None),
    ],
)
def test_what_browsers_take_is_set_and_cleared_with_the_same_attributes(
    attributes: dict[str, Any], field: str | None
) -> None:
    cookie = Cookie(**attributes)
    made = cookie.set_to("v", 43_200)
    if field is not None:
        assert made == field
    pair, *others = made.split("; ")
    assert pair == f"{cookie.name}=v"
    gone, *cleared = cookie.cleared().split("; ")
    assert gone == f"{cookie.name}="
    kept = [other for other in others if not other.startswith("Max-Age")]
    assert cleared == ["Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", *kept]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        # One with another
        ({"same_site": "None", "secure": False, **PLAIN}, "needs secure=True"),
        ({"partitioned": True, "secure": False, **PLAIN}, "partitioned needs secure=True"),
        ({"secure": False}, "its prefix needs secure=True"),
        ({"name": "__Secure-s", "secure": False}, "its prefix needs secure=True"),
        ({"path": "/app"}, "its prefix needs path='/' and no domain"),
        (DOMAIN, "its prefix needs path='/' and no domain"),
        ({"name": "__HOST-s", "secure": False}, "its prefix needs secure=True"),
        ({"name": "__host-s", **DOMAIN}, "its prefix needs path='/' and no domain"),
        ({"name": "__SeCuRe-s", "secure": False}, "its prefix needs secure=True"),
        ({"name": "__Http-s", "secure": False}, "its prefix needs secure=True"),
        ({"name": "__http-s", "secure": False}, "its prefix needs secure=True"),
        ({"name": "__Host-Http-s", "path": "/app"}, "its prefix needs path='/' and no domain"),
        # One alone
        ({"name": ""}, "cookie name .*, not ''"),
        ({"name": "a b"}, "cookie name .*, not 'a b'"),
        ({"name": "a=b"}, "cookie name"),
        ({"name": "a;b"}, "cookie name"),
        ({"name": "a,b"}, "cookie name"),
        ({"name": 'a"'}, "cookie name"),
        ({"name": "a\r\nSet-Cookie: b"}, "cookie name"),
        ({"name": "a\n"}, "cookie name"),
        ({"name": "é"}, "cookie name"),
        ({"name": "n" * (4_096 - 86)}, "name and value together must have at most 4096"),
        ({"same_site": "lax"}, "'Lax', 'Strict' or 'None'"),
        ({"same_site": ""}, "'Lax', 'Strict' or 'None'"),
        ({"same_site": None}, "'Lax', 'Strict' or 'None'"),
        (PLAIN | {"path": ""}, "must start with '/'"),
        (PLAIN | {"path": "app"}, "must start with '/'"),
        (PLAIN | {"path": "/a; Domain=evil.example"}, "have no ';'"),
        (PLAIN | {"path": "/a\r\n"}, "path"),
        (PLAIN | {"path": "/é"}, "path"),
        (PLAIN | {"path": "/é"}, "printable ASCII"),
        (PLAIN | {"path": "/app "}, "not end with a space"),
        (PLAIN | {"path": "/" + "p" * 1_024}, "path"),
        (PLAIN | {"domain": "d" * 64 + ".example"}, "domain"),
        (PLAIN | {"domain": "d." * 123 + "example.com"}, "domain must be a name"),
        (PLAIN | {"domain": "-a.example"}, "domain"),
        (PLAIN | {"domain": "a-.example"}, "domain"),
        (PLAIN | {"domain": ""}, "domain .*, not ''"),
        (PLAIN | {"domain": ".example.com"}, "domain"),
        (PLAIN | {"domain": "example"}, "domain"),
        (PLAIN | {"domain": "example..com"}, "domain"),
        (PLAIN | {"domain": "example.com; Path=/"}, "domain"),
        (PLAIN | {"domain": "example.com\n"}, "domain"),
        (PLAIN | {"domain": "https://example.com"}, "domain"),
        (PLAIN | {"domain": "example.com:8000"}, "domain"),
        (PLAIN | {"domain": "bücher.example"}, "domain"),
    ],
)
def test_what_browsers_would_refuse_is_refused_at_once(
    site: Site, attributes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Cookie(**attributes)
    options = {("cookie" if name == "name" else name): given for name, given in attributes.items()}
    with pytest.raises(ValueError, match=message):
        site.browser(**options)


@pytest.mark.parametrize(
    ("attribute", "given"),
    [
        ("name", None),
        ("name", b"session"),
        ("path", None),
        ("domain", 7),
        ("secure", 1),
        ("secure", None),
        ("secure", "yes"),
        ("persistent", 0),
        ("persistent", 3_600),
        ("partitioned", 1),
    ],
)
def test_attributes_of_another_type_are_refused(attribute: str, given: Any) -> None:
    with pytest.raises(TypeError, match=f"cookie {attribute} "):
        Cookie(**{attribute: given})


def test_a_cookie_is_always_http_only() -> None:
    assert "http_only" not in Cookie.__dataclass_fields__
    with pytest.raises(AttributeError):
        Cookie().secure = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        (None, []),
        ("", []),
        (";;", []),
        ("__Host-session", []),
        ("__Host-session=v", ["v"]),
        ("a=b; __Host-session=v; c=d", ["v"]),
        ("a=b;__Host-session=v", ["v"]),
        ("  __Host-session  =  v  ", ["v"]),
        ("__Host-session=", [""]),
        ("__Host-session=a=b", ["a=b"]),
        ("x__Host-session=v", []),
        ("__Host-sessionx=v", []),
        ("X__Host-sessionX=v", []),
        ("__host-session=v", []),
        ("a=__Host-session=v", []),
        ("__Host-session=first; __Host-session=second", ["first", "second"]),
        ('__Host-session="v"', ["v"]),
        ('$Version="1"; __Host-session = "v" ;$Path="/"', ["v"]),
        ('__Host-session=""', [""]),
        ('__Host-session="', ['"']),
        ('__Host-session="v', ['"v']),
        ('__Host-session=v"', ['v"']),
        ("\x00; é=ü; __Host-session=v", ["v"]),
        ("\t __Host-session\t=\tv", ["v"]),
        ("__Host-session=\t\xa0v\x85 ", ["\xa0v\x85"]),
        *[
            (f"{space}__Host-session{after}=planted; __Host-session=v", ["v"])
            for space in ("", "\xa0", "\x85", "\x0b", "\x0c", "\x1c", "\x1f", "\r", "\n")
            for after in (space, "\xa0")
            if space or after
        ],
    ],
)
def test_the_values_are_found_in_a_cookie_field(header: str | None, values: list[str]) -> None:
    assert Cookie().values_in(header) == values


@pytest.mark.parametrize(
    ("set_there", "domain"),
    [
        (".example.com", "example.com"),
        ("X.example.com.", "X.example.com."),
        (None, None),
        (False, False),
    ],
)
def test_a_domain_of_a_frameworks_settings_loses_its_leading_dot(
    set_there: Any, domain: Any
) -> None:
    assert without_leading_dot(set_there) == domain


def test_the_longest_value_that_is_set_fits_beside_the_longest_name(site: Site) -> None:
    tokens = Tokens(secrets.token_hex(), "a namespace")
    value = tokens.in_cookie(tokens.new())
    browser = site.browser(cookie="n" * (4_096 - len(value)), secret=secrets.token_hex())
    with browser.request() as session:
        session["a"] = 1
    assert browser.cookie is not None
    assert len(browser.cookie.replace("=", "", 1)) == 4_096
    assert browser.seen() == {"a": 1}


def test_a_persistent_cookie_lasts_as_long_as_its_session(site: Site) -> None:
    browser = site.browser(persistent=True, idle=DAY_SECONDS, lifetime=400 * DAY_SECONDS)
    request = browser.open()
    request.session["a"] = 1
    assert "; Max-Age=34560000;" in dict(request.finish())["set-cookie"]
    site.clock.advance(DAY_SECONDS - 1)
    request = browser.open()
    request.session.rotate()
    # Not longer for the new id: the end of the session is what it was.
    left = 400 * DAY_SECONDS - DAY_SECONDS + 1
    assert f"; Max-Age={left};" in dict(request.finish())["set-cookie"]


def test_the_longest_domain_is_taken() -> None:
    domain = ".".join(["d" * 63] * 3 + ["d" * 57, "com"])
    assert len(domain) == 253
    assert f"Domain={domain};" in Cookie(name="s", domain=domain).set_to("v", 60)


def test_the_longest_path_is_taken_and_no_letter_is_white_space() -> None:
    cookie = Cookie(name="id", secure=False, path="/" + "a" * 1_023)
    assert cookie.path in cookie.set_to("x", 1)
    assert cookie.values_in("id= \tXaX\t ;\tid =b") == ["XaX", "b"]
