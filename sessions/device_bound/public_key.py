"""The public key of a device: which JWKs are accepted, and the thumbprint.

Source: RFC 7517 (JWK); RFC 7518, 6.2 and 6.3 (EC, RSA); RFC 7638 (thumbprint); the draft, "DBSC
Proof JWT Syntax" (ES256 and RS256).
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

MIN_RSA_BITS = 2_048
"""Source: RFC 7518, 3.3."""
MAX_RSA_BITS = 4_096
"""A longer key makes each check more expensive, and no browser makes one."""

_MEMBERS = {"EC": ("crv", "x", "y"), "RSA": ("e", "n")}
_ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}
_BASE64URL = re.compile("[A-Za-z0-9_-]+", re.ASCII)
_P256_BYTES = 32
_F4 = "AQAB"  # 65,537


class InvalidKey(ValueError):
    """A JWK that is not an accepted public key."""


class PublicKey(NamedTuple):
    """A key of P-256, or of RSA with 2,048 to 4,096 bits.

    Attributes:
        members: the members of the JWK that make up the key, by their names.
    """

    members: Mapping[str, str]

    @classmethod
    def of_jwk(cls, jwk: object) -> PublicKey:
        """The key in a JWK.

        Raises:
            InvalidKey: it is not an accepted key, or a private one.
        """
        if not isinstance(jwk, Mapping):
            raise InvalidKey("jwk must be an object")
        kty = jwk.get("kty")
        names = _MEMBERS.get(kty) if isinstance(kty, str) else None
        if names is None:
            raise InvalidKey("jwk must be of kty EC or RSA")
        if "d" in jwk:
            raise InvalidKey("jwk must not have a private key in it")
        _require_matches(jwk)
        members = {name: jwk[name] for name in ("kty", *names) if isinstance(jwk.get(name), str)}
        if len(members) != 1 + len(names):
            raise InvalidKey(f"jwk of kty {kty} must have {', '.join(names)}")
        (_require_p256 if kty == "EC" else _require_rsa)(members)
        return cls(members)

    @property
    def algorithm(self) -> str:
        """Its signature algorithm: ``"ES256"`` or ``"RS256"``."""
        return _ALGORITHMS[self.members["kty"]]

    @property
    def thumbprint(self) -> str:
        """Its thumbprint (RFC 7638), of 43 characters."""
        canonical = json.dumps(self.members, separators=(",", ":"), sort_keys=True)
        return _encoded(hashlib.sha256(canonical.encode()).digest())


def _require_matches(jwk: Mapping[str, Any]) -> None:
    """Refuse a key whose own members say that it has another use (RFC 7517, 4.2 to 4.4)."""
    operations = jwk.get("key_ops", ["verify"])
    is_to_verify = isinstance(operations, list) and "verify" in operations
    if jwk.get("use", "sig") != "sig" or not is_to_verify:
        raise InvalidKey("jwk must be for signatures")
    if jwk.get("alg", _ALGORITHMS[jwk["kty"]]) != _ALGORITHMS[jwk["kty"]]:
        raise InvalidKey("jwk must be for ES256 or RS256")


def _require_p256(members: Mapping[str, Any]) -> None:
    if members["crv"] != "P-256":
        raise InvalidKey("jwk of kty EC must have crv P-256")
    for name in ("x", "y"):
        if len(_decoded(name, members[name])) != _P256_BYTES:
            raise InvalidKey(f"jwk: {name} must have {_P256_BYTES} bytes")


def _require_rsa(members: Mapping[str, Any]) -> None:
    if members["e"] != _F4:
        raise InvalidKey("jwk of kty RSA must have the exponent 65537")
    modulus = _decoded("n", members["n"])
    if not modulus[0] or not MIN_RSA_BITS <= int.from_bytes(modulus).bit_length() <= MAX_RSA_BITS:
        raise InvalidKey(f"jwk: n must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")


def _decoded(name: str, value: str) -> bytes:
    if not _BASE64URL.fullmatch(value) or len(value) % 4 == 1:
        raise InvalidKey(f"jwk: {name} must be base64url")
    decoded = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    if _encoded(decoded) != value:  # another encoding would have another thumbprint
        raise InvalidKey(f"jwk: {name} must be base64url")
    return decoded


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
