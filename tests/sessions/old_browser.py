"""A browser with a cookie of the sessions that a site had before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions import Cookie
from sessions.previous import PreviousSessions
from tests.sessions.browser import Browser, Site

OLD: dict[str, Mapping[str, Any] | None] = {
    "abc": {"cart": [17], "user": 5},
    "abcd": {"user": 5},
    "bad": None,
    "odd": {"a": 1, "b": {1, 2}, "sessions.x": 1},
}


def read(value: str) -> Mapping[str, Any] | None:
    return OLD.get(value)


def previous(**options: Any) -> PreviousSessions:
    chosen = {"cookie": Cookie(name="old", secure=False), "read": read, "max_age": 1_000_000}
    return PreviousSessions(**{**chosen, **options})


class OldBrowser(Browser):
    """A browser with a cookie of before, and those of now."""

    def __init__(self, site: Site, value: str, **options: Any) -> None:
        made = site.browser(previous=previous(**options.pop("previous", {})), **options)
        super().__init__(made.config, made.flavour, f"old={value}")
        self.set: list[str] = []

    def take(self, fields: Any) -> None:
        jar = dict(pair.split("=", 1) for pair in (self.cookie or "").split("; ") if pair)
        for name, value in fields:
            if name == "set-cookie":
                self.set.append(value)
                cookie, _, content = value.partition(";")[0].partition("=")
                jar.pop(cookie, None) if not content else jar.update({cookie: content})
        self.cookie = "; ".join(f"{name}={value}" for name, value in jar.items()) or None
