"""Every pair of requests of one browser to a Django site, in every order that matters.

The first has its cookie when it is sent. The other one comes and is answered before the first is
looked at, or after that has read its session. Their responses reach the browser in either order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from django.test import Client

from tests.frameworks.django_site.session_clients import COOKIE
from tests.frameworks.django_site.with_sessions import (
    MEANWHILE,
    MIDDLEWARE,
    PASSWORDS,
    with_sessions,
)
from tests.frameworks.seen_store import SeenStore

PASSWORD = "change the password"
LOGOUTS = {"clear": "/clear", "log out": "/logout"}
REQUESTS = {
    "read": "/seen",
    "write": "/set/shape/round",
    "write the same": "/set/colour/red",
    "flash": "/say",
    "expire": "/expire/300",
    "log in": "/login/7",
    "log in as another": "/login/8",
    PASSWORD: "/password",
    **LOGOUTS,
}
LOGINS = {"log in": "7", "log in as another": "8"}
BEGINNINGS = {"anonymous": "None", "logged in": "7"}


class Waiting:
    """Reads the session, and lets others be answered before the view begins."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        if "X-Wait" in request.headers:
            assert request.session.get("colour") == "red"
            str(request.user)
            while MEANWHILE:
                MEANWHILE.pop()()
        return self._get_response(request)


@pytest.fixture(scope="module")
def site() -> Iterator[None]:
    middleware = [*MIDDLEWARE, f"{__name__}.Waiting"]
    with with_sessions(SeenStore(), MIDDLEWARE=middleware):
        yield


class Browser:
    """One jar, with at most the session's cookie."""

    def __init__(self) -> None:
        self.key: str | None = None

    def send(self, path: str, key: str | None, **options: Any) -> Any:
        client = Client()
        if key is not None:
            client.cookies[COOKIE] = key
        return client.get(path, **options)

    def get(self, path: str) -> Any:
        response = self.send(path, self.key)
        self.receive(response)
        return response

    def receive(self, response: Any) -> None:
        cookie = response.cookies.get(COOKIE)
        if cookie is not None:
            self.key = None if cookie["max-age"] == 0 else cookie.value


def outcome(beginning: str, first: str, second: str, when: str, last: str) -> str:
    """Who is logged in after two requests."""
    PASSWORDS.clear()
    browser, answers = Browser(), {}
    browser.get("/set/colour/red")
    if beginning == "logged in":
        browser.get("/login/7")
        browser.get("/set/colour/red")
    key = browser.key

    def answer_second() -> None:
        answers["second"] = browser.send(REQUESTS[second], key)

    if when == "before":
        answer_second()
        answers["first"] = browser.send(REQUESTS[first], key)
    else:
        MEANWHILE.append(answer_second)
        answers["first"] = browser.send(REQUESTS[first], key, headers={"x-wait": "1"})
    for which in ("second", "first") if last == "first" else ("first", "second"):
        browser.receive(answers[which])
    return str(browser.get("/who").content, "utf-8")


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("first", REQUESTS)
def test_no_pair_of_requests_logs_the_browser_out(site: None, beginning: str, first: str) -> None:
    wrong = []
    for second, when, last in product(REQUESTS, ["before", "during"], ["first", "second"]):
        pair = {first, second}
        if pair & LOGOUTS.keys() or (beginning == "anonymous" and PASSWORD in pair):
            continue
        possible = {LOGINS[name] for name in pair if name in LOGINS}
        if not possible or PASSWORD in pair:  # both are logged in, and the last cookie counts
            possible.add(BEGINNINGS[beginning])
        found = outcome(beginning, first, second, when, last)
        if found not in possible:
            wrong.append((second, when, last, found))
    assert wrong == []


@pytest.mark.parametrize("logout", LOGOUTS)
@pytest.mark.parametrize("first", REQUESTS)
def test_no_request_that_was_under_way_undoes_a_logout(site: None, first: str, logout: str) -> None:
    if first in LOGINS:
        return  # another login, which stands
    ends = [outcome("logged in", first, logout, "during", last) for last in ("first", "second")]
    assert ends == ["None", "None"]
