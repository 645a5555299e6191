"""The clients that a rule always or never lets through: by networks, and by the rule's own keys.

Networks are compared with the client's address as the rule's ``client_address(...)`` reads it,
which a client can't forge; keys with what the rule's ``by`` returns. In doubt a client is not let
through: a client without a known address is in every denied network and in no allowed one; of
several keys that may be meant, one listed key is enough to deny, and all must be listed to allow.

A listed key is read by the rule's own identity, as a client's is. So a cookie may be listed as it
is sent, percent-encoded or quoted, and ``Authorization`` with its scheme.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from ratelimit_ddb.arguments import is_list_like
from ratelimit_ddb.key import part_text
from ratelimit_ddb.web.identity.address import NetworkSet, network, parsed
from ratelimit_ddb.web.identity.client_address import whole_address_of
from ratelimit_ddb.web.identity.identity import Identity
from ratelimit_ddb.web.identity.written_identity import identified
from ratelimit_ddb.web.request import Request


@dataclass(frozen=True, slots=True, init=False)
class AccessList:
    """Clients that a rule always lets through (``allow=``) or never (``deny=``).

        internal = AccessList(networks=["10.0.0.0/8"])
        Rule("/api/*", "10/second", by=client_address(trusted_hops=1), allow=internal)

    Attributes:
        networks: addresses and networks such as ``"10.0.0.0/8"``.
        keys: API keys and cookies as clients send them, ids of users, or what the rule's own
            function returns. Addresses are listed as ``networks``.
        address: a ``client_address(...)`` that reads the address for ``networks``; None if the
            rule's ``by`` is one.

    Raises:
        TypeError, ValueError: the list is empty, or an entry is invalid.
    """

    networks: tuple[str, ...]
    keys: frozenset[str] = field(repr=False)  # they may be credentials
    address: Identity | None
    _network_set: NetworkSet = field(repr=False, compare=False)

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
            ("_network_set", _networks(listed)),
        ):
            object.__setattr__(self, attribute, value)
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
        ValueError: there are networks, and nothing reads an address; or the identity never returns
            a key of the list.
    """

    __slots__ = ("_address_of", "_ambiguous", "_listed", "_networks", "_plain", "has_keys")

    def __init__(self, given: AccessList, by: Identity) -> None:
        self._networks = given._network_set
        self._address_of: Callable[[Request], str] | None = None
        if self._networks:
            self._address_of = whole_address_of(by if given.address is None else given.address)
            if self._address_of is None:
                raise ValueError(
                    "networks go by an address, and the rule's by= is no client_address(...): "
                    "give the AccessList its address=client_address(...)"
                )
        readings = {found for key in given.keys for found in _readings_of(key, by)}
        self._listed = frozenset(text for found in readings for text in found)
        self._plain = frozenset(text for found in readings if len(found) == 1 for text in found)
        self._ambiguous = tuple(found for found in readings if len(found) > 1)
        self.has_keys = bool(readings)

    def allows(self, request: Request, identity: Any) -> bool:
        """Whether the client is certainly listed."""
        if self._networks and self._in_network(request, unknown=False):
            return True
        keys = frozenset(_texts(identity))
        left = keys - self._plain
        if left:
            left = left.difference(*(found for found in self._ambiguous if found <= keys))
        return bool(keys) and not left

    def denies(self, request: Request, identity: Any) -> bool:
        """Whether the client is or may be listed."""
        if self._networks and self._in_network(request, unknown=True):
            return True
        return any(key in self._listed for key in _texts(identity))

    def _in_network(self, request: Request, *, unknown: bool) -> bool:
        text = "" if self._address_of is None else self._address_of(request)
        address = parsed(text)
        if address is None:
            return unknown
        return address in self._networks


def _readings_of(key: str, by: Identity) -> Iterator[frozenset[str | None]]:
    """What an identity returns for a key, in each encoding that it may be sent in.

    Each is a set of one text or, if the key can be read in several ways, of all readings.

    Raises:
        ValueError: the identity never returns it.
    """
    spellings = [key]
    if not key.isascii():
        with contextlib.suppress(UnicodeEncodeError):  # there it is UTF-8 for certain
            spellings.append(key.encode("latin-1").decode("utf-8", "surrogateescape"))
    for spelling in spellings:
        try:
            found = identified(by, [spelling])
        except ValueError as error:
            raise ValueError(str(error).replace("identity", "key", 1)) from None
        address = parsed(key)
        if whole_address_of(by) is not None and address is not None and found != str(address):
            raise ValueError(
                f"key {key!r}: the rule counts {found!r} as one client; list that, or the address "
                "among networks"
            )
        yield frozenset(_texts(found))


def _texts(identity: Any) -> Iterator[str | None]:
    """Each key that may be meant; None for a key of several parts, which no list can have."""
    if identity is None:
        return
    for one in identity if isinstance(identity, AbstractSet) else (identity,):
        yield None if isinstance(one, tuple) else part_text(one)


def _several(what: str, given: object, example: str) -> Iterable[Any]:
    if isinstance(given, str) or not is_list_like(given):
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


def _networks(listed: tuple[Any, ...]) -> NetworkSet:
    for each in listed:
        if not isinstance(each, str):
            raise TypeError(f"network {each!r}: must be a str such as '10.0.0.0/8'")
    try:
        return NetworkSet(network(each) for each in listed)
    except ValueError as error:
        raise ValueError(f"network {error}") from None
