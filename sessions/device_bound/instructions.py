"""The instructions for a browser with a bound session: where to refresh it, and the bound cookie.

Source: the draft, "JSON Session Instruction Format".
"""

from __future__ import annotations

import json

from sessions.cookie.cookie import Cookie


def instructions(identifier: str, refresh_path: str, bound: Cookie) -> bytes:
    """The instructions, as JSON.

    Pages of any site may cause a refresh: after a link from another site, the user would seem
    logged out otherwise. A browser refreshes only where it would send the cookie, so ``SameSite``
    still limits which sites can have the cookie sent.

    Args:
        identifier: the session's name for the browser.
        refresh_path: where the browser sends its proofs.
        bound: the bound cookie.
    """
    session = {
        "session_identifier": identifier,
        "refresh_url": refresh_path,
        "scope": {"include_site": False},
        "credentials": [{"type": "cookie", "name": bound.name, "attributes": bound.attributes}],
        "allowed_refresh_initiators": ["*"],
    }
    return json.dumps(session).encode()
