"""MACs by which the site recognises values that it has made."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from sessions.arguments import require_secret, require_several


class Macs:
    """Makes MACs with the first secret, and checks them with all.

    Args:
        secret: one secret of at least 32 bytes, or several.

    Raises:
        TypeError, ValueError: a secret is invalid, or there is none.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secret: str | bytes | Iterable[str | bytes]) -> None:
        several = (
            [secret]
            if isinstance(secret, str | bytes)
            else require_several("secret", "a str or bytes", secret)
        )
        if not several:
            raise ValueError("secret must not be empty; give one of secrets.token_hex()")
        self._secrets = tuple(require_secret(one) for one in several)

    def of(self, *parts: str | int) -> str:
        """The MAC of parts without a NUL: 43 characters."""
        return _mac(self._secrets[0], parts)

    def is_of(self, mac: str, *parts: str | int) -> bool:
        """Whether a text is a MAC of the parts."""
        return any(hmac.compare_digest(_mac(secret, parts), mac) for secret in self._secrets)


def _mac(secret: bytes, parts: tuple[str | int, ...]) -> str:
    message = "\0".join(("device-bound", *(str(part) for part in parts))).encode()
    return urlsafe_b64encode(hmac.digest(secret, message, "sha256")).rstrip(b"=").decode()
