"""Flask's own settings of sessions: each is used as an option, or refused with an error.

    SESSION_COOKIE_NAME, _DOMAIN, _PATH, _SECURE,    used as the option of the same meaning; an
    _SAMESITE, _PARTITIONED                          error if that option has another value
    SESSION_COOKIE_HTTPONLY                          an error unless it is True
    PERMANENT_SESSION_LIFETIME                       an error unless it equals the option lifetime
    SESSION_REFRESH_EACH_REQUEST                     ignored: no cookie is set again

A setting with Flask's default is ignored, since Flask's defaults are not those of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import flask

from sessions.config.session_config import SessionConfig
from sessions.cookie.cookie import without_leading_dot

if TYPE_CHECKING:
    from sessions.config.options import SessionOptions
    from sessions.operations.store import Store

_OPTION_OF = {
    "SESSION_COOKIE_NAME": "cookie",
    "SESSION_COOKIE_DOMAIN": "domain",
    "SESSION_COOKIE_PATH": "path",
    "SESSION_COOKIE_SECURE": "secure",
    "SESSION_COOKIE_SAMESITE": "same_site",
    "SESSION_COOKIE_PARTITIONED": "partitioned",
}


def config_with_settings(
    store: Store, settings: Mapping[str, Any], given: SessionOptions
) -> SessionConfig:
    """The configuration of the given options and of those that an application's settings add.

    Args:
        store: the SessionInterface's.
        settings: ``app.config``.
        given: the options of the SessionInterface.

    Raises:
        TypeError, ValueError: a setting contradicts an option, or can't be used.
    """
    options = _with_settings(settings, given)
    try:
        return SessionConfig.of(store, options)
    except (TypeError, ValueError) as refused:
        followed = [each for each, option in _OPTION_OF.items() if option in {*options} - {*given}]
        if not followed:
            raise
        raise type(refused)(f"{', '.join(followed)}: {refused}") from refused


def _with_settings(config: Mapping[str, Any], given: SessionOptions) -> SessionOptions:
    options: dict[str, Any] = dict(given)
    for setting, option in _OPTION_OF.items():
        value = _set_value(config, setting)
        if option == "domain":
            value = without_leading_dot(value)
        if option == "same_site" and isinstance(value, str):
            value = value.title()  # as Flask's own cookies take it
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
