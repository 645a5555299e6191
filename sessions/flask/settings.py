"""Flask's own settings of sessions: taken for options, or refused aloud.

    SESSION_COOKIE_NAME, _DOMAIN, _PATH, _SECURE,    the option of that meaning, unless it is
    _SAMESITE, _PARTITIONED                          given; refused where the two contradict
    SESSION_COOKIE_HTTPONLY                          refused unless it is True
    PERMANENT_SESSION_LIFETIME                       refused unless it is the lifetime, since
                                                     idle and lifetime are two
    SESSION_REFRESH_EACH_REQUEST                     not needed: no cookie is set again

A setting that has Flask's default says nothing, since Flask's defaults are not these.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import flask

from sessions.cookie.cookie import without_leading_dot

if TYPE_CHECKING:
    from sessions.config.options import SessionOptions

_OPTION_OF = {
    "SESSION_COOKIE_NAME": "cookie",
    "SESSION_COOKIE_DOMAIN": "domain",
    "SESSION_COOKIE_PATH": "path",
    "SESSION_COOKIE_SECURE": "secure",
    "SESSION_COOKIE_SAMESITE": "same_site",
    "SESSION_COOKIE_PARTITIONED": "partitioned",
}


def with_flask_settings(config: Mapping[str, Any], given: SessionOptions) -> SessionOptions:
    """The options that are given, and those that an application's settings add.

    Args:
        config: ``app.config``.
        given: to the SessionInterface.

    Raises:
        ValueError: a setting contradicts an option, or can't be followed.
    """
    options: dict[str, Any] = dict(given)
    for setting, option in _OPTION_OF.items():
        value = _set_value(config, setting)
        if option == "domain":
            value = without_leading_dot(value)
        if value is None:
            continue
        if options.setdefault(option, value) != value:
            raise ValueError(
                f"{setting} is {value!r}, and SessionInterface has {option}={options[option]!r}: "
                "leave one of them out"
            )
    if _set_value(config, "SESSION_COOKIE_HTTPONLY") is not None:
        raise ValueError("SESSION_COOKIE_HTTPONLY must be True: scripts have no use for a token")
    _require_lifetime(_set_value(config, "PERMANENT_SESSION_LIFETIME"), options.get("lifetime"))
    return cast("SessionOptions", options)


def _set_value(config: Mapping[str, Any], setting: str) -> Any:
    """A setting that was set; None for Flask's default."""
    value = config.get(setting)
    return None if value == flask.Flask.default_config.get(setting) else value


def _require_lifetime(permanent: Any, lifetime: object) -> None:
    if permanent is None:
        return
    is_delta = isinstance(permanent, timedelta)
    seconds = round(permanent.total_seconds()) if is_delta else permanent
    if seconds != lifetime:
        raise ValueError(
            f"PERMANENT_SESSION_LIFETIME of {seconds} seconds is not followed: "
            f"SessionInterface(idle=..., lifetime={seconds}) sets when a session expires, without "
            "requests and in any case"
        )
