"""Browsers of the story: each keeps its own cookies and the form token of the page it saw last."""

from __future__ import annotations

import re
from html import unescape
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

from demo.site.device import device_of

_SECONDS_TO_ANSWER = 30

_HEADING = re.compile("<h1>(.*?)</h1>", re.DOTALL)
_TOKEN = re.compile('name="csrf" value="([^"]*)"')
_NOTE = re.compile('<p class="note"[^>]*>(.*?)</p>', re.DOTALL)
_VISITS = re.compile("<strong>(.*?)</strong> in this session")
_DEVICE = re.compile(r"<h2>(.*?)</h2>.*?</div>\n(<span)?", re.DOTALL)


class Device(NamedTuple):
    """One of those that "My devices" shows."""

    name: str
    is_this: bool


class Answer(NamedTuple):
    """What a browser got.

    Attributes:
        status: the status code.
        location: where it leads to; None where it is a page itself.
        cookie: what became of the cookie: ``"set"``, ``"cleared"``, or None.
        html: the page.
    """

    status: int
    location: str | None
    cookie: str | None
    html: str

    @property
    def heading(self) -> str:
        """What the page is called."""
        return self._found(_HEADING)

    @property
    def note(self) -> str:
        """The message that was left for the page; empty where there is none."""
        return self._found(_NOTE)

    @property
    def visits(self) -> str:
        """How often the page was opened, in its words; empty where it does not say."""
        return self._found(_VISITS)

    @property
    def devices(self) -> list[Device]:
        """The devices that it lists."""
        return [Device(unescape(name), bool(this)) for name, this in _DEVICE.findall(self.html)]

    def _found(self, what: re.Pattern[str]) -> str:
        found = what.search(self.html)
        return unescape(found[1]) if found else ""


class Browser:
    """A client of one server, with a cookie jar.

    Args:
        host, port: the server.
        user_agent: what it says it is.

    Attributes:
        name: the same in words.
        cookies: its jar.
    """

    def __init__(self, host: str, port: int, user_agent: str) -> None:
        self.name = device_of(user_agent)
        self.cookies: dict[str, str] = {}
        self._address = (host, port)
        self._user_agent = user_agent
        self._token = ""

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self._asked("GET", path, None)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form of the page it saw last, with its token."""
        return self._asked("POST", path, urlencode({"csrf": self._token, **fields}))

    def post_from_elsewhere(self, path: str) -> Answer:
        """Send what another site's page can make a browser send: the cookies, but no token."""
        return self._asked("POST", path, "")

    def _asked(self, method: str, path: str, body: str | None) -> Answer:
        headers = {"User-Agent": self._user_agent}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={it}" for name, it in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection(*self._address, timeout=_SECONDS_TO_ANSWER)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            html = response.read().decode()
            fields = response.headers.get_all("Set-Cookie") or []
            location = response.getheader("Location")
        finally:
            connection.close()
        if token := _TOKEN.search(html):
            self._token = unescape(token[1])
        return Answer(response.status, location, self._kept(fields), html)

    def _kept(self, fields: list[str]) -> str | None:
        """Do what Set-Cookie fields ask for, and say what that was."""
        what = None
        for field in fields:
            for name, morsel in SimpleCookie(field).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                    what = "cleared"
                else:
                    self.cookies[name] = morsel.value
                    what = "set"
        return what
