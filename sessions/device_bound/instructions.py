"""What a browser is told of a bound session: where to refresh it, and which cookie is bound.

Source: the draft, "JSON Session Instruction Format".
"""

from __future__ import annotations

import json

from sessions.cookie.cookie import Cookie


def instructions(identifier: str, refresh_path: str, bound: Cookie) -> bytes:
    """The instructions, as JSON.

    Whichever page a link is on, the browser may refresh before it follows it, or the user would
    seem logged out: browsers ask only where they would send the cookie, so ``SameSite`` still says
    who can have it sent.

    Args:
        identifier: of the session, for the browser.
        refresh_path: where it sends its proofs.
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
