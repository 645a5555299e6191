"""A key as a browser's device has it: it signs the proofs, and is told to sign worse ones."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_P256_BYTES = 32


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64_json(value: object) -> str:
    return b64(json.dumps(value).encode())


def b64_int(number: int, size: int) -> str:
    return b64(number.to_bytes(size))


class DeviceKey:
    """A key of P-256."""

    algorithm = "ES256"

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        x, y = (b64_int(number, _P256_BYTES) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def signature(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)

    def signed(self, header: object, payload: object) -> str:
        """A JWT of any header and payload."""
        text = f"{b64_json(header)}.{b64_json(payload)}"
        return f"{text}.{b64(self.signature(text.encode()))}"

    def registration(self, challenge: str, **header: Any) -> str:
        """The proof that registers it; ``header`` overrides what is in one."""
        right = {"alg": self.algorithm, "typ": "dbsc+jwt", "jwk": self.jwk}
        return self.signed({**right, **header}, {"jti": challenge})

    def refresh(self, challenge: str, **header: Any) -> str:
        """The proof that refreshes a session."""
        right = {"alg": self.algorithm, "typ": "dbsc+jwt"}
        return self.signed({**right, **header}, {"jti": challenge})


class RSADeviceKey(DeviceKey):
    """A key of RSA."""

    algorithm = "RS256"

    def __init__(self, bits: int = 2_048, exponent: int = 65_537) -> None:
        self._rsa = _rsa_key(bits, exponent)

    @property
    def jwk(self) -> dict[str, Any]:
        numbers = self._rsa.public_key().public_numbers()
        n = b64_int(numbers.n, (numbers.n.bit_length() + 7) // 8)
        return {"kty": "RSA", "n": n, "e": b64_int(numbers.e, (numbers.e.bit_length() + 7) // 8)}

    def signature(self, message: bytes) -> bytes:
        return self._rsa.sign(message, padding.PKCS1v15(), SHA256())


@cache
def _rsa_key(bits: int, exponent: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)
