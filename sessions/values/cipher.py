"""Encryption of values: AES-256-GCM, each bound to its row and its key, with rotatable keys.

A value that was changed, or moved to another row or key, is refused; so is one that is not
encrypted. A seal binds the row to its user: otherwise anyone who may write to the table could turn
their own session into another user's. Needs the package ``cryptography``.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Final

from ddbwire.shared.optional_package import optional_package
from sessions.arguments import require_encryption_key, require_several

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = b"\x01"
_NONCE_BYTES = 12  # NIST SP 800-38D, 5.2.1.1
_KEY_ID_BYTES = 4


class Unreadable(Exception):
    """A value was not encrypted with one of the keys for its row and its key."""


class Unencrypted(Enum):
    """The type of UNENCRYPTED."""

    UNENCRYPTED = "UNENCRYPTED"


UNENCRYPTED: Final = Unencrypted.UNENCRYPTED
"""Stands for "not encrypted" among the keys. If it is last, values in the clear can still be read,
while a site begins to encrypt; if it is first, new values are written in the clear."""

Key = bytes | Unencrypted


class Cipher:
    """Encrypts with the first key, and decrypts with the key that a value names.

    Args:
        keys: one key of 32 bytes, or several. To rotate, put the new one first, and remove the last
            when the longest lifetime has passed. UNENCRYPTED among them stands for values in the
            clear.

    Attributes:
        encrypts: whether new values are encrypted; False if UNENCRYPTED comes first.

    Raises:
        TypeError, ValueError: a key is not 32 bytes.
        ImportError: the package ``cryptography`` is not installed.
    """

    __slots__ = ("_first", "_keys", "_reads_unencrypted", "encrypts")

    def __init__(self, keys: Key | Iterable[Key]) -> None:
        with optional_package("encryption=", "ratelimit-ddb[encryption]"):
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        several = [keys] if isinstance(keys, Key) else require_several("encryption", "bytes", keys)
        known = [require_encryption_key(key) for key in several if key is not UNENCRYPTED]
        if not known:
            which = "have a key beside UNENCRYPTED" if several else "not be empty"
            raise ValueError(f"encryption must {which}; use None for unencrypted values")
        self._keys: dict[bytes, AESGCM] = {_key_id(key): AESGCM(key) for key in known}
        self._first = _key_id(known[0])
        self.encrypts = several[0] is not UNENCRYPTED
        self._reads_unencrypted = UNENCRYPTED in several

    def encrypt(self, session_id: str, key: str, text: str) -> bytes:
        """A value's JSON, encrypted for its row and key."""
        return self._encrypt(text, _bound(session_id, key))

    def decrypt(self, session_id: str, key: str, encrypted: object) -> str:
        """The JSON that was encrypted.

        Raises:
            Unreadable: it was not encrypted by one of the keys, for this row and key.
        """
        return self._decrypt(encrypted, _bound(session_id, key), f"session[{key!r}]")

    def seal(self, sealed: Iterable[object]) -> bytes:
        """A proof that a row with these parts, which never change, was made with the key."""
        return self._encrypt("", _bound_to_row(sealed))

    def require_seal(self, seal: object, sealed: Iterable[object]) -> None:
        """Check a row's seal.

        Raises:
            Unreadable: it has no seal, or it is not the row that was sealed, but another user's,
                for example. If values in the clear can be read, a row without a seal is accepted.
        """
        if seal is None and self._reads_unencrypted:
            return
        self._decrypt(seal, _bound_to_row(sealed), "the session's row")

    def _encrypt(self, text: str, bound: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _FORMAT + self._first + nonce
        return head + self._keys[self._first].encrypt(nonce, text.encode(), bound)

    def _decrypt(self, encrypted: object, bound: bytes, what: str) -> str:
        from cryptography.exceptions import InvalidTag

        if self._reads_unencrypted and isinstance(encrypted, str):
            return encrypted
        if not isinstance(encrypted, bytes) or encrypted[:1] != _FORMAT:
            raise Unreadable(f"{what} is not encrypted")
        end = 1 + _KEY_ID_BYTES
        cipher = self._keys.get(encrypted[1:end])
        if cipher is None:
            raise Unreadable(f"{what} is encrypted with a key that is not given")
        nonce, content = encrypted[end : end + _NONCE_BYTES], encrypted[end + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, content, bound).decode()
        except (InvalidTag, ValueError) as failure:
            raise Unreadable(f"{what} was changed or moved") from failure


def _bound(session_id: str, key: str) -> bytes:
    return f"{session_id}\n{key}".encode("utf-8", "surrogatepass")


def _bound_to_row(sealed: Iterable[object]) -> bytes:
    # Unambiguous, though a user's id may have any character; and unlike that of a value, which
    # begins with an id.
    return ascii(("row", *sealed)).encode()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id:" + key).digest()[:_KEY_ID_BYTES]
