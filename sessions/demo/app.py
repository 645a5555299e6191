"""The site of the demo: log in, see your devices, end a session, log out everywhere.

A WSGI application (PEP 3333) behind ``sessions.wsgi.SessionMiddleware``. Each POST must bring a
CSRF token of its session; what it did is told on the page that it leads to (303, then GET).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sessions.demo import page
from sessions.demo.device import device_of
from sessions.demo.form import Unreadable, fields_of
from sessions.demo.page import Frame
from sessions.demo.style import POLICY
from sessions.of_user import SessionInfo
from sessions.row import ANONYMOUS
from sessions.session import Session
from sessions.wsgi import SESSION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_OK = "200 OK"
_ID = re.compile("[A-Za-z0-9_-]{43}", re.ASCII)
"""What ``SessionInfo.id`` looks like; no store need be asked about anything else."""
_OLD_FORM = (
    "The form does not belong to this browser's session, or the session is over. "
    "Nothing was done. Go on from the start page."
)
_TITLES = {
    "400 Bad Request": "That form can't be read",
    "413 Content Too Large": "That form is too long",
}


class UserSessions(Protocol):
    """What the site asks of a session store beside what the middleware does."""

    def sessions_of(self, user_id: str) -> list[SessionInfo]:
        """A user's sessions that are not over."""

    def revoke(self, user_id: str, session_id: str) -> bool:
        """End one session of a user; whether it was there."""

    def revoke_user(self, user_id: str, *, except_: str | None = None) -> int:
        """End all sessions of a user but one; how many."""


class Request(NamedTuple):
    """What a page is made of.

    Attributes:
        path: as the browser asked for it.
        session: the browser's.
        device: the browser, in words.
        form: the fields of a POST.
    """

    path: str
    session: Session
    device: str
    form: dict[str, str]


class Reply(NamedTuple):
    """A page; or, where there is a ``location``, the way to one."""

    status: str
    html: str = ""
    location: str | None = None
    allow: str | None = None


class Site:
    """The site.

    Args:
        store: the one that the middleware keeps the sessions in.
    """

    def __init__(self, store: UserSessions) -> None:
        self._store = store
        self._pages: dict[str, dict[str, Callable[[Request], Reply]]] = {
            "/": {"GET": self._home},
            "/login": {"GET": self._ask_name, "POST": self._login},
            "/devices": {"GET": self._devices},
            "/devices/end": {"POST": self._end},
            "/logout": {"POST": self._logout},
            "/logout-everywhere": {"POST": self._logout_everywhere},
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        reply = self._reply(environ)
        body = reply.html.encode()
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            # So that after a logout the Back button asks again instead of showing what was.
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", POLICY),
            ("Referrer-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if reply.location is not None:
            headers.append(("Location", reply.location))
        if reply.allow is not None:
            headers.append(("Allow", reply.allow))
        start_response(reply.status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _reply(self, environ: WSGIEnvironment) -> Reply:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        methods = self._pages.get(path)
        if methods is None:
            return _apology("404 Not Found", "No such page", "There is nothing here.")
        handle = methods.get("GET" if method == "HEAD" else method)
        if handle is None:
            allow = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
            sentence = f"This address takes {allow}."
            reply = _apology("405 Method Not Allowed", "Not that way", sentence)
            return reply._replace(allow=allow)
        session: Session = environ[SESSION]
        form: dict[str, str] = {}
        if method == "POST":
            try:
                form = fields_of(environ)
            except Unreadable as error:
                return _apology(error.status, _TITLES[error.status], "Nothing was done.")
            if not session.is_csrf_token(form.get("csrf")):
                return _apology("403 Forbidden", "That form is out of date", _OLD_FORM)
        return handle(Request(path, session, device_of(environ.get("HTTP_USER_AGENT")), form))

    def _home(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            # Without a token or a count: whoever only looks gets no row and no cookie.
            return Reply(_OK, page.nobody(Frame(request.path, None, "", session.flashes())))
        session["visits"] = session.get("visits", 0) + 1
        return Reply(_OK, page.home(_frame(request), session["visits"]))

    def _ask_name(self, request: Request) -> Reply:
        return Reply(_OK, page.login(_frame(request), request.device))

    def _login(self, request: Request) -> Reply:
        name = request.form.get("user_name", "").strip()
        wrong = _what_is_wrong_with(name)
        if wrong is not None:
            html = page.login(_frame(request), request.device, name, wrong)
            return Reply("422 Unprocessable Content", html)
        request.session.login(name, device=request.device)
        request.session.flash(f"You are logged in on this device, {request.device}.")
        return _to("/")

    def _devices(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            return _to_login(session)
        infos = self._store.sessions_of(session.user_id)
        return Reply(_OK, page.devices(_frame(request), infos, session.id))

    def _end(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            return _to_login(session)
        session_id = request.form.get("session", "")
        if session_id == session.id:
            return self._logout(request)
        is_one = _ID.fullmatch(session_id) is not None
        was_there = is_one and self._store.revoke(session.user_id, session_id)
        session.flash("That session is ended." if was_there else "That session was over already.")
        return _to("/devices")

    def _logout(self, request: Request) -> Reply:
        request.session.logout()
        return _to("/")

    def _logout_everywhere(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            return _to_login(session)
        ended = self._store.revoke_user(session.user_id, except_=session.id)
        others = "1 other session is" if ended == 1 else f"{ended} other sessions are"
        session.flash(f"{others} ended. Only this one goes on.")
        return _to("/devices")


def _what_is_wrong_with(name: str) -> str | None:
    if not 1 <= len(name) <= page.LONGEST_NAME or not name.isprintable():
        return f"A name of 1 to {page.LONGEST_NAME} printable characters is needed."
    if name.startswith(ANONYMOUS):
        return f"A name may not begin with {ANONYMOUS}: sessions that are nobody's do."
    return None


def _frame(request: Request) -> Frame:
    session = request.session
    return Frame(request.path, session.user_id, session.csrf_token(), session.flashes())


def _to(path: str) -> Reply:
    return Reply("303 See Other", location=path)


def _to_login(session: Session) -> Reply:
    session.flash("Log in first.")
    return _to("/login")


def _apology(status: str, title: str, sentence: str) -> Reply:
    return Reply(status, page.apology(title, sentence))
