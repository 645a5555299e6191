"""A login says whether its cookie outlives the browser's own session, over each protocol."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import Session
from tests.sessions_web.site import Act, MakeSite

DAY = 86_400
MOST = {"max_idle": 7 * DAY, "max_lifetime": 30 * DAY}


def login(**chosen: Any) -> Act:
    return lambda session: session.login("ada", **chosen)


def rotate(session: Session) -> None:
    session.rotate()


def test_persistent_cookies_are_beside_those_of_the_browsers_session(make_site: MakeSite) -> None:
    site = make_site(**MOST)
    remembered, other = site.visitor(), site.visitor()
    (kept,) = remembered.visit(login(lifetime=30 * DAY, persistent=True)).set_cookies
    (short,) = other.visit(login()).set_cookies
    assert f"; Max-Age={30 * DAY};" in kept
    assert "Max-Age" not in short
    site.clock.advance(600)
    (rotated,) = remembered.visit(rotate).set_cookies
    assert f"; Max-Age={30 * DAY - 600};" in rotated
    assert "Max-Age" not in other.visit(rotate).set_cookies[0]


def test_a_cookie_of_the_browsers_session_is_beside_persistent_ones(make_site: MakeSite) -> None:
    visitor = make_site(persistent=True).visitor()
    (short,) = visitor.visit(login(persistent=False)).set_cookies
    assert "Max-Age" not in short
    assert "Max-Age" not in visitor.visit(rotate).set_cookies[0]
    (kept,) = visitor.visit(login()).set_cookies
    assert "; Max-Age=43200;" in kept


def test_a_lifetime_beyond_the_most_fails_the_request_and_logs_nobody_in(
    make_site: MakeSite,
) -> None:
    site = make_site(**MOST)
    with pytest.raises(ValueError, match=r"lifetime must be at most 2592000 seconds.*not 2592001"):
        site.visitor().visit(login(lifetime=30 * DAY + 1))
    assert site.writes == []
