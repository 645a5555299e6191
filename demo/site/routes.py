"""The site of the demo: buckets to empty, a login, the user's devices, log out everywhere.

A WSGI application (PEP 3333) behind both middlewares. Each POST must bring a CSRF token of its
session; what it did is told on the page that it leads to (303, then GET).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from demo.limits import SEARCH
from demo.live.board import Board
from demo.live.feed import Feed, SessionsChanged
from demo.live.stream import Viewer, events
from demo.site import page
from demo.site.device import device_of
from demo.site.form import Unreadable, fields_of
from demo.site.page import Frame
from demo.site.static_files import FILES, StaticFile
from ratelimit_ddb.web import verdict_of
from sessions import DynamoDBSessionStore, MemorySessionStore, Session
from sessions.wsgi import SESSION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What pages may do: use the files of this site and send forms here (CSP Level 3)."""

_OK = "200 OK"
_LIVE = "/live"
_ID = re.compile("[A-Za-z0-9_-]{43}", re.ASCII)
"""What ``SessionInfo.id`` looks like; no store need be asked about anything else."""
_OLD_FORM = (
    "The form does not belong to this browser's session, or the session is over. "
    "Nothing was done. Go on from the start page."
)
_ANONYMOUS = "anonymous~"
_TITLES = {
    "400 Bad Request": "That form can't be read",
    "413 Content Too Large": "That form is too long",
}


class Request(NamedTuple):
    """What a page is made of.

    Attributes:
        path: as the browser asked for it.
        address: where it is asked from.
        session: the browser's.
        device: the browser, in words.
        form: the fields of a POST.
    """

    path: str
    address: str
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
        sessions: the store that the middleware keeps the sessions in.
        board: told of the searches that were admitted, and shown on the start page.
        feed: told when sessions of a user have ended.
    """

    def __init__(
        self, sessions: MemorySessionStore | DynamoDBSessionStore, board: Board, feed: Feed
    ) -> None:
        self._sessions = sessions
        self._board = board
        self._feed = feed
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
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            if path == SEARCH:
                self._board.note(verdict_of(environ))
                return _send(environ, start_response, "application/json", b'{"found": 42}\n')
            if path in FILES:
                return _send_file(environ, start_response, FILES[path])
            if path == _LIVE and method == "GET":
                return self._live(environ, start_response)
        reply = self._reply(environ)
        headers = [
            # So that after a logout the Back button asks again instead of showing what was.
            ("Cache-Control", "private, no-store"),
            ("Content-Security-Policy", POLICY),
            ("Referrer-Policy", "same-origin"),
        ]
        if reply.location is not None:
            headers.append(("Location", reply.location))
        if reply.allow is not None:
            headers.append(("Allow", reply.allow))
        html = "text/html; charset=utf-8"
        return _send(environ, start_response, html, reply.html.encode(), reply.status, headers)

    def _live(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The stream of events; with the devices for a page of somebody who is logged in."""
        viewer = None
        if environ.get("QUERY_STRING") == "devices":
            session: Session = environ[SESSION]
            viewer = Viewer(session.user_id, session.id)
        start_response(_OK, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        return events(self._board, self._feed, viewer, self._sessions.sessions_of)

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
        device = device_of(environ.get("HTTP_USER_AGENT"))
        return handle(Request(path, environ["REMOTE_ADDR"], session, device, form))

    def _home(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            # Without a token or a count: whoever only looks gets no row and no cookie.
            frame = Frame(request.path, None, "", session.flashes())
            return Reply(_OK, page.nobody(frame, request.address))
        session["visits"] = session.get("visits", 0) + 1
        return Reply(_OK, page.home(_frame(request), session["visits"]))

    def _ask_name(self, request: Request) -> Reply:
        return Reply(_OK, page.login(_frame(request), request.device))

    def _login(self, request: Request) -> Reply:
        name = request.form.get("user_name", "").strip()
        try:
            _require_name(name)
            request.session.login(name, device=request.device)
        except ValueError as error:
            html = page.login(_frame(request), request.device, name, str(error))
            return Reply("422 Unprocessable Content", html)
        request.session.flash(f"You are logged in on this device, {request.device}.")
        return _to("/")

    def _devices(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            return _to_login(session)
        infos = self._sessions.sessions_of(session.user_id)
        return Reply(_OK, page.devices(_frame(request), infos, session.id))

    def _end(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            return _to_login(session)
        session_id = request.form.get("session", "")
        if session_id == session.id:
            return self._logout(request)
        is_one = _ID.fullmatch(session_id) is not None
        was_there = is_one and self._sessions.revoke(session.user_id, session_id)
        self._feed.publish(SessionsChanged(session.user_id))
        session.flash("That session is ended." if was_there else "That session was over already.")
        return _to(_back(request))

    def _logout(self, request: Request) -> Reply:
        request.session.logout()
        return _to("/")

    def _logout_everywhere(self, request: Request) -> Reply:
        session = request.session
        if session.user_id is None:
            return _to_login(session)
        ended = self._sessions.revoke_user(session.user_id, except_=session.id)
        self._feed.publish(SessionsChanged(session.user_id))
        others = "1 other session is" if ended == 1 else f"{ended} other sessions are"
        session.flash(f"{others} ended. Only this one goes on.")
        return _to(_back(request))


def _require_name(name: str) -> None:
    if not 1 <= len(name) <= page.LONGEST_NAME or not name.isprintable():
        raise ValueError(f"A name of 1 to {page.LONGEST_NAME} printable characters is needed.")
    if name.startswith(_ANONYMOUS):
        raise ValueError(f"A name may not begin with {_ANONYMOUS}: sessions that are nobody's do.")


def _frame(request: Request) -> Frame:
    session = request.session
    return Frame(request.path, session.user_id, session.csrf_token(), session.flashes())


def _back(request: Request) -> str:
    """The page that the form was on."""
    return "/" if request.form.get("back") == "/" else "/devices"


def _to(path: str) -> Reply:
    return Reply("303 See Other", location=path)


def _to_login(session: Session) -> Reply:
    session.flash("Log in first.")
    return _to("/login")


def _apology(status: str, title: str, sentence: str) -> Reply:
    return Reply(status, page.apology(title, sentence))


def _send_file(
    environ: WSGIEnvironment, start_response: StartResponse, file: StaticFile
) -> Iterable[bytes]:
    fields = [("Cache-Control", "no-cache")]
    return _send(environ, start_response, file.content_type, file.content, _OK, fields)


def _send(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    content_type: str,
    body: bytes,
    status: str = _OK,
    fields: Iterable[tuple[str, str]] = (),
) -> list[bytes]:
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        *fields,
    ]
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
