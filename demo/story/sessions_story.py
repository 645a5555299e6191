"""The story of the sessions: two browsers, their list, the end of the other, the end of this one.

Everything shown was observed over HTTP: statuses, cookies, and what the pages say.
"""

from __future__ import annotations

from demo.story.browser import Answer, Browser, Device
from demo.story.screen import Screen

_HERE = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_THERE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
_NOBODY = "Nobody is logged in"


class SessionsStory:
    """What becomes of the sessions of one user.

    Args:
        screen: where it is told.
        host, port: the site.
        user_id: what they are called; without sessions yet.
        calls: DynamoDB operations as they were called so far; None without DynamoDB.
    """

    def __init__(
        self,
        screen: Screen,
        host: str,
        port: int,
        user_id: str,
        calls: list[str] | None = None,
    ) -> None:
        self._screen = screen
        self._here = Browser(host, port, _HERE)
        self._there = Browser(host, port, _THERE)
        self._user_id = user_id
        self._calls = calls
        self._hello = f"Hello, {user_id}"
        self._requests = 0
        self._wrong = 0

    def tell(self) -> bool:
        """Show it all; False if anything was not as it must be."""
        if self._calls is not None:
            self._calls.clear()
        self._two_browsers()
        self._their_list()
        self._the_end_of_the_other()
        self._the_end_of_this_one()
        return self._sum_up()

    def _two_browsers(self) -> None:
        here, there = self._here, self._there
        self._screen.heading("5  One user, two browsers")
        looked = here.get("/")
        self._show(here, "GET /", looked, good=looked.heading == _NOBODY and not here.cookies)
        self._login(here)
        self._visit(here, "once")
        self._visit(here, "2 times")
        self._login(there)
        self._visit(there, "once")

    def _login(self, browser: Browser) -> None:
        page = browser.get("/login")
        before = dict(browser.cookies)
        self._show(browser, "GET /login", page, good=page.status == 200 and bool(before))
        done = browser.post("/login", user_name=self._user_id)
        renewed = done.cookie == "set" and browser.cookies != before
        self._show(browser, "POST /login", done, good=done.location == "/" and renewed)

    def _visit(self, browser: Browser, visits: str) -> None:
        page = browser.get("/")
        good = page.heading == self._hello and page.visits == visits and page.cookie is None
        self._show(browser, "GET /", page, good=good)

    def _their_list(self) -> None:
        here, there = self._here, self._there
        self._screen.heading("6  My devices")
        page = here.get("/devices")
        wanted = {Device(here.name, is_this=True), Device(there.name, is_this=False)}
        self._show(here, "GET /devices", page, good=set(page.devices) == wanted)

    def _the_end_of_the_other(self) -> None:
        here, there = self._here, self._there
        self._screen.heading("7  Log out everywhere else")
        forged = here.post_from_elsewhere("/logout-everywhere")
        self._show(here, "POST, by another site", forged, good=forged.status == 403)
        self._visit(there, "2 times")
        done = here.post("/logout-everywhere")
        self._show(here, "POST /logout-everywhere", done, good=done.location == "/devices")
        page = here.get("/devices")
        alone = page.devices == [Device(here.name, is_this=True)]
        self._show(here, "GET /devices", page, good=alone and page.note.startswith("1 other"))
        self._is_nobody(there, "GET /")
        self._visit(here, "3 times")

    def _the_end_of_this_one(self) -> None:
        here = self._here
        self._screen.heading("8  Log out, and try the old cookie again")
        old = dict(here.cookies)
        done = here.post("/logout")
        cleared = done.cookie == "cleared" and not here.cookies
        self._show(here, "POST /logout", done, good=done.location == "/" and cleared)
        self._is_nobody(here, "GET /")
        here.cookies.update(old)
        self._is_nobody(here, "GET /, old cookie")
        here.cookies.update({name: f"{value[:-1]}_" for name, value in old.items()})
        self._is_nobody(here, "GET /, forged cookie")

    def _is_nobody(self, browser: Browser, asked: str) -> None:
        page = browser.get("/")
        self._show(browser, asked, page, good=page.heading == _NOBODY)

    def _sum_up(self) -> bool:
        good = not self._wrong
        self._screen.heading("Sessions")
        kept = (
            "Each session lasted until it was ended, and no cookie brought one back: kept."
            if good
            else f"{self._wrong} of {self._requests} answers are not what they must be."
        )
        self._screen.verdict(kept, good=good)
        return good

    def _show(self, browser: Browser, asked: str, answer: Answer, *, good: bool) -> None:
        self._requests += 1
        self._wrong += not good
        self._screen.answered(browser.name, asked, answer.status, _in_words(answer), good=good)
        if self._calls is not None:
            calls = ", ".join(self._calls) or "no call"
            self._calls.clear()
            self._screen.note(f"{'':16}  {'':23}       {calls}")


def _in_words(answer: Answer) -> str:
    listed = [f"{name}{' (this one)' if this else ''}" for name, this in answer.devices]
    parts = [f"to {answer.location}" if answer.location else answer.heading]
    parts += [", ".join(listed)] if listed else []
    parts += [f"opened {answer.visits}"] if answer.visits else []
    parts += [f"cookie {answer.cookie}"] if answer.cookie else []
    return "; ".join(parts)
