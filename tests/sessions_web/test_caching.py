"""What caches are told: Vary on every use of the session, no-store where a cookie is set."""

from __future__ import annotations

import pytest

from tests.sessions_web.site import TYPE, Act, Site, Visitor, everything, nothing, put

READS: dict[str, Act] = {
    "in": lambda session: "a" in session,
    "not in": lambda session: "z" not in session,
    "in, of no text": lambda session: session.__contains__(1),
    "len": len,
    "bool": bool,
    "iter": list,
    "get": lambda session: session.get("a"),
    "get of none": lambda session: session.get("z"),
    "keys": lambda session: list(session.keys()),
    "==": lambda session: session == {},
    "user_id": lambda session: session.user_id,
    "id": lambda session: session.id is None,
    "is_new": lambda session: session.is_new,
    "flashes": lambda session: session.flashes(),
    "is_csrf_token": lambda session: session.is_csrf_token("x"),
    "pop": lambda session: session.pop("z", None),
    "clear": lambda session: session.clear(),
    "logout": lambda session: session.logout(),
}


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_use_of_the_session_sets_vary(site: Site, read: Act, kept: bool) -> None:
    visitor = site.visitor()
    if kept:
        visitor.visit(put(a=1))
    assert visitor.visit(read).headers["vary"] == "Cookie"


@pytest.mark.parametrize(
    ("own", "vary"),
    [
        ([], "Cookie"),
        ([("Vary", "Accept-Encoding")], "Accept-Encoding, Cookie"),
        ([("vary", "Accept"), ("VARY", "Origin")], "Accept, Origin, Cookie"),
        ([("Vary", "Cookie")], "Cookie"),
        ([("Vary", "accept,  COOKIE , origin")], "accept,  COOKIE , origin"),
        ([("Vary", "Accept"), ("Vary", "cookie")], "Accept, cookie"),
        ([("Vary", "X-Cookie")], "X-Cookie, Cookie"),
        ([("Vary", "*")], "*"),
        ([("Vary", "Accept"), ("Vary", "*")], "Accept, *"),
    ],
)
def test_vary_joins_the_applications_own(
    visitor: Visitor, own: list[tuple[str, str]], vary: str
) -> None:
    assert visitor.visit(len, answered=own).headers["vary"] == vary
    assert visitor.visit(put(a=1), answered=own).headers["vary"] == vary


def test_a_session_that_is_not_used_leaves_vary_and_cache_control_alone(visitor: Visitor) -> None:
    visitor.visit(put(a=1))
    own = [("Vary", "Accept"), ("Cache-Control", "public, max-age=60")]
    assert visitor.visit(nothing, answered=own).fields == (TYPE, *own)


def test_cache_control_is_replaced_only_where_a_cookie_is_set(visitor: Visitor) -> None:
    own = [("Cache-Control", "public"), ("X-Own", "1"), ("cache-control", "max-age=60")]
    first = visitor.visit(put(a=1), answered=own)
    assert first.headers["cache-control"] == "private, no-store"
    assert first.headers["x-own"] == "1"
    for act in (everything, put(a=2)):
        again = visitor.visit(act, answered=own)
        assert again.headers["cache-control"] == "public, max-age=60"
    left = visitor.visit(lambda session: session.logout(), answered=own)
    assert left.headers["cache-control"] == "private, no-store"


def test_no_cache_is_told_to_store_a_response_that_sets_the_cookie(visitor: Visitor) -> None:
    """A CDN follows its own field and not Cache-Control: RFC 9213, and those from before it."""
    told = ["CDN-Cache-Control", "cloudflare-cdn-cache-control", "Surrogate-Control"]
    own = [(name, "max-age=60") for name in told] + [("X-Accel-Expires", "60")]
    setting = visitor.visit(put(a=1), answered=[*own, ("X-Own", "1")])
    assert setting.headers["cache-control"] == "private, no-store"
    assert setting.headers["x-own"] == "1"
    assert not {name.lower() for name, _ in own} & set(setting.headers)
    assert {name.lower() for name, _ in own} <= set(visitor.visit(len, answered=own).headers)


def test_the_applications_own_cookies_are_kept(visitor: Visitor) -> None:
    response = visitor.visit(put(a=1), answered=[("Set-Cookie", "theme=dark; Path=/")])
    assert response.set_cookies[0] == "theme=dark; Path=/"
    assert len(response.set_cookies) == 2
    assert set(visitor.cookies) == {"theme", "__Host-session"}
    assert visitor.visit(everything).value == {"a": 1}
