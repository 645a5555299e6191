"""The pages, as HTML, of the templates. Whatever a user said is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from demo.limits import SEARCH
from demo.live.board import LIMITS
from sessions import Flash, SessionInfo

LONGEST_NAME = 64

_FOLDER = Path(__file__).parent.parent / "templates"
_TEMPLATES = {
    path.stem: Template(path.read_text(encoding="utf-8").rstrip("\n"))
    for path in _FOLDER.glob("*.html")
}
_SCRIPTS = '<script type="module" src="/static/live.js"></script>\n'


class Frame(NamedTuple):
    """What is around a page's content.

    Attributes:
        path: where the page is.
        user_id: who is logged in; None for nobody.
        csrf: the token for its forms; empty where there are none.
        flashes: messages that were left for it.
    """

    path: str
    user_id: str | None
    csrf: str
    flashes: Iterable[Flash] = ()


def home(frame: Frame, visits: int) -> str:
    """The start page of a user: the limits live, and the user's devices."""
    session = _filled(
        "signed_in",
        times="once" if visits == 1 else f"{visits} times",
        end=_button(frame, "/devices/end", "End", back="/", session=""),
        everywhere=_button(frame, "/logout-everywhere", "Log out everywhere else", back="/"),
    )
    caller = ("session", str(frame.user_id))
    return _live(frame, f"Hello, {frame.user_id}", session, caller)


def nobody(frame: Frame, address: str) -> str:
    """The start page without a user, whose searches are counted by address."""
    caller = ("address", address)
    return _live(frame, "Nobody is logged in", _filled("signed_out"), caller)


def login(frame: Frame, device: str, name: str = "", wrong: str | None = None) -> str:
    """The form to log in; ``wrong`` says what was wrong with ``name``."""
    error, described = "", 'aria-describedby="hint"'
    if wrong is not None:
        error = f'<p class="note wrong" id="wrong" role="alert">{escape(wrong)}</p>\n'
        described = 'aria-invalid="true" aria-describedby="wrong hint"'
    content = _filled(
        "login",
        error=error,
        csrf=_hidden("csrf", frame.csrf),
        longest=str(LONGEST_NAME),
        name=escape(name),
        described=described,
        device=escape(device),
    )
    return _page(frame, "Log in", content)


def devices(frame: Frame, infos: Iterable[SessionInfo], this: str | None) -> str:
    """A user's sessions, with a button for each to end it."""
    items = [_device(frame, info, is_this=info.id == this) for info in infos]
    rest = (
        _button(frame, "/logout-everywhere", "Log out everywhere else", first=True)
        if len(items) > 1
        else '<p class="quiet">You are logged in nowhere else.</p>'
    )
    listed = "\n".join(items)
    return _page(frame, "My devices", f'<ul class="devices">\n{listed}\n</ul>\n{rest}')


def apology(title: str, sentence: str) -> str:
    """A page in place of one that can't be had. It knows no user: no session was asked for."""
    content = f'<p>{escape(sentence)}</p>\n<p><a class="button" href="/">To the start page</a></p>'
    return _html(Frame("", None, ""), [("/", "Home")], title, content)


def _live(frame: Frame, title: str, session: str, caller: tuple[str, str]) -> str:
    content = _filled(
        "home",
        search=SEARCH,
        # "<" can't end the script element early when it is written like this.
        limits=json.dumps(LIMITS).replace("<", "\\u003c"),
        session=session,
        kind=caller[0],
        name=escape(caller[1]),
    )
    return _page(frame, title, content, is_live=True)


def _page(frame: Frame, title: str, content: str, *, is_live: bool = False) -> str:
    known = frame.user_id is not None
    links = [("/", "Home"), ("/devices", "My devices") if known else ("/login", "Log in")]
    return _html(frame, links, title, content, is_live=is_live)


def _html(
    frame: Frame,
    links: list[tuple[str, str]],
    title: str,
    content: str,
    *,
    is_live: bool = False,
) -> str:
    notes = "".join(
        f'<p class="note" role="status">{escape(flash.message)}</p>\n' for flash in frame.flashes
    )
    return _filled(
        "frame",
        title=escape(title),
        scripts=_SCRIPTS if is_live else "",
        wide=' class="wide"' if is_live else "",
        links="\n".join(_link(path, text, frame.path) for path, text in links),
        out=_button(frame, "/logout", "Log out") if frame.user_id is not None else "",
        notes=notes,
        content=content,
    )


def _filled(template: str, **values: str) -> str:
    return _TEMPLATES[template].substitute(values)


def _link(path: str, text: str, here: str) -> str:
    current = ' aria-current="page"' if path == here else ""
    return f'<a href="{path}"{current}>{text}</a>'


def _device(frame: Frame, info: SessionInfo, *, is_this: bool) -> str:
    device = info.device or "Unknown browser"
    about = f"{device}, since {_instant(info.created_at)}"
    seen = "Now" if is_this else _time(info.last_seen_at)
    end = (
        '<span class="badge">This one</span>'
        if is_this
        else _button(frame, "/devices/end", "End", about=about, session=info.id)
    )
    return (
        f'<li data-session="{escape(info.id)}">\n<div>\n<h2>{escape(device)}</h2>\n<dl>\n'
        f"<dt>Since</dt><dd>{_time(info.created_at)}</dd>\n"
        f"<dt>Last seen</dt><dd>{seen}</dd>\n"
        f"</dl>\n</div>\n{end}\n</li>"
    )


def _button(
    frame: Frame, action: str, text: str, *, first: bool = False, about: str = "", **fields: str
) -> str:
    """A form that is a button: what changes something is a POST, with a token."""
    hidden = "".join(
        _hidden(name, value) for name, value in [("csrf", frame.csrf), *fields.items()]
    )
    more = f'<span class="unseen"> {escape(about)}</span>' if about else ""
    look = ' class="first"' if first else ""
    return (
        f'<form method="post" action="{action}">{hidden}<button{look}>{text}{more}</button></form>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _time(epoch_seconds: int) -> str:
    at = datetime.fromtimestamp(epoch_seconds, UTC)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{_instant(epoch_seconds)}</time>'


def _instant(epoch_seconds: int) -> str:
    at = datetime.fromtimestamp(epoch_seconds, UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
