"""The keys of the items: sessions' rows, a user's register of them, and a user's count.

In a table of their own the keys are ``sessionId`` and ``userId``, and an index leads from a user to
the rows. The register and the count have partition keys that no session's id can equal.

In a shared table:

    row                       SESSION#<id>      <user id>
    entry in the register     USER#<user id>    SESSION#<id>
    count of a namespace      USER#<user id>    SESSIONS, or SESSIONS#<digest of the namespace>

So one Query of the table lists a user's sessions, without an index; the register is always kept. A
row is found by its id alone. A user's id may be as long as a sort key, so it has no prefix there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from ddbwire.shared.single_table import SingleTable
from sessions.cookie.token import is_session_id

INDEX = "ownerId-createdAt-index"

_COUNT = "counted"
_OF_SESSION = "SESSION#"
_OF_USER = "USER#"
_COUNTS = "SESSIONS"


class ItemKeys(Protocol):
    """The keys of the items of sessions in a table."""

    @property
    def partition_key(self) -> str:
        """The attribute that is the table's partition key."""

    @property
    def sort_key(self) -> str:
        """The attribute that is its sort key."""

    @property
    def schema(self) -> str:
        """The key schema that the table must have, for messages."""

    @property
    def index(self) -> str | None:
        """The index that finds a user's rows; None if there is none."""

    def partition_of_row(self, session_id: str) -> str:
        """The value of the partition key of a session's row."""

    def row(self, session_id: str, user_id: str) -> dict[str, Any]:
        """The ``Key`` of a row, in DynamoDB JSON."""

    def row_in(self, item: Mapping[str, Any]) -> tuple[str, str]:
        """The session's id and the user's id in a row's item or its ``Key``."""

    def entry(self, user_id: str, session_id: str) -> dict[str, Any]:
        """The ``Key`` of a session's entry in its user's register."""

    def entries(self, user_id: str) -> tuple[str, dict[str, Any]]:
        """The key condition of a Query of a user's register, and its values.

        ``#s`` and ``#u`` stand for the partition key and the sort key.
        """

    def session_in(self, entry: Mapping[str, Any]) -> str | None:
        """The session's id of an entry; None if it is another item."""

    def count(self, user_id: str, namespace: str) -> dict[str, Any]:
        """The ``Key`` of the count of a user's sessions in an application."""


class OwnTableKeys:
    """The keys in a table that has only sessions."""

    __slots__ = ()

    partition_key = "sessionId"
    sort_key = "userId"
    schema = f"the partition key {partition_key!r} (S) and the sort key {sort_key!r} (S)"
    index = INDEX

    def partition_of_row(self, session_id: str) -> str:
        """The session's id."""
        return session_id

    def row(self, session_id: str, user_id: str) -> dict[str, Any]:
        """The ``Key`` of a row."""
        return {self.partition_key: {"S": session_id}, self.sort_key: {"S": user_id}}

    def row_in(self, item: Mapping[str, Any]) -> tuple[str, str]:
        """The session's id and the user's."""
        return item[self.partition_key]["S"], item[self.sort_key]["S"]

    def entry(self, user_id: str, session_id: str) -> dict[str, Any]:
        """The ``Key`` of an entry. Its partition key is longer than a session's id."""
        return self.row(_register_of(user_id), session_id)

    def entries(self, user_id: str) -> tuple[str, dict[str, Any]]:
        """The condition: a whole partition."""
        return "#s = :s", {":s": {"S": _register_of(user_id)}}

    def session_in(self, entry: Mapping[str, Any]) -> str | None:
        """The session's id of an entry."""
        session_id: str = entry[self.sort_key]["S"]
        return session_id

    def count(self, user_id: str, namespace: str) -> dict[str, Any]:
        """The ``Key`` of a count."""
        whose = f"{len(namespace)}:{namespace}{user_id}".encode("utf-8", "surrogatepass")
        return self.row(f"counted~{hashlib.sha256(whose).hexdigest()}", _COUNT)


class SingleTableKeys:
    """The keys in a table that is shared with items of other kinds."""

    __slots__ = ("_layout", "partition_key", "sort_key")

    index = None

    def __init__(self, layout: SingleTable) -> None:
        self._layout = layout
        self.partition_key = layout.partition_key
        self.sort_key = layout.sort_key

    @property
    def schema(self) -> str:
        """The key schema that the table must have, and which layout says so."""
        return f"{self._layout.schema}, by {self._layout!r}"

    def partition_of_row(self, session_id: str) -> str:
        """The session's id with its prefix."""
        return _OF_SESSION + session_id

    def row(self, session_id: str, user_id: str) -> dict[str, Any]:
        """The ``Key`` of a row."""
        return self._layout.key(_OF_SESSION + session_id, user_id)

    def row_in(self, item: Mapping[str, Any]) -> tuple[str, str]:
        """The session's id and the user's."""
        partition, user_id = self._layout.values(item)
        if not partition.startswith(_OF_SESSION):
            raise ValueError(f"{self.partition_key} {partition!r} is not a session's")
        return partition.removeprefix(_OF_SESSION), user_id

    def entry(self, user_id: str, session_id: str) -> dict[str, Any]:
        """The ``Key`` of an entry, in the user's partition."""
        return self._layout.key(_OF_USER + user_id, _OF_SESSION + session_id)

    def entries(self, user_id: str) -> tuple[str, dict[str, Any]]:
        """The condition: a part of the user's partition."""
        values = {":s": {"S": _OF_USER + user_id}, ":kind": {"S": _OF_SESSION}}
        return "#s = :s AND begins_with(#u, :kind)", values

    def session_in(self, entry: Mapping[str, Any]) -> str | None:
        """The session's id of an entry; None for an item of the application's own."""
        _, sort = self._layout.values(entry)
        session_id = sort.removeprefix(_OF_SESSION)
        return session_id if is_session_id(session_id) else None

    def count(self, user_id: str, namespace: str) -> dict[str, Any]:
        """The ``Key`` of a count; a namespace may be longer than a sort key."""
        sort = _COUNTS
        if namespace:
            digest = hashlib.sha256(namespace.encode("utf-8", "surrogatepass")).hexdigest()
            sort = f"{_COUNTS}#{digest}"
        return self._layout.key(_OF_USER + user_id, sort)


def item_keys(layout: SingleTable | None) -> ItemKeys:
    """The keys of the items of sessions, in a table of their own or in a shared one."""
    return OwnTableKeys() if layout is None else SingleTableKeys(layout)


def _register_of(user_id: str) -> str:
    return f"sessions-of~{hashlib.sha256(user_id.encode()).hexdigest()}"
