"""Workers that are a site and its browsers: sessions that begin, change, and end.

A browser notes what it is about to do before it does it (``may:``), and then that it was done
(``did:``). Whatever comes between, a ``kill -9`` too, either may be true afterwards; what was done
must be. The subject of a line is the browser's name and the cookie that it holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random
from secrets import token_urlsafe
from time import monotonic_ns
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

from sessions import DynamoDBSessionStore, Session, StoreUnavailable
from sessions.wsgi import SessionMiddleware
from tests.engine.faults.journal import Journal
from tests.engine.faults.stalls import Stalls

DEADLINE_SECONDS = 0.5
BROWSERS = 6
NO_COOKIE = "-"
_ACTS = (*["look"] * 3, *["save"] * 7, "rotate", "login", "logout", "revoke", "look back", "forge")
_REMEMBERED = 20
_COOKIE = "__Host-session="


def site_store(
    table: str, *, endpoint_url: str, deadline: float = DEADLINE_SECONDS
) -> DynamoDBSessionStore:
    """A store whose revocations miss no login."""
    return DynamoDBSessionStore(
        table, endpoint_url=endpoint_url, deadline=deadline, strict_revocation=True
    )


class Site:
    """A site of one page, which does what its visitor wants."""

    def __init__(self, store: DynamoDBSessionStore) -> None:
        self.store = store
        self._app = SessionMiddleware(self._page, store, deadline=store.deadline_seconds)
        self._act, self._value = "", 0
        self.seen: tuple[int, int] | None = None

    def request(self, cookie: str, act: str = "look", value: int = 0) -> str:
        """One request; the cookie that the browser has afterwards. What it saw is in ``seen``.

        Raises:
            StoreUnavailable: the session could not be read, or not be written.
        """
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        if cookie != NO_COOKIE:
            environ["HTTP_COOKIE"] = cookie
        self._act, self._value, self.seen = act, value, None
        fields: list[tuple[str, str]] = []

        def start_response(_status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            fields.extend(headers)

        list(self._app(environ, start_response))
        for name, field in fields:
            if name.lower() == "set-cookie":
                pair = field.partition(";")[0]
                cookie = NO_COOKIE if pair.endswith("=") else pair
        return cookie

    def _page(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        session: Session = environ["sessions.session"]
        if "a" in session:
            self.seen = (int(session["a"]), int(session["b"]))
        if self._act == "save":
            # In two keys, so that half of a save would be seen.
            session["a"] = session["b"] = self._value
        elif self._act == "login":
            session.login(f"user{self._value}")
        elif self._act == "rotate":
            session.rotate()
        elif self._act == "logout":
            session.logout()
        start_response("200 OK", [])
        return [b""]


class Browser:
    """One after the other, sessions of a visitor.

    Args:
        site: what it visits.
        journal: where it notes what it does.
        name: which no other browser has.
        user: the number of its user.
    """

    def __init__(self, site: Site, journal: Journal, name: str, user: int) -> None:
        self._site = site
        self._journal = journal
        self._name = name
        self._user = user
        self._visits = 0
        self._value = 0
        self._ended: list[str] = []
        self._cookie: str = NO_COOKIE
        self._is_logged_in = False
        self._begin()

    def step(self, chance: Random) -> None:
        """Do one thing."""
        act = chance.choice(_ACTS) if self._cookie != NO_COOKIE else "save"
        try:
            match act:
                case "look back" if self._ended:
                    self._look_back(chance.choice(self._ended))
                case "forge":
                    self._forge()
                case "revoke" if self._is_logged_in:
                    self._note("may:revoke")
                    self._site.store.revoke_user(f"user{self._user}")
                    self._end("did:revoke")
                case "look" | "save" | "rotate" | "login" | "logout":
                    self.do(act)
        except StoreUnavailable:
            time.sleep(0.02)  # in an outage that lasts, most are told so at once
            if act in {"rotate", "login", "logout", "revoke"} or self._cookie == NO_COOKIE:
                self._begin()  # it is not known which cookie, if any, leads to the session

    def do(self, act: str) -> None:
        """Look, save, rotate, log in or log out, by one request.

        Raises:
            StoreUnavailable: it may be done or not.
        """
        before = self._cookie
        if act == "save":
            self._value += 1
        self._note(f"may:{act}")
        began_ns = monotonic_ns()
        value = self._user if act == "login" else self._value
        after = self._site.request(before, act, value)
        if before != NO_COOKIE:
            seen = self._site.seen or (0, 0)
            self._journal.note("saw:a", began_ns, monotonic_ns(), self._subject, seen[0])
            self._journal.note("saw:b", began_ns, monotonic_ns(), self._subject, seen[1])
        if act == "login":
            self._ended.append(before)
            self._journal.note("ended", began_ns, monotonic_ns(), f"{self._name}|{before}")
            self._is_logged_in = True
        self._cookie = after
        if act == "logout":
            self._cookie = before
            self._end("did:logout")
        else:
            self._note(f"did:{act}")

    def _end(self, what: str) -> None:
        self._note(what)
        self._note("ended")
        self._ended.append(self._cookie)
        self._ended = self._ended[-_REMEMBERED:]
        self._begin()

    def _begin(self) -> None:
        self._visits += 1
        self._cookie, self._is_logged_in = NO_COOKIE, False

    def _look_back(self, cookie: str) -> None:
        self._site.request(cookie)
        came_back = self._site.seen is not None
        self._journal.note(
            "resurrected" if came_back else "still:ended",
            0,
            monotonic_ns(),
            f"{self._name}|{cookie}",
        )

    def _forge(self) -> None:
        """Bring an id that the site never gave: it must give another one."""
        forged = _COOKIE + token_urlsafe(32)
        given = self._site.request(forged, "save", 1)
        what = "adopted" if given == forged else "not:adopted"
        self._journal.note(what, 0, monotonic_ns(), f"{self._name}|{forged}")

    @property
    def _subject(self) -> str:
        return f"{self._name}.{self._visits}|{self._cookie}"

    def _note(self, what: str) -> None:
        now_ns = monotonic_ns()
        self._journal.note(what, now_ns, now_ns, self._subject, self._value)


def visit(url: str, table: str, seed: int, journal: Journal, stalls: Stalls) -> None:
    """Have some browsers visit a site, in turn, without end."""
    chance = Random(seed)
    site = Site(site_store(table, endpoint_url=url))
    browsers = [
        Browser(site, journal, f"{journal.process}.{number}", 1_000 * journal.process + number)
        for number in range(BROWSERS)
    ]
    while True:
        chance.choice(browsers).step(chance)
