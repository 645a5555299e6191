"""Challenges: each is accepted once, for a short time, and for its purpose only.

A challenge has its date, a random part and a MAC, so it is not stored. The MAC covers its purpose
too: to bind the session with an id, or to give the next proof of a key. Once the session is bound,
or that proof was accepted, no process accepts the challenge any more. Several challenges may be
valid at once: a browser may answer an old one.
"""

from __future__ import annotations

import re
import secrets

from sessions.device_bound.binding import Binding
from sessions.device_bound.mac import Macs

CHALLENGE_SECONDS = 120
"""How long a challenge is valid. A browser answers at once; its key may be in slow hardware."""

_MAX_AHEAD_SECONDS = 60
"""How far in the future its date may lie: the clocks of two processes differ a little."""

_NONCE_BYTES = 16
_CHALLENGE = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Challenges:
    """Makes and checks challenges.

    Args:
        macs: makes MACs with the site's secret.
    """

    __slots__ = ("_macs",)

    def __init__(self, macs: Macs) -> None:
        self._macs = macs

    def to_register(self, session_id: str, now: int) -> str:
        """A challenge for a device to bind a session to its key."""
        return self._new(("register", session_id), now)

    def is_to_register(self, given: str, session_id: str, now: int) -> bool:
        """Whether a text is such a challenge, and still valid."""
        return self._is_taken(given, ("register", session_id), now)

    def to_refresh(self, binding: Binding, now: int) -> str:
        """A challenge for the device to prove its key again."""
        return self._new(_next_proof(binding), now)

    def is_to_refresh(self, given: str, binding: Binding, now: int) -> bool:
        """Whether a text is such a challenge, and still valid."""
        return self._is_taken(given, _next_proof(binding), now)

    def _new(self, what_for: tuple[str | int, ...], now: int) -> str:
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        return f"{now}.{nonce}.{self._macs.of('challenge', *what_for, now, nonce)}"

    def _is_taken(self, given: str, what_for: tuple[str | int, ...], now: int) -> bool:
        parts = _CHALLENGE.fullmatch(given)
        if parts is None:
            return False
        at, nonce, mac = int(parts[1]), parts[2], parts[3]
        if not -_MAX_AHEAD_SECONDS <= now - at < CHALLENGE_SECONDS:
            return False
        return self._macs.is_of(mac, "challenge", *what_for, at, nonce)


def _next_proof(binding: Binding) -> tuple[str | int, ...]:
    return "refresh", binding.identifier, binding.key.thumbprint, binding.proofs
