"""The terms of an application's sessions, which its flows go by."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.cipher import Cipher
from sessions.life import Life
from sessions.token import Tokens

GRACE_SECONDS = 20
"""For how long a rotated session's old id leads to the new one. Never after a login."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every session.

    Attributes:
        life: its timeouts.
        tokens: makes and reads tokens.
        cipher: encrypts values; None for values in the clear.
        strict: whether a save that meets another one raises SessionConflict.
    """

    life: Life
    tokens: Tokens
    cipher: Cipher | None = None
    strict: bool = False
