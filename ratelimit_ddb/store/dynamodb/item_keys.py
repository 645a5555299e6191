"""The primary key of the item of a limiter's key, and the key of an item.

In a table of the limiter's own the partition key ``key`` is the key. In a shared table it follows
``RATELIMIT#`` in the partition key, and the sort key is ``RATELIMIT``. A key may have as many bytes
as a partition key, so the rest of a long key is in the sort key: ``RATELIMIT#<rest>``. Both
together are the key, so no two keys share an item.
"""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, Protocol

from ddbwire.shared.single_table import MAX_PARTITION_KEY_BYTES, SingleTable

_KEY = "key"
_KIND = "RATELIMIT"
PREFIX = f"{_KIND}#"
"""What the partition keys of the limiter's items begin with in a shared table."""

_ROOM_BYTES = MAX_PARTITION_KEY_BYTES - len(PREFIX)
_ALWAYS_FIT = _ROOM_BYTES // 4
"""Characters, of which UTF-8 makes four bytes at most."""


class ItemKeys(Protocol):
    """The keys of the limiter's items in a table."""

    @property
    def schema(self) -> str:
        """The key schema that the table must have, for messages."""

    @property
    def scan_filter(self) -> dict[str, Any]:
        """The parameters by which a Scan gives the limiter's items alone."""

    def of(self, key: str) -> dict[str, Any]:
        """The ``Key`` of a key's item, in DynamoDB JSON."""

    def json_of(self, key: str) -> bytes:
        """The same as bytes, for templates of requests."""

    def key_in(self, item: Mapping[str, Any]) -> str | None:
        """The key that an item is of; None for an item of something else."""


class OwnTableKeys:
    """Those of a table that has the limiter's items alone."""

    __slots__ = ()

    schema = f"the partition key {_KEY!r} (S) alone"

    @property
    def scan_filter(self) -> dict[str, Any]:
        """None is needed."""
        return {}

    def of(self, key: str) -> dict[str, Any]:
        """The ``Key`` of a key's item, in DynamoDB JSON."""
        return {_KEY: {"S": key}}

    def json_of(self, key: str) -> bytes:
        """The same as bytes."""
        return b'{"key":{"S":%b}}' % encode_basestring_ascii(key).encode()

    def key_in(self, item: Mapping[str, Any]) -> str | None:
        """The key that an item is of."""
        key: str = item[_KEY]["S"]
        return key


class SingleTableKeys:
    """Those of a table that is shared with items of other kinds."""

    __slots__ = ("_layout", "_template")

    def __init__(self, layout: SingleTable) -> None:
        self._layout = layout
        names = [
            encode_basestring_ascii(name).replace("%", "%%")
            for name in (layout.partition_key, layout.sort_key)
        ]
        self._template = f'{{{names[0]}:{{"S":%b}},{names[1]}:{{"S":%b}}}}'.encode()

    @property
    def schema(self) -> str:
        """The key schema that the table must have, and which layout says so."""
        return f"{self._layout.schema}, by {self._layout!r}"

    @property
    def scan_filter(self) -> dict[str, Any]:
        """By the beginnings of both keys."""
        return {
            "FilterExpression": "begins_with(#pk, :prefix) AND begins_with(#sk, :kind)",
            "ExpressionAttributeNames": {
                "#pk": self._layout.partition_key,
                "#sk": self._layout.sort_key,
            },
            "ExpressionAttributeValues": {":prefix": {"S": PREFIX}, ":kind": {"S": _KIND}},
        }

    def of(self, key: str) -> dict[str, Any]:
        """The ``Key`` of a key's item, in DynamoDB JSON."""
        return self._layout.key(*_values(key))

    def json_of(self, key: str) -> bytes:
        """The same as bytes."""
        partition, sort = _values(key)
        quoted = encode_basestring_ascii(partition).encode(), encode_basestring_ascii(sort).encode()
        return self._template % quoted

    def key_in(self, item: Mapping[str, Any]) -> str | None:
        """The key that an item is of; None for an item of something else."""
        partition, sort = self._layout.values(item)
        kind, _, rest = sort.partition("#")
        if not partition.startswith(PREFIX) or kind != _KIND:
            return None
        return partition.removeprefix(PREFIX) + rest


def item_keys(layout: SingleTable | None) -> ItemKeys:
    """The keys of the limiter's items, in a table of its own or in a shared one."""
    return OwnTableKeys() if layout is None else SingleTableKeys(layout)


def _values(key: str) -> tuple[str, str]:
    """Those of the partition key and of the sort key."""
    if len(key) <= _ALWAYS_FIT:
        return PREFIX + key, _KIND
    encoded = key.encode()
    if len(encoded) <= _ROOM_BYTES:
        return PREFIX + key, _KIND
    # A character that is cut in two belongs to the rest.
    head = encoded[:_ROOM_BYTES].decode("utf-8", "ignore")
    return PREFIX + head, f"{_KIND}#{key[len(head) :]}"
