"""What a session's row keeps of the device that it is bound to, beside its values."""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

from sessions.device_bound.public_key import InvalidKey, PublicKey

GRACE_SECONDS = 20
"""For how long after it was bound a session is not asked for the bound cookie: the browser had
requests under way."""

_IDENTIFIER_BYTES = 16


class Binding(NamedTuple):
    """A session's.

    Attributes:
        identifier: what the browser calls it, of 22 characters: random, and no secret. It stays
            the same when the session gets another id.
        key: the device's.
        bound_at: the epoch second since when.
        proofs: how many proofs of the key were taken since, so that each challenge is worth one.
    """

    identifier: str
    key: PublicKey
    bound_at: int
    proofs: int = 0

    @classmethod
    def new(cls, key: PublicKey, now: int) -> Binding:
        """One that begins."""
        return cls(secrets.token_urlsafe(_IDENTIFIER_BYTES), key, now)

    @classmethod
    def of_json(cls, text: str) -> Binding | None:
        """The one that a row keeps; None if that can't be read, and then nothing proves it."""
        try:
            kept: Any = json.loads(text)
            key = PublicKey.of_jwk(kept["key"])
            return cls(str(kept["identifier"]), key, int(kept["bound_at"]), int(kept["proofs"]))
        except (InvalidKey, KeyError, TypeError, ValueError):
            return None

    def to_json(self) -> str:
        """How a row keeps it."""
        kept = {
            "identifier": self.identifier,
            "key": dict(self.key.members),
            "bound_at": self.bound_at,
            "proofs": self.proofs,
        }
        return json.dumps(kept, separators=(",", ":"))

    def proved(self) -> Binding:
        """The same after one more proof."""
        return self._replace(proofs=self.proofs + 1)
