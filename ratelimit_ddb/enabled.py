"""Whether limiting is on: ``enabled=`` and ``RATELIMIT_DDB_ENABLED``, for tests and emergencies.

``enabled=False`` switches off one limiter, middleware or view; the environment variable
``RATELIMIT_DDB_ENABLED=0`` switches off all that don't have ``enabled=True``. A limiter that is off
allows every request and never asks the store. It logs a warning, so that a limit that is off by
mistake is noticed.
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
        what: what is switched on or off, for the warning: ``"limiter of 5 per minute"``.

    Raises:
        TypeError: ``enabled`` is neither a bool nor None.
        ValueError: the environment variable is none of 1, true, on, yes, 0, false, off and no: a
            typing error must not switch limits off.
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
