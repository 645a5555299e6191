"""What to call a user's device: the browser and the system, by its ``User-Agent``."""

from __future__ import annotations

from collections.abc import Iterable

UNKNOWN = "Unknown browser"

# Each says it is the ones below it too, so the first that is found is the one.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str | None) -> str:
    """The device in words, such as ``"Firefox on Linux"``.

    A guess for people's eyes: a browser may say anything, so nothing is to depend on it.
    """
    found = [_first(_BROWSERS, user_agent or ""), _first(_SYSTEMS, user_agent or "")]
    return " on ".join(name for name in found if name) or UNKNOWN


def _first(names: Iterable[tuple[str, str]], user_agent: str) -> str | None:
    return next((name for sign, name in names if sign in user_agent), None)
