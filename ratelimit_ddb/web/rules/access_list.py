"""Who is always or never let through by a rule: by networks, and by the rule's own keys.

Networks go by the client's address as the rule's ``client_address(...)`` reads it, so that who is
listed can't be made up either; keys by what the rule's ``by`` gives. Where a list can't tell, it
does not let through: who has no known address is in every network that is denied and in none that
is allowed, and of several keys that could be meant one is enough for the one, and all are needed
for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from ratelimit_ddb.key import part_text
from ratelimit_ddb.web.identity.address import Network, network, parsed
from ratelimit_ddb.web.identity.client_address import whole_address_of
from ratelimit_ddb.web.identity.identity import Identity, digest_of, has_digests
from ratelimit_ddb.web.request import Request


@dataclass(frozen=True, slots=True, init=False)
class AccessList:
    """Clients that a rule lets through always, ``allow=``, or never, ``deny=``.

        internal = AccessList(networks=["10.0.0.0/8"])
        Rule("/api/*", "10/second", by=client_address(trusted_hops=1), allow=internal)

    Attributes:
        networks: addresses and networks such as ``"10.0.0.0/8"``.
        keys: what the rule's ``by`` gives, such as API keys. They are written as clients send them,
            where keys in the table are digests.
        address: a ``client_address(...)`` that reads the address for ``networks``; None where the
            rule's ``by`` is one.

    Raises:
        TypeError, ValueError: the list is empty, or an entry can't be one.
    """

    networks: tuple[str, ...]
    keys: frozenset[str]
    address: Identity | None

    def __init__(
        self,
        *,
        networks: Iterable[str] = (),
        keys: Iterable[str | int] = (),
        address: Identity | None = None,
    ) -> None:
        if address is not None and whole_address_of(address) is None:
            raise TypeError(f"address {address!r}: must be a client_address(...)")
        listed = tuple(_several("networks", networks, "'10.0.0.0/8'"))
        for attribute, value in (
            ("networks", listed),
            ("keys", frozenset(_keys(_several("keys", keys, "'user-123'")))),
            ("address", address),
        ):
            object.__setattr__(self, attribute, value)
        _networks(listed)
        if not listed and not self.keys:
            raise ValueError("an AccessList must have networks or keys")


class ListMatcher:
    """An AccessList for one identity.

    Args:
        given: the list.
        by: the rule's identity.

    Attributes:
        has_keys: whether the identity matters.

    Raises:
        ValueError: there are networks, and nothing reads an address.
    """

    __slots__ = ("_address_of", "_keys", "_networks", "has_keys")

    def __init__(self, given: AccessList, by: Identity) -> None:
        self._networks = _networks(given.networks)
        self._address_of: Callable[[Request], str] | None = None
        if self._networks:
            self._address_of = whole_address_of(by if given.address is None else given.address)
            if self._address_of is None:
                raise ValueError(
                    "networks go by an address, and the rule's by= is no client_address(...): "
                    "give the AccessList its address=client_address(...)"
                )
        digests = has_digests(by)
        self._keys = frozenset(digest_of(key) if digests else key for key in given.keys)
        self.has_keys = bool(self._keys)

    def allows(self, request: Request, identity: Any) -> bool:
        """Whether the client is listed for certain."""
        if self._networks and self._in_network(request, unknown=False):
            return True
        keys = list(_texts(identity))
        return bool(keys) and all(key in self._keys for key in keys)

    def denies(self, request: Request, identity: Any) -> bool:
        """Whether the client is or may be listed."""
        if self._networks and self._in_network(request, unknown=True):
            return True
        return any(key in self._keys for key in _texts(identity))

    def _in_network(self, request: Request, *, unknown: bool) -> bool:
        text = "" if self._address_of is None else self._address_of(request)
        address = parsed(text)
        if address is None:
            return unknown
        return any(address in each for each in self._networks)


def _texts(identity: Any) -> Iterator[str | None]:
    """Each key that could be meant; None for one of several parts, which no list has."""
    if identity is None:
        return
    for one in identity if isinstance(identity, AbstractSet) else (identity,):
        yield None if isinstance(one, tuple) else part_text(one)


def _several(what: str, given: object, example: str) -> Iterable[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{what} {given!r}: must be a list of str such as {example}")
    return given


def _keys(given: Iterable[object]) -> Iterator[str]:
    for key in given:
        text = part_text(key)
        if text is None:
            raise TypeError(f"key {key!r}: must be a str, or an int (bool excepted)")
        if not text:
            raise ValueError("key '': must not be empty")
        yield text


def _networks(listed: tuple[Any, ...]) -> tuple[Network, ...]:
    for each in listed:
        if not isinstance(each, str):
            raise TypeError(f"network {each!r}: must be a str such as '10.0.0.0/8'")
    try:
        return tuple(network(each) for each in listed)
    except ValueError as error:
        raise ValueError(f"network {error}") from None
