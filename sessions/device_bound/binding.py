"""The binding of a session to a device, which is stored in the session's row."""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

from sessions.device_bound.public_key import InvalidKey, PublicKey

GRACE_SECONDS = 20
"""How long after the binding requests need no bound cookie: they may have been sent before it."""

_IDENTIFIER_BYTES = 16


class Binding(NamedTuple):
    """The binding of a session.

    Attributes:
        identifier: the session's name for the browser: 22 random characters, not a secret. It stays
            the same when the session gets another id.
        key: the device's public key.
        bound_at: the epoch second of the binding.
        proofs: how many proofs of the key were accepted since then, so that each challenge is
            accepted once.
    """

    identifier: str
    key: PublicKey
    bound_at: int
    proofs: int = 0

    @classmethod
    def new(cls, key: PublicKey, now: int) -> Binding:
        """A new binding."""
        return cls(secrets.token_urlsafe(_IDENTIFIER_BYTES), key, now)

    @classmethod
    def of_json(cls, text: str) -> Binding | None:
        """The binding in a row; None if it can't be read, and then no proof is accepted."""
        try:
            kept: Any = json.loads(text)
            key = PublicKey.of_jwk(kept["key"])
            return cls(str(kept["identifier"]), key, int(kept["bound_at"]), int(kept["proofs"]))
        except (InvalidKey, KeyError, TypeError, ValueError):
            return None

    def to_json(self) -> str:
        """Its form in a row."""
        kept = {
            "identifier": self.identifier,
            "key": dict(self.key.members),
            "bound_at": self.bound_at,
            "proofs": self.proofs,
        }
        return json.dumps(kept, separators=(",", ":"))

    def proved(self) -> Binding:
        """The binding after one more proof."""
        return self._replace(proofs=self.proofs + 1)
