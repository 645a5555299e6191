"""The switch that turns limiting off: for tests, and for a site that must go on without it.

``enabled=False`` turns off one limiter, middleware or view; the environment variable
``RATELIMIT_DDB_ENABLED=0`` turns off all that don't have ``enabled=True``. Whatever is turned off
allows every request and never asks the store. It says so in the log, as a warning: a limit that is
off by mistake must be noticed.
"""

from __future__ import annotations

import os

VARIABLE = "RATELIMIT_DDB_ENABLED"

_WORDS = {
    "1": True,
    "true": True,
    "on": True,
    "yes": True,
    "0": False,
    "false": False,
    "off": False,
    "no": False,
}


def limiting_enabled(enabled: bool | None, what: str) -> bool:
    """Whether limiting is on. Read once, when a limiter or middleware is made.

    Args:
        enabled: the argument; None to follow the environment, which is on unless it says no.
        what: what is turned on or off, for the warning: ``"RateLimiter of 5 per minute"``.

    Raises:
        TypeError: ``enabled`` is neither a bool nor None.
        ValueError: the environment variable is none of 1, true, on, yes, 0, false, off and no. A
            typing error there must not turn anything on or off in silence.
    """
    if enabled is not None and not isinstance(enabled, bool):
        raise TypeError(
            f"enabled {enabled!r}: must be True, False or None (the environment's choice)"
        )
    why = "enabled=False"
    if enabled is None:
        word = os.environ.get(VARIABLE, "1")
        if word.lower() not in _WORDS:
            raise ValueError(f"{VARIABLE}={word!r}: must be one of {', '.join(_WORDS)}")
        enabled, why = _WORDS[word.lower()], f"{VARIABLE}={word}"
    if not enabled:
        import logging  # importing this package does not need it

        logging.getLogger("ratelimit_ddb").warning(
            "%s is switched off by %s: every request is allowed", what, why
        )
    return enabled
