"""The pages, as HTML. Whatever a user said is escaped; there are no scripts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from sessions.demo.style import CSS
from sessions.flash import Flash
from sessions.of_user import SessionInfo

LONGEST_NAME = 64

_HTML = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Sessions demo</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header>
<nav aria-label="Site">
{links}
</nav>
{out}
</header>
<main>
{notes}<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


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
    """The start page of a user."""
    times = "once" if visits == 1 else f"{visits} times"
    content = (
        f"<p>You opened this page <strong>{times}</strong> in this session.</p>\n"
        '<p class="quiet">The session keeps the count. Reload the page, or log in with another '
        "browser too and see it under My devices.</p>"
    )
    return _page(frame, f"Hello, {frame.user_id}", content)


def nobody(frame: Frame) -> str:
    """The start page without a user."""
    content = (
        "<p>Log in to begin a session. In this demo any name will do.</p>\n"
        '<p><a class="button first" href="/login">Log in</a></p>'
    )
    return _page(frame, "Nobody is logged in", content)


def login(frame: Frame, device: str, name: str = "", wrong: str | None = None) -> str:
    """The form to log in; ``wrong`` says what was wrong with ``name``."""
    error, about = "", 'aria-describedby="hint"'
    if wrong is not None:
        error = f'<p class="note wrong" id="wrong" role="alert">{escape(wrong)}</p>\n'
        about = 'aria-invalid="true" aria-describedby="wrong hint"'
    content = (
        f'{error}<form method="post" action="/login">\n{_hidden("csrf", frame.csrf)}\n'
        '<p><label for="user_name">User name</label>\n'
        '<input id="user_name" name="user_name" autocomplete="username" autocapitalize="none" '
        f'spellcheck="false" required maxlength="{LONGEST_NAME}" value="{escape(name)}" {about}>'
        "</p>\n"
        '<p class="quiet" id="hint">Any name will do: this demo asks for no password. '
        f"This device will be called {escape(device)}.</p>\n"
        '<p><button class="first">Log in</button></p>\n</form>'
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


def _page(frame: Frame, title: str, content: str) -> str:
    known = frame.user_id is not None
    links = [("/", "Home"), ("/devices", "My devices") if known else ("/login", "Log in")]
    return _html(frame, links, title, content)


def _html(frame: Frame, links: list[tuple[str, str]], title: str, content: str) -> str:
    return _HTML.format(
        title=escape(title),
        style=CSS,
        links="\n".join(_link(path, text, frame.path) for path, text in links),
        out=_button(frame, "/logout", "Log out") if frame.user_id is not None else "",
        notes="".join(
            f'<p class="note" role="status">{escape(flash.message)}</p>\n'
            for flash in frame.flashes
        ),
        content=content,
    )


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
        f"<li>\n<div>\n<h2>{escape(device)}</h2>\n<dl>\n"
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
