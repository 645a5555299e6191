"""The keys of a table that is shared by items of many kinds: a single-table design.

A store makes the values of the two keys, which begin with the kind of the item.

Source: AWS, "Single-table vs. multi-table design in DynamoDB" and "Quotas and limits in DynamoDB"
(names and keys), Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

MAX_PARTITION_KEY_BYTES = 2_048
MAX_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class SingleTable:
    """The layout of a shared table: the names of its partition key and its sort key.

        DynamoDBStore("app-data", layout=SingleTable())
        DynamoDBSessionStore("app-data", layout=SingleTable())

    Both keys are strings. Items of the stores expire by TTL on ``expiresAt``, in epoch seconds.

    Args:
        partition_key: the attribute that is the table's partition key.
        sort_key: the attribute that is its sort key.

    Raises:
        TypeError, ValueError: a name is not a str of 1 to 255 bytes, or both are the same.
    """

    partition_key: str = "PK"
    sort_key: str = "SK"

    def __post_init__(self) -> None:
        for argument in ("partition_key", "sort_key"):
            name: object = getattr(self, argument)
            if not isinstance(name, str):
                raise TypeError(f"{argument} {name!r}: must be a str, the name of an attribute")
            try:
                size_bytes = len(name.encode())
            except UnicodeEncodeError:
                size_bytes = 0
            if not 1 <= size_bytes <= MAX_NAME_BYTES:
                raise ValueError(
                    f"{argument} {name!r}: must have 1 to {MAX_NAME_BYTES} bytes of UTF-8"
                )
        if self.partition_key == self.sort_key:
            raise ValueError(f"sort_key {self.sort_key!r}: must not be the partition key as well")

    def key(self, partition: str, sort: str) -> dict[str, Any]:
        """The ``Key`` of an item, in DynamoDB JSON."""
        return {self.partition_key: {"S": partition}, self.sort_key: {"S": sort}}

    def values(self, item: Mapping[str, Any]) -> tuple[str, str]:
        """The values of both keys in an item, or in its ``Key``."""
        return item[self.partition_key]["S"], item[self.sort_key]["S"]

    @classmethod
    def parse(cls, names: str) -> Self:
        """The layout of a text such as ``"PK,SK"``, for settings and command lines.

        Raises:
            ValueError: it is not two names with a comma, and no space, between them.
        """
        partition_key, comma, sort_key = names.partition(",")
        has_spaces = any(name != name.strip() for name in (partition_key, sort_key))
        if not comma or "," in sort_key or has_spaces:
            raise ValueError(f"{names!r}: write the names of both keys, such as PK,SK")
        return cls(partition_key, sort_key)

    @property
    def schema(self) -> str:
        """The key schema, for messages."""
        return (
            f"the partition key {self.partition_key!r} (S) and the sort key {self.sort_key!r} (S)"
        )


def require_layout(layout: object, attributes: Iterable[str]) -> SingleTable | None:
    """Check the ``layout`` of a store: a SingleTable, or None for a table of its own.

    Args:
        layout: the argument of the store.
        attributes: the attributes that its items have beside the keys.

    Raises:
        TypeError: it is neither.
        ValueError: a key has the name of one of the attributes.
    """
    if layout is None:
        return None
    if not isinstance(layout, SingleTable):
        raise TypeError(f"layout {layout!r}: must be a SingleTable(), or None")
    for name in (layout.partition_key, layout.sort_key):
        if name in attributes:
            raise ValueError(
                f"layout {layout!r}: no key can be called {name!r}, which is another attribute of "
                "the store's items"
            )
    return layout
