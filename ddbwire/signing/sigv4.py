"""Signature Version 4 for one fixed shape of request: ``POST /`` with a JSON body.

Source: "Create a signed AWS API request", AWS Identity and Access Management User Guide.

Everything that does not depend on the body is computed in advance: the signing key once a day, the
hash state of the canonical request up to the body's digest once a second. A signature then costs
two hashes and one HMAC.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "dynamodb"
_BLOCK_BYTES = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The keys that sign a request."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        """Shows the access key only: a secret must not get into a log."""
        return f"AccessKeys({self.access_key!r})"


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """The scope of a signing key: one set of keys, one region, one day."""

    keys: AccessKeys
    region: str
    day: str
    """As ``YYYYMMDD``, in UTC."""

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{_SERVICE}/aws4_request"


class SigningKey:
    """The signing key of a scope, as two hash states from which each HMAC continues.

    HMAC(key, text) is H((key ^ opad) + H((key ^ ipad) + text)), RFC 2104. Copying the states
    costs half of ``hmac.digest``, which hashes both pads each time.
    """

    __slots__ = ("_inner", "_outer", "scope")

    def __init__(self, scope: CredentialScope) -> None:
        self.scope = scope
        key = f"AWS4{scope.keys.secret_key}".encode()
        for part in (scope.day, scope.region, _SERVICE, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER_PAD))
        self._outer = hashlib.sha256(padded.translate(_OUTER_PAD))

    def sign(self, text: bytes) -> str:
        """The HMAC-SHA256 of ``text``, in hexadecimal."""
        inner = self._inner.copy()
        inner.update(text)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


class RequestSigner:
    """All signatures over one set of headers, in one second."""

    __slots__ = ("_canonical", "_key", "_text", "authorization")

    def __init__(self, key: SigningKey, headers: dict[str, str], date: str) -> None:
        """``headers`` by lower-case name, all signed; ``date`` as in ``x-amz-date``."""
        names = sorted(headers)
        signed = ";".join(names)
        block = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
        self._canonical = hashlib.sha256(f"POST\n/\n\n{block}\n{signed}\n".encode())
        self._text = f"{_ALGORITHM}\n{date}\n{key.scope}\n".encode()
        self._key = key
        self.authorization = (
            f"{_ALGORITHM} Credential={key.scope.keys.access_key}/{key.scope}, "
            f"SignedHeaders={signed}, Signature="
        )
        """The value of the Authorization header, up to the signature."""

    def signature(self, body: bytes) -> str:
        """The signature of a request with this body, in hexadecimal."""
        canonical = self._canonical.copy()
        canonical.update(hashlib.sha256(body).hexdigest().encode())
        return self._key.sign(self._text + canonical.hexdigest().encode())


def amz_date(second: int) -> str:
    """Seconds since the epoch as the value of ``x-amz-date``: ``20260102T030405Z``."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
