"""The draft's header fields, and the text in a structured field.

Source: the draft, "DBSC Formats"; RFC 9651 (structured fields).
"""

from __future__ import annotations

import re

CHALLENGE = "secure-session-challenge"
RESPONSE = "secure-session-response"
IDENTIFIER = "sec-secure-session-id"

# The draft has a String, and Chromium 150 sends a Token: the same text without quotes.
_ITEM = re.compile(r' *(?:"([A-Za-z0-9_.-]+)"|([A-Za-z0-9_.-]+)) *(?:;.*)?', re.ASCII)


def text_of(field: str | None) -> str | None:
    """The text in a field; None if it has anything else.

    Only letters, digits and ``_.-`` are accepted: those of a JWT and of a session's identifier.
    """
    found = None if field is None else _ITEM.fullmatch(field)
    return None if found is None else found[1] or found[2]


def registration(path: str, challenge: str) -> str:
    """The offer to bind a session to a key of either kind."""
    return f'(ES256 RS256);path="{path}";challenge="{challenge}"'


def challenge(text: str, identifier: str) -> str:
    """A challenge to the device of a session."""
    return f'"{text}";id="{identifier}"'
