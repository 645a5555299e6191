"""A browser that has DBSC, as the draft says and as Chromium 150 was seen to do it.

It registers when a response offers that, with the cookies that it has; it refreshes before it sends
a request without the bound cookie, and answers a 403 with a proof of the challenge that came with
it; it forgets the session where the draft says so. Its keys are in software.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.device_bound.device_key import DeviceKey
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import HOST, Request, Response, over_asgi, over_wsgi
from tests.sessions_web.site import Act, Page, Saving, Site, nothing

PATH = "/device-bound-session"
REGISTER, REFRESH = f"{PATH}/register", f"{PATH}/refresh"
SECRET = "a secret of the site, of 32 bytes at least"

MAX_CHALLENGES = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """A cookie. ``ends_at_ns`` is None where it goes with the browser."""

    value: str
    path: str
    same_site: str
    ends_at_ns: int | None


@dataclass(slots=True)
class DeviceSession:
    """What the browser knows of a session that is bound to it."""

    identifier: str
    refresh_url: str
    bound_cookie: str
    key: DeviceKey
    challenge: str | None = None


class DeviceBrowser:
    """A browser at a site.

    Args:
        site: the site.
        has_dbsc: whether it is one that has DBSC; others ignore what they do not know.
        make_key: makes the key of a session.
    """

    def __init__(self, site: Site, *, has_dbsc: bool = True, make_key: Any = DeviceKey) -> None:
        self.site = site
        self.cookies: dict[str, Kept] = {}
        self.sessions: dict[str, DeviceSession] = {}
        self.asked: list[tuple[str, str, int]] = []
        self.has_dbsc = has_dbsc
        self._make_key = make_key

    # What a user does

    def visit(
        self,
        *steps: Act | Saving,
        from_elsewhere: bool = False,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Response:
        """A page; by a link of another site, perhaps."""
        for session in list(self.sessions.values()):
            if session.bound_cookie not in self._sent("/", from_elsewhere=False):
                self.refresh(session, from_elsewhere=from_elsewhere)
        page = {"tests.page": Page(steps or (nothing,))}
        response = self.send("/", "GET", headers, extra=page)
        offer = response.headers.get("secure-session-registration")
        if offer is not None and self.has_dbsc:
            self.register(offer, from_elsewhere=from_elsewhere)
        return response

    def user(self, **how: Any) -> Any:
        """Whom a page sees logged in."""
        return self.visit(lambda session: session.user_id, **how).value

    # What the browser does by itself

    def register(self, offer: str, *, from_elsewhere: bool = False) -> Response:
        """Take an offer up."""
        found = re.fullmatch(r'\(ES256 RS256\);path="([^"]+)";challenge="([^"]+)"', offer)
        assert found is not None
        key = self._make_key()
        proof = key.registration(found[2])
        response = self.send(
            found[1], "POST", [("Secure-Session-Response", proof)], from_elsewhere=from_elsewhere
        )
        if response.status == 200:
            self._learn(response, key)
        return response

    def refresh(self, session: DeviceSession, *, from_elsewhere: bool = False) -> Response:
        """Ask for the session's next bound cookie."""
        for _ in range(MAX_CHALLENGES):
            headers = [("Sec-Secure-Session-Id", session.identifier)]
            if session.challenge is not None:
                proof = session.key.refresh(session.challenge)
                headers.append(("Secure-Session-Response", proof))
            response = self.send(
                session.refresh_url, "POST", headers, from_elsewhere=from_elsewhere
            )
            challenged = response.headers.get("secure-session-challenge")
            if challenged is not None:
                found = re.fullmatch(r'"([^"]+)";id="([^"]+)"', challenged)
                assert found is not None
                assert found[2] == session.identifier
                session.challenge = found[1]
            if response.status != 403:
                break
        if response.status == 200:
            self._learn(response, session.key)
        elif 400 <= response.status < 500 and response.status not in (407, 429):
            del self.sessions[session.identifier]
        return response

    def send(
        self,
        path: str,
        method: str = "POST",
        headers: Iterable[tuple[str, str]] = (),
        *,
        extra: Mapping[str, Any] | None = None,
        from_elsewhere: bool = False,
    ) -> Response:
        """One request, with the cookies that it has for it."""
        sent = self._sent(path, from_elsewhere=from_elsewhere)
        cookie = "; ".join(f"{name}={value}" for name, value in sent.items())
        fields = [("Host", HOST), *headers, *([("Cookie", cookie)] if cookie else [])]
        over = over_asgi if self.site.protocol == "asgi" else over_wsgi
        request = Request(path, method, tuple(fields), extra=extra or {})
        response = over(self.site.app, request, self.site.log)
        self.asked.append((method, path, response.status))
        for set_cookie in response.set_cookies:
            self._keep(set_cookie)
        return response

    @property
    def clock(self) -> FakeClock:
        return self.site.clock

    @property
    def session(self) -> DeviceSession:
        """The one that is bound to it."""
        (session,) = self.sessions.values()
        return session

    def stolen(self) -> DeviceBrowser:
        """Another browser with all its cookies, and none of its keys."""
        thief = DeviceBrowser(self.site, has_dbsc=False)
        thief.cookies = dict(self.cookies)
        return thief

    def _learn(self, response: Response, key: DeviceKey) -> None:
        assert response.headers["content-type"] == "application/json"
        told = json.loads(response.body)
        (credential,) = told["credentials"]
        assert told["scope"] == {"include_site": False}
        assert told["allowed_refresh_initiators"] == ["*"]
        name, attributes = credential["name"], credential["attributes"]
        (set_cookie,) = response.set_cookies
        assert set_cookie.startswith(f"{name}=")
        assert set(attributes.split("; ")) <= set(set_cookie.split("; ")[1:])
        identifier = told["session_identifier"]
        self.sessions[identifier] = DeviceSession(identifier, told["refresh_url"], name, key)

    def _keep(self, set_cookie: str) -> None:
        pair, *attributes = set_cookie.split("; ")
        name, _, value = pair.partition("=")
        given = dict(one.partition("=")[::2] for one in attributes)
        assert "Secure" in given
        assert "HttpOnly" in given
        if name.startswith("__Host-"):
            assert given["Path"] == "/"
            assert "Domain" not in given
        age = given.get("Max-Age")
        ends_at_ns = None if age is None else self.clock() + int(age) * 10**9
        self.cookies[name] = Kept(value, given["Path"], given["SameSite"], ends_at_ns)

    def _sent(self, path: str, *, from_elsewhere: bool) -> dict[str, str]:
        """The cookies of a request; Lax ones go with no POST that another site caused."""
        now = self.clock()
        return {
            name: kept.value
            for name, kept in self.cookies.items()
            if (kept.ends_at_ns is None or now < kept.ends_at_ns)
            and (kept.path == "/" or path.startswith(kept.path + "/"))
            and (not from_elsewhere or kept.same_site == "None")
        }
